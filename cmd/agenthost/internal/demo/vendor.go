// Package demo shows the whole of agenthost at work against a simulated vendor: what
// connectors do, and what they are kept from doing. It needs no account and no network.
package demo

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TokenVariable is the environment variable that holds the simulated vendor's token.
const TokenVariable = "PYLON_DEMO_TOKEN"

// vendor is a simulated Pylon and the one token that it knows.
type vendor struct {
	*vendorsim.Server
	token string
}

// startVendor starts a vendor with a token that exists nowhere else, so that finding
// it anywhere but in a request is a leak.
func startVendor(ctx context.Context) (*vendor, error) {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return nil, fmt.Errorf("make a token: %w", err)
	}
	token := pylon.TokenPrefixUS + hex.EncodeToString(random)
	server, err := vendorsim.Start(ctx, pylon.New(pylon.Options{Token: token, Seed: 1}), vendorsim.Options{
		ErrorLog: log.New(io.Discard, "", 0),
	})
	if err != nil {
		return nil, err
	}
	return &vendor{server, token}, nil
}

// connections are one that may do everything, one that may only read, and one of a
// connector that is not to be trusted.
func (v *vendor) connections() map[string]config.Connection {
	credentials := map[string]string{"api_token": "env:" + TokenVariable}
	all := &config.Allow{Effects: []abi.Effect{abi.EffectRead, abi.EffectWrite, abi.EffectDelete}}
	return map[string]config.Connection{
		everything: {Connector: "pylon", Server: v.URL, Credentials: credentials},
		"audit":    {Connector: "pylon", Server: v.URL, Credentials: credentials, Allow: &config.Allow{Effects: []abi.Effect{abi.EffectRead}}},
		"rogue":    {Connector: "overreach", Server: v.URL, Credentials: credentials, Allow: all},
	}
}

// configuration is the same as a file.
func (v *vendor) configuration(plugins string) string {
	return fmt.Sprintf(`plugins: %q
connections:
  support:
    connector: pylon
    server: %s
    credentials: {api_token: env:%s}
  audit:
    connector: pylon
    server: %[2]s
    credentials: {api_token: env:%[3]s}
    allow: {effects: [read]}
`, plugins, v.URL, TokenVariable)
}
