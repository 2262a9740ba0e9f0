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
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// oneAccount is a vendor behind the simulated Airbyte API, with one account.
type oneAccount struct{}

func (oneAccount) Run(context.Context, string, map[string]string, string, string, json.RawMessage) (data, meta json.RawMessage, err error) {
	return json.RawMessage(`[{"id":"a1","name":"Ada & Sons"}]`), json.RawMessage(`{"next_cursor":null,"has_more":false}`), nil
}

// exampleHosted is a host with a connection through a simulated Airbyte API.
func exampleHosted(ctx context.Context) (h *host.Host, done func()) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	service, err := vendorsim.Start(ctx, airbyte.New(airbyte.Options{ClientID: "example-client", ClientSecret: "example-secret", Run: oneAccount{}, Now: func() time.Time { return now }}), vendorsim.Options{})
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
	environment := map[string]string{"AIRBYTE_CLIENT_ID": "example-client", "AIRBYTE_CLIENT_SECRET": "example-secret", "PYLON_API_TOKEN": "example-token"}
	h, err = host.Open(ctx, host.Options{
		Plugins: plugins,
		Cache:   compiled, // leave it out to use the user's cache folder
		Connections: host.StaticConnections{"support": {
			Connector: "pylon",
			Mode:      config.Hosted,
			Airbyte:   &config.Airbyte{WorkspaceName: "default", BaseURL: service.URL}, // leave BaseURL out to reach the real one
		}},
		LookupEnv: func(name string) (string, bool) { value, ok := environment[name]; return value, ok },
	})
	if err != nil {
		log.Fatal(err)
	}
	return h, func() {
		_ = h.Close(ctx)
		_ = service.Close()
		_ = os.RemoveAll(plugins)
	}
}

// Hand a vendor's credential to the Airbyte API, and run an operation with it there.
func ExampleHost_CreateHosted() {
	ctx := context.Background()
	h, done := exampleHosted(ctx)
	defer done()

	_, err := h.CreateHosted(ctx, host.NewHosted{
		At: host.HostedAt{Connection: "support"}, Name: "support",
		Credentials: map[string]string{"api_token": "env:PYLON_API_TOKEN"},
		Replication: map[string]string{"start_date": "2026-01-01T00:00:00Z"},
	})
	if err != nil {
		log.Fatal(err)
	}
	res, err := h.Execute(ctx, "support", host.Call{Entity: "accounts", Action: "list", Select: []string{"name"}})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s: %s\n", res.Mode, res.Data)
	// Output: hosted: [{"name":"Ada & Sons"}]
}

// A setting in the wrong form is found before anything is sent.
func ExampleHost_CreateHosted_malformed() {
	ctx := context.Background()
	h, done := exampleHosted(ctx)
	defer done()

	_, err := h.CreateHosted(ctx, host.NewHosted{
		At: host.HostedAt{Connection: "support"}, Name: "support",
		Credentials: map[string]string{"api_token": "env:PYLON_API_TOKEN"},
		Replication: map[string]string{"start_date": "last year"},
	})
	var e *abi.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind, e.Field, e.RequestSent)
		fmt.Println(e.Hint)
	}
	// Output:
	// invalid_params replication.start_date false
	// write it as in 2026-01-31T09:30:00Z
}

// Find where the configuration's hosted connections are, and list everything there.
func ExampleHost_HostedConnections() {
	ctx := context.Background()
	h, done := exampleHosted(ctx)
	defer done()

	connections, err := h.HostedConnections(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, c := range connections {
		list, err := h.ListHosted(ctx, c.At)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s is a %s in workspace %s, which has %d connectors\n", c.Name, c.Connector, c.Workspace, len(list))
	}
	// Output: support is a pylon in workspace default, which has 0 connectors
}
