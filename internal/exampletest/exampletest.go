// Package exampletest is what the tests of the examples share: a host that reaches a
// simulated Pylon, and a scripted [Model] in the place of a language model.
package exampletest

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// Question is what the examples ask.
const Question = "Which urgent issues has nobody picked up?"

// Token is what the simulated Pylon knows.
const Token = "example"

// Options are those of a host with the connection support, which may read issues of a
// simulated Pylon: all that Pylon lets one read is more than the tools that
// tool.FormAuto offers one by one. They are for tests that run two folders below the
// root, as those of the examples do.
func Options(t testing.TB) host.Options {
	t.Helper()
	connector, err := filepath.Abs("../../plugins/pylon")
	if err != nil {
		t.Fatal(err)
	}
	return host.Options{
		Plugins: wasmtest.Folder(t, connector),
		Cache:   wasmtest.Cache(t),
		Connections: host.StaticConnections{"support": {
			Connector: "pylon",
			Server:    pylonServer(t).URL,
			Secrets:   map[string]secret.Value{"api_token": secret.New([]byte(Token))},
			Allow:     &config.Allow{Operations: []string{"issues.get", "issues.list", "issues.search"}},
		}},
	}
}

// Host returns a host with [Options], which is closed when the test ends.
func Host(t testing.TB) *host.Host {
	t.Helper()
	h, err := host.Open(t.Context(), Options(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// pylonServer starts a simulated Pylon. Its clock stands still, so that its data is the
// same every time.
func pylonServer(t testing.TB) *vendorsim.Server {
	t.Helper()
	scale := pylon.SmallScale()
	scale.Issues = 800 // enough for an answer of more than one page
	vendor := pylon.New(pylon.Options{Token: Token, Scale: scale, Now: now})
	server, err := vendorsim.Start(t.Context(), vendor, vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	return server
}

func now() time.Time { return time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC) }

// Issue is what an answer says of an issue.
type Issue struct {
	Number int    `json:"number"`
	Title  string `json:"title"`
}

// PickedUpByNobody are the issues that are the answer to [Question]. It goes through
// every issue, where the model lets the vendor search.
func PickedUpByNobody(t testing.TB, h *host.Host) []Issue {
	t.Helper()
	call := host.Call{Entity: "issues", Action: "list", Params: host.Params{
		"start_time": now().AddDate(-2, 0, 0).Format(time.RFC3339),
		"end_time":   now().Format(time.RFC3339),
	}}
	var found []Issue
	for record, err := range h.Records(t.Context(), "support", call) {
		if err != nil {
			t.Fatal(err)
		}
		var issue struct {
			Issue
			State        string          `json:"state"`
			Assignee     json.RawMessage `json:"assignee"`
			CustomFields map[string]struct {
				Value string `json:"value"`
			} `json:"custom_fields"`
		}
		if err := json.Unmarshal(record, &issue); err != nil {
			t.Fatal(err)
		}
		nobody := len(issue.Assignee) == 0 || string(issue.Assignee) == "null"
		if nobody && issue.State != "closed" && issue.CustomFields["priority"].Value == "urgent" {
			found = append(found, issue.Issue)
		}
	}
	if len(found) < 2 {
		t.Fatalf("the simulated Pylon has %d such issues, too few to tell a right answer from a lucky one", len(found))
	}
	return found
}
