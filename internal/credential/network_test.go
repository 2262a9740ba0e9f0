package credential

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/wiresim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestPrivateAuthority reaches a server that only its own authority vouches for.
func TestPrivateAuthority(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	server := newVendor(t)
	server.StartTLS()
	t.Cleanup(server.Close)
	own := wiresim.PEM(server.TLS.Certificates[0])
	other, leaf := wiresim.PEM(certificateFor(t, true)), wiresim.PEM(certificateFor(t, false))
	dir := t.TempDir()
	for name, text := range map[string][]byte{
		"own": own, "several": slices.Concat([]byte("# ours\n"), other, []byte("\n# the server's\n"), own, []byte("\n\n")),
		"other": other, "empty": nil, "text": []byte("trust me\n"), "leaf": leaf,
		"key":   slices.Concat(own, pemOf("PRIVATE KEY", []byte("x"))),
		"cut":   own[:len(own)/2],
		"mixed": slices.Concat(own, []byte("-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n")),
		"bytes": pemOf("CERTIFICATE", []byte("x")), "large": append(bytes.Clone(own), make([]byte, maxAuthorities)...),
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
		{"none", abi.KindInvalidParams, "no such file"},
		{".", abi.KindInvalidParams, "not a regular file"},
		{"empty", abi.KindInvalidParams, "no certificate"},
		{"text", abi.KindInvalidParams, "no certificate"},
		{"leaf", abi.KindInvalidParams, "certificate 1, CN=nobody, does not belong to an authority"},
		{"key", abi.KindInvalidParams, "it has a PRIVATE KEY"},
		{"cut", abi.KindInvalidParams, "an incomplete certificate"},
		{"mixed", abi.KindInvalidParams, "an incomplete certificate"},
		{"bytes", abi.KindInvalidParams, "certificate 1 cannot be read"},
		{"large", abi.KindInvalidParams, "too large"},
	} {
		t.Run(tt.file, func(t *testing.T) {
			settings := &config.Connection{Credentials: map[string]string{"api_token": "corp:pylon"}}
			if tt.file != "" {
				settings.TLS = &config.TLS{CAFile: filepath.Join(dir, tt.file)}
			}
			c := l.store.For(Config{
				Connection: "lab", Settings: settings, Connector: "pylon", Schemes: []abi.AuthScheme{bearer()},
				HTTP: func() egress.Config {
					return egress.Config{Servers: []abi.Server{{ID: "main", URL: declaredOrigin}}, Server: "main", Override: server.URL}
				},
			})
			defer c.Close()
			client, err := c.Client(t.Context())
			if err == nil {
				_, err = me(t.Context(), client)
			}
			if tt.kind == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e, ok := errors.AsType[*abi.Error](err)
			if !ok || e.Kind != tt.kind || !strings.Contains(e.Message, tt.says) || e.RequestSent || e.Hint == "" {
				t.Fatalf("%v, want %s that says %q", err, tt.kind, tt.says)
			}
			if tt.kind == abi.KindInvalidParams && e.Field != "connections.lab.tls.ca_file" {
				t.Errorf("the field is %s", e.Field)
			}
		})
	}
}

// certificateFor is a certificate that nobody but itself vouches for.
func certificateFor(t *testing.T, authority bool) tls.Certificate {
	t.Helper()
	c, err := wiresim.Certificate(authority)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func pemOf(kind string, bytes []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes})
}
