package hostile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/hashicorp/go-hclog"
)

// tokens are the credentials of two connections of one connector.
var tokens = map[string]string{"alice": canary, "bob": "bob/canary+8a1Wq~7Zk3=tree&co"}

// rogue returns a host with the connections of the rogue connector. Slept gets the waits
// before repetitions.
func rogue(t *testing.T, url string, log io.Writer, slept func(time.Duration)) *host.Host {
	t.Helper()
	connections := make(host.StaticConnections)
	for name := range tokens {
		connections[name] = host.Connection{Connector: "rogue", Server: url, Credentials: map[string]string{"token": "env:" + name}}
	}
	h, err := host.Open(t.Context(), host.Options{
		Plugins: wasmtest.Folder(t, "internal/egress/hostile/testdata/rogue"), Cache: wasmtest.Cache(t), Connections: connections,
		LookupEnv: func(name string) (string, bool) { token, ok := tokens[name]; return token, ok },
		Logger:    hclog.New(&hclog.LoggerOptions{Level: hclog.Trace, Output: log, Mutex: new(sync.Mutex)}),
		Seams:     host.Seams{Sleep: func(ctx context.Context, d time.Duration) error { slept(d); return ctx.Err() }, Rand: func() float64 { return 0.5 }},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// TestLookingAround runs a connector in Go that looks wherever it can, for two
// connections at once, at a vendor that tells it what it sees.
//
// threat: E11, E12, N11, N18, N19
func TestLookingAround(t *testing.T) {
	t.Setenv("AGENTHOST_SECRET_OF_THE_HOST", canary)
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header["Cookie"] != nil {
			t.Errorf("a cookie came back: %q", r.Header["Cookie"])
		}
		for _, name := range []string{"Authorization", "Set-Cookie", "X-Echo", "Location", "Www-Authenticate", "Proxy-Authorization"} {
			w.Header().Set(name, "t="+r.Header.Get("Authorization"))
		}
		w.Header().Set("X-"+strings.ToLower(strings.Map(onlyWord, r.Header.Get("Authorization"))), "name")
		_, _ = fmt.Fprintf(w, `{"echo":%q}`, r.Header.Get("Authorization"))
	}))
	t.Cleanup(vendor.Close)
	var lines bytes.Buffer
	h := rogue(t, vendor.URL, &lines, func(time.Duration) {})
	var calls sync.WaitGroup
	for name := range tokens {
		for range 3 {
			calls.Go(func() {
				for range 4 {
					result, err := h.Execute(context.WithoutCancel(t.Context()), name, host.Call{Entity: "things", Action: "look"})
					if err != nil {
						t.Error(err)
						return
					}
					found(t, result)
				}
			})
		}
	}
	calls.Wait()
	if text := lines.String(); leaksAny(text) {
		t.Errorf("the log has a credential: %s", text)
	}
}

func onlyWord(r rune) rune {
	if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
		return r
	}
	return -1
}

// found fails where a call found anything.
func found(t *testing.T, result *host.Result) {
	var seen struct {
		Loot, Environ, Files, Dialled []string
		Body                          string
		Headers                       map[string]string
	}
	if err := json.Unmarshal(result.Data, &seen); err != nil {
		t.Error(err)
	}
	if len(seen.Loot)+len(seen.Environ)+len(seen.Files)+len(seen.Dialled) > 0 {
		t.Errorf("the call found %+v", seen)
	}
	for _, name := range []string{"Authorization", "Cookie", "Set-Cookie", "Proxy-Authorization", "X-Request-Id"} {
		if value, ok := seen.Headers[name]; ok {
			t.Errorf("the connector sees %s: %s", name, value)
		}
	}
	if seen.Body != `{"echo":"Bearer [redacted]"}` || seen.Headers["X-Echo"] != "t=Bearer [redacted]" || leaksAny(string(result.Data)) {
		t.Errorf("the connector sees %s", result.Data)
	}
}

// leaksAny reports whether a text has one of the credentials.
func leaksAny(text string) bool {
	return leaks(text) || strings.Contains(text, tokens["bob"][:14]) || strings.Contains(text, tokens["bob"][14:])
}

// TestTimingOfRetries has two connections whose credentials differ run into the same
// failures. When the host comes back depends on neither.
//
// threat: N17
func TestTimingOfRetries(t *testing.T) {
	vendor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, `{"echo":"none"}`)
	}))
	t.Cleanup(vendor.Close)
	var slept []time.Duration
	h := rogue(t, vendor.URL, io.Discard, func(d time.Duration) { slept = append(slept, d) })
	waits := make(map[string][]time.Duration)
	for name := range tokens {
		slept = nil
		if _, err := h.Execute(t.Context(), name, host.Call{Entity: "things", Action: "look"}); err != nil {
			var e *host.Error
			if !errors.As(err, &e) || leaksAny(e.Message+e.Hint) {
				t.Error(err)
			}
		}
		waits[name] = slept
	}
	if len(waits["alice"]) == 0 || !slices.Equal(waits["alice"], waits["bob"]) {
		t.Errorf("the waits are %v", waits)
	}
}
