package egress

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/policy"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Where everything is in the tests of downloads.
const (
	apiAddress  = "93.184.215.14:443"
	cdnAddress  = "93.184.215.15:443"
	evilAddress = "93.184.215.66:443"
)

// birch is a vendor that names files in its answers, the place of these files, and everybody else
// on the internet: one server, which tells them apart by their names.
type birch struct {
	*vendor
	net  *internet
	c    *Client
	zone zone
	// url is what the API answers; serve is what other names than the API's do.
	url   any
	serve http.HandlerFunc
}

var fileRequests = []abi.RequestTemplate{
	{Method: "GET", Path: "/files/{id}", Content: abi.ContentJSON, File: &abi.File{Pointer: "/file/url", Suffixes: []string{"birchfiles.example"}, Range: "range"}},
	{Method: "GET", Path: "/plain", Content: abi.ContentJSON},
	{Method: "GET", Path: "/operators", Content: abi.ContentJSON, File: &abi.File{Pointer: "/file/url"}},
	{Method: "GET", Path: "/many", Content: abi.ContentJSON, File: &abi.File{Pointer: "/files/{number}/urls/{form}", Suffixes: []string{"birchfiles.example"}}},
}

func newBirch(t *testing.T, change ...func(*Config)) *birch {
	t.Helper()
	b := &birch{vendor: &vendor{Server: httptest.NewUnstartedServer(nil)}, zone: zone{
		"api.birch.example":                {"93.184.215.14"},
		"birchfiles.example":               {"93.184.215.15"},
		"cdn.birchfiles.example":           {"93.184.215.15"},
		"private.birchfiles.example":       {"10.0.0.8"},
		"loopback.birchfiles.example":      {"127.0.0.1"},
		"mapped.birchfiles.example":        {"::ffff:127.0.0.1"},
		"nat64.birchfiles.example":         {"64:ff9b::a9fe:a9fe"},
		"metadata.birchfiles.example":      {"169.254.169.254"},
		"mixed.birchfiles.example":         {"93.184.215.15", "169.254.169.254"},
		"evil.example":                     {"93.184.215.66"},
		"evilbirchfiles.example":           {"93.184.215.66"},
		"birchfiles.example.evil.test":     {"93.184.215.66"},
		"xn--brchfiles-fbb.example":        {"93.184.215.66"},
		"metadata.google.internal":         {"169.254.169.254"},
		"cdn.birchfiles.example.local":     {"93.184.215.66"},
		"cdn.xn--birchfiles-abc.evil.test": {"93.184.215.66"},
	}}
	b.Config.Handler = b.record(b.answer)
	b.Config.ErrorLog = log.New(io.Discard, "", 0)
	b.TLS = &tls.Config{Certificates: []tls.Certificate{certificate(t, b.zone)}}
	b.StartTLS()
	t.Cleanup(b.Close)
	b.net = &internet{to: b.Listener.Addr().String()}
	config := baseConfig()
	config.Servers = []abi.Server{{ID: "us", URL: "https://api.birch.example"}}
	config.Auth = bearer("https://api.birch.example")
	config.RootCAs, config.Dial, config.Resolver = x509.NewCertPool(), b.net.dial, b.zone
	leaf, err := x509.ParseCertificate(b.TLS.Certificates[0].Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	config.RootCAs.AddCert(leaf)
	for _, f := range change {
		f(&config)
	}
	b.c = newClient(t, config)
	return b
}

// certificate is one for all names of a zone.
func certificate(t *testing.T, names zone) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	for name := range names {
		template.DNSNames = append(template.DNSNames, name)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (b *birch) answer(w http.ResponseWriter, r *http.Request) {
	if r.Host != "api.birch.example" {
		// What real stores of files do with a second credential.
		for _, name := range []string{"Authorization", "Cookie", "Referer", "Origin"} {
			if r.Header.Get(name) != "" {
				w.WriteHeader(http.StatusBadRequest)
				return
			}
		}
		if b.serve != nil {
			b.serve(w, r)
			return
		}
		w.Header().Set("Content-Type", "image/png")
		_, _ = io.WriteString(w, "\x89PNG")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Set-Cookie", "session="+canary+"; Domain=birchfiles.example")
	if text, ok := b.url.(json.RawMessage); ok {
		_, _ = w.Write(text)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"file": map[string]any{"url": b.url}})
}

func (b *birch) scope(params string) Scope {
	return Scope{
		Requests: fileRequests, Content: abi.ContentBinary, Reads: true, Retry: true,
		Given: &wire.Given{Params: []byte(params)}, Budget: NewBudget(20, 1<<20, 1<<20).Downloads(2 << 20),
	}
}

// download asks the API at a path, and then for the file that it names.
func (b *birch) download(ctx context.Context, s Scope, path string) (*Response, error) {
	req := get(path)
	if path == "/files/{id}" {
		req.PathParams = map[string]string{"id": "f1"}
	}
	named, err := b.c.Send(ctx, s, req, nil)
	if err != nil {
		return nil, fmt.Errorf("the first request: %w", err)
	}
	return b.c.Download(ctx, s, named)
}

// strayed says where a request or a connection went that it should not, or what one carried.
func (b *birch) strayed(hosts ...string) string {
	for _, r := range b.requests() {
		if r.Host == "api.birch.example" {
			continue
		}
		if !slices.Contains(hosts, r.Host) {
			return "a request to " + r.Host
		}
		if text := fmt.Sprint(r.URL, r.Header); leaks(text) || r.Header.Get("Cookie")+r.Header.Get("Referer")+r.Header.Get("Authorization") != "" || r.Method != "GET" || r.body != "" {
			return "a request with " + text
		}
	}
	allowed := []string{apiAddress}
	if len(hosts) > 0 {
		allowed = append(allowed, cdnAddress)
	}
	for _, address := range b.net.dialed {
		if !slices.Contains(allowed, address) {
			return "a connection to " + address
		}
	}
	return ""
}

// A file comes from where the vendor says, as the vendor wrote it, and with nothing of the
// connection.
//
// threat: T2
func TestDownload(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ url, target string }{
		"a name under the suffix": {"https://cdn.birchfiles.example/a", "/a"},
		"the suffix":              {"https://birchfiles.example/a", "/a"},
		"in upper case":           {"HTTPS://CDN.BirchFiles.example:443/A", "/A"},
		"as signed":               {"https://cdn.birchfiles.example/a%2Fb/c+d%20e?X-Sig=a%2Bb%2F%3D&b=1&a=+", "/a%2Fb/c+d%20e?X-Sig=a%2Bb%2F%3D&b=1&a=+"},
		"dots and escaped breaks": {"https://cdn.birchfiles.example/a/%2e%2e/%0d%0aHost:%20evil.example?x=%0d%0aX-Evil:1", "/a/%2e%2e/%0d%0aHost:%20evil.example?x=%0d%0aX-Evil:1"},
		"without a path":          {"https://cdn.birchfiles.example?x=1", "/?x=1"},
		"with a fragment":         {"https://cdn.birchfiles.example/a#b", "/a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBirch(t)
			b.url = test.url
			s := b.scope(`{"id":"f1","range":"bytes=0-3"}`)
			var attempts []Attempt
			s.Attempt = func(a Attempt) { attempts = append(attempts, a) }
			resp, err := b.download(t.Context(), s, "/files/{id}")
			if err != nil || resp.Status != 200 || string(resp.Body) != "\x89PNG" {
				t.Fatalf("%+v, %v", resp, err)
			}
			host := b.requests()[1].Host
			if stray := b.strayed(host); stray != "" || !strings.EqualFold(strings.TrimSuffix(host, ":443"), host) {
				t.Errorf("%s, %s", stray, host)
			}
			got := b.requests()[1]
			if got.RequestURI != test.target || got.Header.Get("Range") != "bytes=0-3" || got.Header.Get("Accept") != "*/*" || got.Header.Get("Accept-Encoding") != "identity" || got.Header.Get("User-Agent") != "agenthost" {
				t.Errorf("it got %s with %v", got.RequestURI, got.Header)
			}
			if len(attempts) != 2 || attempts[1].Template != wire.FileTemplate || attempts[1].Origin.String() != "https://"+host || attempts[1].Received != 4 {
				t.Errorf("attempts %+v", attempts)
			}
			if requests, _, received := s.Budget.Used(); requests != 2 || received <= 4 {
				t.Errorf("the budget has %d requests and %d bytes", requests, received)
			}
		})
	}
}

