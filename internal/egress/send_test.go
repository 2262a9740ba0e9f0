package egress

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/wiresim"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/go-hclog"
)

func TestSendSendsExactly(t *testing.T) {
	v := newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Request-Id", "r1")
		w.Header().Set("Set-Cookie", "session=1")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"ok":true}`)
	})
	c := lab(t, v, func(c *Config) { c.Override += "/base"; c.UserAgent = "agenthost/1.2" })
	for _, test := range []struct {
		req    abi.Request
		body   string
		uri    string
		header http.Header
	}{
		{abi.Request{Method: "GET", Path: "/issues"}, "", "/base/issues", http.Header{"Accept": {"application/json"}}},
		{abi.Request{Method: "GET", Path: "/issues", Server: "us", Query: [][2]string{{"z", "1 2"}, {"a[]", "ü&="}, {"z", "+"}, {"empty", ""}}}, "",
			"/base/issues?z=1+2&a%5B%5D=%C3%BC%26%3D&z=%2B&empty=", http.Header{"Accept": {"application/json"}}},
		{abi.Request{Method: "GET", Path: "/issues/{id}", PathParams: map[string]string{"id": "a/b?c#d %2e"}}, "",
			"/base/issues/a%2Fb%3Fc%23d%20%252e", http.Header{"Accept": {"application/json"}}},
		{abi.Request{Method: "POST", Path: "/issues", Headers: [][2]string{{"accept", "text/csv"}, {"x-idempotency-key", "k1"}}}, `{"title":"x"}`,
			"/base/issues", http.Header{"Accept": {"text/csv"}, "X-Idempotency-Key": {"k1"}, "Content-Type": {"application/json"}, "Content-Length": {"13"}}},
		{abi.Request{Method: "POST", Path: "/issues"}, "", "/base/issues", http.Header{"Accept": {"application/json"}, "Content-Length": {"0"}}},
		{abi.Request{Method: "DELETE", Path: "/issues/{id}", PathParams: map[string]string{"id": "1"}}, "", "/base/issues/1", http.Header{"Accept": {"application/json"}}},
	} {
		budget := NewBudget(1, 1<<20, 1<<20)
		resp, err := c.Send(t.Context(), Scope{Requests: requests, Budget: budget}, &test.req, []byte(test.body))
		if err != nil {
			t.Errorf("%v: %v", test.req, err)
			continue
		}
		got := v.requests()[len(v.requests())-1]
		test.header["Authorization"] = []string{"Bearer " + canary}
		test.header["Accept-Encoding"] = []string{"gzip"}
		test.header["User-Agent"] = []string{"agenthost/1.2"}
		test.header["X-Request-Id"] = []string{resp.RequestID}
		if got.Method != test.req.Method || got.RequestURI != test.uri || got.body != test.body || !strings.HasSuffix(v.URL, "://"+got.Host) {
			t.Errorf("%v arrives as %s %s on %s with body %q", test.req, got.Method, got.RequestURI, got.Host, got.body)
		}
		if diff := cmp.Diff(test.header, got.Header); diff != "" {
			t.Errorf("%v: headers differ:\n%s", test.req, diff)
		}
		if resp.Status != 201 || string(resp.Body) != `{"ok":true}` || resp.Attempts != 1 || resp.Header.Get("X-Request-Id") != "r1" ||
			resp.Header["Set-Cookie"] != nil || resp.Header["Content-Length"] != nil {
			t.Errorf("%v answers %+v", test.req, resp)
		}
		if n, sent, got := budget.Used(); n != 1 || sent < int64(len(test.uri)+len(test.body)) || got != int64(len(resp.Body)) {
			t.Errorf("%v: the budget counts %d requests, %d bytes sent, %d received", test.req, n, sent, got)
		}
	}
}

// What was matched is what is sent: the declared template, byte for byte.
// threat: N7
func TestUndeclaredRequestsAreDenied(t *testing.T) {
	v := newVendor(t, reply(200, "{}"))
	c := lab(t, v)
	for _, test := range []struct{ server, method, path, hint string }{
		{"", "PUT", "/issues", "did you mean GET /issues?"},
		{"", "GET", "/issue", "did you mean GET /issues?"},
		{"", "get", "/issues", "GET /issues"},
		{"", "GET", "/issues/", "GET /issues"},
		{"", "GET", "/issues/1", "use the template /issues/{id}"},
		{"", "GET", "/issues?x=1", "GET /issues"},
		{"", "GET", "/../issues", "GET /issues"},
		{"", "GET", "//evil.example/issues", "declare"},
		{"", "GET", "https://evil.example/issues", "declare"},
		{"", "GET", "@evil.example/issues", "declare"},
		{"", "GET", "", "declare"},
		{"", "CONNECT", "/issues", "declare"},
		{"", "TRACE", "/issues", "declare"},
		{"", "GET /issues HTTP/1.1\r\nX: ", "/issues", "declare"},
		{"", "GET", "/issues\r\nX: y", "declare"},
		{"eu", "POST", "/issues", "GET /issues on server eu"},
		{"evil", "GET", "/issues", "declare"},
		{"", "GET", strings.Repeat("/a", 100000), "declare"},
	} {
		_, err := c.Send(t.Context(), scope(), &abi.Request{Server: test.server, Method: test.method, Path: test.path}, nil)
		e := want(t, err, abi.KindDenied, RuleRequest, "does not declare", test.hint)
		if e.RequestSent || e.Retryable || len(e.Message) > 300 || strings.ContainsAny(e.Message, "\r\n") {
			t.Errorf("%v: %#v", test, e)
		}
	}
	for _, s := range []Scope{{}, {Budget: NewBudget(1, 1000, 1000)}} {
		_, err := c.Send(t.Context(), s, get("/issues"), nil)
		want(t, err, abi.KindDenied, RuleRequest)
	}
	// A declaration that slipped through the check of the manifest is not sent either.
	for _, declared := range []abi.RequestTemplate{
		{Method: "TRACE", Path: "/issues"}, {Method: "CONNECT", Path: "/issues"}, {Method: "GET", Path: "//evil.example/"},
		{Method: "GET", Path: "/a/../b"}, {Method: "GET", Path: "/a\r\nb"}, {Server: "nowhere", Method: "GET", Path: "/issues"},
	} {
		s := scope()
		s.Requests = []abi.RequestTemplate{declared}
		_, err := c.Send(t.Context(), s, &abi.Request{Server: declared.Server, Method: declared.Method, Path: declared.Path}, nil)
		want(t, err, abi.KindDenied, RuleRequest)
	}
	_, err := c.Send(t.Context(), scope(), nil, nil)
	want(t, err, abi.KindInvalidParams, "no request")
	if n := len(v.requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// threat: N7, N9
func TestBadValuesAreRefused(t *testing.T) {
	v := newVendor(t, reply(200, "{}"))
	c := lab(t, v, func(c *Config) { c.Limits.URL = 1000; c.Limits.RequestBody = 1000; c.Limits.RequestHeaders = 1000 })
	id := func(value string) *abi.Request {
		return &abi.Request{Method: "GET", Path: "/issues/{id}", PathParams: map[string]string{"id": value}}
	}
	query := func(name, value string) *abi.Request {
		return &abi.Request{Method: "GET", Path: "/issues", Query: [][2]string{{name, value}}}
	}
	for _, test := range []struct {
		req  *abi.Request
		body string
		kind abi.Kind
		part string
	}{
		{id(""), "", abi.KindInvalidParams, `"id" is empty`},
		{id(".."), "", abi.KindInvalidParams, `"id" makes a segment`},
		{id("../users"), "", abi.KindInvalidParams, `"id" has a step`},
		{id("a\r\nb"), "", abi.KindInvalidParams, `"id" has a control`},
		{get("/issues/{id}"), "", abi.KindInvalidParams, `"id" is missing`},
		{query("q", "a\x00b"), "", abi.KindInvalidParams, `"q" has a control`},
		{query("q", "a\r\nb"), "", abi.KindInvalidParams, `"q" has a control`},
		{query("q\n", "a"), "", abi.KindInvalidParams, "has a control"},
		{query("q", "\xff"), "", abi.KindInvalidParams, `"q" is not UTF-8`},
		{query("", "a"), "", abi.KindInvalidParams, "has no name"},
		{query("q", strings.Repeat("x", 1000)), "", abi.KindLimitExceeded, "path and query"},
		{get("/issues"), strings.Repeat("x", 1001), abi.KindLimitExceeded, "the body has 1001 bytes"},
		{&abi.Request{Method: "GET", Path: "/issues", Headers: [][2]string{{"X-Long", strings.Repeat("x", 1000)}}}, "", abi.KindLimitExceeded, "the headers have"},
		{&abi.Request{Method: "GET", Path: "/issues", Headers: make([][2]string, 65)}, "", abi.KindLimitExceeded, "65 headers"},
	} {
		_, err := c.Send(t.Context(), scope(), test.req, []byte(test.body))
		want(t, err, test.kind, test.part)
	}
	if n := len(v.requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// threat: N10
func TestCredentialGoesToItsAudienceOnly(t *testing.T) {
	v, _, setup := public(t, reply(200, "{}"))
	config := baseConfig()
	setup(&config)
	config.Servers = append(config.Servers, abi.Server{ID: "eu", URL: "https://upload.example.com"})
	config.Resolver = zone{"example.com": {"93.184.215.14"}, "upload.example.com": {"93.184.215.15"}}
	c := newClient(t, config)
	for _, server := range []string{"", "eu"} {
		if _, err := c.Send(t.Context(), scope(), &abi.Request{Server: server, Method: "GET", Path: "/issues"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	got := v.requests()
	if got[0].Header.Get("Authorization") != "Bearer "+canary {
		t.Errorf("the vendor got %q", got[0].Header)
	}
	if got[1].Host != "upload.example.com" || got[1].Header.Get("Authorization") != "" {
		t.Errorf("another server got %q on %s", got[1].Header, got[1].Host)
	}
	if http2 := got[0].ProtoMajor == 2; http2 == (pathOf(t) == wiresim.TLS) {
		t.Errorf("spoke %s", got[0].Proto)
	}
}

// The environment's proxy would see every request, and the cookies of one answer would
// turn up in the next request.
// threat: N14, N19
func TestNoProxyAndNoCookies(t *testing.T) {
	proxy := newVendor(t, reply(200, "proxy"))
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"} {
		t.Setenv(name, proxy.URL)
	}
	v, _, setup := public(t, func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Set-Cookie", "session=1; Path=/") })
	config := baseConfig()
	setup(&config)
	c := newClient(t, config)
	for range 2 {
		if _, err := c.Send(t.Context(), scope(), get("/issues"), nil); err != nil {
			t.Fatal(err)
		}
	}
	if len(proxy.requests()) != 0 || len(v.requests()) != 2 {
		t.Errorf("the proxy got %d requests, the vendor %d", len(proxy.requests()), len(v.requests()))
	}
	if cookie := v.requests()[1].Header["Cookie"]; cookie != nil {
		t.Errorf("sent cookie %q", cookie)
	}
}

// An endpoint that echoes the request must not hand the credential to the guest, in no
// encoding, and no log line may hold it.
// threat: N11
func TestEchoedCredentialIsRedacted(t *testing.T) {
	var log bytes.Buffer
	logger := hclog.New(&hclog.LoggerOptions{Output: &log, Level: hclog.Trace})
	v := newVendor(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		w.Header().Add("X-Twice", "first")
		w.Header().Add("X-Twice", "x "+r.Header.Get("Authorization"))
		w.Header().Set("Authorization", r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(w, `{"error":"bad token","got":%q}`, r.Header.Get("Authorization"))
	})
	c := lab(t, v, func(c *Config) { c.Logger = logger })
	resp, err := c.Send(t.Context(), scope(), &abi.Request{Method: "GET", Path: "/issues", Query: [][2]string{{"private", "query-canary"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if string(resp.Body) != `{"error":"bad token","got":"Bearer [redacted]"}` || resp.Status != 400 {
		t.Errorf("got %d %s", resp.Status, resp.Body)
	}
	if diff := cmp.Diff([]string{"first", "x Bearer [redacted]"}, resp.Header["X-Twice"]); diff != "" {
		t.Error(diff)
	}
	if leaks(fmt.Sprint(resp.Header)) || resp.Header["Authorization"] != nil {
		t.Errorf("headers leak: %q", resp.Header)
	}
	if text := log.String(); leaks(text) || strings.Contains(text, "query-canary") || !strings.Contains(text, "template=/issues") {
		t.Errorf("log: %s", text)
	}
	if text := fmt.Sprintf("%v %+v %#v", c, c, *c); leaks(text) {
		t.Errorf("a printed Client leaks")
	}
}

func TestSendIsConcurrent(t *testing.T) {
	v := newVendor(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) })
	c := lab(t, v)
	s := Scope{Requests: requests, Budget: NewBudget(400, 1<<20, 1<<20), Retry: true}
	var group sync.WaitGroup
	for i := range 16 {
		group.Go(func() {
			for j := range 20 {
				id := fmt.Sprintf("%d-%d", i, j)
				resp, err := c.Send(context.Background(), s, &abi.Request{Method: "GET", Path: "/issues/{id}", PathParams: map[string]string{"id": id}}, nil)
				if err != nil || string(resp.Body) != "/issues/"+id {
					t.Errorf("%s: %v, %v", id, resp, err)
				}
			}
		})
	}
	group.Wait()
	if n, _, _ := s.Budget.Used(); n != 320 {
		t.Errorf("the budget counts %d requests", n)
	}
}

func TestBudget(t *testing.T) {
	v := newVendor(t, reply(200, strings.Repeat("x", 600)))
	c := lab(t, v)
	send := func(b *Budget, body string) error {
		_, err := c.Send(t.Context(), Scope{Requests: requests, Budget: b}, &abi.Request{Method: "POST", Path: "/issues"}, []byte(body))
		return err
	}
	for _, test := range []struct {
		budget *Budget
		body   string
		allow  int // requests that pass before the budget is used up
		field  string
		sent   bool
	}{
		{nil, "", 0, "limits.requests", false},
		{NewBudget(0, 1000, 1000), "", 0, "limits.requests", false},
		{NewBudget(2, 1<<20, 1<<20), "", 2, "limits.requests", false},
		{NewBudget(9, 2500, 1<<20), strings.Repeat("x", 1000), 2, "limits.request_bytes", false},
		{NewBudget(9, 1<<20, 1500), "", 2, "limits.response_bytes", true},
		{NewBudget(9, 1<<20, 0), "", 0, "limits.response_bytes", true},
	} {
		for i := range test.allow {
			if err := send(test.budget, test.body); err != nil {
				t.Errorf("%s: request %d: %v", test.field, i, err)
			}
		}
		e := want(t, send(test.budget, test.body), abi.KindLimitExceeded, test.field)
		if e.Field != test.field || e.RequestSent != test.sent || e.Retryable {
			t.Errorf("%s: %#v", test.field, e)
		}
	}
}

func TestZeroCredentialIsNotSearchedFor(t *testing.T) {
	v := newVendor(t, reply(200, `{"a":""}`))
	c := lab(t, v, func(c *Config) { c.Auth = nil; c.Credentials = map[string]secret.Value{"api_token": {}} })
	resp, err := c.Send(t.Context(), scope(), get("/issues"), nil)
	if err != nil || string(resp.Body) != `{"a":""}` || v.requests()[0].Header.Get("Authorization") != "" {
		t.Errorf("%v, %v", resp, err)
	}
}

// The names of headers lose their case on the way, and hold a token's letters all the
// same.
//
// threat: N11
func TestNamesOfHeadersAreRedacted(t *testing.T) {
	// The second one is in lower case, so that names and values are searched with one table.
	for _, token := range []string{"SkLive-aB3dE5fG7hJ9", "sklive-ab3de5fg7hj9"} {
		v := newVendor(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-"+token, "1")
			w.Header().Set("X-Fine", "2")
			w.Header()[token] = []string{"3"}
		})
		c := lab(t, v, func(c *Config) { c.Credentials["api_token"] = secret.New([]byte(token)) })
		resp, err := c.Send(t.Context(), scope(), get("/issues"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if text := fmt.Sprint(resp.Header); strings.Contains(strings.ToLower(text), strings.ToLower(token)) || resp.Header.Get("X-Fine") != "2" {
			t.Errorf("the headers are %s", text)
		}
		if shared := c.names == c.redactor; shared != (token == strings.ToLower(token)) {
			t.Errorf("names and values of %s share a redactor: %v", token, shared)
		}
	}
}

// A vendor may send a text that takes seconds to search.
// threat: N13
func TestSearchEndsWithTheCall(t *testing.T) {
	c := newClient(t, baseConfig())
	w, err := c.normalise(scope(), get("/issues"), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	body, err := c.redact(ctx, w, []byte(strings.Repeat(`\u0063`, 1<<20)))
	if body != nil || err == nil || err.Kind != abi.KindCancelled || !errors.Is(err, context.Canceled) {
		t.Errorf("%d bytes, %+v", len(body), err)
	}
	if body, err := c.redact(ctx, w, []byte(`{"echo":"`+canary+`"}`)); err != nil || leaks(string(body)) {
		t.Errorf("%s, %v", body, err)
	}
}
