package host

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/egress"
	"github.com/agenthost/agenthost/host/sandbox"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// canary is a credential that is easy to find. It has characters that every encoding
// changes.
const canary = "canary/7f3+Zx~9 Q-e5d1\"bird"

// traces are the forms in which the canary would be seen.
func traces() []string {
	return []string{
		canary, "7f3+Zx~9", url.QueryEscape(canary), url.PathEscape(canary), hex.EncodeToString([]byte(canary)),
		base64.StdEncoding.EncodeToString([]byte(canary))[:20], base64.RawURLEncoding.EncodeToString([]byte("Bearer " + canary))[9:30],
	}
}

func assertNoCanary(t *testing.T, where string, data []byte) {
	t.Helper()
	for _, form := range traces() {
		if bytes.Contains(data, []byte(form)) {
			t.Errorf("%s holds the credential, as %q", where, form)
		}
	}
}

// buffer is a log that several goroutines write to.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) Bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.b.Bytes())
}

func canaryHost(t *testing.T, log *buffer) (*Host, *vendorsim.Server) {
	t.Helper()
	server, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: canary, Scale: pylon.SmallScale()}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	h, err := Open(t.Context(), Options{
		Plugins:     wasmtest.Folder(t, "plugins/pylon"),
		Cache:       wasmtest.Cache(t),
		Connections: map[string]Connection{"lab": {Connector: "pylon", Server: server.URL, Credentials: map[string]string{"api_token": "env:TOKEN"}}},
		LookupEnv:   func(string) (string, bool) { return canary, true },
		Logger:      hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: log, IncludeLocation: true}),
		Sleep:       func(ctx context.Context, _ time.Duration) error { return ctx.Err() },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	return h, server
}

// The credential is in no module, result, error or log line, whatever a vendor does
// with it and however a call ends.
// threat: C1, N11
func TestCanaryIsNowhere(t *testing.T) {
	var log buffer
	h, server := canaryHost(t, &log)
	module, err := os.ReadFile(wasmtest.Build(t, "plugins/pylon"))
	if err != nil {
		t.Fatal(err)
	}
	assertNoCanary(t, "the module", module)
	get := Call{Entity: "me", Action: "get"}
	for name, effect := range map[string]vendorsim.Effect{
		"plain":           nil,
		"echo":            vendorsim.EchoAuthorization(200),
		"echo, 400":       vendorsim.EchoAuthorization(400),
		"echo, 500":       vendorsim.EchoAuthorization(500),
		"header":          vendorsim.Respond(200, map[string][]string{"X-Echo": {"Bearer " + canary}}, `{"data":{}}`),
		"error body":      vendorsim.Respond(403, nil, mustJSON(t, map[string]any{"errors": []string{"bad token " + canary}, "code": canary, "request_id": canary})),
		"base64":          vendorsim.Respond(200, nil, mustJSON(t, map[string]any{"data": map[string]string{"x": base64.StdEncoding.EncodeToString([]byte("Bearer " + canary))}})),
		"malformed":       vendorsim.Respond(200, nil, `{"data": `+canary),
		"redirect":        vendorsim.RedirectTo(302, "https://other.example/?token="+url.QueryEscape(canary)),
		"dropped":         vendorsim.DropConnection(),
		"not JSON":        vendorsim.Respond(502, nil, "<html>"+canary+"</html>"),
		"unknown coding":  vendorsim.Respond(200, map[string][]string{"Content-Encoding": {canary}}, "x"),
		"bad retry-after": vendorsim.Respond(429, map[string][]string{"Retry-After": {canary}}, "{}"),
	} {
		server.ClearFaults()
		if effect != nil {
			server.Inject(vendorsim.Fault{Count: -1, Effect: effect})
		}
		res, err := h.Execute(t.Context(), "lab", get)
		if res != nil {
			assertNoCanary(t, name+": the result", append(bytes.Clone(res.Data), res.Meta...))
		}
		for ; err != nil; err = errors.Unwrap(err) {
			assertNoCanary(t, name+": the error", fmt.Appendf(nil, "%v %+v %#v %s", err, err, err, mustJSON(t, err)))
		}
	}
	assertNoCanary(t, "the options", fmt.Appendf(nil, "%+v %#v", h.options.Connections, h.options.Connections))
	assertNoCanary(t, "a connection", fmt.Appendf(nil, "%+v", h.connections["lab"]))
	if !strings.Contains(string(log.Bytes()), "GET") {
		t.Error("the log at trace level says nothing, so that it holds no credential proves nothing")
	}
	assertNoCanary(t, "the log", log.Bytes())
}

// The guest's memory never holds the credential, at any of its calls into the host.
// threat: C1
func TestCanaryIsNotInTheGuest(t *testing.T) {
	var log buffer
	h, server := canaryHost(t, &log)
	server.Inject(vendorsim.Fault{Skip: 1, Count: 1, Effect: vendorsim.EchoAuthorization(200)})
	c, err := h.connection(t.Context(), "lab")
	if err != nil {
		t.Fatal(err)
	}
	op, err := c.connector.Operation("accounts", "list")
	if err != nil {
		t.Fatal(err)
	}
	client, err := h.egress(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	module, err := c.file.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		calls := 0
		traffic := &traffic{client: client, now: time.Now, scope: egress.Scope{Requests: op.Requests, Budget: egress.NewBudget(10, 1<<20, 1<<20)}}
		_, err = module.Run(t.Context(), sandbox.Call{
			Export: abi.ExportExecute, Input: []byte(`{"entity":"accounts","action":"list","params":{}}`), Send: traffic.send,
			Trace: func(hc sandbox.HostCall) {
				calls++
				assertNoCanary(t, "the guest's memory", hc.Memory)
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		if calls < 5 || !traffic.sent {
			t.Errorf("%d host calls, sent %v", calls, traffic.sent)
		}
	}
	if n := len(server.Requests()); n != 3 || server.Requests()[0].Header.Get("Authorization") != "Bearer "+canary {
		t.Errorf("the vendor did not get the credential: %v", server.Requests())
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
