package hostile_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/redact"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// canary is the credential. Every encoding changes it.
const canary = "canary/7f3+Zx~9Qe5d1=bird&co"

// leaks reports whether a text has the canary in any encoding, or half of it as it is.
func leaks(text string) bool {
	_, found := redact.New(secret.New([]byte(canary))).Redact([]byte(text))
	return found || strings.Contains(text, canary[:14]) || strings.Contains(text, canary[14:])
}

// attack is an entry of the corpus.
type attack struct {
	name string
	// declare changes what an honest connector declares.
	declare func(d *declaration)
	// request is what it asks of the host, requests if it is more than one. None is
	// the declared one.
	request  string
	requests []string
	body     string
	// vendor answers; nil answers {"ok":true}. It gets what the connector knows.
	vendor func(w http.ResponseWriter, r *http.Request, p *place)
	// zone says where names lead; nil leads the vendor's to its public address.
	zone func(asked int) map[string][]string
	// lab says that the operator has pointed the connection to the vendor's loopback
	// address.
	lab bool
	// http2 says that the vendor speaks HTTP/2.
	http2 bool

	// refused is what loading says, with connector_fault where no other kind is named;
	// the rest does not count then.
	refused string
	// kind of the error, with its rule, words of it and words of the hint. No kind
	// means that the call is served.
	kind             abi.Kind
	rule, says, hint string
	// path is what the vendor sees of the last request, "" for anything, and answer is in
	// the result.
	path, answer string
	// arrives says that requests reach the vendor before the error.
	arrives bool
}

// place is where an attack happens.
type place struct {
	vendor, vendorTLS *httptest.Server
	bystander         net.Listener // another port of the vendor's machine, and of ours
	mu                sync.Mutex
	seen              []string // requests of the vendor's
	knocks            []string // connections to anywhere else
	asked             int      // questions to the name server
	names             []string
	problems          []string
}

func (p *place) note(list *[]string, format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*list = append(*list, fmt.Sprintf(format, args...))
}

// publicAddress is where the vendor's name leads.
const publicAddress = "93.184.215.14"

func newPlace(t *testing.T, a *attack) *place {
	t.Helper()
	p := &place{}
	serve := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.note(&p.seen, "%s", r.RequestURI)
		p.inspect(r)
		if a.vendor == nil {
			_, _ = io.WriteString(w, `{"ok":true}`)
			return
		}
		a.vendor(w, r, p)
	})
	p.vendor = httptest.NewServer(serve)
	t.Cleanup(p.vendor.Close)
	p.vendorTLS = httptest.NewUnstartedServer(serve)
	p.vendorTLS.Config.ErrorLog = log.New(io.Discard, "", 0)
	p.vendorTLS.EnableHTTP2 = a.http2
	p.vendorTLS.StartTLS()
	t.Cleanup(p.vendorTLS.Close)
	p.bystander = listen(t, p)
	return p
}

// listen opens a door that nobody should knock at.
func listen(t *testing.T, p *place) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.note(&p.knocks, "the bystander, from %s", conn.RemoteAddr())
			conn.Close()
		}
	})
	t.Cleanup(func() {
		listener.Close()
		done.Wait()
	})
	return listener
}

// inspect looks at a request that reached the vendor: the credential is where it belongs
// and nowhere else, and the connection's own headers are the host's.
func (p *place) inspect(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	rest := r.Header.Clone()
	rest.Del("Authorization")
	if auth := r.Header["Authorization"]; len(auth) != 1 || auth[0] != "Bearer "+canary {
		p.note(&p.problems, "the vendor got the credential %q", auth)
	}
	if text := fmt.Sprint(r.Method, r.RequestURI, r.Host, rest, string(body)); leaks(text) {
		p.note(&p.problems, "the credential is in another part of the request: %s", text)
	}
	if len(r.TransferEncoding) > 0 || r.Header["Connection"] != nil || r.Header["Upgrade"] != nil || r.Header["Te"] != nil {
		p.note(&p.problems, "the request is framed as %q with %q", r.TransferEncoding, r.Header)
	}
	if known := []string{"api.example.com", p.vendor.Listener.Addr().String()}; !slices.Contains(known, r.Host) {
		p.note(&p.problems, "the host is %q", r.Host)
	}
}

// lookup is the name server.
func (p *place) lookup(zone func(int) map[string][]string) func(string) []netip.Addr {
	return func(name string) []netip.Addr {
		p.mu.Lock()
		p.asked++
		p.names = append(p.names, name)
		asked := p.asked
		p.mu.Unlock()
		var addrs []netip.Addr
		for _, text := range zone(asked)[name] {
			addrs = append(addrs, netip.MustParseAddr(text))
		}
		return addrs
	}
}

type resolver func(name string) []netip.Addr

