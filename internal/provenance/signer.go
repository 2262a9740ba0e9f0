// Package provenance says where a connector came from: the reference in a registry, and who signed it. It
// is the words that the configuration, agenthost.lock, the client of registries and the check of
// signatures share, and knows none of them.
package provenance

import (
	"context"
	"errors"
	"strconv"
	"strings"
)

// BundleType is the artifact type of a signature in a registry: a Sigstore bundle, whose subject is the
// manifest of the artifact that it signs.
const BundleType = "application/vnd.dev.sigstore.bundle.v0.3+json"

// Signer is who signed an artifact: an identity that an issuer vouched for, or the holder of a key. The
// zero value is nobody.
type Signer struct {
	// Identity and Issuer are those of a certificate, both or neither.
	Identity, Issuer string
	// Key is the id of a key, in the place of Identity and Issuer.
	Key string
}

// String is the signer as agenthost.lock has it, and empty for nobody.
func (s Signer) String() string {
	switch {
	case s.Key != "":
		return "key " + strconv.Quote(s.Key)
	case s.Identity != "" || s.Issuer != "":
		return strconv.Quote(s.Identity) + " issuer " + strconv.Quote(s.Issuer)
	}
	return ""
}

// ParseSigner reads what [Signer.String] writes of somebody.
func ParseSigner(text string) (Signer, error) {
	var s Signer
	wrong := errors.New("not a signer")
	if quoted, ok := strings.CutPrefix(text, "key "); ok {
		id, err := strconv.Unquote(quoted)
		s.Key = id
		if err != nil || s.String() != text {
			return Signer{}, wrong
		}
		return s, nil
	}
	quoted, err := strconv.QuotedPrefix(text)
	if err != nil {
		return s, wrong
	}
	issuer, ok := strings.CutPrefix(text[len(quoted):], " issuer ")
	if s.Identity, err = strconv.Unquote(quoted); err != nil || !ok {
		return Signer{}, wrong
	}
	if s.Issuer, err = strconv.Unquote(issuer); err != nil || s.String() != text || s.Identity == "" || s.Issuer == "" {
		return Signer{}, wrong
	}
	return s, nil
}

// Verifier checks the signatures of an artifact by the policy of a person.
type Verifier interface {
	// Verify returns who signed an artifact, under the policy of a connector's name. Artifact is the
	// digest of its manifest: sha256: and 64 hexadecimal digits. Bundles are what the registry has for
	// it; nobody has looked at them, and they may be of other artifacts.
	//
	// A signer that is nobody, without an error, means that the policy has no entry for the name: a
	// person decides. If it has one, and no bundle satisfies it, the error says why, and the artifact
	// is not used.
	Verify(ctx context.Context, artifact, name string, bundles [][]byte) (Signer, error)
}
