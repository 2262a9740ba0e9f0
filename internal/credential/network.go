package credential

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/lease"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/fault"
)

// maxAuthorities is the size of the largest file of certificate authorities, in bytes: four
// times that of a whole system.
const maxAuthorities = 1 << 20

// Authorities reads a file of certificates in PEM form. field is the setting that names the
// file; whose says, for errors, what the certificates are for.
//
// # Errors
//
// *[abi.Error] of kind invalid_params if the file cannot be read or has anything else than
// certificates of authorities.
func Authorities(path, field, whose string) (*x509.CertPool, error) {
	unusable := func(err error, hint string) error {
		return fault.Configuration(fault.Invalid(field, whose+" cannot be used: "+path+": "+err.Error(), hint))
	}
	text, err := readAuthorities(path)
	if err != nil {
		return nil, unusable(err, "name a file of at most 1 MiB that this process may read")
	}
	pool, err := parseAuthorities(text)
	if err != nil {
		return nil, unusable(err, "the file must have PEM certificates of the authorities that signed the server's certificate")
	}
	return pool, nil
}

// ConnectionAuthorities reads the file of a connection's tls. Its errors are those of
// [Authorities].
func ConnectionAuthorities(path, connection string) (*x509.CertPool, error) {
	return Authorities(path, "connections."+connection+".tls.ca_file", "the certificate authorities of connection "+connection)
}

func readAuthorities(path string) ([]byte, error) {
	// Opening a pipe would wait for its writer.
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
// every other PEM block, because a person would not expect it to be ignored.
func parseAuthorities(text []byte) (*x509.CertPool, error) {
	blocks := bytes.Count(text, []byte("-----BEGIN "))
	if blocks == 0 {
		return nil, errors.New("it has no certificate")
	}
	pool := x509.NewCertPool()
	for n := 1; n <= blocks; n++ {
		block, rest := pem.Decode(text)
		if block == nil {
			return nil, errors.New("it has an incomplete certificate")
		}
		if block.Type != "CERTIFICATE" {
			return nil, fmt.Errorf("it has a %s, which is not a certificate", block.Type)
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("certificate %d cannot be read", n)
		}
		if certificate.BasicConstraintsValid && !certificate.IsCA {
			return nil, fmt.Errorf("certificate %d, %s, does not belong to an authority", n, certificate.Subject)
		}
		pool.AddCert(certificate)
		text = rest
	}
	return pool, nil
}

// Proxy returns the proxy that p configures, and nil for nil.
//
// # Errors
//
// *[abi.Error] of kind invalid_params for a wrong setting.
func (s *Store) Proxy(p *config.Proxy) (*egress.Proxy, error) {
	c, err := s.ProxyConfig(p)
	if c == nil {
		return nil, err
	}
	return egress.NewProxy(*c)
}

// ProxyConfig returns what makes the proxy that p configures, and nil for nil. It reads the
// proxy's credential when it is first needed, and again as it does other secrets. Its errors
// are those of [Store.Proxy].
func (s *Store) ProxyConfig(p *config.Proxy) (*egress.ProxyConfig, error) {
	if p == nil {
		return nil, nil
	}
	c := &egress.ProxyConfig{URL: p.URL, Resolves: p.Resolves, RootCAs: s.options.RootCAs}
	if p.Credential != "" {
		const setting = "proxy.credential"
		if _, err := s.Parse(p.Credential); err != nil {
			return nil, fault.Under(setting, err)
		}
		held := lease.New(lease.Config[secret.Value]{
			Read: func(ctx context.Context, _ *secret.Value, _ bool) (*secret.Value, time.Time, error) {
				value, err := s.Read(ctx, setting, p.Credential)
				return &value, time.Time{}, err
			},
			For: s.options.Secrets.Cache, Now: s.options.Now, What: "the credential of the proxy",
			OnStale: func(err error) {
				s.options.Logger.Warn("cannot read the credential of the proxy again; using the old one", "error", err)
			},
		})
		c.Credential = func(ctx context.Context) (secret.Value, error) {
			value, err := held.Get(ctx)
			if err != nil {
				return secret.Value{}, err
			}
			return *value, nil
		}
	}
	return c, nil
}
