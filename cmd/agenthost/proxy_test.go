package main

import (
	"bufio"
	"cmp"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// tunnels is a proxy that connects to where it is asked to.
type tunnels struct {
	to    string // where it connects to all the same; empty means nowhere else
	mu    sync.Mutex
	asked []string
}

func (p *tunnels) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked = append(p.asked, strings.TrimSpace(r.Method+" "+r.RequestURI+" "+r.Header.Get("Proxy-Authorization")))
	p.mu.Unlock()
	out, err := net.Dial("tcp", cmp.Or(p.to, r.Host))
	if err != nil || r.Method != http.MethodConnect {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer out.Close()
	w.WriteHeader(http.StatusOK)
	conn, in, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	go copyAll(out, in)
	_, _ = io.Copy(conn, out)
}

func copyAll(out net.Conn, in *bufio.ReadWriter) {
	_, _ = io.Copy(out, in)
	_ = out.Close()
}

func (p *tunnels) seen() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() { p.asked = nil }()
	return strings.Join(p.asked, "\n")
}

// TestProxyOfTheOperator runs the command behind a proxy: the one that the configuration
// names, and none that the environment names.
func TestProxyOfTheOperator(t *testing.T) {
	vendor := httptest.NewTLSServer(pylon.New(pylon.Options{Token: fullToken, Seed: 1}))
	defer vendor.Close()
	proxy := &tunnels{}
	server := httptest.NewServer(proxy)
	defer server.Close()
	dir := t.TempDir()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: vendor.Certificate().Raw})
	if err := os.WriteFile(filepath.Join(dir, "ca.pem"), ca, 0o600); err != nil {
		t.Fatal(err)
	}
	plugins := wasmtest.Folder(t, "plugins/pylon")
	address := strings.TrimPrefix(vendor.URL, "https://")
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("ada:CANARYproxy"))
	for name, test := range map[string]struct {
		proxy, asked, said string
		code               int
	}{
		"host":           {"{url: '" + server.URL + "', credential: env:PROXY}", "CONNECT " + address + " " + basic, "", 0},
		"none":           {"", "", "", 0},
		"proxy resolves": {"{url: '" + server.URL + "', resolve: proxy}", "", "denied: 127.0.0.1 is a loopback address", 5},
		"wrong":          {"{url: 'http://ada:CANARYproxy@127.0.0.1:1'}", "", "not the URL of a proxy", 2},
	} {
		config := fmt.Sprintf("plugins: %s\nconnections:\n  lab: {connector: pylon, server: '%s', tls: {ca_file: ca.pem}, credentials: {api_token: env:TOKEN}}\n", plugins, vendor.URL)
		if test.proxy != "" {
			config += "proxy: " + test.proxy + "\n"
		}
		if err := os.WriteFile(filepath.Join(dir, "agenthost.yaml"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), command(t), "exec", "lab", "me", "get", "--log-level", "trace")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "TOKEN="+fullToken, "PROXY=ada:CANARYproxy", "HTTPS_PROXY="+server.URL, "https_proxy="+server.URL, "ALL_PROXY="+server.URL,
			"XDG_CACHE_HOME="+wasmtest.Home(t), firstPartyVariable+"="+asFirstParty(t, plugins))
		out, _ := cmd.CombinedOutput()
		if code := cmd.ProcessState.ExitCode(); code != test.code || !strings.Contains(string(out), test.said) || strings.Contains(string(out), "CANARY") {
			t.Errorf("%s: exit code %d, want %d: %s", name, code, test.code, out)
		}
		if asked := proxy.seen(); asked != test.asked {
			t.Errorf("%s: the proxy was asked %q, want %q", name, asked, test.asked)
		}
	}
}
