package egress

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/redact"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/internal/wiresim"
	"github.com/agenthost/agenthost/pdk/abi"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // net/http says there what it thinks of odd frames
	goleak.VerifyTestMain(m)
}

// canary is the credential of every test. It must show up at the vendor and nowhere else.
const canary = "canary_7f3a9c+to/ken=="

const vendorURL = "https://api.example.com"

// requests are what the operation of the tests declares.
var requests = []abi.RequestTemplate{
	{Method: "GET", Path: "/issues"},
	{Method: "GET", Path: "/issues/{id}"},
	{Method: "HEAD", Path: "/issues/{id}"},
	{Method: "POST", Path: "/issues"},
	{Method: "DELETE", Path: "/issues/{id}"},
	{Server: "eu", Method: "GET", Path: "/issues"},
}

func bearer(origins ...string) *abi.AuthScheme {
	if len(origins) == 0 {
		origins = []string{vendorURL}
	}
	return &abi.AuthScheme{
		ID: "token", Type: abi.AuthBearer,
		Fields:  []abi.AuthField{{Name: "api_token", Secret: true, Required: true}},
		Inject:  []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {api_token}"}},
		Origins: origins,
	}
}

func credentials() map[string]secret.Value {
	return map[string]secret.Value{"api_token": secret.New([]byte(canary))}
}

// baseConfig is that of a connection whose retries do not really wait.
func baseConfig() Config {
	return Config{
		Servers:     []abi.Server{{ID: "us", URL: vendorURL}, {ID: "eu", URL: "https://api.eu.example.com/base/v1"}},
		Auth:        bearer(),
		Credentials: credentials(),
		Seams:       seams.Seams{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, Rand: func() float64 { return 0.5 }},
	}
}

func newClient(t testing.TB, config Config) *Client {
	t.Helper()
	c, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// vendor is a simulated vendor on loopback that remembers what it was sent.
type vendor struct {
	*httptest.Server
	mu  sync.Mutex
	got []received
}

type received struct {
	*http.Request
	body string
}

func newVendor(t testing.TB, handler http.HandlerFunc) *vendor {
	v := &vendor{}
	v.Server = httptest.NewUnstartedServer(v.record(handler))
	v.Config.ErrorLog = log.New(io.Discard, "", 0)
	if path := pathOf(t); path == wiresim.HTTP1 {
		v.Start()
	} else {
		v.EnableHTTP2 = path == wiresim.HTTP2
		v.StartTLS()
	}
	t.Cleanup(v.Close)
	return v
}

func (v *vendor) record(handler http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		v.mu.Lock()
		v.got = append(v.got, received{r, string(body)})
		v.mu.Unlock()
		handler(w, r)
	}
}

func (v *vendor) requests() []received {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.got
}

// lab returns a Client whose operator points the chosen server at v.
func lab(t testing.TB, v *vendor, change ...func(*Config)) *Client {
	config := baseConfig()
	config.Override = v.URL
	if v.TLS != nil {
		config.RootCAs = x509.NewCertPool()
		config.RootCAs.AddCert(v.Certificate())
	}
	for _, f := range change {
		f(&config)
	}
	return newClient(t, config)
}

func scope() Scope { return Scope{Requests: requests, Budget: NewBudget(20, 1<<20, 1<<30)} }

func retrying() Scope {
	s := scope()
	s.Retry = true
	return s
}

func get(path string) *abi.Request { return &abi.Request{Method: "GET", Path: path} }

func reply(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// want checks an error's kind and parts of its text, and that it says nothing secret.
func want(t *testing.T, err error, kind abi.Kind, parts ...string) *abi.Error {
	t.Helper()
	e, ok := errors.AsType[*abi.Error](err)
	if !ok {
		t.Fatalf("got %v, want an *abi.Error of kind %s", err, kind)
	}
	text := strings.Join([]string{e.Message, e.Hint, e.Field, e.Rule}, "\n")
	if e.Kind != kind {
		t.Errorf("got %s: %s, want kind %s", e.Kind, text, kind)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("got %q, want %q in it", text, part)
		}
	}
	for cause := error(e); cause != nil; cause = errors.Unwrap(cause) {
		text += cause.Error()
	}
	if leaks(text) {
		t.Errorf("the error leaks the credential: %q", text)
	}
	return e
}

// leaks reports whether text has a good part of the canary in some encoding.
func leaks(text string) bool {
	_, found := redact.New(secret.New([]byte(canary))).Redact([]byte(text))
	return found || strings.Contains(text, "canary_7f3a9c")
}

// zone is a name server.
type zone map[string][]string

func (z zone) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var addrs []netip.Addr
	for _, s := range z[host] {
		addrs = append(addrs, netip.MustParseAddr(s))
	}
	if addrs == nil {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	return addrs, nil
}

// internet dials every address at one place, and remembers the addresses.
type internet struct {
	to     string
	mu     sync.Mutex
	dialed []string
}

func (n *internet) dial(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dialed = append(n.dialed, address)
	n.mu.Unlock()
	return (&net.Dialer{}).DialContext(ctx, network, n.to)
}

// public is a vendor with a certificate for example.com, reached under a public address.
func public(t testing.TB, handler http.HandlerFunc) (*vendor, *internet, func(*Config)) {
	v := &vendor{Server: httptest.NewUnstartedServer(nil)}
	v.Config.Handler = v.record(handler)
	v.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
	v.EnableHTTP2 = pathOf(t) != wiresim.TLS
	v.StartTLS()
	t.Cleanup(v.Close)
	net := &internet{to: v.Listener.Addr().String()}
	roots := x509.NewCertPool()
	roots.AddCert(v.Certificate())
	return v, net, func(c *Config) {
		c.Servers = []abi.Server{{ID: "us", URL: "https://example.com"}}
		c.Auth = bearer("https://example.com")
		c.RootCAs, c.Dial = roots, net.dial
		c.Resolver = zone{"example.com": {"93.184.215.14"}}
	}
}

func secretOf(text string) secret.Value { return secret.New([]byte(text)) }
