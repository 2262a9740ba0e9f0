package egress

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

const proxyCanary = "proxy_user:canary_proxy_5d1e/+"

// proxySim is a proxy that connects to one vendor, whatever it is asked for.
type proxySim struct {
	to     string
	listen net.Listener
	// answer, if not nil, is what it says instead; it closes the connection then.
	answer func(conn net.Conn)

	mu    sync.Mutex
	asked []string // the first line and the credential of each request
}

// startProxy starts a proxy, with TLS where it has a certificate.
func startProxy(t *testing.T, to string, certificate *tls.Certificate) *proxySim {
	t.Helper()
	p := &proxySim{to: to}
	var err error
	if p.listen, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	if certificate != nil {
		p.listen = tls.NewListener(p.listen, &tls.Config{Certificates: []tls.Certificate{*certificate}})
	}
	var served sync.WaitGroup
	served.Go(func() {
		for {
			conn, err := p.listen.Accept()
			if err != nil {
				return
			}
			served.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() { _ = p.listen.Close(); served.Wait() })
	return p
}

func (p *proxySim) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	req, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	p.mu.Lock()
	p.asked = append(p.asked, strings.TrimSpace(req.Method+" "+req.Host+" "+req.Header.Get("Proxy-Authorization")))
	answer := p.answer
	p.mu.Unlock()
	if answer != nil {
		answer(conn)
		return
	}
	out, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer out.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 200 Connection established\r\nVia: sim\r\n\r\n")
	go func() { _, _ = io.Copy(out, in); _ = out.Close() }()
	_, _ = io.Copy(conn, out)
}

// seen returns what the proxy was asked since the last time.
func (p *proxySim) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked := p.asked
	p.asked = nil
	return asked
}

