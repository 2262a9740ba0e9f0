package trust

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"time"
)

// Extensions of certificates: https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md, and RFC 6962.
var (
	oidIssuer   = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 1}
	oidIssuerV2 = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 57264, 1, 8}
	oidSCTs     = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 11129, 2, 4, 2}
)

const maxSCTs = 8

// vouches checks that an authority of the root issued a certificate that was good at a time, and, where the
// root has logs of certificates, that one of them has it.
func (r *root) vouches(leaf *x509.Certificate, at time.Time) error {
	expired := false
	for _, a := range r.authorities {
		chains, err := leaf.Verify(x509.VerifyOptions{Roots: a.root, Intermediates: a.intermediates, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}})
		if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
			expired = true
		}
		if err != nil || !a.has(at) {
			continue
		}
		if len(r.ctLogs) == 0 {
			return nil
		}
		for _, chain := range chains {
			if len(chain) > 1 && r.transparent(leaf, chain[1]) {
				return nil
			}
		}
		return errors.New("no log of certificates of the trusted root has its certificate")
	}
	if expired {
		return errors.New("its certificate was not good at the time of the signature: expired, or not begun")
	}
	return errors.New("no authority of the trusted root issued its certificate")
}

// identityOf is who a certificate is for, and who says so.
func identityOf(leaf *x509.Certificate) (identity, issuer string, err error) {
	if len(leaf.URIs)+len(leaf.EmailAddresses) != 1 || len(leaf.DNSNames)+len(leaf.IPAddresses) != 0 {
		return "", "", errors.New("its certificate is not for one URL or one e-mail address")
	}
	if len(leaf.URIs) == 1 {
		identity = leaf.URIs[0].String()
	} else {
		identity = leaf.EmailAddresses[0]
	}
	old := ""
	for _, e := range leaf.Extensions {
		switch {
		case e.Id.Equal(oidIssuer):
			old = string(e.Value)
		case e.Id.Equal(oidIssuerV2):
			if rest, err := asn1.Unmarshal(e.Value, &issuer); err != nil || len(rest) > 0 {
				return "", "", errors.New("the issuer in its certificate cannot be read")
			}
		}
	}
	if issuer == "" {
		issuer = old
	}
	if issuer == "" || old != "" && old != issuer {
		return "", "", errors.New("its certificate does not say clearly who its issuer is")
	}
	return identity, issuer, nil
}

// transparent reports whether a log of certificates has promised one: RFC 6962, section 3.2.
func (r *root) transparent(leaf, issuer *x509.Certificate) bool {
	var list []byte
	for _, e := range leaf.Extensions {
		if e.Id.Equal(oidSCTs) {
			if rest, err := asn1.Unmarshal(e.Value, &list); err != nil || len(rest) > 0 {
				return false
			}
		}
	}
	list, ok := prefixed(&list)
	if !ok {
		return false
	}
	tbs := withoutSCTs(leaf.RawTBSCertificate)
	if tbs == nil || len(tbs) >= 1<<24 {
		return false
	}
	key := sha256.Sum256(issuer.RawSubjectPublicKeyInfo)
	for range maxSCTs {
		sct, ok := prefixed(&list)
		if !ok {
			return false
		}
		if r.promised(sct, key[:], tbs) {
			return true
		}
	}
	return false
}

// promised checks one signed certificate timestamp.
func (r *root) promised(sct, issuer, tbs []byte) bool {
	const fixed = 1 + 32 + 8
	if len(sct) < fixed || sct[0] != 0 {
		return false
	}
	log, known := r.ctLogs[hex.EncodeToString(sct[1:33])]
	milliseconds := binary.BigEndian.Uint64(sct[33:fixed])
	rest := sct[fixed:]
	extensions, ok := prefixed(&rest)
	if !known || !ok || milliseconds > 1<<48 || !log.has(time.UnixMilli(int64(milliseconds))) || len(rest) < 2 || rest[0] != 4 || rest[1] != 3 { // SHA-256, ECDSA
		return false
	}
	rest = rest[2:]
	signature, ok := prefixed(&rest)
	if !ok || len(rest) > 0 {
		return false
	}
	signed := []byte{0, 0} // version 1, a timestamp of a certificate
	signed = binary.BigEndian.AppendUint64(signed, milliseconds)
	signed = append(signed, 0, 1) // a precertificate
	signed = append(signed, issuer...)
	signed = append(signed, byte(len(tbs)>>16), byte(len(tbs)>>8), byte(len(tbs)))
	signed = append(signed, tbs...)
	signed = binary.BigEndian.AppendUint16(signed, uint16(len(extensions)))
	signed = append(signed, extensions...)
	return verify(log.key, signed, signature) == nil
}

// prefixed cuts what follows its length in two bytes.
func prefixed(data *[]byte) ([]byte, bool) {
	if len(*data) < 2 {
		return nil, false
	}
	n := int(binary.BigEndian.Uint16(*data))
	if len(*data) < 2+n {
		return nil, false
	}
	cut := (*data)[2 : 2+n]
	*data = (*data)[2+n:]
	return cut, true
}

// withoutSCTs is what a log of certificates signed: the certificate before its promises were put into it.
// It is nil if that cannot be made.
func withoutSCTs(tbs []byte) []byte {
	var whole asn1.RawValue
	if rest, err := asn1.Unmarshal(tbs, &whole); err != nil || len(rest) > 0 {
		return nil
	}
	var fields []byte
	for rest := whole.Bytes; len(rest) > 0; {
		var field asn1.RawValue
		after, err := asn1.Unmarshal(rest, &field)
		if err != nil {
			return nil
		}
		if field.Class == asn1.ClassContextSpecific && field.Tag == 3 {
			kept := extensionsWithoutSCTs(field.Bytes)
			if kept == nil {
				return nil
			}
			fields = append(fields, kept...)
		} else {
			fields = append(fields, field.FullBytes...)
		}
		rest = after
	}
	return marshal(asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSequence, IsCompound: true, Bytes: fields})
}

func extensionsWithoutSCTs(data []byte) []byte {
	var list []asn1.RawValue
	if rest, err := asn1.Unmarshal(data, &list); err != nil || len(rest) > 0 {
		return nil
	}
	var kept []byte
	for _, extension := range list {
		var id asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(extension.Bytes, &id); err != nil {
			return nil
		}
		if !id.Equal(oidSCTs) {
			kept = append(kept, extension.FullBytes...)
		}
	}
	inner := marshal(asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSequence, IsCompound: true, Bytes: kept})
	return marshal(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 3, IsCompound: true, Bytes: inner})
}

func marshal(value asn1.RawValue) []byte {
	data, err := asn1.Marshal(value)
	if err != nil {
		return nil
	}
	return data
}
