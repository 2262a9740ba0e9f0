// Package trust checks who signed a connector: Sigstore bundles over the digest of an artifact's manifest,
// against a trusted root in a file and the signers that the configuration names. It asks no network.
//
// Everything in a bundle was written by a stranger until a key that a file names has signed it: the number
// of bundles, their size, their depth and the time for all of them are bounded, and a panic is an error.
//
// sigstore-go checks the signatures. What is read before and decided after it is here.
package trust

import (
	"context"
	"crypto"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/signature"
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
	root   *trustedRoot         // nil without a root
	keys   map[string]publicKey // by file
	now    func() time.Time
}

var _ provenance.Verifier = (*Verifier)(nil)

// Signature is a signature that satisfies the policy.
type Signature struct {
	// Signer is the entry of the policy, with the * that it has: whoever signs each version with the name of
	// its tag is one signer.
	Signer provenance.Signer
	// By is who exactly it was.
	By provenance.Signer
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
			if why := v.policy.Revokes(artifact, s.By); why != "" {
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
	b, err := readBundle(data)
	if err != nil {
		return Signature{}, err
	}
	if b.GetVerificationMaterial().GetPublicKey() != nil {
		return v.byKey(b, digest, signers)
	}
	return v.byIdentity(b, digest, signers)
}

// byKey checks a bundle of a public key. The hint of the bundle is anybody's: each key of the policy is
// tried.
func (v *Verifier) byKey(b *bundle.Bundle, digest []byte, signers []provenance.TrustedSigner) (Signature, error) {
	var last error
	for _, s := range signers {
		if s.KeyFile == "" {
			continue
		}
		key := v.keys[s.KeyFile]
		at, err := v.observed(b, key, digest)
		if err == nil {
			by := provenance.Signer{Key: key.id}
			return Signature{Signer: by, By: by, At: at}, nil
		}
		last = fmt.Errorf("no key of the policy has made it: %w", err)
	}
	if last == nil {
		last = errors.New("it is of a key, and the policy names identities")
	}
	return Signature{}, last
}

// observed is when a key made a bundle, if a log or a timestamp authority says so, or else the holder of the key. A key
// needs no log: its holder is who is trusted. What is there must be right all the same.
func (v *Verifier) observed(b *bundle.Bundle, key publicKey, digest []byte) (time.Time, error) {
	verifier, err := signature.LoadVerifier(key.public, crypto.SHA256)
	if err != nil {
		return time.Time{}, err
	}
	material := root.TrustedMaterialCollection{root.NewTrustedPublicKeyMaterial(func(string) (root.TimeConstrainedVerifier, error) {
		return root.NewExpiringKey(verifier, time.Time{}, time.Time{}), nil
	})}
	var options []verify.VerifierOption
	timed := false
	if v.root != nil {
		material = append(material, v.root.material)
		entries := b.GetVerificationMaterial().GetTlogEntries()
		if len(entries) > 0 {
			options = append(options, verify.WithTransparencyLog(1))
		}
		timed = len(b.GetVerificationMaterial().GetTimestampVerificationData().GetRfc3161Timestamps()) > 0
		for _, e := range entries {
			timed = timed || e.GetIntegratedTime() != 0
		}
	}
	if timed {
		options = append(options, verify.WithObserverTimestamps(1))
	} else {
		options = append(options, verify.WithNoObserverTimestamps())
	}
	checker, err := verify.NewVerifier(material, options...)
	if err != nil {
		return time.Time{}, err
	}
	result, err := checker.Verify(b, verify.NewPolicy(verify.WithArtifactDigest("sha256", digest), verify.WithKey()))
	if err != nil {
		return time.Time{}, bounded(err)
	}
	return madeAt(result, digest)
}

// byIdentity checks a bundle of a certificate: a log or a timestamp authority says when, and the
// authorities of the trusted root vouched for the identity at that time.
func (v *Verifier) byIdentity(b *bundle.Bundle, digest []byte, signers []provenance.TrustedSigner) (Signature, error) {
	if v.root == nil {
		return Signature{}, errors.New("it is of an identity, and the policy has no root that could vouch for it")
	}
	result, err := v.root.verifier.Verify(b, verify.NewPolicy(verify.WithArtifactDigest("sha256", digest), verify.WithoutIdentitiesUnsafe())) // compared below
	if err != nil {
		return Signature{}, bounded(err)
	}
	certificate := result.Signature.Certificate
	identity, issuer := certificate.SubjectAlternativeName, certificate.Issuer
	by := provenance.Signer{Identity: identity, Issuer: issuer}
	entry, err := entryOf(signers, by)
	if err != nil {
		return Signature{}, err
	}
	at, err := madeAt(result, digest)
	if err != nil {
		return Signature{}, err
	}
	return Signature{Signer: entry, By: by, At: at}, nil
}

// entryOf is the entry of a policy that somebody fits.
func entryOf(signers []provenance.TrustedSigner, by provenance.Signer) (provenance.Signer, error) {
	known := false
	for _, s := range signers {
		switch {
		case s.Identity == "" || !provenance.Identifies(s.Identity, by.Identity):
		case s.Issuer != by.Issuer:
			known = true
		default:
			return provenance.Signer{Identity: s.Identity, Issuer: s.Issuer}, nil
		}
	}
	if known {
		return provenance.Signer{}, fmt.Errorf("%.200q is an identity of the policy, and the issuer %.200q is not its", by.Identity, by.Issuer)
	}
	return provenance.Signer{}, fmt.Errorf("%.200q of %.200q is no signer of the policy", by.Identity, by.Issuer)
}

// madeAt is when a signature was made that was checked: the earliest time that somebody vouches for, or else what the
// signer states. A statement that is no consent is an error.
func madeAt(result *verify.VerificationResult, digest []byte) (at time.Time, err error) {
	if result.Statement != nil {
		if at, err = consent(result.Statement, digest); err != nil {
			return time.Time{}, err
		}
	}
	for i, stamp := range result.VerifiedTimestamps {
		if i == 0 || stamp.Timestamp.Before(at) {
			at = stamp.Timestamp
		}
	}
	return at, nil
}

// bounded is an error of sigstore-go in one line of bounded length: it quotes what strangers wrote.
func bounded(err error) error {
	text := strings.Join(strings.Fields(err.Error()), " ")
	return fmt.Errorf("%.300s", strings.TrimSuffix(text, "; error: %!w(<nil>)")) // where there was no timestamp at all
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
