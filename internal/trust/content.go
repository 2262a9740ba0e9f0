package trust

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	intoto "github.com/in-toto/attestation/go/v1"
)

// What a statement may say of an artifact: that somebody signs it, as cosign does, or how it was built, as
// GitHub does. A statement of a scanner, or of a test that failed, is signed too, and is no consent.
const (
	predicateSign = "https://sigstore.dev/cosign/sign/v1"
	payloadType   = "application/vnd.in-toto+json"
	maxSubjects   = 64
	// signedAt is the annotation of a subject with the time that the holder of a key states.
	signedAt = "agenthost.signed-at"
)

var predicates = []string{predicateSign, "https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"}

// consent returns an error if a statement that was signed is no consent to an artifact. The time is the one that the
// signer states, or zero.
func consent(s *intoto.Statement, artifact []byte) (time.Time, error) {
	switch {
	case s.GetType() != intoto.StatementTypeUri && s.GetType() != "https://in-toto.io/Statement/v0.1":
		return time.Time{}, fmt.Errorf("its statement is a %.80q", s.GetType())
	case !slices.Contains(predicates, s.GetPredicateType()):
		return time.Time{}, fmt.Errorf("it states %.80q of the artifact, which is neither a signature nor how it was built", s.GetPredicateType())
	case len(s.GetSubject()) > maxSubjects:
		return time.Time{}, fmt.Errorf("its statement has %d subjects, and at most %d are read", len(s.GetSubject()), maxSubjects)
	}
	want := hex.EncodeToString(artifact)
	for _, of := range s.GetSubject() {
		if of.GetDigest()["sha256"] != want {
			continue
		}
		text := of.GetAnnotations().GetFields()[signedAt].GetStringValue()
		at, err := time.Parse(time.RFC3339, text)
		if text != "" && err != nil {
			return time.Time{}, fmt.Errorf("%.40q is not the time of a signature", text)
		}
		return at, nil
	}
	return time.Time{}, errors.New("it is of another artifact")
}
