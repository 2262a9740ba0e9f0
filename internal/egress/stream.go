package egress

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/seams"
)

// Stream is a transport for a library that reads long answers as they come, such as a client of
// registries. Every connection is made by this package's dialler: names are resolved and vetted here, a
// proxy is the operator's, and the environment is not read. It sends requests as they are; who may be
// asked, and with which headers, is the caller's to say.
type Stream struct {
	network seams.Seams
	proxy   *Proxy
	limits  Limits
	private func(to origin.Origin) bool

	mu sync.Mutex
	to map[origin.Origin]*http.Transport
}

// maxStreamOrigins is how many origins a [Stream] has connections to.
const maxStreamOrigins = 16

// NewStream returns a transport. Private says which origins may be at a private address, because the
// operator named them. Proxy may be nil.
func NewStream(network seams.Seams, proxy *Proxy, private func(to origin.Origin) bool) *Stream {
	return &Stream{network: network, proxy: proxy, limits: Limits{}.withDefaults(), private: private, to: make(map[origin.Origin]*http.Transport)}
}

// RoundTrip implements http.RoundTripper. An *[abi.Error] in its error says why an origin is not reached.
func (s *Stream) RoundTrip(r *http.Request) (*http.Response, error) {
	t, err := s.transport(r)
	if err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	return t.RoundTrip(r)
}

// Client returns a client for the library. Every request passes guard, which sends it on with the Stream;
// redirect decides on each redirect, as http.Client.CheckRedirect does.
func (s *Stream) Client(guard http.RoundTripper, redirect func(*http.Request, []*http.Request) error) *http.Client {
	return &http.Client{Transport: guard, CheckRedirect: redirect}
}

// Close closes the connections that are idle.
func (s *Stream) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.to {
		t.CloseIdleConnections()
	}
}

func (s *Stream) transport(r *http.Request) (*http.Transport, error) {
	at, err := origin.Of(r.URL)
	switch {
	case err != nil:
		return nil, fault.Denied(RuleRedirect, "a URL has no valid host", "").WithCause(err)
	case r.URL.User != nil:
		return nil, fault.Denied(RuleRedirect, "a URL has a user name", "")
	case isMetadataName(at.Host):
		return nil, metadataDenied(at.Host)
	}
	if err := s.proxy.takes(at); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.to[at]; t != nil {
		return t, nil
	}
	if len(s.to) >= maxStreamOrigins {
		return nil, errors.New("too many places are named")
	}
	d := newDialer(s.network, &server{origin: at, private: s.private(at)}, s.limits).through(s.proxy)
	t := &http.Transport{
		// The address is that of the origin, whatever the library asks for.
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			conn, err := d.connect(ctx)
			if err != nil {
				return nil, err
			}
			return &silent{conn, s.limits.Idle}, nil
		},
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: s.network.RootCAs, ServerName: at.Host},
		TLSHandshakeTimeout:    s.limits.Dial,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // what a digest is of comes as it is
		MaxResponseHeaderBytes: s.limits.ResponseHeaders,
		ResponseHeaderTimeout:  s.limits.Idle,
		IdleConnTimeout:        s.limits.Idle,
		MaxIdleConnsPerHost:    2,
	}
	s.to[at] = t
	return t, nil
}

// silent is a connection whose reads and writes end when the other side stays silent too long.
type silent struct {
	net.Conn
	most time.Duration
}

func (c *silent) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.most)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

func (c *silent) Write(p []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.most)); err != nil {
		return 0, err
	}
	return c.Conn.Write(p)
}
