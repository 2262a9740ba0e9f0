package mcp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// TestClientThatStopsWaiting is a regression test: with a protocol version before 2026-07-28
// and without a session, a call went on after its client had closed the connection, so that
// the vendor did work for nobody.
func TestClientThatStopsWaiting(t *testing.T) {
	const token = pylon.TokenPrefixUS + "0123456789"
	arrived, ended := make(chan struct{}, 1), make(chan struct{}, 1)
	vendor, err := vendorsim.Start(t.Context(), pylon.New(pylon.Options{Token: token, Scale: pylon.SmallScale()}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	vendor.Inject(vendorsim.Fault{PathPrefix: "/accounts", Count: -1, Effect: func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		arrived <- struct{}{}
		<-r.Context().Done()
		ended <- struct{}{}
	}})
	plugins := wasmtest.Folder(t, "plugins/pylon")
	server, _, _ := open(t, mcp.Options{Tools: host.ToolOptions{Options: tool.Options{Form: tool.FormOperations}}}, "{}", func(o *host.Options) {
		o.Plugins, o.Cache = plugins, wasmtest.Cache(t)
		o.Connections = host.StaticConnections{"support": {Connector: "pylon", Server: vendor.URL, Credentials: map[string]string{"api_token": "env:TOKEN"}}}
		o.LookupEnv = func(string) (string, bool) { return token, true }
	})
	url := serve(t, server, mcp.HTTPOptions{Tokens: tokens()})
	for _, version := range []string{"2025-06-18", "2025-11-25", "2026-07-28"} {
		t.Run(version, func(t *testing.T) {
			ctx, hangUp := context.WithCancel(t.Context())
			defer hangUp()
			body := fmt.Sprintf(`{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"support_accounts_list","arguments":{},`+
				`"_meta":{"io.modelcontextprotocol/protocolVersion":%q,"io.modelcontextprotocol/clientInfo":{"name":"t","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}}}`, version)
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			for name, value := range map[string]string{
				"Authorization": "Bearer " + adaToken, "Content-Type": "application/json", "Accept": "application/json, text/event-stream",
				"Mcp-Protocol-Version": version, "Mcp-Method": "tools/call", "Mcp-Name": "support_accounts_list",
			} {
				request.Header.Set(name, value)
			}
			answered := make(chan string, 1)
			go func() {
				resp, err := http.DefaultClient.Do(request)
				if err != nil {
					answered <- err.Error()
					return
				}
				text, _ := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				answered <- resp.Status + " " + string(text)
			}()
			select {
			case <-arrived:
			case status := <-answered:
				t.Fatal(status)
			}
			hangUp()
			select {
			case <-ended:
			case <-time.After(20 * time.Second):
				t.Error("the vendor still works for a client that is gone")
			}
		})
	}
	http.DefaultClient.CloseIdleConnections()
}
