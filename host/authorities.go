package host

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/agenthost/agenthost/host/config"
)

// maxAuthorities is the size of the largest file of certificate authorities, in bytes. A
// whole system's has a quarter of it.
const maxAuthorities = 1 << 20

// authorities returns whom a connection trusts to say who a vendor is: those of its own
// file and nobody else, or the embedder's, or with nil the system's.
func (h *Host) authorities(c *connection) (*x509.CertPool, error) {
	return h.authoritiesIn(caFile(c.config.TLS), c.name)
}

// authoritiesIn reads the file of a connection; without one they are the embedder's.
func (h *Host) authoritiesIn(file, connection string) (*x509.CertPool, error) {
	if file == "" {
		return h.options.RootCAs, nil
	}
	return Authorities(file, "connections."+connection+".tls.ca_file", "the certificate authorities of connection "+connection)
}

func caFile(t *config.TLS) string {
	if t == nil {
		return ""
	}
	return t.CAFile
}

// serviceAuthorities returns whom an account trusts to say who the Airbyte API is. A file
// that could not count must not look as if it did.
func (h *Host) serviceAuthorities(s service, a account) (*x509.CertPool, error) {
	if s.caFile != "" && strings.HasPrefix(strings.ToLower(s.baseURL), "http:") {
		return nil, invalid("connections."+a.connection+".tls", "tls is for https, and the Airbyte API is at an http URL", "write https in base_url or in the environment, or leave tls out")
	}
	return h.authoritiesIn(s.caFile, a.connection)
}

// Authorities reads a file of certificates in PEM form, with the care that a connection's
// TLS.CAFile gets. Field is the key that names the file and whose says what the certificates
// are for, in the error, which is an [*Error] of kind invalid_params.
func Authorities(path, field, whose string) (*x509.CertPool, error) {
	unusable := func(err error, hint string) error {
		return invalid(field, whose+" cannot be used: "+path+": "+err.Error(), hint)
	}
	text, err := readAuthorities(path)
	if err != nil {
		return nil, unusable(err, "name a file of at most 1 MiB that this process may read")
	}
	pool, err := parseAuthorities(text)
	if err != nil {
		return nil, unusable(err, "the file has the certificate of the authority that signed the server's, from -----BEGIN CERTIFICATE----- on, or several")
	}
	return pool, nil
}

func readAuthorities(path string) ([]byte, error) {
	// A pipe would be waited for.
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, errors.New("there is no such file")
	} else if err != nil {
		return nil, errors.New("the file cannot be opened")
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxAuthorities+1))
	if err == nil && len(text) > maxAuthorities {
		err = errors.New("the file is too large")
	}
	return text, err
}

// parseAuthorities reads certificates in PEM form, with any text between them. It refuses
// what a person would not expect to be passed over.
func parseAuthorities(text []byte) (*x509.CertPool, error) {
	blocks := bytes.Count(text, []byte("-----BEGIN "))
	if blocks == 0 {
		return nil, errors.New("it has no certificate")
	}
	pool := x509.NewCertPool()
	for n := 1; n <= blocks; n++ {
		block, rest := pem.Decode(text)
		if block == nil {
			return nil, errors.New("it has a certificate that is not complete")
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("it has a %s, which is no certificate", block.Type)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d cannot be read", n)
		}
		if certificate.BasicConstraintsValid && !certificate.IsCA {
			return nil, fmt.Errorf("certificate %d, %s, is not an authority's", n, certificate.Subject)
		}
		pool.AddCert(certificate)
		text = rest
	}
	return pool, nil
}
