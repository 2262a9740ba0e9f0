// Package wiresim is a vendor written byte by byte and, for HTTP/2 (RFC 9113), frame by
// frame, so that a test can send what no server's library would.
package wiresim

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"sync"
	"syscall"
	"time"
)

// Protocol is what a server speaks.
type Protocol string

// Protocols.
const (
	HTTP1 Protocol = "HTTP/1.1"
	TLS   Protocol = "HTTP/1.1 over TLS"
	HTTP2 Protocol = "HTTP/2"
)

// Server is a vendor without a network, which works in a bubble of testing/synctest too. Get
// one from [New].
type Server struct {
	// URL is where it is, and Roots are the authorities that signed its certificate.
	URL   string
	Roots *x509.CertPool

	config  *tls.Config // nil without TLS
	serve   func(*Conn)
	serving sync.WaitGroup
	mu      sync.Mutex
	open    map[*end]bool
}

// New returns a server, which hands each connection to serve, after the handshake of TLS, on
// a goroutine of its own. The connection is closed when serve returns.
func New(protocol Protocol, serve func(*Conn)) (*Server, error) {
	s := &Server{URL: "http://127.0.0.1:9", Roots: x509.NewCertPool(), serve: serve, open: make(map[*end]bool)}
	if protocol == HTTP1 {
		return s, nil
	}
	s.URL = "https://127.0.0.1:9"
	certificate, err := Certificate(true)
	if err != nil {
		return nil, err
	}
	s.Roots.AddCert(certificate.Leaf)
	s.config = &tls.Config{
		Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13,
		CurvePreferences: []tls.CurveID{tls.X25519}, SessionTicketsDisabled: true, // for speed
	}
	if protocol == HTTP2 {
		s.config.NextProtos = []string{"h2"}
	}
	return s, nil
}

// Dial connects to the server, whatever the address.
func (s *Server) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := newPipe()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[server] = true
	s.serving.Go(func() {
		c := &Conn{Conn: server, below: server}
		if s.config != nil {
			c.Conn = tls.Server(server, s.config)
		}
		if secure, ok := c.Conn.(*tls.Conn); !ok || secure.HandshakeContext(context.WithoutCancel(ctx)) == nil {
			s.serve(c)
		}
		_ = c.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, server)
	})
	return client, nil
}

// TLSConfig returns the server's configuration, for a test that speaks TLS itself.
func (s *Server) TLSConfig() *tls.Config { return s.config.Clone() }

// Certificate returns a certificate that signs itself, for 127.0.0.1 and the named hosts. It is
// that of an authority, or of a server only, and its name is "nobody".
func Certificate(authority bool, hosts ...string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
		Subject: pkix.Name{CommonName: "nobody"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: hosts,
		IsCA: authority, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}

// PEM returns a certificate as a file has it.
func PEM(c tls.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]})
}

// Close ends all connections and waits for their goroutines.
func (s *Server) Close() {
	s.mu.Lock()
	for conn := range s.open {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.serving.Wait()
}

// Conn is a connection. One goroutine may read it while another one writes.
type Conn struct {
	net.Conn
	below *end
}

// Abort resets the connection below TLS.
func (c *Conn) Abort() { _ = c.below.abort(syscall.ECONNRESET, syscall.ECONNRESET) }

// Cut closes the connection without a word of TLS.
func (c *Conn) Cut() { _ = c.below.Close() }