// Whatever the vendor writes as the file's URL, nothing goes elsewhere.
//
// threat: T2, N5, N6, N7, N8, N10
func TestHostileFileURLs(t *testing.T) {
	t.Parallel()
	long := "https://cdn.birchfiles.example/" + strings.Repeat("a", 17<<10)
	for name, test := range map[string]struct {
		url  any
		kind abi.Kind
		rule string
	}{
		"http":                         {"http://cdn.birchfiles.example/a", abi.KindDenied, RuleFile},
		"http at the port of https":    {"http://cdn.birchfiles.example:443/a", abi.KindDenied, RuleFile},
		"another port":                 {"https://cdn.birchfiles.example:8443/a", abi.KindDenied, RuleFile},
		"a port with a zero":           {"https://cdn.birchfiles.example:0443/a", abi.KindDenied, RuleFile},
		"a colon without a port":       {"https://cdn.birchfiles.example:/a", abi.KindDenied, RuleFile},
		"a user":                       {"https://user@cdn.birchfiles.example/a", abi.KindDenied, RuleFile},
		"a user that looks like it":    {"https://cdn.birchfiles.example@evil.example/a", abi.KindDenied, RuleFile},
		"an empty user":                {"https://@cdn.birchfiles.example/a", abi.KindDenied, RuleFile},
		"another name":                 {"https://evil.example/a", abi.KindDenied, RuleFile},
		"the API itself":               {"https://api.birch.example/secrets", abi.KindDenied, RuleFile},
		"a suffix in front":            {"https://birchfiles.example.evil.test/a", abi.KindDenied, RuleFile},
		"a suffix without its dot":     {"https://evilbirchfiles.example/a", abi.KindDenied, RuleFile},
		"a dot at the end":             {"https://cdn.birchfiles.example./a", abi.KindDenied, RuleFile},
		"a dot in front":               {"https://.birchfiles.example/a", abi.KindDenied, RuleFile},
		"two dots":                     {"https://cdn..birchfiles.example/a", abi.KindDenied, RuleFile},
		"an international name":        {"https://cdn.bırchfiles.example/a", abi.KindDenied, RuleFile},
		"the same in ASCII":            {"https://xn--brchfiles-fbb.example/a", abi.KindDenied, RuleFile},
		"a full-width dot":             {"https://evil.test．birchfiles.example/a", abi.KindDenied, RuleFile},
		"an escaped name":              {"https://evil.test%2Ebirchfiles.example/a", abi.KindDenied, RuleFile},
		"a slash in the name":          {"https://evil.example%2F.birchfiles.example/a", abi.KindDenied, RuleFile},
		"a backslash":                  {`https://evil.example\.birchfiles.example/a`, abi.KindDenied, RuleFile},
		"a backslash and a user":       {`https://cdn.birchfiles.example\@evil.example/a`, abi.KindDenied, RuleFile},
		"a line break":                 {"https://cdn.birchfiles.example/a\r\nX-Evil: 1", abi.KindDenied, RuleFile},
		"a line break in the name":     {"https://cdn.birchfiles.example\r\nX: 1/a", abi.KindDenied, RuleFile},
		"a line break in the query":    {"https://cdn.birchfiles.example/a?b\nc", abi.KindDenied, RuleFile},
		"a tab":                        {"https://cdn.birch\tfiles.example/a", abi.KindDenied, RuleFile},
		"a blank in front":             {" https://cdn.birchfiles.example/a", abi.KindDenied, RuleFile},
		"a zero":                       {"https://cdn.birchfiles.example/a\x00", abi.KindDenied, RuleFile},
		"a broken escape":              {"https://cdn.birchfiles.example/%zz", abi.KindDenied, RuleFile},
		"no scheme":                    {"//cdn.birchfiles.example/a", abi.KindDenied, RuleFile},
		"a path":                       {"/a", abi.KindDenied, RuleFile},
		"opaque":                       {"https:cdn.birchfiles.example/a", abi.KindDenied, RuleFile},
		"a file":                       {"file:///etc/passwd", abi.KindDenied, RuleFile},
		"a file of a name":             {"file://cdn.birchfiles.example/etc/passwd", abi.KindDenied, RuleFile},
		"nothing":                      {"", abi.KindDenied, RuleFile},
		"loopback":                     {"https://127.0.0.1/a", abi.KindDenied, RuleFile},
		"loopback in IPv6":             {"https://[::1]/a", abi.KindDenied, RuleFile},
		"loopback as a number":         {"https://2130706433/a", abi.KindDenied, RuleFile},
		"the metadata address":         {"https://169.254.169.254/latest/meta-data/", abi.KindDenied, RuleFile},
		"the metadata name":            {"https://metadata.google.internal/", abi.KindDenied, RuleFile},
		"a name of a private one":      {"https://private.birchfiles.example/a", abi.KindDenied, RuleAddress},
		"a name of loopback":           {"https://loopback.birchfiles.example/a", abi.KindDenied, RuleAddress},
		"a name of mapped loopback":    {"https://mapped.birchfiles.example/a", abi.KindDenied, RuleAddress},
		"a name of metadata":           {"https://metadata.birchfiles.example/a", abi.KindDenied, RuleMetadata},
		"a name of hidden metadata":    {"https://nat64.birchfiles.example/a", abi.KindDenied, RuleMetadata},
		"metadata among others":        {"https://mixed.birchfiles.example/a", abi.KindDenied, RuleMetadata},
		"very long":                    {long, abi.KindDenied, RuleFile},
		"a number":                     {7, abi.KindNotFound, ""},
		"null":                         {nil, abi.KindNotFound, ""},
		"a list":                       {[]string{"https://cdn.birchfiles.example/a"}, abi.KindNotFound, ""},
		"nothing there":                {json.RawMessage(`{"file":{}}`), abi.KindNotFound, ""},
		"two":                          {json.RawMessage(`{"file":{"url":"https://cdn.birchfiles.example/a","url":"https://cdn.birchfiles.example/b"}}`), abi.KindVendorError, ""},
		"two, one of them in disguise": {json.RawMessage(`{"file":{"url":"https://cdn.birchfiles.example/a"},"fi\u006ce":{}}`), abi.KindVendorError, ""},
		"no JSON":                      {json.RawMessage(`{"file":{"url":"https://cdn.birchfiles.example/a"}`), abi.KindVendorError, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBirch(t)
			b.url = test.url
			s := b.scope(`{"id":"f1"}`)
			_, err := b.download(t.Context(), s, "/files/{id}")
			if e := want(t, err, test.kind); e.Rule != test.rule || e.RequestSent || e.Retryable {
				t.Errorf("%+v", e)
			}
			if stray := b.strayed(); stray != "" {
				t.Error(stray)
			}
		})
	}
}

