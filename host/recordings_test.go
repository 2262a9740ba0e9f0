package host_test

import (
	"context"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/recording"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/ashby"
	"github.com/agenthost/agenthost/internal/vendorsim/incidentio"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

var update = flag.Bool("update", false, "record the connectors' golden calls anew")

// recorded is a connector with the calls that are kept in its testdata/recordings.
type recorded struct {
	folder, connector, credential string
	vendor                        func(now func() time.Time) http.Handler
	calls                         map[string]host.Call
}

func recordedConnectors() []recorded {
	return []recorded{
		{"pylon", "pylon", "api_token", func(now func() time.Time) http.Handler {
			return pylon.New(pylon.Options{Token: token, Now: now, Scale: pylon.SmallScale()})
		}, map[string]host.Call{
			"list":        {Entity: "accounts", Action: "list", Params: host.Params{"limit": 2}},
			"last-page":   {Entity: "teams", Action: "list"},
			"get":         {Entity: "issues", Action: "get", Params: host.Params{"id": "1001"}},
			"create":      {Entity: "issues", Action: "create", Params: host.Params{"title": "Größe <b> & \"Maß\"", "body_html": "<p>é</p>", "requester_email": "sam@example.com", "tags": []string{"bug"}}},
			"search":      {Entity: "issues", Action: "search", Params: host.Params{"limit": 1, "filter": host.Params{"field": "state", "operator": "in", "values": []string{"new", "on_hold"}}}},
			"long-window": {Entity: "issues", Action: "list", Params: host.Params{"start_time": "2025-11-01T00:00:00Z", "end_time": "2026-01-31T00:00:00Z", "limit": 1}},
			"upload":      {Entity: "attachments", Action: "create", Params: host.Params{"file": "aGVsbG8=", "file_name": "hello.txt"}},
			"not-found":   {Entity: "accounts", Action: "get", Params: host.Params{"id": "none"}},
		}},
		{"ashby", "ashby", "api_key", func(now func() time.Time) http.Handler {
			return ashby.New(ashby.Options{Token: token, Now: now, Scale: ashby.SmallScale()})
		}, map[string]host.Call{
			"list":       {Entity: "candidates", Action: "list", Params: host.Params{"limit": 2}},
			"stale-sync": {Entity: "departments", Action: "list", Params: host.Params{"limit": 1, "syncToken": "stale"}},
			"create":     {Entity: "candidates", Action: "create", Params: host.Params{"name": "Zoë Núñez"}},
			"not-found":  {Entity: "candidates", Action: "get", Params: host.Params{"id": "7f3c1a52-9d1e-4b6e-8a43-5d2b60c1f0aa"}},
		}},
		{"incidentio", "incident-io", "api_key", func(now func() time.Time) http.Handler {
			return incidentio.New(incidentio.Options{Token: token, Now: now, Scale: incidentio.SmallScale()})
		}, map[string]host.Call{
			"list":       {Entity: "incidents", Action: "list", Params: host.Params{"limit": 1}},
			"date-range": {Entity: "incidents", Action: "list", Params: host.Params{"limit": 1, "created_at": host.Params{"gte": "2025-12-01", "lte": "2026-01-31"}}},
			"identity":   {Entity: "identity", Action: "get"},
			"not-found":  {Entity: "incidents", Action: "get", Params: host.Params{"id": "none"}},
		}},
	}
}

// TestRecordings replays the connectors' golden calls: what a connector sends and makes
// of an answer must not change unnoticed. With -update it records them from the
// simulators, for a person to look at.
func TestRecordings(t *testing.T) {
	t.Parallel()
	for _, r := range recordedConnectors() {
		t.Run(r.folder, func(t *testing.T) {
			dir := filepath.Join("..", "plugins", r.folder, "testdata", "recordings")
			h := r.open(t)
			for name, call := range r.calls {
				file := filepath.Join(dir, name+".json")
				if *update {
					record(t, h, call, file)
				}
				replay(t, h, file)
			}
			kept, err := filepath.Glob(filepath.Join(dir, "*.json"))
			if err != nil || len(kept) != len(r.calls) {
				t.Errorf("%s holds %d recordings, want %d (%v)", dir, len(kept), len(r.calls), err)
			}
		})
	}
}

// open starts the connector's simulator, whose clock stands still, and a host.
func (r recorded) open(t *testing.T) *host.Host {
	t.Helper()
	now := func() time.Time { return time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC) }
	server, err := vendorsim.Start(t.Context(), r.vendor(now), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	o := options(t, host.StaticConnections{"lab": {Connector: r.connector, Server: server.URL, Credentials: map[string]string{r.credential: "env:TOKEN"}}})
	o.Plugins = wasmtest.Folder(t, "plugins/"+r.folder)
	o.Now = now
	h, err := host.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	return h
}

func record(t *testing.T, h *host.Host, call host.Call, file string) {
	t.Helper()
	_, tape, err := h.Record(t.Context(), "lab", call)
	if tape == nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := tape.Write(&text); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

func replay(t *testing.T, h *host.Host, file string) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	tape, err := recording.Read(f)
	if err != nil {
		t.Errorf("%s: %v", file, err)
		return
	}
	differences, err := h.Replay(t.Context(), tape)
	if err != nil {
		t.Errorf("%s: %v", file, err)
	}
	for _, d := range differences {
		t.Errorf("%s: %s", file, d)
	}
}
