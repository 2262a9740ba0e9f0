package host

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestPrivateAuthority reaches a server that only its own authority vouches for.
func TestPrivateAuthority(t *testing.T) {
	server := httptest.NewUnstartedServer(pylon.New(pylon.Options{Token: "token-of-the-lab", Scale: pylon.SmallScale()}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that are meant to fail
	server.StartTLS()
	t.Cleanup(server.Close)
	own := pemOf("CERTIFICATE", server.Certificate().Raw)
	other, leaf := selfSigned(t, true), selfSigned(t, false)
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
		{"", abi.KindNetwork, "signed by nobody"},
		{"other", abi.KindNetwork, "signed by nobody"},
		{"none", abi.KindInvalidParams, "no such file"},
		{".", abi.KindInvalidParams, "not a regular file"},
		{"empty", abi.KindInvalidParams, "no certificate"},
		{"text", abi.KindInvalidParams, "no certificate"},
		{"leaf", abi.KindInvalidParams, "certificate 1, CN=nobody, is not an authority's"},
		{"key", abi.KindInvalidParams, "it has a PRIVATE KEY"},
		{"cut", abi.KindInvalidParams, "not complete"},
		{"mixed", abi.KindInvalidParams, "not complete"},
		{"bytes", abi.KindInvalidParams, "certificate 1 cannot be read"},
		{"large", abi.KindInvalidParams, "too large"},
	} {
		t.Run(tt.file, func(t *testing.T) {
			c := Connection{Connector: "pylon", Server: server.URL, Credentials: map[string]string{"api_token": "env:TOKEN"}}
			if tt.file != "" {
				c.TLS = &config.TLS{CAFile: filepath.Join(dir, tt.file)}
			}
			h, err := Open(t.Context(), Options{
				Plugins: wasmtest.Folder(t, "plugins/pylon"), Cache: wasmtest.Cache(t), Connections: map[string]Connection{"lab": c},
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

func pemOf(kind string, bytes []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: bytes})
}

// selfSigned is a certificate of an authority, or of a server.
func selfSigned(t *testing.T, authority bool) []byte {
	t.Helper()
	return pemOf("CERTIFICATE", certificateFor(t, authority).Certificate[0])
}

// certificateFor is a certificate for hosts that nobody but itself vouches for.
func certificateFor(t *testing.T, authority bool, hosts ...string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IsCA: authority, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), DNSNames: hosts,
	}
	template.Subject.CommonName = "nobody"
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
