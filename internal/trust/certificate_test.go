package trust

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"net/url"
	"testing"
	"time"
)

// issued is a certificate of an authority and a log of certificates, both made up.
type issued struct {
	leaf *x509.Certificate
	root *root
}

func issue(t *testing.T, at time.Time, promise bool, change func(*x509.Certificate)) issued {
	t.Helper()
	generate := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	create := func(template, parent *x509.Certificate, public, private *ecdsa.PrivateKey) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, template, parent, public.Public(), private)
		if err != nil {
			t.Fatal(err)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	top, log, own := generate(), generate(), generate()
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: at.Add(-time.Hour), NotAfter: at.Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	parent := create(ca, ca, top, top)
	issuer, _ := asn1.MarshalWithParams(accounts, "utf8")
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: at.Add(-time.Minute), NotAfter: at.Add(time.Minute), EmailAddresses: []string{ada}, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageCodeSigning}, ExtraExtensions: []pkix.Extension{{Id: oidIssuerV2, Value: issuer}},
	}
	if change != nil {
		change(template)
	}
	public, _ := x509.MarshalPKIXPublicKey(log.Public())
	id := sha256.Sum256(public)
	if promise {
		before := create(template, parent, own, top).RawTBSCertificate
		key := sha256.Sum256(parent.RawSubjectPublicKeyInfo)
		head := binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli()))
		signed := append(append(append([]byte{0, 0}, head...), 0, 1), key[:]...)
		signed = append(append(signed, byte(len(before)>>16), byte(len(before)>>8), byte(len(before))), before...)
		sum := sha256.Sum256(append(signed, 0, 0))
		signature, err := ecdsa.SignASN1(rand.Reader, log, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		sct := append(append(append([]byte{0}, id[:]...), head...), 0, 0, 4, 3)
		sct = append(binary.BigEndian.AppendUint16(sct, uint16(len(signature))), signature...)
		list := binary.BigEndian.AppendUint16(nil, uint16(len(sct)+2))
		list = append(binary.BigEndian.AppendUint16(list, uint16(len(sct))), sct...)
		value, _ := asn1.Marshal(list)
		template.ExtraExtensions = append(template.ExtraExtensions, pkix.Extension{Id: oidSCTs, Value: value})
	}
	pool := x509.NewCertPool()
	pool.AddCert(parent)
	always := period{Start: at.Add(-time.Hour)}
	return issued{create(template, parent, own, top), &root{
		authorities: []authority{{root: pool, intermediates: x509.NewCertPool(), period: always}},
		ctLogs:      map[string]trustedLog{hex.EncodeToString(id[:]): {key: log.Public(), period: always}},
	}}
}

