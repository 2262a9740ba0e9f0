package egress

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Two clients of one service, each with a token of its own, use one connection, and
// each sends its own token.
func TestSharedConnections(t *testing.T) {
	var addresses []string
	v := newVendor(t, func(_ http.ResponseWriter, r *http.Request) { addresses = append(addresses, r.RemoteAddr) })
	first := lab(t, v)
	second := lab(t, v, func(c *Config) {
		c.Share = first
		c.Credentials = map[string]secret.Value{"api_token": secret.New([]byte("another-token"))}
	})
	for _, c := range []*Client{first, second} {
		if _, err := c.Send(t.Context(), scope(), &abi.Request{Method: "GET", Path: "/issues"}, nil); err != nil {
			t.Fatal(err)
		}
	}
	got := v.requests()
	if got[0].Header.Get("Authorization") != "Bearer "+canary || got[1].Header.Get("Authorization") != "Bearer another-token" {
		t.Errorf("the tokens are %q and %q", got[0].Header.Get("Authorization"), got[1].Header.Get("Authorization"))
	}
	if len(addresses) != 2 || addresses[0] != addresses[1] {
		t.Errorf("the connections are %q", addresses)
	}
}

func TestSharingNeedsTheSameServers(t *testing.T) {
	v := newVendor(t, func(http.ResponseWriter, *http.Request) {})
	c := baseConfig()
	c.Share = lab(t, v)
	_, err := New(c) // without the operator's own server
	var e *abi.Error
	if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != "share" {
		t.Errorf("error = %v", err)
	}
}

func TestHiddenSecretsAreRedacted(t *testing.T) {
	v := newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Echo", "hidden-secret-1")
		_, _ = io.WriteString(w, `{"secret":"hidden-secret-1"}`)
	})
	c := lab(t, v, func(c *Config) { c.Hidden = []secret.Value{secret.New([]byte("hidden-secret-1"))} })
	resp, err := c.Send(t.Context(), scope(), &abi.Request{Method: "POST", Path: "/issues"}, []byte(`{"secret":"hidden-secret-1"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(resp.Body); got != `{"secret":"[redacted]"}` || resp.Header.Get("X-Echo") != secret.Redacted {
		t.Errorf("the answer is %s, its header %q", got, resp.Header.Get("X-Echo"))
	}
	if got := v.requests()[0].body; got != `{"secret":"hidden-secret-1"}` {
		t.Errorf("the request is %s", got)
	}
}

// A service that says when to come back has done nothing yet, so that a write may be
// sent again; one that does not say may have.
func TestRefusedWriteIsSentAgain(t *testing.T) {
	for _, test := range []struct {
		after    string
		status   int
		requests int
	}{{"2", 429, 2}, {"", 429, 1}, {"2", 503, 1}} {
		var n atomic.Int32
		v := newVendor(t, func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1) > 1 {
				return
			}
			if test.after != "" {
				w.Header().Set("Retry-After", test.after)
			}
			w.WriteHeader(test.status)
		})
		var slept []time.Duration
		s := scope()
		s.Retry, s.Reads, s.RetryRefused = false, false, true
		if _, err := lab(t, v, waits(&slept)).Send(t.Context(), s, &abi.Request{Method: "POST", Path: "/issues"}, nil); err != nil {
			t.Fatal(err)
		}
		if len(v.requests()) != test.requests || test.requests == 2 && (len(slept) != 1 || slept[0] != 2*time.Second) {
			t.Errorf("%d after %q: %d requests, waited %v", test.status, test.after, len(v.requests()), slept)
		}
	}
}
