package host

import (
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/internal/wiresim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestPrivateAuthority reaches a server that only its own authority vouches for.
func TestPrivateAuthority(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(pylon.New(pylon.Options{Token: "token-of-the-lab", Scale: pylon.SmallScale()}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that are meant to fail
	server.StartTLS()
	t.Cleanup(server.Close)
	own := wiresim.PEM(server.TLS.Certificates[0])
	other, leaf := wiresim.PEM(certificateFor(t, true)), wiresim.PEM(certificateFor(t, false))
	dir := t.TempDir()
	for name, text := range map[string][]byte{
		"own": own, "several": slices.Concat([]byte("# ours\n"), other, []byte("\n# the server's\n"), own, []byte("\n\n")),
		"other": other, "leaf": leaf,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		file string // "" trusts the system's
		kind abi.Kind
		says string
	}{
		{"own", "", ""},
		{"several", "", ""},
		{"", abi.KindNetwork, "from an authority that this machine does not trust"},
		{"other", abi.KindNetwork, "from an authority that this machine does not trust"},
		{"leaf", abi.KindInvalidParams, "certificate 1, CN=nobody, does not belong to an authority"},
	} {
		t.Run(tt.file, func(t *testing.T) {
			c := Connection{Connector: "pylon", Server: server.URL, Credentials: map[string]string{"api_token": "env:TOKEN"}}
			if tt.file != "" {
				c.TLS = &config.TLS{CAFile: filepath.Join(dir, tt.file)}
			}
			h, err := Open(t.Context(), Options{
				Plugins: wasmtest.Folder(t, "plugins/pylon"), Cache: wasmtest.Cache(t), Connections: StaticConnections{"lab": c},
				LookupEnv: func(string) (string, bool) { return "token-of-the-lab", true },
			})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close(t.Context())
			_, err = h.Check(t.Context(), "lab")
			if tt.kind == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			var e *Error
			if !errors.As(err, &e) || e.Kind != tt.kind || !strings.Contains(e.Message, tt.says) || e.RequestSent || e.Hint == "" {
				t.Fatalf("%v, want %s that says %q", err, tt.kind, tt.says)
			}
			if tt.kind == abi.KindInvalidParams && e.Field != "connections.lab.tls.ca_file" {
				t.Errorf("the field is %s", e.Field)
			}
		})
	}
}

// certificateFor is a certificate that nobody but itself vouches for.
func certificateFor(t *testing.T, authority bool, hosts ...string) tls.Certificate {
	t.Helper()
	c, err := wiresim.Certificate(authority, hosts...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
