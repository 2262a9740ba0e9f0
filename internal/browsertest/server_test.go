package browsertest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// served is an agenthost serve, as a process of its own, at a name and with https, as people reach it.
type served struct {
	t      *testing.T
	folder string
	url    string
	env    []string
	log    *text
}

// serve starts a server with the connectors of this tree, and with a configuration.
func serve(t *testing.T, configuration string) *served {
	t.Helper()
	return serveWith(t, configuration, "", nil)
}

// serveWith starts a server with a connector of its own, that the operator has approved, instead.
func serveWith(t *testing.T, configuration, name string, connector []byte) *served {
	t.Helper()
	s := &served{t: t, folder: t.TempDir(), log: &text{}}
	s.env = append(os.Environ(), "XDG_CACHE_HOME="+built(t, "browser/cache"))
	certificate, key := s.certify("agents.test")
	plugins := built(t, "plugins")
	if name != "" {
		plugins = "own"
		if err := os.Mkdir(filepath.Join(s.folder, plugins), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	s.write("agenthost.yaml", "plugins: "+plugins+"\n"+configuration)
	if name != "" {
		if out, err := s.command("plugin", "approve", "--yes", s.write(filepath.Join(plugins, name), string(connector))).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	address := free(t)
	_, port, _ := net.SplitHostPort(address)
	s.url = "https://agents.test:" + port
	cmd := s.command("serve", "--http", address, "--url", s.url, "--data", "data", "--tls-cert", certificate, "--tls-key", key)
	cmd.Stderr = s.log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt) // it may have ended
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v: %s", err, s.log)
		}
	})
	for until := time.Now().Add(time.Minute); !strings.Contains(s.log.String(), "agenthost: serving "); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("no server: %s", s.log)
		}
	}
	return s
}

// command is agenthost with arguments, in the server's folder.
func (s *served) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.WithoutCancel(s.t.Context()), built(s.t, "agenthost"), args...)
	cmd.Dir, cmd.Env = s.folder, s.env
	return cmd
}

// write writes a file, and returns its name.
func (s *served) write(name, content string) string {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.folder, name), []byte(content), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return name
}

// certify writes a certificate for a name, and its key.
func (s *served) certify(name string) (certificate, key string) {
	s.t.Helper()
	c := newCertificate(s.t, name)
	private, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}))),
		s.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
}

// newCertificate makes a certificate for a name that signs itself.
func newCertificate(t *testing.T, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	signed, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{signed}, PrivateKey: key}
}

// free returns an address of this machine at which nobody listens.
func free(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// text collects what a process writes.
type text struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (t *text) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.Write(p)
}

func (t *text) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.b.String()
}