// Redirects of files keep to the rules of the first URL, and are few.
//
// threat: T2, N1, N2
func TestRedirectsOfFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		to    string
		rule  string // of the refusal; empty if the file comes
		hosts []string
	}{
		"the same place":       {"/b", "", []string{"cdn.birchfiles.example"}},
		"another allowed name": {"https://birchfiles.example/b", "", []string{"cdn.birchfiles.example", "birchfiles.example"}},
		"another suffix":       {"https://evil.example/b", RuleFile, []string{"cdn.birchfiles.example"}},
		"a suffix without dot": {"https://evilbirchfiles.example/b", RuleFile, []string{"cdn.birchfiles.example"}},
		"without a scheme":     {"//evil.example/b", RuleFile, []string{"cdn.birchfiles.example"}},
		"http":                 {"http://cdn.birchfiles.example/b", RuleFile, []string{"cdn.birchfiles.example"}},
		"a port":               {"https://cdn.birchfiles.example:444/b", RuleFile, []string{"cdn.birchfiles.example"}},
		"a user":               {"https://a:b@cdn.birchfiles.example/b", RuleFile, []string{"cdn.birchfiles.example"}},
		"a private address":    {"https://private.birchfiles.example/b", RuleAddress, []string{"cdn.birchfiles.example"}},
		"the metadata address": {"https://metadata.birchfiles.example/b", RuleMetadata, []string{"cdn.birchfiles.example"}},
		"the API":              {"https://api.birch.example/plain", RuleFile, []string{"cdn.birchfiles.example"}},
		"itself":               {"/a", RuleRedirect, []string{"cdn.birchfiles.example"}},
		"a broken place":       {"https://%zz/", RuleRedirect, []string{"cdn.birchfiles.example"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBirch(t)
			b.url = "https://cdn.birchfiles.example/a"
			b.serve = func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/a" {
					_, _ = io.WriteString(w, "bytes")
					return
				}
				w.Header().Set("Set-Cookie", "a=b; Domain=birchfiles.example")
				w.Header()["Location"] = []string{test.to}
				w.WriteHeader(http.StatusFound)
			}
			resp, err := b.download(t.Context(), b.scope(`{"id":"f1"}`), "/files/{id}")
			switch {
			case test.rule == "" && (err != nil || string(resp.Body) != "bytes"):
				t.Errorf("%+v, %v", resp, err)
			case test.rule != "":
				if e := want(t, err, abi.KindDenied); e.Rule != test.rule || !e.RequestSent {
					t.Errorf("%+v", e)
				}
			}
			if stray := b.strayed(test.hosts...); stray != "" {
				t.Error(stray)
			}
			if n := len(b.requests()); n > 2+maxRedirects {
				t.Errorf("%d requests", n)
			}
		})
	}
}

