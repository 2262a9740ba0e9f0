package hostile_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/budget"
)

const hostedID = "7f6f2f1c-9d53-4a52-8d9c-2f8a0b7c1d3e"

// api is an Airbyte API that answers well, but for one route.
type api struct {
	*httptest.Server
	script
	route atomic.Value
}

func newAPI(t *testing.T) *api {
	a := &api{}
	a.Server = httptest.NewServer(http.HandlerFunc(a.serve))
	t.Cleanup(a.Close)
	return a
}

// routes are those that a call of a new host asks for, with good answers.
func routes() map[string]string {
	return map[string]string{
		airbyteapi.TokenPath:      `{"access_token":"t","token_type":"bearer","expires_in":900}`,
		airbyteapi.WorkspacesPath: `{"data":[{"id":"` + hostedID + `","name":"acme"}],"next":null}`,
		airbyteapi.ConnectorsPath: `{"data":[{"id":"` + hostedID + `","name":"pylon","summarized_source_template":{"name":"Pylon"},"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z"}]}`,
		"/execute":                `{"status":"success","result":{"data":{"id":"iss_1"},"request_id":"r"},"connector_metadata":{"has_next_page":false},"execution_metadata":{}}`,
	}
}

func (a *api) serve(w http.ResponseWriter, r *http.Request) {
	for route, good := range routes() {
		switch {
		case r.URL.Path != route && (route != "/execute" || !strings.HasSuffix(r.URL.Path, route)):
			continue
		case route == a.route.Load():
			a.ServeHTTP(w, r)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(good))
		}
		return
	}
	http.NotFound(w, r)
}

// hosted is an answer of the Airbyte API, to a call of a host that knows nothing yet.
func hosted(_ *testing.T, l *lab, s *source) attack {
	most := one(s, 200, 5000, 100_000, 1<<20)
	route := one(s, "/execute", "/execute", "/execute", airbyteapi.TokenPath, airbyteapi.WorkspacesPath, airbyteapi.ConnectorsPath)
	var document map[string]any
	if err := json.Unmarshal([]byte(routes()[route]), &document); err != nil {
		panic(err) // they are written above
	}
	body := s.marked(document, s.value(most))
	switch s.IntN(8) {
	case 0:
		body = s.value(most)
	case 1: // a page of errors
		body = `{"` + one(s, "detail", "errors", "message", "error") + `":` + one(s, s.value(most), `[{"loc":`+s.value(1000)+`,"msg":`+s.text(1000)+`}]`) + "}"
	case 2:
		if route == airbyteapi.TokenPath {
			body = `{"access_token":` + one(s, `"t"`, s.text(1000)) + `,"expires_in":` + s.number(400) + "}"
		}
	}
	status := one(s, 200, 200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 409, 422, 429, 500, 503)
	var header http.Header
	if s.IntN(4) == 0 {
		header = http.Header{one(s, "Retry-After", "Location", "Content-Type", "Content-Encoding"): {one(s, s.number(100), "//evil.example", "gzip", token)}}
	}
	action := one(s, "get", "list")
	return attack{fmt.Sprintf("answer %d of the Airbyte API at %s: %.100s", status, route, body), func(ctx context.Context) error {
		l.api.route.Store(route)
		l.api.answer(status, header, body)
		variables := map[string]string{"AIRBYTE_CLIENT_ID": "client", "AIRBYTE_CLIENT_SECRET": token, "AIRBYTE_API_HOST": l.api.URL}
		h, err := host.Open(ctx, host.Options{
			Plugins: l.folder, Cache: compiled,
			LookupEnv:   func(name string) (string, bool) { v, ok := variables[name]; return v, ok },
			Seams:       host.Seams{Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
			Connections: host.StaticConnections{"hosted": {Connector: "pylon", Mode: config.Hosted, Airbyte: &config.Airbyte{WorkspaceName: "acme"}}},
		})
		if err != nil {
			return err
		}
		defer h.Close(context.WithoutCancel(ctx))
		result, err := h.Execute(ctx, "hosted", host.Call{Entity: "issues", Action: action, Params: good(action)})
		if err != nil {
			if strings.Contains(err.Error(), token) {
				return fmt.Errorf("INVALID: the error quotes a secret")
			}
			return err
		}
		short, _ := budget.Fit(budget.Escape(result.Data), 20_000)
		if !json.Valid(short) || !json.Valid(result.Meta) || strings.Contains(string(result.Data), token) {
			return fmt.Errorf("INVALID: the answer is shown as %.200s", short)
		}
		return nil
	}, body}
}
