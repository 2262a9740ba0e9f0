package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// The examples share one simulated Pylon, whose clock stands still so that its data is
// the same every time. An example may change the options before the host is opened.
func exampleHost(ctx context.Context, changes ...func(*host.Options)) (h *host.Host, done func()) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	scale := pylon.DefaultScale()
	scale.Issues, scale.Messages = 200, 400 // most of the work of making it
	vendor, err := vendorsim.Start(ctx, pylon.New(pylon.Options{Token: "example", Scale: scale, Now: func() time.Time { return now }}), vendorsim.Options{})
	if err != nil {
		log.Fatal(err)
	}
	module, err := wasmtest.BuildContext(ctx, "plugins/pylon")
	if err != nil {
		log.Fatal(err)
	}
	plugins, err := os.MkdirTemp("", "example-plugins-")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.Symlink(module, filepath.Join(plugins, "pylon.wasm")); err != nil {
		log.Fatal(err)
	}
	connection := host.Connection{
		Connector: "pylon",
		Server:    vendor.URL, // leave it out to reach the real one
		Secrets:   map[string]secret.Value{"api_token": secret.New([]byte("example"))},
	}
	readOnly := connection
	readOnly.Allow = &config.Allow{Effects: []abi.Effect{abi.EffectRead}}
	options := host.Options{
		Plugins:     plugins,
		Cache:       compiled, // leave it out to use the user's cache folder
		Connections: host.StaticConnections{"support": connection, "audit": readOnly},
	}
	for _, change := range changes {
		change(&options)
	}
	h, err = host.Open(ctx, options)
	if err != nil {
		log.Fatal(err)
	}
	return h, func() {
		_ = h.Close(ctx)
		_ = vendor.Close()
		_ = os.RemoveAll(plugins)
	}
}

func ExampleHost_Execute() {
	ctx := context.Background()
	h, done := exampleHost(ctx)
	defer done()

	res, err := h.Execute(ctx, "support", host.Call{
		Entity: "accounts", Action: "create", Params: host.Params{"name": "Ada & Sons"},
	})
	if err != nil {
		log.Fatal(err)
	}
	var account struct{ ID, Name string }
	if err := res.Decode(&account); err != nil {
		log.Fatal(err)
	}
	fmt.Println(account.Name, account.ID != "")
	// Output: Ada & Sons true
}

func ExampleHost_Records() {
	ctx := context.Background()
	h, done := exampleHost(ctx)
	defer done()

	n := 0
	for _, err := range h.Records(ctx, "support", host.Call{Entity: "accounts", Action: "list"}) {
		if err != nil {
			log.Fatal(err)
		}
		n++
	}
	fmt.Println(n, "accounts")
	// Output: 300 accounts
}

func ExampleHost_Pages() {
	ctx := context.Background()
	h, done := exampleHost(ctx)
	defer done()

	call := host.Call{Entity: "accounts", Action: "list", Params: host.Params{"limit": 200}}
	for page, err := range h.Pages(ctx, "support", call) {
		if err != nil {
			log.Fatal(err)
		}
		var accounts []json.RawMessage
		if err := page.Decode(&accounts); err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(accounts), page.HasMore)
	}
	// Output:
	// 200 true
	// 100 false
}

func ExampleHost_Check() {
	ctx := context.Background()
	h, done := exampleHost(ctx)
	defer done()

	if _, err := h.Check(ctx, "support"); err != nil {
		log.Fatal(err)
	}
	fmt.Println("the credential works")
	// Output: the credential works
}

// A connection that may only read does not write, and nothing is sent.
func ExampleHost_Execute_denied() {
	ctx := context.Background()
	h, done := exampleHost(ctx)
	defer done()

	_, err := h.Execute(ctx, "audit", host.Call{Entity: "accounts", Action: "create", Params: host.Params{"name": "Acme"}})
	var e *host.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind, e.RequestSent)
		fmt.Println(e.Message)
		fmt.Println(e.Hint)
	}
	// Output:
	// denied false
	// connection audit may not run accounts.create: its effect is write, by allow: {effects: [read]}
	// add accounts.create to allow.operations of the connection, if a person agrees
}

// What would decide on a call, and what would permit it, is said without running it.
func ExampleHost_Explain() {
	ctx := context.Background()
	h, done := exampleHost(ctx)
	defer done()

	x, err := h.Explain(ctx, "audit", host.Call{Entity: "accounts", Action: "create"})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range x.Rulings {
		fmt.Println(r.Question, r.Allowed, "by", r.Rule)
	}
	fmt.Println(x.Decision.Permit)
	// Output:
	// approval true by this program keeps no approvals
	// operation false by allow: {effects: [read]}
	// add accounts.create to allow.operations of the connection, if a person agrees
}

// Wrong parameters are refused before a sandbox starts, with the name that was meant.
func ExampleHost_Execute_invalidParams() {
	ctx := context.Background()
	h, done := exampleHost(ctx)
	defer done()

	_, err := h.Execute(ctx, "support", host.Call{Entity: "accounts", Action: "list", Params: host.Params{"limitt": 10}})
	var e *host.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind, e.Field)
		fmt.Println(e.Message)
		fmt.Println(e.Hint)
	}
	// Output:
	// invalid_params limitt
	// unknown parameter "limitt"
	// did you mean limit?
}

// A call that takes too long is stopped, wherever the connector is.
func ExampleHost_Execute_timeout() {
	ctx := context.Background()
	h, done := exampleHost(ctx)
	defer done()

	_, err := h.Execute(ctx, "support", host.Call{Entity: "accounts", Action: "list", Timeout: time.Nanosecond})
	var e *host.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind, e.Retryable)
	}
	// Output: timeout true
}

// The tools of a connection, for the loop of an agent. Here a model asked for one.
func ExampleHost_Tools() {
	ctx := context.Background()
	h, done := exampleHost(ctx)
	defer done()

	tools, err := h.Tools(ctx, host.ToolOptions{Connections: []string{"audit"}, Options: tool.Options{Form: tool.FormOperations}})
	if err != nil {
		log.Fatal(err)
	}
	answer, failed := tools.Answer(ctx, "audit_accounts_list", json.RawMessage(`{"limit":2,"select_fields":["name"]}`))
	fmt.Println(answer[:70], failed)
	answer, failed = tools.Answer(ctx, "audit_accounts_list", json.RawMessage(`{"limitt":2}`))
	fmt.Println(answer, failed)
	// Output:
	// {"data":[{"name":"Aperture Labs"},{"name":"Blue Bottle Freight"}],"met false
	// Error (invalid_params): unknown parameter "limitt".
	// What to do: did you mean limit? true
}
