package mcp_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/secret"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const adaToken, bobToken = "token-of-ada-0123456789", "token-of-bob-0123456789"

func tokens() map[string]secret.Value {
	return map[string]secret.Value{"ada": secret.New([]byte(adaToken)), "bob": secret.New([]byte(bobToken))}
}

// serve starts a server over HTTP and returns its URL.
func serve(t testing.TB, server *mcp.Server, o mcp.HTTPOptions) string {
	t.Helper()
	handler, err := server.Handler(o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

// bearer adds a token to every request.
type bearer string

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+string(b))
	return http.DefaultTransport.RoundTrip(r)
}

func connect(t testing.TB, url, token string) *sdk.ClientSession {
	t.Helper()
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(),
		&sdk.StreamableClientTransport{Endpoint: url, HTTPClient: &http.Client{Transport: bearer(token)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

func TestHTTP(t *testing.T) {
	for _, sessions := range []bool{false, true} {
		server, _ := newServer(t, mcp.Options{})
		client := connect(t, serve(t, server, mcp.HTTPOptions{Tokens: tokens(), Sessions: sessions}), adaToken)
		list, err := client.ListTools(t.Context(), nil)
		if err != nil || len(list.Tools) != 2 {
			t.Fatalf("sessions %t: %v: %+v", sessions, err, list)
		}
		result, err := client.CallTool(t.Context(), &sdk.CallToolParams{Name: "notes_notes_list"})
		if err != nil || result.IsError {
			t.Fatalf("sessions %t: %v: %+v", sessions, err, result)
		}
		http.DefaultClient.CloseIdleConnections()
	}
}

const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`

// TestHTTPRefuses are the ways in that are none.
//
// threat: N4, A6, A8b
func TestHTTPRefuses(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	url := serve(t, server, mcp.HTTPOptions{Tokens: tokens(), Origins: []string{"https://app.example"}})
	for name, c := range map[string]struct {
		host, origin, authorization, body string
		status                            int
		says                              string
	}{
		"good":                    {"", "", "Bearer " + adaToken, ping, 200, `"result"`},
		"an origin that may":      {"", "https://app.example", "Bearer " + adaToken, ping, 200, `"result"`},
		"localhost":               {"localhost:1", "", "Bearer " + adaToken, ping, 200, `"result"`},
		"its own origin":          {"localhost:1", "http://localhost:1", "Bearer " + adaToken, ping, 200, `"result"`},
		"another port's origin":   {"localhost:1", "http://localhost:2", "Bearer " + adaToken, ping, 403, "origin"},
		"another origin":          {"", "https://evil.example", "Bearer " + adaToken, ping, 403, "origin"},
		"the origin of a sandbox": {"", "null", "Bearer " + adaToken, ping, 403, "origin"},
		"a name that was rebound": {"evil.example", "", "Bearer " + adaToken, ping, 403, "unknown Host header"},
		"a longer name":           {"127.0.0.1.evil.example", "", "Bearer " + adaToken, ping, 403, "unknown Host header"},
		"no token":                {"", "", "", ping, 401, "no bearer token"},
		"a wrong token":           {"", "", "Bearer x" + adaToken, ping, 401, "invalid token"},
		"an empty token":          {"", "", "Bearer ", ping, 401, "no bearer token"},
		"another scheme":          {"", "", "Basic " + adaToken, ping, 401, "no bearer token"},
		"not JSON":                {"", "", "Bearer " + adaToken, `{`, 400, "not JSON"},
		"a name twice":            {"", "", "Bearer " + adaToken, `{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}`, 400, "twice"},
		"case":                    {"", "", "Bearer " + adaToken, `{"jsonrpc":"2.0","id":1,"Method":"ping"}`, 400, "case"},
		"deep":                    {"", "", "Bearer " + adaToken, strings.Repeat("[", 5000) + strings.Repeat("]", 5000), 400, "too deeply"},
		"long":                    {"", "", "Bearer " + adaToken, strings.Repeat(" ", mcp.MaxMessage) + ping, 413, "longer than"},
		"long without a token":    {"", "", "", strings.Repeat(" ", mcp.MaxMessage) + ping, 401, "no bearer token"},
	} {
		t.Run(name, func(t *testing.T) {
			resp, body := post(t, url, c.host, map[string]string{"Origin": c.origin, "Authorization": c.authorization}, c.body)
			if resp.StatusCode != c.status || !strings.Contains(body, c.says) {
				t.Errorf("%d %.200s, want %d and %s", resp.StatusCode, body, c.status, c.says)
			}
			if resp.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Error("a web page may read the answer")
			}
		})
	}
	for name, o := range map[string]mcp.HTTPOptions{
		"no token":           {},
		"an empty token":     {Tokens: map[string]secret.Value{"ada": {}}},
		"nobody's token":     {Tokens: map[string]secret.Value{"": secret.New([]byte("x"))}},
		"a token of two":     {Tokens: map[string]secret.Value{"ada": secret.New([]byte("x")), "bob": secret.New([]byte("x"))}},
		"an issuer of what?": {Tokens: tokens(), Issuer: "https://issuer.example"},
	} {
		if _, err := server.Handler(o); err == nil {
			t.Errorf("a server with %s", name)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestOrigins: a request has the one origin that is allowed, or none. Nobody but a proxy that
// joins two requests, or an attacker, sends two.
//
// threat: N4
func TestOrigins(t *testing.T) {
	t.Parallel()
	const own, app, evil = "http://localhost:1", "https://app.example", "https://evil.example"
	server, _ := newServer(t, mcp.Options{})
	handler, err := server.Handler(mcp.HTTPOptions{Tokens: tokens(), Origins: []string{app}})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		origins []string
		status  int
	}{
		{nil, 200}, {[]string{app}, 200}, {[]string{own}, 200}, {[]string{"https://localhost:1"}, 200},
		{[]string{evil}, 403}, {[]string{""}, 403}, {[]string{app + ".evil.example"}, 403}, {[]string{"http://localhost:12"}, 403},
		{[]string{app, evil}, 403}, {[]string{own, evil}, 403}, {[]string{evil, app}, 403}, {[]string{app, app}, 403}, {[]string{app, ""}, 403},
	} {
		for _, path := range []string{"/", "/healthz"} {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(ping))
			if path == "/healthz" {
				r = httptest.NewRequest(http.MethodGet, path, nil)
			}
			r.Host = "localhost:1"
			r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}, "Authorization": {"Bearer " + adaToken}, "Origin": test.origins}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != test.status {
				t.Errorf("%s with the origins %q: %d %.200s, want %d", path, test.origins, w.Code, w.Body, test.status)
			}
		}
	}
}

// TestHeaders: nothing on the way keeps what a server answers, refusals of its own included,
// or takes it for a script.
func TestHeaders(t *testing.T) {
	t.Parallel()
	server, _ := newServer(t, mcp.Options{})
	handler, err := server.Handler(mcp.HTTPOptions{Tokens: tokens()})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		method, path, host, token string
		status                    int
	}{
		"an answer":    {http.MethodPost, "/", "localhost", adaToken, 200},
		"no token":     {http.MethodPost, "/", "localhost", "", 401},
		"no method":    {http.MethodPut, "/", "localhost", adaToken, 405},
		"health":       {http.MethodGet, "/healthz", "localhost", "", 200},
		"ready":        {http.MethodGet, "/readyz", "localhost", "", 200},
		"another name": {http.MethodPost, "/", "evil.example", adaToken, 403},
	} {
		r := httptest.NewRequest(test.method, test.path, strings.NewReader(ping))
		r.Host = test.host
		r.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json, text/event-stream"}, "Authorization": {"Bearer " + test.token}}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != test.status || !strings.HasPrefix(w.Header().Get("Cache-Control"), "no-store") || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %.100s with %v, want %d", name, w.Code, w.Body, w.Header(), test.status)
		}
	}
}

func post(t *testing.T, url, host string, header map[string]string, body string) (*http.Response, string) {
	t.Helper()
	return request(t, http.MethodPost, url, host, header, body)
}

func request(t *testing.T, method, url, host string, header map[string]string, body string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json, text/event-stream")
	for name, value := range header {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// TestAnothersSession: the id of a session is of no use without its owner's token. Protocol
// versions before 2026-07-28 have sessions.
//
// threat: A8
func TestAnothersSession(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	url := serve(t, server, mcp.HTTPOptions{Tokens: tokens(), Sessions: true})
	ask := func(token, session, method, body string) (*http.Response, string) {
		return request(t, method, url, "", map[string]string{"Authorization": "Bearer " + token, "Mcp-Session-Id": session}, body)
	}
	start := `{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"ada","version":"1"}}}`
	resp, body := ask(adaToken, "", http.MethodPost, start)
	session := resp.Header.Get("Mcp-Session-Id")
	if resp.StatusCode != 200 || session == "" {
		t.Fatalf("%d %s: session %q", resp.StatusCode, body, session)
	}
	if resp, body := ask(adaToken, session, http.MethodPost, `{"jsonrpc":"2.0","method":"notifications/initialized"}`); resp.StatusCode >= 300 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	const list = `{"jsonrpc":"2.0","id":2,"method":"tools/list"}`
	for name, c := range map[string]struct{ token, session, method, body string }{
		"bob calls":                {bobToken, session, http.MethodPost, list},
		"bob listens":              {bobToken, session, http.MethodGet, ""},
		"bob ends it":              {bobToken, session, http.MethodDelete, ""},
		"nobody calls":             {"x" + adaToken, session, http.MethodPost, list},
		"a session that is no one": {adaToken, session + "x", http.MethodPost, list},
	} {
		if resp, body := ask(c.token, c.session, c.method, c.body); resp.StatusCode < 400 {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
	}
	if resp, body := ask(adaToken, session, http.MethodPost, list); resp.StatusCode != 200 || !strings.Contains(body, "notes_notes_list") {
		t.Errorf("ada cannot use it any more: %d %s", resp.StatusCode, body)
	}
	if resp, body := ask(adaToken, session, http.MethodDelete, ""); resp.StatusCode >= 300 {
		t.Errorf("ada cannot end it: %d %s", resp.StatusCode, body)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestNewestProtocolBesideSessions: a server with sessions also serves the versions that have none.
func TestNewestProtocolBesideSessions(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	url := serve(t, server, mcp.HTTPOptions{Tokens: tokens(), Sessions: true})
	resp, body := newest(t, url, "tools/list", "", map[string]any{}, nil)
	if resp.StatusCode != 200 || !strings.Contains(body, "notes_notes_list") || resp.Header.Get("Mcp-Session-Id") != "" {
		t.Errorf("%d %s, session %q", resp.StatusCode, body, resp.Header.Get("Mcp-Session-Id"))
	}
	if !strings.Contains(body, `"cacheScope":"private"`) { // the tools of one caller are nobody else's
		t.Errorf("anybody may keep the answer: %s", body)
	}
	if resp, body := newest(t, url, "tools/list", "", map[string]any{}, map[string]string{"Mcp-Session-Id": "made-up"}); resp.StatusCode < 400 {
		t.Errorf("with a session that is no one: %d %s", resp.StatusCode, body)
	}
	http.DefaultClient.CloseIdleConnections()
}

// TestShutdown ends a server while a client streams.
func TestShutdown(t *testing.T) {
	server, _ := newServer(t, mcp.Options{})
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- server.ServeHTTP(ctx, listener, mcp.HTTPOptions{Tokens: tokens()}, 10*time.Millisecond)
	}()
	if resp, body := post(t, "http://"+listener.Addr().String(), "", map[string]string{"Authorization": "Bearer " + adaToken}, ping); resp.StatusCode != 200 {
		t.Fatalf("%d %s", resp.StatusCode, body)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
}
