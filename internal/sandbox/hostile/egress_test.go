package hostile_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/vendorsim"
	. "github.com/agenthost/agenthost/internal/wasmasm"
	"github.com/agenthost/agenthost/pdk/abi"
)

// connections has one of the connector evil.
func connections(server string) host.StaticConnections {
	return host.StaticConnections{"evil": {Connector: "evil", Server: server, Credentials: map[string]string{"token": "env:TOKEN"}}}
}

// sends is code that sends a request and answers with the vendor's JSON, or with the
// host's error.
func sends(request, body string, again ...any) func(g *guest) []byte {
	return func(g *guest) []byte {
		send, fault, part := g.host(hostfunc.HTTPSend, "iiii:i"), g.host(hostfunc.Error, ":i"), g.host(hostfunc.OutputPart, "i:i")
		const data, failure = 256, 300
		g.Data(data, `{"data":`)
		g.Data(failure, `{"error":`)
		g.Data(1024, request+body)
		around := func(at, n int, handle []byte) []byte {
			return Code(Call(g.write, I32(at), I32(n)), Drop, Call(part, handle), Drop, Call(g.write, I32(16+len(answer)-1), I32(1)), Drop, I32(0), Return)
		}
		return Code(
			Loop(Call(send, I32(1024), I32(len(request)), I32(1024+len(request)), I32(len(body))), Tee(0), I32(0), LtS, If(around(failure, 9, Call(fault))), Code(again...)),
			around(data, 8, Get(0)))
	}
}

// TestRequestsThatWereNotDeclared run a connector that asks the host for requests. Those
// that it did not declare do not reach the vendor.
// threat: N7, N8, N9
func TestRequestsThatWereNotDeclared(t *testing.T) {
	server, err := vendorsim.Start(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"path": r.RequestURI, "method": r.Method})
	}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	get := `"method":"GET","path":"/things/{id}","path_params":{"id":"1"}`
	header := func(name, value string) string {
		text, _ := json.Marshal([][2]string{{name, value}})
		return `{` + get + `,"headers":` + string(text) + `}`
	}
	for _, tt := range []struct {
		name, request, body string
		// kind of the error; where there is none, the vendor sees path.
		kind abi.Kind
		path string
	}{
		{name: "the declared one", request: `{` + get + `}`, path: "/things/1"},
		{name: "another path", request: `{"method":"GET","path":"/admin"}`, kind: abi.KindDenied},
		{name: "another method", request: `{"method":"DELETE","path":"/things/{id}","path_params":{"id":"1"}}`, kind: abi.KindDenied},
		{name: "a method in lower case", request: `{"method":"delete","path":"/things/{id}","path_params":{"id":"1"}}`, kind: abi.KindDenied},
		{name: "another operation's request", request: `{"method":"POST","path":"/things"}`, body: "{}", kind: abi.KindDenied},
		{name: "an expanded path", request: `{"method":"GET","path":"/things/1"}`, kind: abi.KindDenied},
		{name: "a URL", request: `{"method":"GET","path":"https://other.example/things"}`, kind: abi.KindDenied},
		{name: "no path", request: `{}`, kind: abi.KindDenied},
		{name: "another server", request: `{"server":"other",` + get + `}`, kind: abi.KindDenied},
		{name: "a server that is a URL", request: `{"server":"https://other.example",` + get + `}`, kind: abi.KindDenied},
		{name: "a parameter that climbs", request: `{"method":"GET","path":"/things/{id}","path_params":{"id":".."}}`, kind: abi.KindConnectorFault},
		{name: "a parameter that climbs, escaped", request: `{"method":"GET","path":"/things/{id}","path_params":{"id":"%2e%2e"}}`, path: "/things/%252e%252e"},
		{name: "a parameter with a slash", request: `{"method":"GET","path":"/things/{id}","path_params":{"id":"a/b"}}`, path: "/things/a%2Fb"},
		{name: "a parameter with a slash that climbs", request: `{"method":"GET","path":"/things/{id}","path_params":{"id":"a/../../b"}}`, kind: abi.KindConnectorFault},
		{name: "a parameter with a query", request: `{"method":"GET","path":"/things/{id}","path_params":{"id":"a?admin=1#x"}}`, path: "/things/a%3Fadmin%3D1%23x"},
		{name: "a parameter with a line break", request: `{"method":"GET","path":"/things/{id}","path_params":{"id":"a HTTP/1.1\r\nX: y"}}`, kind: abi.KindConnectorFault},
		{name: "an empty parameter", request: `{"method":"GET","path":"/things/{id}","path_params":{"id":""}}`, kind: abi.KindConnectorFault},
		{name: "a parameter too many", request: `{"method":"GET","path":"/things/{id}","path_params":{"id":"1","x":"2"}}`, kind: abi.KindConnectorFault},
		{name: "a header of the credential", request: header("Authorization", "Bearer other"), kind: abi.KindConnectorFault},
		{name: "a header of the credential, in another case", request: header("aUTHORIZATION", "x"), kind: abi.KindConnectorFault},
		{name: "another host", request: header("Host", "other.example"), kind: abi.KindConnectorFault},
		{name: "a cookie", request: header("Cookie", "a=b"), kind: abi.KindConnectorFault},
		{name: "a length", request: header("Content-Length", "5"), kind: abi.KindConnectorFault},
		{name: "an encoding", request: header("Transfer-Encoding", "chunked"), kind: abi.KindConnectorFault},
		{name: "a header with a line break", request: header("X-A", "b\r\nX-C: d"), kind: abi.KindConnectorFault},
		{name: "a header whose name is none", request: header("X A", "b"), kind: abi.KindConnectorFault},
		{name: "the file of the input", request: `{"file":1}`, kind: abi.KindConnectorFault},
		{name: "the file of nothing", request: `{"file":77}`, kind: abi.KindConnectorFault},
		{name: "the file of a call before", request: `{"file":2}`, kind: abi.KindConnectorFault},
		{name: "the file of a negative handle", request: `{"file":-1}`, kind: abi.KindConnectorFault},
		{name: "the file at a URL", request: `{"file":"https://other.example/things"}`, kind: abi.KindConnectorFault},
		{name: "a file and a path", request: `{"file":1,` + get + `}`, kind: abi.KindConnectorFault},
		{name: "no JSON", request: `GET / HTTP/1.1`, kind: abi.KindConnectorFault},
		{name: "a list", request: `[]`, kind: abi.KindConnectorFault},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := open(t, host.Options{Connections: connections(server.URL)}, map[string][]byte{"evil": valid().module(t, sends(tt.request, tt.body))})
			before := len(server.Requests())
			res, err := h.Execute(t.Context(), "evil", host.Call{Entity: "things", Action: "get"})
			if kindOf(t, err) != tt.kind {
				t.Errorf("%v, want %q", err, tt.kind)
			}
			sent := len(server.Requests()) - before
			if tt.kind == "" && err == nil {
				var got struct{ Path string }
				if err := res.Decode(&got); err != nil || got.Path != tt.path || sent != 1 {
					t.Errorf("the vendor saw %q %d times, want %q; %v", got.Path, sent, tt.path, err)
				}
			} else if tt.kind != "" && sent != 0 {
				t.Errorf("%d requests reached the vendor", sent)
			}
			var e *host.Error
			if errors.As(err, &e) && e.RequestSent {
				t.Error("the error says that a request was sent")
			}
		})
	}
}