// proxied is a client of a public vendor that goes through a proxy. Whatever is dialled that is
// not the proxy is an error.
func proxied(t *testing.T, handler http.HandlerFunc, change func(*ProxyConfig, *Config)) (*Client, *vendor, *proxySim, error) {
	t.Helper()
	v, _, setup := public(t, handler)
	p := startProxy(t, v.Listener.Addr().String(), nil)
	config := baseConfig()
	setup(&config)
	config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != p.listen.Addr().String() {
			return nil, fmt.Errorf("%s is dialled past the proxy", address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	of := ProxyConfig{URL: "http://" + p.listen.Addr().String(), Credential: func(context.Context) (secret.Value, error) { return secretOf(proxyCanary), nil }}
	if change != nil {
		change(&of, &config)
	}
	proxy, err := NewProxy(of)
	if err != nil {
		return nil, v, p, err
	}
	config.Proxy = proxy
	c, err := New(config)
	if err == nil {
		t.Cleanup(c.Close)
	}
	return c, v, p, err
}

// TestProxy: host resolves and vets, and the proxy is asked for the vetted address; or the
// proxy is asked for the name. The vendor sees what it always sees.
func TestProxy(t *testing.T) {
	credential := "Basic " + base64.StdEncoding.EncodeToString([]byte(proxyCanary))
	for name, test := range map[string]struct {
		change func(*ProxyConfig, *Config)
		asked  string
	}{
		"host":       {nil, "CONNECT 93.184.215.14:443 " + credential},
		"no secret":  {func(p *ProxyConfig, _ *Config) { p.Credential = nil }, "CONNECT 93.184.215.14:443"},
		"proxy":      {func(p *ProxyConfig, c *Config) { p.Resolves, c.Resolver = true, zone{} }, "CONNECT example.com:443 " + credential},
		"both kinds": {func(_ *ProxyConfig, c *Config) { c.Resolver = zone{"example.com": {"10.0.0.1", "93.184.215.14"}} }, "CONNECT 93.184.215.14:443 " + credential},
		"version 6":  {func(_ *ProxyConfig, c *Config) { c.Resolver = zone{"example.com": {"2606:2800:220:1::1"}} }, "CONNECT [2606:2800:220:1::1]:443 " + credential},
	} {
		c, v, p, err := proxied(t, reply(200, `{"data":1}`), test.change)
		if err != nil {
			t.Fatal(name, err)
		}
		for range 3 {
			resp, err := c.Send(t.Context(), scope(), get("/issues"), nil)
			if err != nil || resp.Status != 200 {
				t.Errorf("%s: %v", name, err)
			}
		}
		if asked := p.seen(); len(asked) != 1 || asked[0] != test.asked {
			t.Errorf("%s: the proxy was asked %q, want %q", name, asked, test.asked)
		}
		for _, r := range v.requests() {
			if r.Host != "example.com" || r.Header.Get("Authorization") != "Bearer "+canary || r.Header.Get("Proxy-Authorization") != "" {
				t.Errorf("%s: the vendor got %s %v", name, r.Host, r.Header)
			}
		}
	}
}

// TestProxyAtHTTPS: a proxy may have TLS of its own, and is checked like a vendor.
func TestProxyAtHTTPS(t *testing.T) {
	v, _, setup := public(t, reply(200, "{}"))
	other := httptest.NewTLSServer(nil) // for its certificate, which is good for example.com
	defer other.Close()
	p := startProxy(t, v.Listener.Addr().String(), &other.TLS.Certificates[0])
	config := baseConfig()
	setup(&config)
	config.Resolver = zone{"example.com": {"93.184.215.14"}, "proxy.example.com": {"10.9.8.7"}}
	config.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address != "10.9.8.7:3129" {
			return nil, errors.New(address)
		}
		return (&net.Dialer{}).DialContext(ctx, network, p.listen.Addr().String())
	}
	for _, trusted := range []bool{true, false} {
		of := ProxyConfig{URL: "https://proxy.example.com:3129"}
		if trusted {
			of.RootCAs = config.RootCAs
		}
		var err error
		if config.Proxy, err = NewProxy(of); err != nil {
			t.Fatal(err)
		}
		_, err = newClient(t, config).Send(t.Context(), scope(), get("/issues"), nil)
		e, _ := errors.AsType[*abi.Error](err)
		if trusted && err != nil || !trusted && (e == nil || e.Kind != abi.KindNetwork || !strings.Contains(e.Message, "failed the TLS handshake")) {
			t.Errorf("trusted %t: %v", trusted, err)
		}
		if n := len(p.seen()); trusted != (n == 1) {
			t.Errorf("trusted %t: the proxy was asked %d times", trusted, n)
		}
	}
}

// TestProxyRefuses: what is private is not asked of a proxy, in either way of resolving, and
// nothing but https is.
//
// threat: N3, N5, N6
func TestProxyRefuses(t *testing.T) {
	server := func(url string) func(*ProxyConfig, *Config) {
		return func(p *ProxyConfig, c *Config) { p.Resolves, c.Override = true, url }
	}
	for name, change := range map[string]func(*ProxyConfig, *Config){
		"resolved to private":  func(_ *ProxyConfig, c *Config) { c.Resolver = zone{"example.com": {"10.0.0.1"}} },
		"resolved to loopback": func(_ *ProxyConfig, c *Config) { c.Resolver = zone{"example.com": {"127.0.0.1", "::1"}} },
		"resolved to metadata": func(_ *ProxyConfig, c *Config) {
			c.Resolver = zone{"example.com": {"93.184.215.14", "169.254.169.254"}}
		},
		"http":             func(_ *ProxyConfig, c *Config) { c.Override = "http://127.0.0.1:9003" },
		"http, by name":    server("http://example.com"),
		"literal":          server("https://10.1.2.3"),
		"loopback":         server("https://127.0.0.1:8443"),
		"loopback 6":       server("https://[::1]:8443"),
		"mapped":           server("https://[::ffff:10.0.0.1]"),
		"embedded":         server("https://[64:ff9b::a00:1]"),
		"metadata":         server("https://169.254.169.254"),
		"metadata by name": server("https://metadata.google.internal"),
		"localhost":        server("https://localhost"),
		"below localhost":  server("https://a.localhost"),
		"one label":        server("https://vault"),
		"internal":         server("https://crm.corp.internal"),
		"mdns":             server("https://printer.local"),
		"at home":          server("https://nas.home.arpa"),
		"upper case":       server("https://NAS.LAN"),
		"manifest":         func(p *ProxyConfig, c *Config) { p.Resolves, c.Servers[0].URL = true, "https://api.internal" },
		"proxy: metadata":  func(p *ProxyConfig, _ *Config) { p.URL = "http://169.254.169.254:80" },
		"proxy: by name":   func(p *ProxyConfig, _ *Config) { p.URL = "http://metadata.google.internal" },
		"proxy: password":  func(p *ProxyConfig, _ *Config) { p.URL = "http://u:canary_proxy@127.0.0.1:3128" },
		"proxy: a path":    func(p *ProxyConfig, _ *Config) { p.URL = "http://127.0.0.1:3128/x" },
		"proxy: socks":     func(p *ProxyConfig, _ *Config) { p.URL = "socks5://127.0.0.1:1080" },
	} {
		c, v, p, err := proxied(t, reply(200, "{}"), change)
		if err == nil {
			_, err = c.Send(t.Context(), scope(), get("/issues"), nil)
		}
		e, ok := errors.AsType[*abi.Error](err)
		if !ok || e.Kind != abi.KindDenied && e.Kind != abi.KindInvalidParams || e.RequestSent || e.Hint == "" || strings.Contains(e.Message+e.Hint, "canary_proxy") {
			t.Errorf("%s: %#v", name, err)
		}
		if asked := p.seen(); len(asked) > 0 || len(v.requests()) > 0 {
			t.Errorf("%s: the proxy was asked %q", name, asked)
		}
	}
}

// TestProxyFails: whatever the proxy says or does not say, the call ends in time, nothing was
// sent to the vendor, and neither credential is in the error.
func TestProxyFails(t *testing.T) {
	say := func(text string) func(net.Conn) {
		return func(conn net.Conn) { _, _ = io.WriteString(conn, text) }
	}
	for name, test := range map[string]struct {
		answer    func(net.Conn)
		message   string
		retryable bool
	}{
		"no credential": {say("HTTP/1.1 407 " + proxyCanary + "\r\nContent-Length: 0\r\n\r\n"), "rejected the credential", false},
		"forbidden":     {say("HTTP/1.1 403 Forbidden\r\n\r\n" + proxyCanary), "refused the connection with status 403", false},
		"redirect":      {say("HTTP/1.1 302 Found\r\nLocation: http://evil.example\r\n\r\n"), "refused the connection with status 302", false},
		"away":          {say("HTTP/1.1 502 Bad Gateway\r\n\r\n"), "refused the connection with status 502", true},
		"garbage":       {say("220 mail.example ESMTP\r\n\r\n"), "sent an invalid response", true},
		"half a head":   {say("HTTP/1.1 200 OK\r\nX: "), "sent an invalid response", true},
		"nothing":       {say(""), "sent an invalid response", true},
		"endless head":  {func(c net.Conn) { _, _ = io.Copy(c, io.LimitReader(endless{}, 1<<20)) }, "sent an invalid response", true},
		"silence":       {func(c net.Conn) { _, _ = c.Read(make([]byte, 1)) }, "did not respond in time", true},
	} {
		t.Run(name, func(t *testing.T) {
			c, v, p, err := proxied(t, reply(200, "{}"), func(_ *ProxyConfig, c *Config) {
				c.Limits.Dial, c.Retry.Attempts = 20*time.Second, 2
				if name == "silence" {
					c.Limits.Dial = 200 * time.Millisecond
				}
				c.Resolver = zone{"example.com": {"93.184.215.14", "93.184.215.15"}}
			})
			if err != nil {
				t.Fatal(err)
			}
			p.answer = test.answer
			_, err = c.Send(t.Context(), scope(), get("/issues"), nil)
			e, ok := errors.AsType[*abi.Error](err)
			if !ok || e.Kind != abi.KindNetwork && e.Kind != abi.KindTimeout || !strings.Contains(e.Message, test.message) || e.Retryable != test.retryable || e.RequestSent {
				t.Errorf("got %#v", err)
			}
			for cause := err; cause != nil; cause = errors.Unwrap(cause) {
				if text := fmt.Sprintf("%v %+v %#v", cause, cause, cause); strings.Contains(text, "canary") {
					t.Errorf("the error shows a credential: %s", text)
				}
			}
			if asked := p.seen(); len(v.requests()) > 0 || len(asked) == 0 || !test.retryable && len(asked) != 1 {
				t.Errorf("the proxy was asked %d times, the vendor %d", len(asked), len(v.requests()))
			}
		})
	}
}

// endless is a header that does not end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	copy(p, slices.Repeat([]byte("HTTP/1.1 200 OK; "), len(p)/16+1))
	return len(p), nil
}

