package host_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/inflight"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/pdk/abi"
)

// openWorkspaces is a host with a connection lab in each of two workspaces. The vendor says when it
// is asked for issue slow, and answers once answer is closed.
func openWorkspaces(t *testing.T, change func(*host.Options)) (h *host.Host, asked, answer chan struct{}) {
	t.Helper()
	asked, answer = make(chan struct{}, 100), make(chan struct{})
	server, err := vendorsim.Start(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/slow") {
			asked <- struct{}{}
			<-answer
		}
		fmt.Fprint(w, issueOf(10))
	}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	s := newStore()
	s.put("acme", "lab", "", labAt(server))
	s.put("acme", "other", "", labAt(server))
	s.put("initech", "lab", "", labAt(server))
	o := options(t, nil)
	o.Connections = s
	change(&o)
	return opened(t, o), asked, answer
}

func callOf(workspace, id string) host.Call {
	return host.Call{Principal: host.Principal{Workspace: workspace, Scopes: []host.Scope{host.ScopeRead}}, Entity: "issues", Action: "get", Params: host.Params{"id": id}}
}

// busy checks the error of a call that found no place in its workspace.
func busy(t *testing.T, err error, field string) {
	t.Helper()
	var e *abi.Error
	if !errors.As(err, &e) || e.Kind != abi.KindRateLimited || e.Field != field || !e.Retryable || e.RetryAfter() <= 0 || e.RequestSent {
		t.Errorf("%v, want rate_limited about %s, with the time to come back", err, field)
	}
}

// A workspace has so many calls at once, so many wait, and the others are refused at once. Another
// workspace notices nothing of it.
// threat: R6
func TestWorkspaceHasItsCalls(t *testing.T) {
	t.Parallel()
	h, asked, answer := openWorkspaces(t, func(o *host.Options) {
		o.WorkspaceLimits = inflight.Limits{Calls: 2, Queue: 3, Wait: time.Hour}
	})
	const refused = 40
	ends := make(chan error)
	slow := func(connection string) {
		_, err := h.Execute(t.Context(), connection, callOf("acme", "slow"))
		ends <- err
	}
	go slow("lab")
	go slow("other")
	<-asked
	<-asked
	for range 3 + refused {
		go slow("lab")
	}
	for range refused {
		busy(t, <-ends, "serve.limits.calls")
	}
	if _, err := h.Execute(t.Context(), "lab", callOf("initech", "fast")); err != nil {
		t.Error("another workspace:", err)
	}
	hasty := callOf("acme", "fast")
	hasty.Timeout = time.Nanosecond
	if _, err := h.Execute(t.Context(), "other", hasty); err == nil {
		t.Error("there was a place in a full queue")
	}
	close(answer)
	for range 5 {
		if err := <-ends; err != nil {
			t.Error(err)
		}
	}
	if _, err := h.Execute(t.Context(), "lab", callOf("acme", "fast")); err != nil {
		t.Error("after it:", err)
	}
	atRest(t, h)
}

// What waits for calls or for bytes of its workspace does so for a while, and no longer.
func TestWorkspaceWaitsForAWhile(t *testing.T) {
	t.Parallel()
	for field, limits := range map[string]inflight.Limits{
		"serve.limits.calls": {Calls: 1, Wait: 20 * time.Millisecond},
		"serve.limits.bytes": {Bytes: 2 << 20, Wait: 20 * time.Millisecond}, // a call needs more than half
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			h, asked, answer := openWorkspaces(t, func(o *host.Options) { o.WorkspaceLimits = limits })
			end := make(chan error)
			go func() {
				_, err := h.Execute(t.Context(), "lab", callOf("acme", "slow"))
				end <- err
			}()
			<-asked
			_, err := h.Execute(t.Context(), "other", callOf("acme", "fast"))
			busy(t, err, field)
			if _, err := h.Execute(t.Context(), "lab", callOf("initech", "fast")); err != nil {
				t.Error("another workspace:", err)
			}
			close(answer)
			if err := <-end; err != nil {
				t.Error(err)
			}
			if _, err := h.Execute(t.Context(), "other", callOf("acme", "fast")); err != nil {
				t.Error("after it:", err)
			}
			atRest(t, h)
		})
	}
}
