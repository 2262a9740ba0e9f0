package host_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// A call that would have to wait for longer than its deadline fails at once and says
// when to come back; nothing is sent.
func TestManifestRateLimit(t *testing.T) {
	t.Parallel()
	h, server := openOptions(t, func(c *host.Connection) { c.RateLimit = config.RateManifest })
	call := host.Call{Entity: "activity_types", Action: "list"} // 10 a minute
	for range 10 {
		if _, err := h.Execute(t.Context(), "lab", call); err != nil {
			t.Fatal(err)
		}
	}
	call.Timeout = 5 * time.Second
	_, err := h.Execute(t.Context(), "lab", call)
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != abi.KindRateLimited || e.RequestSent || e.RetryAfter() < 30*time.Second {
		t.Fatalf("got %+v", e)
	}
	if n := len(server.Requests()); n != 10 {
		t.Errorf("%d requests were sent", n)
	}
	// Another operation has a limit of its own.
	if _, err := h.Execute(t.Context(), "lab", host.Call{Entity: "me", Action: "get"}); err != nil {
		t.Error(err)
	}
}

// What one call learns from a 429 holds for the next one.
func TestLearnedRateLimit(t *testing.T) {
	t.Parallel()
	h, server := openOptions(t, func(*host.Connection) {})
	server.Inject(vendorsim.Fault{Method: "GET", PathPrefix: "/me", Count: 1, Effect: vendorsim.RetryAfterSeconds(429, 3600, `{"errors":["slow down"],"request_id":"r1"}`)})
	call := host.Call{Entity: "me", Action: "get", Timeout: 5 * time.Second}
	for range 2 {
		_, err := h.Execute(t.Context(), "lab", call)
		var e *host.Error
		if !errors.As(err, &e) || e.Kind != abi.KindRateLimited || e.RetryAfter() < 50*time.Minute {
			t.Fatalf("got %+v", err)
		}
	}
	if n := len(server.Requests()); n != 1 {
		t.Errorf("%d requests were sent, want the one that was answered 429", n)
	}
}

// openOptions is open with a change to the connection lab.
func openOptions(t *testing.T, change func(*host.Connection)) (*host.Host, *vendorsim.Server) {
	t.Helper()
	_, server := open(t)
	c := labAt(server)
	change(&c)
	h, err := host.Open(t.Context(), options(t, host.StaticConnections{"lab": c}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h, server
}