// TestProxyEnvironment: variables that name a proxy change nothing, with a proxy of the
// operator's and without.
//
// threat: N14
func TestProxyEnvironment(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	t.Setenv("NO_PROXY", "example.com,93.184.215.14")
	c, _, p, err := proxied(t, reply(200, "{}"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Send(t.Context(), scope(), get("/issues"), nil); err != nil || len(p.seen()) != 1 {
		t.Errorf("with a proxy: %v", err)
	}
	_, network, setup := public(t, reply(200, "{}"))
	config := baseConfig()
	setup(&config)
	if _, err := newClient(t, config).Send(t.Context(), scope(), get("/issues"), nil); err != nil {
		t.Errorf("without: %v", err)
	}
	_ = network
}

// TestProxyCredential: it is asked for with each connection, and one that is none ends the
// call before anything is sent.
func TestProxyCredential(t *testing.T) {
	for name, credential := range map[string]func(context.Context) (secret.Value, error){
		"no colon": func(context.Context) (secret.Value, error) { return secretOf("canary_only"), nil },
		"no secret": func(context.Context) (secret.Value, error) {
			return secret.Value{}, &abi.Error{Kind: abi.KindAuthFailed, Message: "no secret at env:PROXY"}
		},
	} {
		c, v, p, err := proxied(t, reply(200, "{}"), func(p *ProxyConfig, _ *Config) { p.Credential = credential })
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Send(t.Context(), scope(), get("/issues"), nil)
		if e, ok := errors.AsType[*abi.Error](err); !ok || e.RequestSent || strings.Contains(err.Error(), "canary") || len(p.seen())+len(v.requests()) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