// TestLogsOfCertificates: where the root has logs of certificates, one of them has promised the certificate.
//
// threat: A11
func TestLogsOfCertificates(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	good := issue(t, at, true, nil)
	if err := good.root.vouches(good.leaf, at); err != nil {
		t.Errorf("a promised certificate: %v", err)
	}
	for name, c := range map[string]struct {
		root *root
		leaf *x509.Certificate
	}{
		"no promise":                {good.root, issue(t, at, false, nil).leaf},
		"a promise of another log":  {&root{authorities: good.root.authorities, ctLogs: issue(t, at, true, nil).root.ctLogs}, good.leaf},
		"a log that was not in use": {&root{authorities: good.root.authorities, ctLogs: later(good.root.ctLogs, at)}, good.leaf},
	} {
		if err := c.root.vouches(c.leaf, at); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	without := &root{authorities: good.root.authorities}
	if err := without.vouches(good.leaf, at.Add(2*time.Minute)); err == nil {
		t.Error("an expired certificate is taken")
	}
	if bytes.Equal(withoutSCTs(good.leaf.RawTBSCertificate), good.leaf.RawTBSCertificate) {
		t.Error("the promise stays in what the log signed")
	}
	for n := range len(good.leaf.RawTBSCertificate) {
		withoutSCTs(good.leaf.RawTBSCertificate[:n]) // no panic
	}
}

func later(logs map[string]trustedLog, at time.Time) map[string]trustedLog {
	all := make(map[string]trustedLog)
	for id, l := range logs {
		l.Start = at.Add(time.Hour)
		all[id] = l
	}
	return all
}

// TestIdentityOf: a certificate is for one identity, and says one issuer.
//
// threat: A11
func TestIdentityOf(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	workflow, err := url.Parse("https://github.com/acme/notes/.github/workflows/release.yml@refs/tags/v1")
	if err != nil {
		t.Fatal(err)
	}
	old := pkix.Extension{Id: oidIssuer, Value: []byte(accounts)}
	for name, c := range map[string]struct {
		change func(*x509.Certificate)
		want   string // the identity; empty for an error
	}{
		"an address":       {nil, ada},
		"a workflow":       {func(c *x509.Certificate) { c.EmailAddresses, c.URIs = nil, []*url.URL{workflow} }, workflow.String()},
		"the older issuer": {func(c *x509.Certificate) { c.ExtraExtensions = []pkix.Extension{old} }, ada},
		"both issuers":     {func(c *x509.Certificate) { c.ExtraExtensions = append(c.ExtraExtensions, old) }, ada},
		"two issuers": {func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: oidIssuer, Value: []byte("https://b.example")})
		}, ""},
		"no issuer":                {func(c *x509.Certificate) { c.ExtraExtensions = nil }, ""},
		"an issuer that is no DER": {func(c *x509.Certificate) { c.ExtraExtensions[0].Value = []byte(accounts) }, ""},
		"two identities":           {func(c *x509.Certificate) { c.URIs = []*url.URL{workflow} }, ""},
		"two addresses":            {func(c *x509.Certificate) { c.EmailAddresses = []string{ada, "eve@acme.example"} }, ""},
		"a name of a host":         {func(c *x509.Certificate) { c.DNSNames = []string{"acme.example"} }, ""},
		"nobody":                   {func(c *x509.Certificate) { c.EmailAddresses = nil }, ""},
	} {
		identity, issuer, err := identityOf(issue(t, at, false, c.change).leaf)
		if identity != c.want || (err == nil) != (c.want != "") || err == nil && issuer != accounts {
			t.Errorf("%s: %q, %q, %v", name, identity, issuer, err)
		}
	}
}

// TestClimb: proofs of trees of every size up to 40 lead to their root, and no other proof does.
func TestClimb(t *testing.T) {
	t.Parallel()
	leaves := make([][]byte, 40)
	for i := range leaves {
		leaves[i] = leafHash([]byte{byte(i)})
	}
	for size := 1; size <= len(leaves); size++ {
		top := treeRoot(leaves[:size])
		for index := range size {
			path := treePath(index, leaves[:size])
			if !bytes.Equal(climb(uint64(index), uint64(size), leaves[index], path), top) {
				t.Fatalf("leaf %d of %d", index, size)
			}
			if bytes.Equal(climb(uint64(index), uint64(size), leaves[(index+1)%size], path), top) && size > 1 {
				t.Fatalf("another leaf at %d of %d", index, size)
			}
			if climb(uint64(index), uint64(size), leaves[index], append(path, top)) != nil || climb(uint64(size), uint64(size), leaves[index], path) != nil {
				t.Fatalf("a proof that is too long, or a place beyond %d", size)
			}
		}
	}
	if climb(0, 1<<63, leaves[0], make([][]byte, 63)) != nil {
		t.Error("empty hashes are taken")
	}
}

// treeRoot and treePath are written as RFC 6962, section 2.1, defines them.
func treeRoot(leaves [][]byte) []byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := split(len(leaves))
	return nodeHash(treeRoot(leaves[:k]), treeRoot(leaves[k:]))
}

func treePath(index int, leaves [][]byte) [][]byte {
	if len(leaves) == 1 {
		return nil
	}
	k := split(len(leaves))
	if index < k {
		return append(treePath(index, leaves[:k]), treeRoot(leaves[k:]))
	}
	return append(treePath(index-k, leaves[k:]), treeRoot(leaves[:k]))
}

func split(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}