// A name that leads elsewhere the next time it is asked for is looked up once for a connection,
// and the address that was checked is the one that is dialled.
//
// threat: T2, N3
func TestFilesAndRebinding(t *testing.T) {
	t.Parallel()
	names := &rebinding{answers: []string{"93.184.215.14", "93.184.215.15", "127.0.0.1"}}
	b := newBirch(t, func(c *Config) { c.Resolver = names })
	b.url = "https://cdn.birchfiles.example/a"
	for i, kind := range []abi.Kind{"", abi.KindDenied, abi.KindDenied} {
		_, err := b.download(t.Context(), b.scope(`{"id":"f1"}`), "/files/{id}")
		if kind == "" && err != nil {
			t.Fatal(err)
		} else if kind != "" {
			want(t, err, kind, "127.0.0.1")
		}
		if stray := b.strayed("cdn.birchfiles.example"); stray != "" {
			t.Errorf("%d: %s", i, stray)
		}
	}
}

// Where nobody says where files come from, none does; the operator's list takes the place of the
// connector's, and can name one origin in a private network.
func TestOperatorsDownloads(t *testing.T) {
	t.Parallel()
	const at = "https://cdn.birchfiles.example/a"
	for name, test := range map[string]struct {
		path, url string
		allow     []string // nil is none
		says      string   // why not; empty if the file comes
	}{
		"nobody says":               {"/operators", at, nil, "allow.downloads"},
		"the connector says":        {"/files/{id}", at, nil, ""},
		"the operator says":         {"/operators", at, []string{"evil.example", "birchfiles.example"}, ""},
		"the operator forbids":      {"/files/{id}", at, []string{}, "allow.downloads has no domain"},
		"the operator says another": {"/files/{id}", at, []string{"evil.example"}, "under none of evil.example"},
		"a whole origin":            {"/operators", at, []string{"https://cdn.birchfiles.example"}, ""},
		"another origin":            {"/operators", at, []string{"https://cdn.birchfiles.example:8443"}, "allow.downloads has no domain"},
		"a private name":            {"/operators", "https://private.birchfiles.example/a", []string{"birchfiles.example"}, "10.0.0.8"},
		"a private origin":          {"/operators", "https://private.birchfiles.example/a", []string{"https://private.birchfiles.example"}, ""},
		"metadata as an origin":     {"/operators", "https://metadata.birchfiles.example/a", []string{"https://metadata.birchfiles.example"}, "metadata"},
		"its name as an origin":     {"/operators", "https://metadata.google.internal/a", []string{"https://metadata.google.internal"}, "metadata"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBirch(t)
			b.url = test.url
			s := b.scope(`{"id":"f1"}`)
			if test.allow != nil {
				var err error
				if s.Grant, err = policy.New(&grant.Allow{Effects: []abi.Effect{abi.EffectRead}, Downloads: test.allow}); err != nil {
					t.Fatal(err)
				}
			}
			resp, err := b.download(t.Context(), s, test.path)
			if test.says != "" {
				want(t, err, abi.KindDenied, test.says)
			} else if err != nil || string(resp.Body) != "\x89PNG" {
				t.Errorf("%+v, %v", resp, err)
			}
		})
	}
}