// TestFilesThatAnswersDoNotName run a connector that asks for the file of an answer in which it may
// write what it likes to no avail: where a file is, only the host reads, in an answer to the request
// that declares it.
// threat: T2
func TestFilesThatAnswersDoNotName(t *testing.T) {
	server, err := vendorsim.Start(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/file" {
			_, _ = w.Write([]byte(`"the file"`))
			return
		}
		_, _ = w.Write([]byte(`{"url":"http://` + r.Host + `/file","n":"1"}`))
	}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	const request = `{"method":"GET","path":"/things/{id}","path_params":{"id":"1"}}`
	for name, tt := range map[string]struct {
		declared bool
		pointer  string // of the part whose handle the connector uses; "" is the answer itself
		drop     bool
		sent     int
		kind     abi.Kind
	}{
		"the declared one": {declared: true, sent: 2},
		"not declared":     {sent: 1, kind: abi.KindConnectorFault},
		"a part":           {declared: true, pointer: "/url", sent: 1, kind: abi.KindConnectorFault},
		"a dropped answer": {declared: true, drop: true, sent: 1, kind: abi.KindConnectorFault},
	} {
		t.Run(name, func(t *testing.T) {
			d := valid()
			if tt.declared {
				d.operation()["requests"].([]any)[0].(map[string]any)["file"] = map[string]any{"pointer": "/url"}
			}
			handle := "2" // the input is 1
			if tt.pointer != "" {
				handle = "3"
			}
			module := d.module(t, func(g *guest) []byte {
				send, part := g.host(hostfunc.HTTPSend, "iiii:i"), g.host(hostfunc.ValuePart, "iii:i")
				drop, fault, out := g.host(hostfunc.ValueDrop, "i:i"), g.host(hostfunc.Error, ":i"), g.host(hostfunc.OutputPart, "i:i")
				ask := `{"file":` + handle + `}`
				g.Data(256, `{"data":`)
				g.Data(300, `{"error":`)
				g.Data(1024, request)
				g.Data(2048, ask)
				g.Data(3000, "/url")
				around := func(at, n int, handle []byte) []byte {
					return Code(Call(g.write, I32(at), I32(n)), Drop, Call(out, handle), Drop, Call(g.write, I32(16+len(answer)-1), I32(1)), Drop, I32(0), Return)
				}
				code := Code(Call(send, I32(1024), I32(len(request)), I32(0), I32(0)), Drop)
				if tt.pointer != "" {
					code = append(code, Code(Call(part, I32(2), I32(3000), I32(4)), Drop)...)
				}
				if tt.drop {
					code = append(code, Code(Call(drop, I32(2)), Drop)...)
				}
				return append(code, Code(Call(send, I32(2048), I32(len(ask)), I32(0), I32(0)), Tee(0), I32(0), LtS, If(around(300, 9, Call(fault))), around(256, 8, Get(0)))...)
			})
			c := connections(server.URL)
			evil := c["evil"]
			evil.Allow = &grant.Allow{Effects: []abi.Effect{abi.EffectRead}, Downloads: []string{server.URL}}
			c["evil"] = evil
			h := open(t, host.Options{Connections: c}, map[string][]byte{"evil": module})
			before := len(server.Requests())
			res, err := h.Execute(t.Context(), "evil", host.Call{Entity: "things", Action: "get"})
			if kindOf(t, err) != tt.kind || err == nil && string(res.Data) != `"the file"` {
				t.Errorf("%+v, %v, want %q", res, err, tt.kind)
			}
			if sent := server.Requests()[before:]; len(sent) != tt.sent {
				t.Errorf("%d requests reached the vendor", len(sent))
			} else if len(sent) == 2 && sent[1].Header.Get("Authorization") != "" {
				t.Error("the file's request has the credential")
			}
		})
	}
}

