package server

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

var (
	mcpClients = flag.Int("mcp-clients", 64, "how many workspaces' clients TestManyWorkspacesAtOnce has")
	mcpCalls   = flag.Int("mcp-calls", 6, "how many calls each of them makes")
)

// accounts is a vendor that answers with the account of the credential.
func accounts(w http.ResponseWriter, r *http.Request) {
	account, ours := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer key-of-")
	if !ours {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = fmt.Fprintf(w, `{"data": [{"id": "u", "email": "account-%s@example.com"}], "request_id": "r"}`, account)
}

// TestManyWorkspacesAtOnce lets the clients of many workspaces call at once, several calls of each at a
// time, all under the same names. Each gets what its own account has.
//
// threat: A8, D1
func TestManyWorkspacesAtOnce(t *testing.T) {
	t.Parallel()
	vendor := httptest.NewServer(http.HandlerFunc(accounts))
	t.Cleanup(vendor.Close)
	l := newLab(t, operations, func(o *Options) { o.Connectors = map[string]host.Connection{"pylon": {Server: vendor.URL}} })
	tokens := make([]string, *mcpClients)
	for i := range tokens {
		workspace := fmt.Sprintf("w%d", i)
		l.ok(l.ask(http.MethodPost, airbyteapi.ConnectorsPath, l.token, map[string]any{
			"workspace_name": workspace, "name": "support", "connector_type": "Pylon", "credentials": map[string]string{"api_token": "key-of-" + workspace + "-end"},
		}), new(airbyteapi.Record))
		tokens[i] = l.workspaceToken(workspace).Token
	}
	var all sync.WaitGroup
	for i, token := range tokens {
		version := []string{"2025-06-18", "2025-11-25", "2026-07-28"}[i%3]
		all.Go(func() {
			c, err := l.mcpClient(token, nil, version)
			if err != nil {
				t.Error(err)
				return
			}
			var calls sync.WaitGroup
			turns := make(chan struct{}, 4)
			for range *mcpCalls {
				turns <- struct{}{}
				calls.Go(func() {
					defer func() { <-turns }()
					r, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: "support_users_list"})
					want := fmt.Sprintf("account-w%d-end@", i)
					if err != nil || r.IsError || strings.Count(said(r), want) != 1 || strings.Count(said(r), "account-") != 1 {
						t.Errorf("workspace %d, %s: %v, %+v", i, version, err, r)
					}
				})
			}
			calls.Wait()
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
