package trust

import (
	"bytes"
	"crypto"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
)

// oidUsage is the extended key usage, which has to be critical.
var oidUsage = asn1.ObjectIdentifier{2, 5, 29, 37}

// stamped is when a timestamp authority of the root saw a signature: RFC 3161.
func (r *root) stamped(response, signature []byte) (time.Time, error) {
	if len(r.clocks) == 0 {
		return time.Time{}, errors.New("it has a timestamp, and the trusted root has no timestamp authority")
	}
	t, err := timestamp.ParseResponse(response)
	if err != nil {
		return time.Time{}, fmt.Errorf("its timestamp cannot be read: %.100s", err.Error())
	}
	var digest []byte
	switch t.HashAlgorithm {
	case crypto.SHA256:
		sum := sha256.Sum256(signature)
		digest = sum[:]
	case crypto.SHA384:
		sum := sha512.Sum384(signature)
		digest = sum[:]
	case crypto.SHA512:
		sum := sha512.Sum512(signature)
		digest = sum[:]
	default:
		return time.Time{}, errors.New("the hash of its timestamp is too weak, or not known")
	}
	if !bytes.Equal(digest, t.HashedMessage) {
		return time.Time{}, errors.New("its timestamp is of another signature")
	}
	for _, a := range r.clocks {
		if a.stamped(t) {
			return t.Time, nil
		}
	}
	return time.Time{}, errors.New("no timestamp authority of the trusted root made its timestamp")
}

// stamped reports whether an authority made a timestamp, with a certificate that is for nothing else and
// was good at that time.
func (a authority) stamped(t *timestamp.Timestamp) bool {
	token, err := pkcs7.Parse(t.RawToken)
	if err != nil || !a.has(t.Time) {
		return false
	}
	if len(token.Certificates) == 0 && a.leaf != nil {
		token.Certificates = []*x509.Certificate{a.leaf}
	}
	signer := token.GetOnlySigner()
	if signer == nil || !slices.ContainsFunc(signer.Extensions, func(e pkix.Extension) bool { return e.Critical && e.Id.Equal(oidUsage) }) {
		return false
	}
	if a.leaf != nil && !a.leaf.Equal(signer) || signer.IsCA || len(signer.UnknownExtKeyUsage) > 0 || len(signer.ExtKeyUsage) != 1 || signer.ExtKeyUsage[0] != x509.ExtKeyUsageTimeStamping {
		return false
	}
	_, err = signer.Verify(x509.VerifyOptions{Roots: a.root, Intermediates: a.intermediates, CurrentTime: t.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
	return err == nil && token.Verify() == nil
}
