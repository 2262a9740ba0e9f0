package host

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/internal/wiresim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// publicly resolves every name to a public address.
type publicly struct{}

func (publicly) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
}

// TestPrivateAuthorityOfTheAirbyteAPI reaches an Airbyte API that only its own authority
// vouches for: at a URL of the operator's, and at the service's own, as behind a proxy that
// opens TLS connections. Connections that differ in whom they trust share no client.
func TestPrivateAuthorityOfTheAirbyteAPI(t *testing.T) {
	t.Parallel()
	const operators = "airbyte.lab.example"
	certificate := certificateFor(t, true, operators, "api.airbyte.ai")
	server := httptest.NewUnstartedServer(airbyte.New(airbyte.Options{
		ClientID: "id", ClientSecret: "client-secret-of-the-lab", Organizations: []airbyte.Organization{{ID: airbyte.DefaultOrganization, Workspaces: []string{"acme"}}},
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that are meant to fail
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	server.StartTLS()
	t.Cleanup(server.Close)
	dir := t.TempDir()
	for name, text := range map[string][]byte{"own": wiresim.PEM(certificate), "other": wiresim.PEM(certificateFor(t, true))} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(url, file string) Connection {
		c := Connection{Connector: "pylon", Mode: config.Hosted, Airbyte: &config.Airbyte{BaseURL: url, WorkspaceName: "acme"}}
		if file != "" {
			c.TLS = &config.TLS{CAFile: filepath.Join(dir, file)}
		}
		return c
	}
	h, err := Open(t.Context(), Options{
		Plugins: wasmtest.Folder(t, "plugins/pylon"), Cache: wasmtest.Cache(t),
		Connections: StaticConnections{
			"own": at("https://"+operators, "own"), "other": at("https://"+operators, "other"), "system": at("https://"+operators, ""),
			"proxied": at("", "own"), "otherwise": at("", "other"), "unproxied": at("", ""),
			"missing": at("", "none"), "plain": at("http://127.0.0.1:1", "own"),
		},
		LookupEnv: func(name string) (string, bool) {
			value, ok := map[string]string{"AIRBYTE_CLIENT_ID": "id", "AIRBYTE_CLIENT_SECRET": "client-secret-of-the-lab"}[name]
			return value, ok
		},
		Seams: Seams{Resolver: publicly{}, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, server.Listener.Addr().String())
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(t.Context())
	for _, tt := range []struct {
		connection string
		kind       abi.Kind
		says       string
		field      string
	}{
		{"own", "", "", ""},
		{"other", abi.KindNetwork, "from an authority that this machine does not trust", ""},
		{"system", abi.KindNetwork, "from an authority that this machine does not trust", ""},
		{"proxied", "", "", ""},
		{"otherwise", abi.KindNetwork, "from an authority that this machine does not trust", ""},
		{"unproxied", abi.KindNetwork, "from an authority that this machine does not trust", ""},
		{"missing", abi.KindInvalidParams, "no such file", "connections.missing.tls.ca_file"},
		{"plain", abi.KindInvalidParams, "at an http URL", "connections.plain.tls"},
	} {
		t.Run(tt.connection, func(t *testing.T) {
			_, listed := h.ListHosted(t.Context(), HostedAt{Connection: tt.connection})
			_, byAccount := h.ListHosted(t.Context(), HostedAt{Account: tt.connection, Airbyte: config.Airbyte{WorkspaceName: "acme"}})
			_, called := h.Execute(t.Context(), tt.connection, Call{Entity: "me", Action: "get"})
			if tt.kind == "" {
				var e *Error // the workspace has no connector, which only the service knows
				if listed != nil || byAccount != nil || !errors.As(called, &e) || e.Kind != abi.KindNotFound {
					t.Errorf("errors = %v, %v, %v", listed, byAccount, called)
				}
				return
			}
			for _, err := range []error{listed, byAccount, called} {
				var e *Error
				if !errors.As(err, &e) || e.Kind != tt.kind || !strings.Contains(e.Message, tt.says) || e.RequestSent || e.Hint == "" {
					t.Errorf("%v, want %s that says %q", err, tt.kind, tt.says)
				} else if tt.field != "" && e.Field != tt.field {
					t.Errorf("the field is %s", e.Field)
				}
			}
		})
	}
	accounts := make(map[string]bool)
	connections, err := h.HostedConnections(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range connections {
		accounts[c.At.Account] = true
	}
	if len(accounts) != 8 {
		t.Errorf("the accounts are %v", accounts)
	}
}
