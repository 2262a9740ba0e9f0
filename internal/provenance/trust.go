package provenance

import (
	"errors"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/lazyregexp"
)

// Trust says who may sign which connectors. The zero value trusts nobody: a person decides.
type Trust struct {
	// Root is the file with the certificate authorities and the logs that vouch for identities; empty
	// where only keys sign.
	Root string
	// MaxAge is the largest age of a signature when a connector is installed or updated; 0 is no limit.
	MaxAge time.Duration
	// Signers are those that a connector may have, by the connector's name.
	Signers map[string][]TrustedSigner
	// Revoked are refused, whoever else is trusted.
	Revoked []Revocation
}

// TrustedSigner is an identity of an issuer, or a key.
type TrustedSigner struct {
	// Identity is exact, or ends in a * (see [CheckIdentity]). Issuer is exact.
	Identity, Issuer string
	// KeyFile is the file of a public key, in the place of Identity and Issuer.
	KeyFile string
}

// Revocation refuses an artifact, a key or an identity. One of Digest, Key and Identity is set.
type Revocation struct {
	// Digest is that of an artifact's manifest.
	Digest string
	// Key is the id of a key, as agenthost.lock has it.
	Key string
	// Identity is as in [TrustedSigner]; an empty Issuer means every issuer.
	Identity, Issuer string
}

var (
	tagPattern  = lazyregexp.New(`^https://[A-Za-z0-9.-]+(:[0-9]+)?/[^*@/]+/[^*@]+@refs/(tags/[^*@]*|heads/[^*@]+)\*$`)
	exactURL    = lazyregexp.New(`^https://[A-Za-z0-9.-]+(:[0-9]+)?(/[^*\s]*)?$`)
	exactMail   = lazyregexp.New(`^[^*@\s/]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)
	patternPart = lazyregexp.New(`^[A-Za-z0-9._+-]+$`)
)

const maxIdentity = 1024

// CheckIdentity returns an error if text is not an identity that a policy may have: an e-mail address, a
// URL, or the URL of a workflow at tags or branches whose names begin alike, as in
// https://github.com/acme/notes/.github/workflows/release.yml@refs/tags/v*. Host, owner, repository and
// workflow are always exact: a pattern that fits strangers is a check that never fails.
func CheckIdentity(text string) error {
	switch {
	case len(text) > maxIdentity:
		return errors.New("is longer than 1024 bytes")
	case strings.Contains(text, "*") && !tagPattern.MatchString(text):
		return errors.New("has a * elsewhere than at the end, behind @refs/tags/ or @refs/heads/ and the start of a branch's name")
	case !strings.Contains(text, "*") && !exactURL.MatchString(text) && !exactMail.MatchString(text):
		return errors.New("is neither an https URL nor an e-mail address")
	}
	return nil
}

// CheckIssuer returns an error if text is not an issuer: an exact https URL.
func CheckIssuer(text string) error {
	if len(text) > maxIdentity || !exactURL.MatchString(text) {
		return errors.New("is not an https URL without a *")
	}
	return nil
}

// Identifies reports whether an identity is the one of a policy, or fits its pattern. What a * stands for
// is not empty and has no slash: it is the rest of one name.
func Identifies(pattern, identity string) bool {
	prefix, ends := strings.CutSuffix(pattern, "*")
	if !ends {
		return pattern != "" && pattern == identity
	}
	rest, fits := strings.CutPrefix(identity, prefix)
	return fits && patternPart.MatchString(rest)
}

// includes reports whether a pattern fits all that another pattern fits.
func includes(pattern, other string) bool {
	prefix, ends := strings.CutSuffix(pattern, "*")
	return ends && strings.HasSuffix(other, "*") && strings.HasPrefix(other, prefix)
}

// Revokes says why an artifact of a signer is refused, and is empty if it is not. Artifact is the digest of
// its manifest. It needs no signature, so that what is installed already is refused as well: its signer in
// agenthost.lock may have the * of the entry under trust: that let it in.
func (t *Trust) Revokes(artifact string, s Signer) string {
	for _, r := range t.Revoked {
		switch {
		case r.Digest != "" && r.Digest == artifact:
			return "the artifact " + artifact + " is revoked"
		case r.Key != "" && r.Key == s.Key:
			return "the key " + s.Key + " is revoked"
		case (Identifies(r.Identity, s.Identity) || includes(r.Identity, s.Identity)) && (r.Issuer == "" || r.Issuer == s.Issuer):
			return "the signer " + s.String() + " is revoked"
		}
	}
	return ""
}
