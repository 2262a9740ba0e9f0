package hostile_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

const token = "canary-3f1c9a7e5b2d4068"

// lab is the process that gets all cases: a host with a connector of ours and one of
// schemas of every sort, and a vendor.
type lab struct {
	host   *host.Host
	tools  tool.Set
	vendor *vendor
	api    *api
	folder string
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{vendor: newVendor(t), api: newAPI(t), folder: wasmtest.Folder(t, "plugins/pylon")}
	manifest, auth := declared()
	m, _ := json.Marshal(manifest)
	a, _ := json.Marshal(auth)
	if err := os.WriteFile(filepath.Join(l.folder, "evil.wasm"), wasmtest.Static(string(m), string(a), `{"data":{"id":"a"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	secrets := func(name string) (string, bool) { return token, name == "TOKEN" }
	h, err := host.Open(t.Context(), host.Options{
		Plugins: l.folder, Cache: compiled, LookupEnv: secrets,
		Seams: host.Seams{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
		Connections: host.StaticConnections{
			"lab":  {Connector: "pylon", Server: l.vendor.URL, Credentials: map[string]string{"api_token": "env:TOKEN"}, RateLimit: config.RateOff, Limits: config.Limits{Memory: 64 << 20}},
			"evil": {Connector: "evil", Server: l.vendor.URL, Credentials: map[string]string{"token": "env:TOKEN"}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	l.host = h
	if l.tools, err = h.Tools(t.Context(), host.ToolOptions{Connections: []string{"lab", "evil"}, Options: tool.Options{Form: tool.FormSearch}}); err != nil {
		t.Fatal(err)
	}
	return l
}

// good makes a call that nothing is wrong with.
func (l *lab) good(t *testing.T) error {
	l.vendor.answer(200, nil, `{"data":{"id":"iss_1","title":"Good"}}`)
	result, err := l.host.Execute(t.Context(), "lab", host.Call{Entity: "issues", Action: "get", Params: host.Params{"id": "iss_1"}})
	if err == nil && !strings.Contains(string(result.Data), "Good") {
		t.Errorf("the good call answers %s", result.Data)
	}
	return err
}

// params are those of a call to a schema of every sort, directly and as a model calls.
func params(_ *testing.T, l *lab, s *source) attack {
	most := one(s, 200, 5000, 100_000, 8<<20)
	p := map[string]any{"id": "a", "limit": 1, "tags": []any{"a"}, "where": map[string]any{"x_a": 1}, "any": "x", "other": 1}
	raw := s.marked(p, s.value(most))
	if s.IntN(8) == 0 {
		raw = s.value(most)
	}
	fields := func() []string {
		if s.IntN(3) > 0 {
			return nil
		}
		path := s.text(2000)
		return []string{strings.Repeat("a.", s.IntN(40)) + "a", path[1 : len(path)-1]}
	}
	selected, excluded := fields(), fields()
	if s.IntN(2) == 0 {
		return attack{"parameters: " + raw[:min(len(raw), 100)], func(ctx context.Context) error {
			_, err := l.host.Execute(ctx, "evil", host.Call{Entity: "things", Action: "get", Params: json.RawMessage(raw), Select: selected, Exclude: excluded})
			return err
		}, raw}
	}
	name := one(s, tool.SearchOperations, tool.DescribeOperation, tool.ExecuteOperation)
	arguments := map[string]any{"operation": "evil.things.get", "params": json.RawMessage("{}"), "query": "things", "select_fields": []any{"a"}}
	if name != tool.ExecuteOperation {
		arguments = map[string]any{"operation": "evil.things.get"}
		if name == tool.SearchOperations {
			arguments = map[string]any{"query": "things"}
		}
	}
	args := s.marked(arguments, one(s, raw, s.value(most)))
	return attack{"arguments: " + args[:min(len(args), 100)], func(ctx context.Context) error {
		_, err := l.tools.Call(ctx, name, json.RawMessage(args))
		return err
	}, args}
}
