package trust

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"
)

const (
	maxRoot       = 1 << 20
	rootMediaType = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
)

// root is a trusted root: who vouches for identities, and who says when.
type root struct {
	authorities []authority           // of identities
	clocks      []authority           // of timestamps
	logs        map[string]trustedLog // by the id of the key, in hexadecimal
	ctLogs      map[string]trustedLog // of certificates
}

// period is when something counts. A zero end is open.
type period struct{ Start, End time.Time }

func (p period) has(at time.Time) bool {
	return !at.Before(p.Start) && (p.End.IsZero() || !at.After(p.End))
}

// trustedLog is a log whose key is known.
type trustedLog struct {
	key    crypto.PublicKey
	origin string // the host of its URL, which its checkpoints name
	period
}

// authority issues certificates.
type authority struct {
	root          *x509.CertPool
	intermediates *x509.CertPool
	leaf          *x509.Certificate // of a timestamp authority; nil if it is in each timestamp
	period
}

type rootFile struct {
	MediaType              string          `json:"mediaType"`
	Tlogs                  []logFile       `json:"tlogs"`
	CertificateAuthorities []authorityFile `json:"certificateAuthorities"`
	Ctlogs                 []logFile       `json:"ctlogs"`
	TimestampAuthorities   []authorityFile `json:"timestampAuthorities"`
}

type logFile struct {
	BaseURL   string `json:"baseUrl"`
	PublicKey struct {
		RawBytes []byte `json:"rawBytes"`
		ValidFor period `json:"validFor"`
	} `json:"publicKey"`
	LogID struct {
		KeyID []byte `json:"keyId"`
	} `json:"logId"`
}

type authorityFile struct {
	URI       string `json:"uri"`
	CertChain struct {
		Certificates []struct {
			RawBytes []byte `json:"rawBytes"`
		} `json:"certificates"`
	} `json:"certChain"`
	ValidFor period `json:"validFor"`
}

// readRoot reads a trusted root. Its file is the operator's; what it has and agenthost does not know is left
// out, so that a newer one can be used.
func readRoot(path string) (*root, error) {
	data, err := readFile(path, maxRoot)
	if err != nil {
		return nil, err
	}
	var f rootFile
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, err
	}
	if f.MediaType != rootMediaType {
		return nil, fmt.Errorf("its mediaType is %.80q, and not %s", f.MediaType, rootMediaType)
	}
	r := &root{}
	if r.logs, err = logsOf("tlogs", f.Tlogs); err != nil {
		return nil, err
	}
	if r.ctLogs, err = logsOf("ctlogs", f.Ctlogs); err != nil {
		return nil, err
	}
	if r.authorities, err = authoritiesOf("certificateAuthorities", f.CertificateAuthorities, false); err != nil {
		return nil, err
	}
	if r.clocks, err = authoritiesOf("timestampAuthorities", f.TimestampAuthorities, true); err != nil {
		return nil, err
	}
	if len(r.logs) == 0 && len(r.clocks) == 0 {
		return nil, errors.New("it has no tlogs and no timestampAuthorities, so nobody says when a signature was made")
	}
	return r, nil
}

// logsOf reads the logs of a trusted root. One whose key is of a kind that is not known is left out: it
// then vouches for nothing.
func logsOf(field string, files []logFile) (map[string]trustedLog, error) {
	logs := make(map[string]trustedLog)
	for i, f := range files {
		key, err := x509.ParsePKIXPublicKey(f.PublicKey.RawBytes)
		if err != nil {
			continue
		}
		switch key.(type) {
		case *ecdsa.PublicKey, ed25519.PublicKey:
		default:
			continue
		}
		at, err := url.Parse(f.BaseURL)
		if err != nil || len(f.LogID.KeyID) == 0 || f.PublicKey.ValidFor.Start.IsZero() {
			return nil, fmt.Errorf("%s[%d] has no baseUrl, logId or validFor that can be read", field, i)
		}
		logs[hex.EncodeToString(f.LogID.KeyID)] = trustedLog{key: key, origin: at.Hostname(), period: f.PublicKey.ValidFor}
	}
	if len(logs) == 0 && len(files) > 0 {
		return nil, fmt.Errorf("no key in %s can be read", field)
	}
	return logs, nil
}

func authoritiesOf(field string, files []authorityFile, timestamps bool) ([]authority, error) {
	var all []authority
	for i, f := range files {
		a := authority{root: x509.NewCertPool(), intermediates: x509.NewCertPool(), period: f.ValidFor}
		certificates := f.CertChain.Certificates
		if len(certificates) == 0 {
			return nil, fmt.Errorf("%s[%d] has no certificate", field, i)
		}
		for n, raw := range certificates {
			c, err := x509.ParseCertificate(raw.RawBytes)
			switch {
			case err != nil:
				return nil, fmt.Errorf("%s[%d], certificate %d: %w", field, i, n, err)
			case timestamps && n == 0 && !c.IsCA:
				a.leaf = c
			case n == len(certificates)-1:
				a.root.AddCert(c)
			default:
				a.intermediates.AddCert(c)
			}
		}
		all = append(all, a)
	}
	return all, nil
}

// leafHash and nodeHash are those of RFC 6962, section 2.1.
func leafHash(data []byte) []byte {
	sum := sha256.Sum256(append([]byte{0}, data...))
	return sum[:]
}

func nodeHash(left, right []byte) []byte {
	h := sha256.New()
	h.Write([]byte{1})
	h.Write(left)
	h.Write(right)
	return h.Sum(nil)
}