func (r resolver) LookupNetIP(_ context.Context, _, name string) ([]netip.Addr, error) {
	if addrs := r(name); len(addrs) > 0 {
		return addrs, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// dial connects to the vendor under its public address, and really where the operator
// has pointed the connection there. Everything else is noted.
func (p *place) dial(lab bool) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		switch {
		case !lab && address == publicAddress+":443":
			return d.DialContext(ctx, network, p.vendorTLS.Listener.Addr().String())
		case lab && address == p.vendor.Listener.Addr().String():
			return d.DialContext(ctx, network, address)
		}
		p.note(&p.knocks, "%s", address)
		return nil, errors.New("nobody is there")
	}
}

// options are those of a host at a place.
func (p *place) options(a *attack, lines *bytes.Buffer) host.Options {
	zone := a.zone
	if zone == nil {
		zone = func(int) map[string][]string { return map[string][]string{"api.example.com": {publicAddress}} }
	}
	roots := x509.NewCertPool()
	roots.AddCert(p.vendorTLS.Certificate())
	c := host.Connection{Connector: "evil", Credentials: map[string]string{"token": "env:TOKEN"}}
	if a.lab {
		c.Server = p.vendor.URL
	}
	return host.Options{
		Connections: host.StaticConnections{"evil": c},
		LookupEnv:   func(name string) (string, bool) { return canary, name == "TOKEN" },
		Logger:      hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: lines, Mutex: new(sync.Mutex)}),
		Seams:       host.Seams{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }, Resolver: resolver(p.lookup(zone)), Dial: p.dial(a.lab), RootCAs: roots},
	}
}

// run runs an attack, and fails where it gets anything.
func (a *attack) run(t *testing.T) {
	p := newPlace(t, a)
	d := honest()
	if a.declare != nil {
		a.declare(d)
	}
	requests := a.requests
	if requests == nil {
		requests = []string{a.request}
		if a.request == "" {
			requests = []string{request("")}
		}
	}
	var lines bytes.Buffer
	h := open(t, p.options(a, &lines), assemble(t, d, requests, a.body))
	result, err := h.Execute(t.Context(), "evil", host.Call{Entity: "things", Action: "get"})
	if closeErr := h.Close(context.WithoutCancel(t.Context())); closeErr != nil {
		t.Error(closeErr)
	}
	a.judge(t, p, result, err)
	told := lines.String()
	if result != nil {
		told += fmt.Sprintf("%s %s", result.Data, result.Meta)
	}
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		text, _ := json.Marshal(cause)
		told += fmt.Sprintf("%v %+v %s", cause, cause, text)
	}
	if leaks(told) {
		t.Errorf("the credential got out: %s", told)
	}
}

// judge compares how an attack ended with how it should.
func (a *attack) judge(t *testing.T, p *place, result *host.Result, err error) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, problem := range p.problems {
		t.Error(problem)
	}
	if len(p.knocks) > 0 {
		t.Errorf("connections went to %q", p.knocks)
	}
	for _, name := range p.names {
		if name != "api.example.com" {
			t.Errorf("the name server was asked for %q", name)
		}
	}
	var e *host.Error
	if err != nil && !errors.As(err, &e) {
		t.Fatalf("%v is no error of the host's", err)
	}
	if a.refused != "" {
		kind := cmp.Or(a.kind, abi.KindConnectorFault)
		if e == nil || e.Kind != kind || !strings.Contains(e.Message, a.refused) || len(p.seen) > 0 {
			t.Errorf("loaded with %.300v, %q; want %s that says %q", err, p.seen, kind, a.refused)
		}
		return
	}
	if a.kind == "" {
		if err != nil || len(p.seen) == 0 || a.path != "" && p.seen[len(p.seen)-1] != a.path {
			t.Errorf("%v; the vendor saw %q, want %q", err, p.seen, a.path)
		} else if !strings.Contains(string(result.Data), a.answer) {
			t.Errorf("served %s, want %s", result.Data, a.answer)
		}
		return
	}
	if e == nil {
		t.Fatalf("served %s; want %s", result.Data, a.kind)
	}
	if e.Kind != a.kind || e.Rule != a.rule || !strings.Contains(e.Message, a.says) || !strings.Contains(e.Hint, a.hint) {
		t.Errorf("%s, rule %q: %s; hint: %s\nwant %s, rule %q: %s; hint: %s", e.Kind, e.Rule, e.Message, e.Hint, a.kind, a.rule, a.says, a.hint)
	}
	if a.kind == abi.KindDenied && (a.rule == "" || a.says == "" || a.hint == "") {
		t.Error("the entry does not say why the attempt is denied")
	}
	if (len(p.seen) > 0) != a.arrives || e.RequestSent != a.arrives {
		t.Errorf("the vendor saw %q, and request_sent is %v", p.seen, e.RequestSent)
	}
}

// open returns a host of one connector.
func open(t *testing.T, options host.Options, module []byte) *host.Host {
	t.Helper()
	options.Plugins, options.Cache = t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(options.Plugins, "evil.wasm"), module, 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := host.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
