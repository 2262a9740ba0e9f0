package trust

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// What a statement may say of an artifact: that somebody signs it, as cosign does, or how it was built, as
// GitHub does. A statement of a scanner, or of a test that failed, is signed too, and is no consent.
const (
	predicateSign = "https://sigstore.dev/cosign/sign/v1"
	statementType = "https://in-toto.io/Statement/v1"
	payloadType   = "application/vnd.in-toto+json"
	maxSubjects   = 64
	// signedAt is the annotation of a subject with the time that the holder of a key states.
	signedAt = "agenthost.signed-at"
)

var predicates = []string{predicateSign, "https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"}

// content is what a bundle has a signature of: the digest of an artifact, or a statement.
type content struct {
	signature []byte
	digest    []byte // that the signature is of, or of the whole statement in its envelope
	payload   []byte // of a statement; nil for a digest
	signed    []byte // what the key signed: the statement in its envelope
}

func (b *bundle) content() (*content, error) {
	if m := b.message; m != nil {
		switch {
		case m.MessageDigest == nil || m.MessageDigest.Algorithm != "SHA2_256" || len(m.MessageDigest.Digest) != sha256.Size:
			return nil, errors.New("its digest is not one of SHA-256")
		case len(m.Signature) == 0:
			return nil, errors.New("its signature is empty")
		}
		return &content{signature: m.Signature, digest: m.MessageDigest.Digest}, nil
	}
	e := b.envelope
	switch {
	case e.PayloadType != payloadType:
		return nil, fmt.Errorf("its envelope has a %.80q, and not an in-toto statement", e.PayloadType)
	case len(e.Signatures) != 1:
		return nil, fmt.Errorf("its envelope has %d signatures, and needs one", len(e.Signatures))
	case len(e.Signatures[0].Sig) == 0:
		return nil, errors.New("its signature is empty")
	}
	signed := encode(e.PayloadType, e.Payload)
	digest := sha256.Sum256(signed)
	return &content{signature: e.Signatures[0].Sig, digest: digest[:], payload: e.Payload, signed: signed}, nil
}

// encode is the pre-authentication encoding of DSSE, version 1: what is signed of an envelope.
func encode(payloadType string, payload []byte) []byte {
	return fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload)
}

// signedBy returns an error if a key has not made the signature.
func (c *content) signedBy(key crypto.PublicKey) error {
	if c.signed != nil {
		return verify(key, c.signed, c.signature)
	}
	return verifyDigest(key, c.digest, c.signature)
}

// statement is an in-toto statement, of which the predicate is not read.
type statement struct {
	Type          string    `json:"_type"`
	PredicateType string    `json:"predicateType"`
	Subject       []subject `json:"subject"`
	Predicate     struct{}  `json:"predicate"`
}

type subject struct {
	Name        string            `json:"name,omitempty"`
	Digest      map[string]string `json:"digest"`
	Annotations map[string]any    `json:"annotations,omitempty"`
}

// covers returns an error if the content is not about an artifact. The time is the one that the signer
// states, or zero. Call it for content that a known signer has signed.
func (c *content) covers(artifact []byte) (time.Time, error) {
	if c.payload == nil {
		if !bytes.Equal(c.digest, artifact) {
			return time.Time{}, errors.New("it is of another artifact: " + hex.EncodeToString(c.digest))
		}
		return time.Time{}, nil
	}
	// A name that is there twice could be read otherwise by who signed it.
	if duplicate, err := rawjson.Duplicate(c.payload); err != nil || duplicate != "" {
		return time.Time{}, fmt.Errorf("its statement is not clear JSON (%.40q): %w", duplicate, errors.Join(err))
	}
	var s struct {
		statement
		Predicate json.RawMessage `json:"predicate"`
	}
	if err := json.Unmarshal(c.payload, &s); err != nil {
		return time.Time{}, fmt.Errorf("its statement cannot be read: %.200s", err.Error())
	}
	switch {
	case s.Type != statementType && s.Type != "https://in-toto.io/Statement/v0.1":
		return time.Time{}, fmt.Errorf("its statement is a %.80q", s.Type)
	case !slices.Contains(predicates, s.PredicateType):
		return time.Time{}, fmt.Errorf("it states %.80q of the artifact, which is neither a signature nor how it was built", s.PredicateType)
	case len(s.Subject) > maxSubjects:
		return time.Time{}, fmt.Errorf("its statement has %d subjects, and at most %d are read", len(s.Subject), maxSubjects)
	}
	want := hex.EncodeToString(artifact)
	for _, of := range s.Subject {
		if of.Digest["sha256"] != want {
			continue
		}
		text, _ := of.Annotations[signedAt].(string)
		at, err := time.Parse(time.RFC3339, text)
		if text != "" && err != nil {
			return time.Time{}, fmt.Errorf("%.40q is not the time of a signature", text)
		}
		return at, nil
	}
	return time.Time{}, errors.New("it is of another artifact")
}
