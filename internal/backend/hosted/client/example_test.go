package client_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/backend/hosted/client"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/vendorsim"
	sim "github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/pdk/abi"
)

// simulated starts a simulated service and makes a client of it.
func simulated(clientSecret string) (c *client.Client, closeBoth func()) {
	service := sim.New(sim.Options{ClientID: "id", ClientSecret: "the-client-secret", Run: &vendor{}})
	server, err := vendorsim.Start(context.Background(), service, vendorsim.Options{})
	if err != nil {
		panic(err)
	}
	c, err = client.New(client.Config{BaseURL: server.URL, ClientID: secret.New([]byte("id")), ClientSecret: secret.New([]byte(clientSecret))})
	if err != nil {
		panic(err)
	}
	return c, func() { c.Close(); _ = server.Close() }
}

// Create a connector, find it again by its workspace, and run an operation of it.
func ExampleClient_Execute() {
	c, closeBoth := simulated("the-client-secret")
	defer closeBoth()
	ctx := context.Background()
	workspace, err := airbyteapi.NewWorkspaceName("default", "", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	created, err := c.Create(ctx, client.NewConnector{
		Workspace: workspace, Type: "Ashby", Name: "hiring",
		Credentials: []client.Credential{{Name: "api_key", Value: secret.New([]byte("ashby-key"))}},
		Replication: []client.Setting{{Name: "start_date", Value: "2026-01-01T00:00:00Z"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	id, err := c.Find(ctx, workspace, created.DefinitionID, "Ashby")
	if err != nil {
		fmt.Println(err)
		return
	}
	answer, err := c.Execute(ctx, id, client.Execution{ExecuteRequest: airbyteapi.ExecuteRequest{Entity: "candidates", Action: "list"}, Scope: egress.Scope{Retry: true, Reads: true}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %s\n", answer.Result, answer.Metadata)
	// Output: [{"entity":"candidates"}] {"cursor":null,"has_more":false}
}

// A wrong client secret is found before anything is run, and is not in the error.
func ExampleNew_wrongSecret() {
	c, closeBoth := simulated("another-secret")
	defer closeBoth()
	_, err := c.Workspaces(context.Background(), "")
	var e *abi.Error
	if errors.As(err, &e) {
		fmt.Println(e.Kind, e.RequestSent)
		fmt.Println(e.Message)
	}
	// Output:
	// auth_failed false
	// the Airbyte API does not know this client id and secret: the Airbyte API answered 401: client_id or client_secret is wrong
}

// A client secret that is replaced while the client is in use is found where Renew looks.
func ExampleConfig_renew() {
	service := sim.New(sim.Options{ClientID: "id", ClientSecret: "the-first-secret"})
	server, err := vendorsim.Start(context.Background(), service, vendorsim.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = server.Close() }()
	c, err := client.New(client.Config{
		BaseURL: server.URL, ClientID: secret.New([]byte("id")), ClientSecret: secret.New([]byte("the-first-secret")),
		Renew: func(context.Context) (clientID, clientSecret secret.Value, err error) {
			fmt.Println("the secret is read again")
			return secret.New([]byte("id")), secret.New([]byte("the-second-secret")), nil
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	service.RotateSecret("the-second-secret")
	workspaces, err := c.Workspaces(context.Background(), "")
	fmt.Println(len(workspaces), "workspace,", err)
	// Output:
	// the secret is read again
	// 1 workspace, <nil>
}

// A name in two generations that contradict each other is refused.
func ExampleNewWorkspaceName_contradiction() {
	_, err := airbyteapi.NewWorkspaceName("acme", "globex", "")
	fmt.Println(err)
	// Output: invalid_params: customer_name is "globex" and workspace_name is "acme", but both name the workspace
}