// Only an answer whose request declares a file names one, and parameters choose among several.
func TestWhichFile(t *testing.T) {
	t.Parallel()
	b := newBirch(t)
	b.url = "https://cdn.birchfiles.example/a"
	for _, of := range []*Response{nil, {}, {Status: 200, Body: []byte(`{"file":{"url":"https://cdn.birchfiles.example/a"}}`)}} {
		if e := want(t, errorOf(b.c.Download(t.Context(), b.scope(`{}`), of)), abi.KindDenied); e.Rule != RuleFile || !errors.Is(e, wire.ErrConnector) {
			t.Errorf("%+v", e)
		}
	}
	want(t, errorOf(b.download(t.Context(), b.scope(`{}`), "/plain")), abi.KindDenied, "declares no file")
	if len(b.requests()) != 1 {
		t.Errorf("%d requests", len(b.requests()))
	}
	b.url = json.RawMessage(`{"files":[{"urls":{}},{"urls":{"a/b":"https://cdn.birchfiles.example/1"}}]}`)
	for params, kind := range map[string]abi.Kind{
		`{"number":1,"form":"a/b"}`: "", `{"number":"1","form":"a/b"}`: "", `{"number":0,"form":"a/b"}`: abi.KindNotFound, `{"number":2,"form":"a/b"}`: abi.KindNotFound,
		`{"number":-1,"form":"a/b"}`: abi.KindNotFound, `{"number":"01","form":"a/b"}`: abi.KindNotFound, `{"number":1.0,"form":"a/b"}`: abi.KindInvalidParams,
		`{"number":1,"form":"a~1b"}`: abi.KindNotFound, `{"form":"a/b"}`: abi.KindInvalidParams, `{"number":[1],"form":"a/b"}`: abi.KindInvalidParams,
	} {
		_, err := b.download(t.Context(), b.scope(params), "/many")
		if kind == "" && err != nil {
			t.Errorf("%s: %v", params, err)
		} else if kind != "" {
			want(t, err, kind)
		}
	}
	b.url = "https://cdn.birchfiles.example/a"
	for _, part := range []string{"bytes=0-1,2-3", "bytes=", "lines=0-1", "bytes=0-1\r\nX: 1", "bytes=5", ""} {
		params, _ := json.Marshal(map[string]string{"id": "f1", "range": part})
		want(t, errorOf(b.download(t.Context(), b.scope(string(params)), "/files/{id}")), abi.KindInvalidParams, "range")
	}
}

