package demo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte/directrun"
	"github.com/hashicorp/go-hclog"
)

// hostedName is the connection that runs through the Airbyte API.
const hostedName = "hosted"

// demoWorkspace is the workspace of the simulated Airbyte API, and of the server. The programs of
// docs/python.md have it too.
const demoWorkspace = "acme"

// hosting is a simulated Airbyte API, which calls the simulated vendors.
type hosting struct {
	*vendorsim.Server
	runner       *directrun.Runner
	clientID     string
	clientSecret string
}

// startHosting starts a simulated Airbyte API, with a new account.
func startHosting(ctx context.Context, plugins string, logger hclog.Logger, vendors []*vendor) (*hosting, error) {
	random := make([]byte, 32)
	if _, err := rand.Read(random); err != nil {
		return nil, fmt.Errorf("make an account: %w", err)
	}
	servers := make(map[string]string)
	for _, v := range vendors {
		servers[v.connector] = v.URL
	}
	h := &hosting{
		runner:   directrun.New(host.Options{Plugins: plugins, Logger: logger}, servers),
		clientID: "demo_" + hex.EncodeToString(random[:8]), clientSecret: "demo_secret_" + hex.EncodeToString(random[8:]),
	}
	service := airbyte.New(airbyte.Options{
		ClientID: h.clientID, ClientSecret: h.clientSecret, Run: h.runner,
		Organizations: []airbyte.Organization{{ID: airbyte.DefaultOrganization, Workspaces: []string{demoWorkspace}}},
	})
	var err error
	h.Server, err = vendorsim.Start(ctx, service, vendorsim.Options{ErrorLog: log.New(io.Discard, "", 0)})
	return h, err
}

func (h *hosting) close(ctx context.Context) error {
	return errors.Join(h.Server.Close(), h.runner.Close(ctx))
}

// connection is the hosted connection to Pylon.
func (h *hosting) connection(v *vendor) config.Connection {
	return config.Connection{
		Connector: v.connector, Mode: config.Hosted,
		Airbyte:     &config.Airbyte{BaseURL: h.URL, WorkspaceName: demoWorkspace},
		Credentials: v.credentials(),
	}
}

// variables are the environment variables of the account. With the address among them,
// commands in that terminal cannot reach the real service.
func (h *hosting) variables() [][2]string {
	return [][2]string{{"AIRBYTE_API_HOST", h.URL}, {"AIRBYTE_CLIENT_ID", h.clientID}, {"AIRBYTE_CLIENT_SECRET", h.clientSecret}}
}

// searchQuery finds the banks among the accounts.
const searchQuery = `{"filter":{"contains":{"name":"bank"}}}`

// searchLine is the command for the search.
func searchLine() []string {
	return []string{"exec", hostedName, "accounts", "context_store_search", "-p", "query=" + searchQuery, "--limit", "3", "--select", "id,name,domain"}
}

// hosted runs the same call in both modes.
func (s *story) hosted(ctx context.Context) error {
	const startDate = "2026-01-01T00:00:00Z"
	s.step("Let the Airbyte API keep the credential", "hosted", "create", hostedName, "--name", "support", "--replication", "start_date="+startDate)
	made, err := s.h.CreateHosted(ctx, host.NewHosted{
		At: host.HostedAt{Connection: hostedName}, Name: "support", Replication: map[string]string{"start_date": startDate},
	})
	if err != nil {
		return fmt.Errorf("demo, step %d: %w", s.steps, err)
	}
	fmt.Fprintf(s.out, "created: %s is the connector %s\n", made.Name, made.ID)

	call := host.Call{Entity: "accounts", Action: "list", Select: []string{"id", "name", "domain"}}
	direct, err := s.h.Execute(ctx, everything, call)
	if err != nil {
		return fmt.Errorf("demo, step %d: %w", s.steps, err)
	}
	s.step("The same call has the same result in both modes", commandLine(hostedName, call)...)
	asked := len(s.vendors.airbyte.Requests())
	hosted, err := s.h.Execute(ctx, hostedName, call)
	if err != nil {
		return fmt.Errorf("demo, step %d: %w", s.steps, err)
	}
	asked = len(s.vendors.airbyte.Requests()) - asked
	records := 0
	for a, b := range pairs(direct, hosted) {
		records++
		if err := s.expect(equal(a, b), "record %d is %s direct and %s hosted", records, a, b); err != nil {
			return err
		}
	}
	err = s.expect(records > 0 && records == rawjson.Count(hosted.Data) && direct.NextCursor == hosted.NextCursor && asked > 0,
		"%d records direct and %d hosted, %q and %q next, %d requests to the Airbyte API", rawjson.Count(direct.Data), rawjson.Count(hosted.Data), direct.NextCursor, hosted.NextCursor, asked)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%d records and the cursor of the next page, field for field.\n", records)

	s.step("Search the copies that the Airbyte API keeps", searchLine()...)
	search := host.Call{Entity: "accounts", Action: "context_store_search", Params: host.Params{
		"query": json.RawMessage(searchQuery), "limit": 3,
	}, Select: []string{"id", "name", "domain"}}
	found, err := s.h.Execute(ctx, hostedName, search)
	if err != nil {
		return fmt.Errorf("demo, step %d: %w", s.steps, err)
	}
	if err := s.show(found, search.Select); err != nil {
		return err
	}
	return s.expect(rawjson.Count(found.Data) > 0, "nothing was found")
}
