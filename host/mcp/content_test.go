package mcp_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/wasmtest"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// TestContentThroughMCP: a client gets text, CSV and bytes that are no JSON, an export that its
// connector waits for, and in parts what is too long for one answer.
func TestContentThroughMCP(t *testing.T) {
	t.Parallel()
	const key, register, picture = "CANARYkey", "id,name\n1,a\n", "\x89PNG\r\n\x1a\n\x00\xff"
	long := strings.Repeat("0123456789", 3000)
	polls := 0 // of the export; one call polls at a time
	answer := func(w http.ResponseWriter, mediaType, body string) {
		w.Header().Set("Content-Type", mediaType)
		_, _ = w.Write([]byte(body))
	}
	vendor, err := vendorsim.Start(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.Path {
		case "GET /reports/2026-01.csv", "GET /exports/e1/file":
			answer(w, "text/csv; charset=utf-8", register)
		case "GET /notes/n1/raw":
			answer(w, "text/markdown", "# Ü\n")
		case "GET /users/u1/picture":
			answer(w, "image/png", picture)
		case "GET /users/u2/picture":
			answer(w, "image/png", "\xff"+long)
		case "POST /exports":
			answer(w, "application/json", `{"id":"e1"}`)
		case "GET /exports/e1":
			if polls++; polls < 3 {
				answer(w, "application/json", `{"state":"running"}`)
				return
			}
			answer(w, "application/json", `{"state":"finished"}`)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { vendor.Close() })
	var mu sync.Mutex
	var slept time.Duration
	h, err := host.Open(t.Context(), host.Options{
		Plugins: wasmtest.Folder(t, "host/conformance/testdata/right"), Cache: wasmtest.Cache(t),
		Connections: host.StaticConnections{"lab": {Connector: "right", Server: vendor.URL, Credentials: map[string]string{"api_token": "env:KEY"}}},
		LookupEnv:   func(name string) (string, bool) { return key, name == "KEY" },
		Seams: host.Seams{Sleep: func(ctx context.Context, d time.Duration) error {
			mu.Lock()
			defer mu.Unlock()
			slept += d
			return ctx.Err()
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	server, err := mcp.New(t.Context(), h, mcp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	client := stdio(t, server, nil)

	type answered struct {
		Data    map[string]string `json:"data"`
		LeftOut struct {
			Note string `json:"note"`
		} `json:"left_out"`
	}
	call := func(tool string, args map[string]any) (a answered) {
		t.Helper()
		result, err := client.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: args})
		if err != nil || result.IsError {
			t.Fatalf("%s: %v: %+v", tool, err, result)
		}
		text := result.Content[0].(*sdk.TextContent).Text
		if err := json.Unmarshal([]byte(text), &a); err != nil || strings.Contains(text, key) {
			t.Fatalf("%s: %v: %s", tool, err, text)
		}
		return a
	}
	for _, tt := range []struct {
		tool      string
		args      map[string]any
		mediaType string
		kind      string
		want      string
	}{
		{"lab_reports_download", map[string]any{"month": "2026-01"}, "text/csv; charset=utf-8", "text", register},
		{"lab_notes_get", map[string]any{"id": "n1"}, "text/markdown", "text", "# Ü\n"},
		{"lab_pictures_download", map[string]any{"user_id": "u1"}, "image/png", "base64", base64.StdEncoding.EncodeToString([]byte(picture))},
		{"lab_exports_download", nil, "text/csv; charset=utf-8", "text", register},
	} {
		if got := call(tt.tool, tt.args).Data; got["content_type"] != tt.mediaType || got[tt.kind] != tt.want {
			t.Errorf("%s: %v, want %s of %s", tt.tool, got, tt.want, tt.mediaType)
		}
	}
	mu.Lock()
	if slept == 0 {
		t.Error("the export did not wait")
	}
	mu.Unlock()

	// As docs/agents.md says: text_from and select_fields get the rest of a long text.
	want := base64.StdEncoding.EncodeToString([]byte("\xff" + long))
	got := ""
	for len(got) < len(want) {
		a := call("lab_pictures_download", map[string]any{"user_id": "u2", "select_fields": []string{"base64"}, "text_from": len(got)})
		part, _, _ := strings.Cut(a.Data["base64"], "... [")
		if part == "" || !strings.HasPrefix(want[len(got):], part) {
			t.Fatalf("after %d of %d characters comes %q (%s)", len(got), len(want), a.Data["base64"][max(0, len(a.Data["base64"])-80):], a.LeftOut.Note)
		}
		got += part
	}
}