// TestRefusalsThatAreRewrapped run a connector that makes an error of its own of the host's refusal.
// The call's error is the host's: it names who is to blame, and no kind that the connector says
// takes its place.
func TestRefusalsThatAreRewrapped(t *testing.T) {
	t.Parallel()
	const request, climbs, undeclared = `{"method":"GET","path":"/things/{id}","path_params":{"id":"1"}}`,
		`{"method":"GET","path":"/things/{id}","path_params":{"id":".."}}`, `{"method":"GET","path":"/admin"}`
	for name, tt := range map[string]struct {
		request string
		denies  bool // the connection's allow.requests denies all
		kind    abi.Kind
		rule    string
		says    string
	}{
		"what no host accepts":       {request: climbs, kind: abi.KindConnectorFault, says: "id"},
		"an undeclared request":      {request: undeclared, kind: abi.KindDenied, rule: "egress.request", says: "/admin"},
		"what the connection denies": {request: request, denies: true, kind: abi.KindDenied, rule: "allow.requests: [GET /other]", says: "may not send"},
	} {
		for _, claims := range []abi.Kind{abi.KindNotFound, abi.KindAuthFailed, abi.KindDenied, abi.KindCancelled, "root_access"} {
			own := `{"error":{"kind":"` + string(claims) + `","message":"the vendor said so","rule":"allow.operations","hint":"ask for more rights","retryable":true,"request_sent":true,"status":418}}`
			module := valid().module(t, func(g *guest) []byte {
				send := g.host(hostfunc.HTTPSend, "iiii:i")
				g.Data(1024, tt.request)
				g.Data(2048, own)
				return Code(Call(send, I32(1024), I32(len(tt.request)), I32(1024), I32(0)), Drop, Call(g.write, I32(2048), I32(len(own))), Drop, I32(0), Return)
			})
			c := connections("https://api.evil.example")
			if tt.denies {
				evil := c["evil"]
				evil.Allow = &config.Allow{Operations: []string{"things.get"}, Requests: []string{"GET /other"}}
				c["evil"] = evil
			}
			h := open(t, host.Options{Connections: c}, map[string][]byte{"evil": module})
			_, err := h.Execute(t.Context(), "evil", host.Call{Entity: "things", Action: "get"})
			e, ok := errors.AsType[*host.Error](err)
			if !ok || e.Kind != tt.kind || e.Rule != tt.rule || !strings.Contains(e.Message, tt.says) || e.RequestSent || e.Retryable || e.Status != 0 || strings.Contains(e.Message+e.Hint, "the vendor said so") {
				t.Errorf("%s, rewrapped as %s: %#v", name, claims, err)
			}
		}
	}
}

