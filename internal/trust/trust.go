// Package trust checks who signed a connector: Sigstore bundles over the digest of an artifact's manifest,
// against a trusted root in a file and the signers that the configuration names. It asks no network.
//
// Everything in a bundle was written by a stranger until a key that a file names has signed it: the number
// of bundles, their size, their depth and the time for all of them are bounded, and a panic is an error.
//
// It is code of its own, and not sigstore-go, which takes twelve times a start of the command: see
// docs/rationale.md. The tests in internal/sigstoretest compare both.
package trust

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/provenance"
)

// The most that is looked at for one artifact. A bundle of cosign has 5 KB, one of GitHub 15 KB.
const (
	MaxBundles     = 16
	MaxBundleBytes = 256 << 10
	maxTime        = 5 * time.Second
	maxReasons     = 4
	// clocks may differ by this much, between this machine and who states the time of a signature.
	clocks = 5 * time.Minute
)

// Verifier checks signatures by a policy. It is safe for concurrent use.
type Verifier struct {
	policy *provenance.Trust
	root   *root
	keys   map[string]publicKey // by file
	now    func() time.Time
}

var _ provenance.Verifier = (*Verifier)(nil)

// Signature is a signature that satisfies the policy.
type Signature struct {
	Signer provenance.Signer
	// At is when it was made: as a log or a timestamp authority of the trusted root says, or else as the
	// holder of the key wrote. It is zero where nobody says.
	At time.Time
}

// New reads the files of a policy. now is the time that signatures are compared with.
//
// # Errors
//
// An [*abi.Error] of kind invalid_params with the key of the configuration.
func New(policy *provenance.Trust, now func() time.Time) (*Verifier, error) {
	v := &Verifier{policy: policy, keys: make(map[string]publicKey), now: now}
	if policy.Root != "" {
		r, err := readRoot(policy.Root)
		if err != nil {
			return nil, fault.Configuration(fault.Invalid("trust.root", fmt.Sprintf("%s is no trusted root: %v", policy.Root, err), "take the trusted_root.json of your Sigstore, such as what gh attestation trusted-root or cosign trusted-root create prints").WithCause(err))
		}
		v.root = r
	}
	for name, signers := range policy.Signers {
		for _, s := range signers {
			if s.KeyFile == "" {
				continue
			}
			key, err := readPublicKey(s.KeyFile)
			if err != nil {
				return nil, fault.Configuration(fault.Invalid("trust.signers."+name+".key", fmt.Sprintf("%s is no public key: %v", s.KeyFile, err), "write the path of a PEM file with an ECDSA P-256 or Ed25519 key that begins with BEGIN PUBLIC KEY").WithCause(err))
			}
			v.keys[s.KeyFile] = key
		}
	}
	return v, nil
}

// Verify is as [provenance.Verifier] says.
func (v *Verifier) Verify(ctx context.Context, artifact, name string, bundles [][]byte) (provenance.Signer, error) {
	s, err := v.Check(ctx, artifact, name, bundles)
	return s.Signer, err
}

