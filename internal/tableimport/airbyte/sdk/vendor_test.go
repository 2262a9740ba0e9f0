package sdk_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
)

// vendor stands for every vendor there is, on one loopback address: it has a certificate for
// each name, notes the requests, and answers what the recording has.
type vendor struct {
	seams host.Seams

	mu       sync.Mutex
	requests []request
	answers  []*answer
}

// request is one that reached a vendor, or that the SDK sent.
type request struct {
	Method  string            `json:"method"`
	Origin  string            `json:"origin"`
	Target  string            `json:"target"`
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"body"`
}

// answer is what the vendor answered.
type answer struct {
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Body    []byte            `json:"body"`
}

// tokens is what every authorization server answers; record.py has the same.
const tokens = `{"access_token":"fetched-token","token_type":"Bearer","expires_in":3600,"refresh_token":"next-refresh","instance_url":"https://fetched.my.salesforce.com"}`

// isToken reports whether a request is for a token.
func (r *request) isToken() bool { return strings.Contains(string(r.Body), "grant_type") }

// expect sets the next answers, of which the last one is given again and again, and forgets the requests.
func (v *vendor) expect(all ...*answer) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.requests, v.answers = nil, all
}

func (v *vendor) seen() []request {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Clone(v.requests)
}

// ServeHTTP implements [http.Handler].
func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	got := request{Method: r.Method, Origin: "https://" + r.Host, Target: r.RequestURI, Headers: make(map[string]string), Body: body}
	for name, values := range r.Header {
		got.Headers[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	v.mu.Lock()
	v.requests = append(v.requests, got)
	var a *answer
	scripted := len(v.answers) > 1 || len(v.answers) == 1 && !got.isToken() && got.Origin != "https://files.made-up.example"
	if scripted {
		a = v.answers[0]
	}
	if len(v.answers) > 1 {
		v.answers = v.answers[1:]
	}
	v.mu.Unlock()
	switch {
	case scripted && a != nil:
	case got.isToken():
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, tokens)
		return
	case got.Origin == "https://files.made-up.example":
		a = &answer{Status: 200, Headers: map[string]string{"Content-Type": "application/octet-stream"}, Body: []byte("the bytes of a file")}
	case a == nil:
		a = &answer{Status: 404}
	}
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}

// everywhere resolves each name to a public address.
type everywhere struct{}

func (everywhere) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
}

func startVendor(t *testing.T) *vendor {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	serial := int64(0)
	certify := func(name string, parent *x509.Certificate) ([]byte, error) {
		mu.Lock()
		defer mu.Unlock()
		serial++
		template := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "made-up"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		}
		if parent == nil {
			template.IsCA, template.BasicConstraintsValid, parent = true, true, template
		} else {
			template.DNSNames = []string{name}
		}
		return x509.CreateCertificate(rand.Reader, template, parent, key.Public(), key)
	}
	der, err := certify("", nil)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(root)
	v := &vendor{}
	server := httptest.NewUnstartedServer(v)
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		der, err := certify(hello.ServerName, root)
		return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
	}}
	server.StartTLS()
	t.Cleanup(server.Close)
	address := server.Listener.Addr().String()
	v.seams = host.Seams{
		Resolver: everywhere{}, RootCAs: roots,
		Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		},
		Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	}
	return v
}

// recording is a call of the SDK.
type recording struct {
	Kind, Connector, Entity, Action, Case, Scheme, Title string

	Config      map[string]string
	Credentials map[string]string
	Params      json.RawMessage
	Answer      *answer
	Answers     []*answer // of a case
	Requests    []request
	Result      struct {
		Success bool
		Data    json.RawMessage
		Meta    map[string]json.RawMessage
		Error   string
	}
}

func (r *recording) operation() string { return r.Entity + "." + r.Action }

func (r *recording) String() string {
	return fmt.Sprintf("%s %s (%s%s)", r.Connector, r.operation(), r.Scheme, r.Case)
}