// TestFloodsOfRequests end at the connection's limits.
// threat: E7, N17
func TestFloodsOfRequests(t *testing.T) {
	server, err := vendorsim.Start(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"filler":"` + strings.Repeat("x", 50_000) + `"}`))
	}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	again := Br(0) // the loop of sends, from inside it
	for _, tt := range []struct {
		name, request, body, action string
		limits                      config.Limits
		says                        string
		most                        int
	}{
		{"requests", `{"method":"GET","path":"/things/{id}","path_params":{"id":"1"}}`, "", "get", config.Limits{Requests: 7}, "requests", 7},
		{"bytes of requests", `{"method":"POST","path":"/things"}`, `"` + strings.Repeat("y", 30_000) + `"`, "create", config.Limits{RequestBytes: 100_000}, "limit of 100000 sent bytes", 3},
		{"bytes of responses", `{"method":"GET","path":"/things/{id}","path_params":{"id":"1"}}`, "", "get", config.Limits{ResponseBytes: 120_000}, "limit of 120000 received bytes", 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := connections(server.URL)
			limited := c["evil"]
			limited.Limits = tt.limits
			c["evil"] = limited
			h := open(t, host.Options{Connections: c}, map[string][]byte{"evil": valid().module(t, sends(tt.request, tt.body, again))})
			before := len(server.Requests())
			_, err := h.Execute(t.Context(), "evil", host.Call{Entity: "things", Action: tt.action})
			var e *host.Error
			if !errors.As(err, &e) || e.Kind != abi.KindLimitExceeded || !strings.Contains(e.Field+e.Message, tt.says) || !e.RequestSent {
				t.Errorf("%v (%+v), want limit_exceeded", err, e)
			}
			if sent := len(server.Requests()) - before; sent > tt.most || sent == 0 {
				t.Errorf("%d requests, want at most %d", sent, tt.most)
			}
		})
	}
}

// TestErrorsOfAConnector are shown to people and models, and are made fit for it.
// threat: A5
func TestErrorsOfAConnector(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       host.Error
	}{
		{"a kind of its own", `{"kind":"root_access","message":"m"}`, host.Error{Kind: abi.KindInternal, Message: "m"}},
		{"a cancellation", `{"kind":"cancelled","message":"m"}`, host.Error{Kind: abi.KindConnectorFault, Message: "m"}},
		{"no message", `{"kind":"denied"}`, host.Error{Kind: abi.KindDenied, Message: "the connector gave no reason"}},
		{"control characters", `{"kind":"denied","message":"a\u001b[2Jb\u0000c\u202ed\ne","hint":"\u200bh\u0007"}`, host.Error{Kind: abi.KindDenied, Message: "a[2Jbcd e", Hint: "h"}},
		{"a claim about what was sent", `{"kind":"timeout","message":"m","request_sent":true}`, host.Error{Kind: abi.KindTimeout, Message: "m"}},
		{"a wait before the beginning", `{"kind":"rate_limited","message":"m","retry_after_ms":-5}`, host.Error{Kind: abi.KindRateLimited, Message: "m"}},
		{"an unknown member", `{"kind":"not_found","message":"m","cause":"c","x":{"y":[1]}}`, host.Error{Kind: abi.KindNotFound, Message: "m"}},
		{"a member twice", `{"kind":"not_found","kind":"conflict","message":"m"}`, host.Error{Kind: abi.KindConflict, Message: "m"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := answeredError(t, `{"error":`+tt.text+`}`)
			if got.Kind != tt.want.Kind || got.Message != tt.want.Message || got.Hint != tt.want.Hint || got.RequestSent || got.RetryAfterMS != 0 {
				t.Errorf("%+v, want %+v", got, tt.want)
			}
		})
	}
	long := answeredError(t, `{"error":{"kind":"denied","message":"`+strings.Repeat("m", 30_000)+`","field":"`+strings.Repeat("f", 20_000)+`"}}`)
	if len(long.Message) > 2100 || len(long.Field) > 300 {
		t.Errorf("a message of %d bytes and a field of %d", len(long.Message), len(long.Field))
	}
}

func answeredError(t *testing.T, output string) *host.Error {
	t.Helper()
	module := valid().module(t, func(g *guest) []byte {
		g.Data(1024, output)
		return Code(Call(g.write, I32(1024), I32(len(output))), Drop, I32(0), Return)
	})
	h := open(t, host.Options{Connections: connections("https://api.evil.example")}, map[string][]byte{"evil": module})
	_, err := h.Execute(t.Context(), "evil", host.Call{Entity: "things", Action: "get"})
	var e *host.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no error of the host's", err)
	}
	return e
}
