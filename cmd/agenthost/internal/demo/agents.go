package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/backend/hosted/client"
	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/agenthost/agenthost/server"
)

// agents is the server of agenthost serve, with a connector for each simulated vendor.
type agents struct {
	server    *server.Server
	bootstrap *server.Bootstrap
	url       string
	pylon     airbyteapi.ID
	end       context.CancelFunc
	ended     chan error
}

// startAgents starts a server that keeps its data in a folder.
func startAgents(ctx context.Context, o Options, v *vendors, folder string) (_ *agents, err error) {
	listener, err := httpserve.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &agents{url: "http://" + listener.Addr().String(), ended: make(chan error, 1)}
	connectors := make(map[string]host.Connection)
	for _, one := range v.all() {
		connectors[one.connector] = host.Connection{Server: one.URL}
	}
	a.server, err = server.New(ctx, server.Options{
		Data: filepath.Join(folder, "server"), URL: a.url, Connectors: connectors,
		Host:      host.Options{Plugins: o.Plugins, Logger: o.Logger, OnCompile: o.OnCompile},
		Bootstrap: func(b *server.Bootstrap) error { a.bootstrap = b; return nil },
	})
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	serving, end := context.WithCancel(ctx)
	a.end = end
	go a.serve(serving, listener, o)
	if err = a.connect(ctx, v); err != nil {
		return nil, errors.Join(err, a.close(ctx))
	}
	return a, nil
}

func (a *agents) serve(ctx context.Context, listener net.Listener, o Options) {
	n, _ := httpserve.Connections(0)
	a.ended <- httpserve.Serve(ctx, listener, a.server.Handler(ctx), httpserve.Options{
		MaxConnections: n, Patience: httpserve.DefaultPatience(), Logger: o.Logger.Named("http"),
	}, closingTime)
}

// closingTime is how long calls may run on when the demo ends.
const closingTime = 5 * time.Second

// connect creates a connector for each vendor, as any client of the API does.
func (a *agents) connect(ctx context.Context, v *vendors) error {
	workspace, err := airbyteapi.NewWorkspaceName(demoWorkspace, "", "")
	if err != nil {
		return err
	}
	c, err := client.New(client.Config{BaseURL: a.url, ClientID: secret.New([]byte(a.bootstrap.ClientID)), ClientSecret: a.bootstrap.ClientSecret})
	if err != nil {
		return err
	}
	defer c.Close()
	for _, one := range v.all() {
		made, err := c.Create(ctx, client.NewConnector{
			Workspace: workspace, Type: one.connector, Name: one.connector,
			Credentials: []client.Credential{{Name: one.field, Value: secret.New([]byte(one.token))}},
		})
		if err != nil {
			return fmt.Errorf("connect %s: %w", one.connector, err)
		}
		if one == v.pylon {
			a.pylon = made.ID
		}
	}
	return nil
}

// close ends the server, even if ctx has ended.
func (a *agents) close(ctx context.Context) error {
	a.end()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closingTime)
	defer cancel()
	return errors.Join(<-a.ended, a.server.Close(closing))
}

// show prints how to call the server.
func (a *agents) show(o Options) error {
	_, err := fmt.Fprintf(o.Out, "\nagenthost serve is at %s, with a connector for each of them in the workspace %s. In a third terminal:\n\n", a.url, demoWorkspace)
	if err == nil {
		err = a.bootstrap.Show(o.Out, a.url)
	}
	if err == nil {
		_, err = fmt.Fprintf(o.Out, `
From Python, with airbyte-agent-sdk (pip install airbyte-agent-sdk):

%s

With curl:

%s
`, pythonLine, fmt.Sprintf(curlLine, airbyteapi.TokenPath, airbyteapi.ConnectorsPath, a.pylon))
	}
	return err
}

const (
	pythonLine = `python3 -c 'import asyncio; from airbyte_agent_sdk import connect; print(asyncio.run(connect("pylon", workspace_name="` + demoWorkspace + `").execute("accounts", "list", {"limit": 2})))'`
	// An access token ends after some minutes, so the line gets its own.
	curlLine = `curl -sS "$SDK_DEV_ADP_API_HOST%[2]s/%[3]s/execute" -H 'Content-Type: application/json' -H "Authorization: Bearer $(curl -sS "$SDK_DEV_ADP_API_HOST%[1]s" -H 'Content-Type: application/json' -d "{\"client_id\":\"$AIRBYTE_CLIENT_ID\",\"client_secret\":\"$AIRBYTE_CLIENT_SECRET\"}" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')" -d '{"entity":"accounts","action":"list","params":{"limit":2}}'`
)