// Check is Verify that also says when the signature was made. Of several it is the latest.
func (v *Verifier) Check(ctx context.Context, artifact, name string, bundles [][]byte) (Signature, error) {
	if !provenance.ValidDigest(artifact) {
		return Signature{}, fault.Invalid("artifact", fmt.Sprintf("%.80q is not the digest of an artifact", artifact), "")
	}
	digest, _ := hex.DecodeString(strings.TrimPrefix(artifact, "sha256:")) // ValidDigest has looked
	if why := v.policy.Revokes(artifact, provenance.Signer{}); why != "" {
		return Signature{}, fault.Denied("trust.revoked", why, "install another version of connector "+name)
	}
	signers := v.policy.Signers[name]
	if len(signers) == 0 {
		return Signature{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, maxTime)
	defer cancel()
	var best Signature
	var reasons []string
	for i, bundle := range bundles {
		if ctx.Err() != nil {
			return Signature{}, fault.EndedWith(ctx, "the signatures were not checked in time")
		}
		if i == MaxBundles {
			reasons = append(reasons, fmt.Sprintf("%d more were not looked at: at most %d are", len(bundles)-i, MaxBundles))
			break
		}
		s, err := v.guarded(digest, signers, bundle)
		if err == nil {
			if why := v.policy.Revokes(artifact, s.Signer); why != "" {
				err = fmt.Errorf("%s", why)
			} else {
				err = v.fresh(s.At)
			}
		}
		switch {
		case err != nil:
			reasons = append(reasons, err.Error())
		case best.Signer == provenance.Signer{} || s.At.After(best.At):
			best = s
		}
	}
	if best.Signer != (provenance.Signer{}) {
		return best, nil
	}
	return Signature{}, v.refusal(name, reasons)
}

// fresh returns an error for a signature that is older than the policy wants, or from the future.
func (v *Verifier) fresh(at time.Time) error {
	now := v.now()
	switch {
	case at.After(now.Add(clocks)):
		return fmt.Errorf("it is from the future: %s", at.UTC().Format(time.RFC3339))
	case v.policy.MaxAge == 0:
		return nil
	case at.IsZero():
		return fmt.Errorf("nobody says when it was made, and trust.max_age is %s", v.policy.MaxAge)
	case now.Sub(at) > v.policy.MaxAge:
		return fmt.Errorf("it was made at %s, and trust.max_age is %s", at.UTC().Format(time.RFC3339), v.policy.MaxAge)
	}
	return nil
}

// guarded checks one bundle. What it reads is hostile, and a panic is the error of this bundle.
func (v *Verifier) guarded(digest []byte, signers []provenance.TrustedSigner, data []byte) (s Signature, err error) {
	defer func() {
		if p := recover(); p != nil {
			s, err = Signature{}, fmt.Errorf("it cannot be read: %v", p)
		}
	}()
	b, err := parseBundle(data)
	if err != nil {
		return Signature{}, err
	}
	c, err := b.content()
	if err != nil {
		return Signature{}, err
	}
	if b.certificate == nil {
		s, err = v.byKey(b, c, signers)
	} else {
		s, err = v.byIdentity(b, c, signers)
	}
	if err != nil {
		return Signature{}, err
	}
	// What is signed is read only now, when a key that somebody named has signed it.
	claimed, err := c.covers(digest)
	if err != nil {
		return Signature{}, err
	}
	if s.At.IsZero() {
		s.At = claimed
	}
	return s, nil
}

// byKey checks a bundle of a public key. The hint of the bundle is anybody's: each key of the policy is
// tried.
func (v *Verifier) byKey(b *bundle, c *content, signers []provenance.TrustedSigner) (Signature, error) {
	tried := 0
	for _, s := range signers {
		if s.KeyFile == "" {
			continue
		}
		tried++
		key := v.keys[s.KeyFile]
		if c.signedBy(key.public) != nil {
			continue
		}
		at, err := v.observed(b, c, key.der)
		if err != nil {
			return Signature{}, err
		}
		return Signature{Signer: provenance.Signer{Key: key.id}, At: at}, nil
	}
	if tried == 0 {
		return Signature{}, fmt.Errorf("it is of a key, and the policy names identities")
	}
	return Signature{}, fmt.Errorf("no key of the policy has made it")
}

// observed is when a signature of a key was made, if a log or a timestamp authority says so. A key needs
// neither: its holder is who is trusted. What is there must be right all the same.
func (v *Verifier) observed(b *bundle, c *content, der []byte) (time.Time, error) {
	if v.root == nil || len(b.entries) == 0 && len(b.timestamps) == 0 {
		return time.Time{}, nil
	}
	times, err := v.root.times(b, c, der, false)
	if err != nil || len(times) == 0 {
		return time.Time{}, err
	}
	return earliest(times), nil
}

// byIdentity checks a bundle of a certificate: a log or a timestamp authority says when, and the
// authorities of the trusted root vouched for the identity at that time.
func (v *Verifier) byIdentity(b *bundle, c *content, signers []provenance.TrustedSigner) (Signature, error) {
	if v.root == nil {
		return Signature{}, fmt.Errorf("it is of an identity, and the policy has no root that could vouch for it")
	}
	leaf := b.certificate
	times, err := v.root.times(b, c, leaf.Raw, true)
	if err != nil {
		return Signature{}, err
	}
	if len(times) == 0 {
		return Signature{}, fmt.Errorf("neither a log nor a timestamp authority says when it was made")
	}
	for _, e := range b.entries {
		if at := time.Unix(int64(e.IntegratedTime), 0); e.IntegratedTime != 0 && (at.Before(leaf.NotBefore) || at.After(leaf.NotAfter)) {
			return Signature{}, fmt.Errorf("its certificate was not good at the time of the signature, which its log entry says")
		}
	}
	for _, at := range times {
		if err := v.root.vouches(leaf, at); err != nil {
			return Signature{}, err
		}
	}
	if err := c.signedBy(leaf.PublicKey); err != nil {
		return Signature{}, err
	}
	identity, issuer, err := identityOf(leaf)
	if err != nil {
		return Signature{}, err
	}
	fits := ""
	for _, s := range signers {
		switch {
		case s.Identity == "" || !provenance.Identifies(s.Identity, identity):
		case s.Issuer != issuer:
			fits = fmt.Sprintf("%.200q is an identity of the policy, and the issuer %.200q is not its", identity, issuer)
		default:
			return Signature{Signer: provenance.Signer{Identity: identity, Issuer: issuer}, At: earliest(times)}, nil
		}
	}
	if fits == "" {
		fits = fmt.Sprintf("%.200q of %.200q is no signer of the policy", identity, issuer)
	}
	return Signature{}, fmt.Errorf("%s", fits)
}

func earliest(times []time.Time) time.Time {
	first := times[0]
	for _, at := range times[1:] {
		if at.Before(first) {
			first = at
		}
	}
	return first
}

func (v *Verifier) refusal(name string, reasons []string) error {
	if len(reasons) == 0 {
		return fault.Denied("trust.signers."+name, "connector "+name+" has no signature, and the policy names who signs it", "ask its author for a signature, or remove the entry to approve the connector yourself")
	}
	count := len(reasons)
	if count > maxReasons {
		reasons = append(reasons[:maxReasons:maxReasons], fmt.Sprintf("and %d more", count-maxReasons))
	}
	return fault.Denied("trust.signers."+name, fmt.Sprintf("no signature of connector %s satisfies the policy: %s", name, strings.Join(reasons, "; ")), "do not use the connector before you know why")
}
