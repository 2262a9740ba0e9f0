package trust

import (
	"errors"
	"fmt"

	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
)

const maxRoot = 1 << 20

// trustedRoot is who vouches for identities, and who says when.
type trustedRoot struct {
	material root.TrustedMaterial
	verifier *verify.Verifier // of signatures of identities
}

// readRoot reads the file of a trusted root, which is the operator's.
func readRoot(path string) (*trustedRoot, error) {
	data, err := readFile(path, maxRoot)
	if err != nil {
		return nil, err
	}
	material, err := root.NewTrustedRootFromJSON(data)
	if err != nil {
		return nil, fmt.Errorf("%.300s", err.Error())
	}
	return newRoot(material)
}

// newRoot asks of a signature of an identity what the root can vouch for: an entry in a log, a promise of a log of
// certificates, and a time that a log or an authority states.
func newRoot(material root.TrustedMaterial) (*trustedRoot, error) {
	options := []verify.VerifierOption{verify.WithObserverTimestamps(1)}
	if len(material.RekorLogs()) > 0 {
		options = append(options, verify.WithTransparencyLog(1))
	} else if len(material.TimestampingAuthorities()) == 0 {
		return nil, errors.New("it has no tlogs and no timestampAuthorities, so nobody says when a signature was made")
	}
	if len(material.CTLogs()) > 0 {
		options = append(options, verify.WithSignedCertificateTimestamps(1))
	}
	verifier, err := verify.NewVerifier(material, options...)
	if err != nil {
		return nil, err
	}
	return &trustedRoot{material, verifier}, nil
}
