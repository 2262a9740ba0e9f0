package egress

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Every attempt has an id of its own, which the vendor, the log and the caller see.
func TestRequestID(t *testing.T) {
	fail := true
	v := newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
		if fail {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fail = false
	})
	var lines strings.Builder
	c := lab(t, v, func(c *Config) { c.Logger = hclog.New(&hclog.LoggerOptions{Level: hclog.Debug, Output: &lines}) })
	resp, err := c.Send(t.Context(), retrying(), get("/issues"), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := v.requests()
	if len(got) != 2 {
		t.Fatalf("%d requests were sent", len(got))
	}
	first, second := got[0].Header.Get("X-Request-Id"), got[1].Header.Get("X-Request-Id")
	if form := regexp.MustCompile(`^[0-9a-f]{32}$`); !form.MatchString(first) || !form.MatchString(second) || first == second || resp.RequestID != second {
		t.Errorf("the vendor saw %q and %q, the caller %q", first, second, resp.RequestID)
	}
	for _, id := range []string{first, second} {
		if !strings.Contains(lines.String(), "request_id="+id) {
			t.Errorf("the log does not have %s: %s", id, lines.String())
		}
	}
}

// peers is a vendor that tells the connections apart that requests come on.
type peers struct {
	mu    sync.Mutex
	count map[string]map[string]bool // remote addresses by credential
}

func (p *peers) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := r.Host + " " + r.Header.Get("Authorization")
	if p.count[key] == nil {
		p.count[key] = make(map[string]bool)
	}
	p.count[key][r.RemoteAddr] = true
	_, _ = io.WriteString(w, "{}")
}

// Two connections of one origin, and two origins of one connection, share nothing: not
// even where one certificate is good for both and HTTP/2 would allow it.
//
// threat: N18
func TestConnectionsAreNotShared(t *testing.T) {
	seen := &peers{count: make(map[string]map[string]bool)}
	_, _, setup := public(t, seen.ServeHTTP)
	client := func(token string) *Client {
		config := baseConfig()
		setup(&config)
		config.Servers = append(config.Servers, abi.Server{ID: "eu", URL: "https://www.example.com"})
		config.Auth = bearer("https://example.com", "https://www.example.com")
		config.Resolver = zone{"example.com": {"93.184.215.14"}, "www.example.com": {"93.184.215.14"}}
		config.Credentials["api_token"] = secretOf(token)
		return newClient(t, config)
	}
	for range 3 {
		for _, c := range []*Client{client("token-of-alice"), client("token-of-bob")} {
			for _, server := range []string{"us", "eu", "us"} {
				if _, err := c.Send(t.Context(), scope(), &abi.Request{Server: server, Method: "GET", Path: "/issues"}, nil); err != nil && server == "us" {
					t.Fatal(err)
				}
			}
		}
	}
	owner := make(map[string]string)
	for key, addresses := range seen.count {
		for address := range addresses {
			if other := owner[address]; other != "" {
				t.Errorf("%s and %s came on one connection", key, other)
			}
			owner[address] = key
		}
	}
	if len(seen.count) != 4 {
		t.Errorf("the vendor saw %d kinds of requests, want 4: %v", len(seen.count), seen.count)
	}
}

// TLS before 1.2 is not spoken.
func TestOldTLSIsRefused(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		v := httptest.NewUnstartedServer(reply(200, "{}"))
		v.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version}
		v.Config.ErrorLog = log.New(io.Discard, "", 0)
		v.StartTLS()
		t.Cleanup(v.Close)
		config := baseConfig()
		config.Override = v.URL
		_, err := newClient(t, config).Send(t.Context(), scope(), get("/issues"), nil)
		e := want(t, err, abi.KindNetwork, "does not support TLS 1.2 or later")
		if e.Retryable || e.RequestSent {
			t.Errorf("%s: %+v", tls.VersionName(version), e)
		}
	}
}

// Unsupported encodings of a body are not read either, nor any of them
// twice over.
//
// threat: N12
func TestEncodingsThatAreNotRead(t *testing.T) {
	for _, encoding := range []string{"br", "zstd", "deflate", "compress", "gzip, gzip", "gzip,gzip", "identity, gzip", "br, gzip", "aws-chunked", "\t", "GZIP, br"} {
		v := newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", encoding)
			_, _ = w.Write(gzipped(string(gzipped("{}"))))
		})
		resp, err := lab(t, v).Send(t.Context(), scope(), get("/issues"), nil)
		if strings.TrimSpace(encoding) == "" {
			if err != nil {
				t.Errorf("%q: %v", encoding, err)
			}
			continue
		}
		if err == nil {
			t.Errorf("%q was read as %q", encoding, resp.Body)
			continue
		}
		want(t, err, abi.KindVendorError, "unsupported encoding", fmt.Sprintf("%q", encoding))
	}
}

// Who switches HTTP/2 off for a Go program has it off here too.
func TestHTTP2IsSwitchedOff(t *testing.T) {
	t.Setenv("GODEBUG", "http2client=0")
	v, _, setup := public(t, reply(200, "{}"))
	config := baseConfig()
	setup(&config)
	if _, err := newClient(t, config).Send(t.Context(), scope(), get("/issues"), nil); err != nil || v.requests()[0].ProtoMajor != 1 {
		t.Errorf("%v, %s", err, v.requests()[0].Proto)
	}
}