func errorOf(_ *Response, err error) error { return err }

// What a place of files can do besides: too much, packed, without end, slowly.
//
// threat: T2, N12, N13
func TestHostilePlacesOfFiles(t *testing.T) {
	t.Parallel()
	bomb := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		packer := gzip.NewWriter(w)
		_, _ = packer.Write(make([]byte, 8<<20))
		_ = packer.Close()
	}
	endless := func(w http.ResponseWriter, _ *http.Request) {
		for piece := bytes.Repeat([]byte("ab"), 32<<10); ; {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	}
	slow := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "a")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	for name, test := range map[string]struct {
		serve http.HandlerFunc
		kind  abi.Kind
	}{"a bomb": {bomb, abi.KindLimitExceeded}, "endless": {endless, abi.KindLimitExceeded}, "slow": {slow, abi.KindTimeout}} {
		for _, sink := range []bool{false, true} {
			t.Run(fmt.Sprint(name, " ", sink), func(t *testing.T) {
				t.Parallel()
				b := newBirch(t, func(c *Config) { c.Limits.Idle, c.Retry.Attempts = 200*time.Millisecond, 1 })
				b.url, b.serve = "https://cdn.birchfiles.example/a", test.serve
				s := b.scope(`{"id":"f1"}`)
				var out bytes.Buffer
				if sink {
					s.Sink = NewSink(&out)
				}
				_, err := b.download(t.Context(), s, "/files/{id}")
				want(t, err, test.kind)
				if out.Len() > 2<<20 {
					t.Errorf("%d bytes were written", out.Len())
				}
			})
		}
	}
}

// Connections to places that a vendor names are not kept: there may be any number of them.
func TestPlacesOfFilesAreForgotten(t *testing.T) {
	t.Parallel()
	b := newBirch(t)
	b.url = "https://cdn.birchfiles.example/a"
	for range 3 {
		if _, err := b.download(t.Context(), b.scope(`{"id":"f1"}`), "/files/{id}"); err != nil {
			t.Fatal(err)
		}
	}
	b.c.pools.mu.Lock()
	defer b.c.pools.mu.Unlock()
	if len(b.c.pools.of) != 1 {
		t.Errorf("%d pools are kept", len(b.c.pools.of))
	}
	if slices.Contains(b.net.dialed, evilAddress) {
		t.Error("it went elsewhere")
	}
}

// A file goes into the Sink, and the answer that names it does not.
func TestDownloadIntoSink(t *testing.T) {
	t.Parallel()
	b := newBirch(t)
	b.url = "https://cdn.birchfiles.example/a"
	var out bytes.Buffer
	s := b.scope(`{"id":"f1"}`)
	s.Sink = NewSink(&out)
	resp, err := b.download(t.Context(), s, "/files/{id}")
	if err != nil || len(resp.Body) > 0 || out.String() != "\x89PNG" || !strings.Contains(string(s.Sink.Data()), `"bytes":4`) {
		t.Errorf("%+v, %q, %v", resp, &out, err)
	}
}
