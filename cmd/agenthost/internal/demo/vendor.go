// Package demo shows agenthost with simulated vendors: what connectors can do, and what
// agenthost denies. It needs no account and no network.
package demo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"strings"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/ashby"
	"github.com/agenthost/agenthost/internal/vendorsim/incidentio"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/pdk/abi"
)

// vendor is a simulated vendor and its only valid credential.
type vendor struct {
	*vendorsim.Server
	connector string
	// field is the name of the credential, variable its environment variable.
	field, variable string
	token           string
}

// vendors are the simulated vendors.
type vendors struct {
	pylon, ashby, incidentIO *vendor
	// airbyte calls the others on behalf of hosted connections.
	airbyte *hosting
}

// all lists them, in the order of the demo.
func (v *vendors) all() []*vendor { return []*vendor{v.pylon, v.ashby, v.incidentIO} }

// startVendors starts vendors with new random credentials. One of them outside a request
// is a leak.
func startVendors(ctx context.Context, o Options) (*vendors, error) {
	var started []*vendor
	start := func(connector, field, variable, prefix string, handler func(token string) http.Handler) error {
		random := make([]byte, 16)
		if _, err := rand.Read(random); err != nil {
			return fmt.Errorf("make a token: %w", err)
		}
		token := prefix + hex.EncodeToString(random)
		server, err := vendorsim.Start(ctx, handler(token), vendorsim.Options{ErrorLog: log.New(io.Discard, "", 0)})
		if err != nil {
			return err
		}
		started = append(started, &vendor{server, connector, field, variable, token})
		return nil
	}
	err := errors.Join(
		start("pylon", "api_token", "PYLON_DEMO_TOKEN", pylon.TokenPrefixUS, func(token string) http.Handler {
			return pylon.New(pylon.Options{Token: token, Seed: 1})
		}),
		start("ashby", "api_key", "ASHBY_DEMO_KEY", "ashby_", func(token string) http.Handler {
			return ashby.New(ashby.Options{Token: token, Seed: 1})
		}),
		start("incident-io", "api_key", "INCIDENT_IO_DEMO_KEY", "inc_", func(token string) http.Handler {
			return incidentio.New(incidentio.Options{Token: token, Seed: 1})
		}),
	)
	var service *hosting
	if err == nil {
		service, err = startHosting(ctx, o.Plugins, o.Logger, started)
	}
	if err != nil {
		for _, v := range started {
			_ = v.Close()
		}
		return nil, err
	}
	return &vendors{pylon: started[0], ashby: started[1], incidentIO: started[2], airbyte: service}, nil
}

// close stops all vendors, even if ctx has ended.
func (v *vendors) close(ctx context.Context) {
	_ = v.airbyte.close(context.WithoutCancel(ctx))
	for _, one := range v.all() {
		_ = one.Server.Close()
	}
}

// lookupEnv is an environment that has only the vendors' credentials.
func (v *vendors) lookupEnv(name string) (string, bool) {
	for _, one := range v.all() {
		if one.variable == name {
			return one.token, true
		}
	}
	for _, variable := range v.airbyte.variables() {
		if variable[0] == name {
			return variable[1], true
		}
	}
	return "", false
}

func (v *vendor) credentials() map[string]string {
	return map[string]string{v.field: "env:" + v.variable}
}

// connections are an unrestricted one for each vendor, a read-only one, and one for a
// hostile connector.
func (v *vendors) connections() host.StaticConnections {
	all := &config.Allow{Effects: []abi.Effect{abi.EffectRead, abi.EffectWrite, abi.EffectDelete}}
	readOnly := &config.Allow{Effects: []abi.Effect{abi.EffectRead}}
	return host.StaticConnections{
		everything: {Connector: v.pylon.connector, Server: v.pylon.URL, Credentials: v.pylon.credentials()},
		"hiring":   {Connector: v.ashby.connector, Server: v.ashby.URL, Credentials: v.ashby.credentials()},
		"oncall":   {Connector: v.incidentIO.connector, Server: v.incidentIO.URL, Credentials: v.incidentIO.credentials()},
		"audit":    {Connector: v.pylon.connector, Server: v.pylon.URL, Credentials: v.pylon.credentials(), Allow: readOnly},
		hostedName: v.airbyte.connection(v.pylon),
		"rogue":    {Connector: "overreach", Server: v.pylon.URL, Credentials: v.pylon.credentials(), Allow: all},
	}
}

// configuration returns the same connections as a file, without the hostile one.
func (v *vendors) configuration(plugins string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "plugins: %q\nconnections:\n", plugins)
	write := func(name string, of *vendor, more string) {
		fmt.Fprintf(&b, "  %s:\n    connector: %s\n    server: %s\n    credentials: {%s: env:%s}\n%s", name, of.connector, of.URL, of.field, of.variable, more)
	}
	write(everything, v.pylon, "")
	write("audit", v.pylon, "    allow: {effects: [read]}\n")
	write("hiring", v.ashby, "")
	write("oncall", v.incidentIO, "")
	fmt.Fprintf(&b, "  %s:\n    connector: %s\n    mode: hosted\n    airbyte: {base_url: %s, workspace_name: %s}\n    credentials: {%s: env:%s}\n",
		hostedName, v.pylon.connector, v.airbyte.URL, demoWorkspace, v.pylon.field, v.pylon.variable)
	return b.String()
}
