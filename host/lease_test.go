package host

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/lease"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// rotating is a source whose secret changes, and a clock.
type rotating struct {
	mu    sync.Mutex
	value string
	err   error
	reads int
	now   time.Time
}

func (r *rotating) Read(context.Context, string) (secret.Value, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reads++
	return secret.New([]byte(r.value)), r.err
}

func (r *rotating) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

func (r *rotating) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

// pickyVendor answers those who have its token.
type pickyVendor struct {
	mu    sync.Mutex
	token string
	seen  []string
}

func (v *pickyVendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen = append(v.seen, r.Method+" "+r.Header.Get("Authorization"))
	w.Header().Set("Content-Type", "application/json")
	if r.Header.Get("Authorization") != "Bearer "+v.token {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"errors":["invalid token"]}`))
		return
	}
	_, _ = w.Write([]byte(`{"data":{"id":"1"}}`))
}

func (v *pickyVendor) requests() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	defer func() { v.seen = nil }()
	return strings.Join(v.seen, "\n")
}

func rotatingHost(t *testing.T) (*Host, *rotating, *pickyVendor) {
	t.Helper()
	vendor := &pickyVendor{token: "one"}
	server, err := vendorsim.Start(t.Context(), vendor, vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	source := &rotating{value: "one", now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	h, err := Open(t.Context(), Options{
		Plugins:     wasmtest.Folder(t, "plugins/pylon"),
		Cache:       wasmtest.Cache(t),
		Connections: StaticConnections{"lab": {Connector: "pylon", Server: server.URL, Credentials: map[string]string{"api_token": "corp:pylon"}}},
		Sources:     map[string]secret.Source{"corp": source},
		Seams:       Seams{Now: source.clock, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	return h, source, vendor
}

var getMe = Call{Entity: "me", Action: "get"}

// A secret is used for a minute and then read again, without a refusal.
func TestSecretIsCachedBriefly(t *testing.T) {
	t.Parallel()
	h, source, vendor := rotatingHost(t)
	for range 3 {
		if _, err := h.Execute(t.Context(), "lab", getMe); err != nil {
			t.Fatal(err)
		}
	}
	if source.reads != 1 {
		t.Errorf("read %d times for three calls", source.reads)
	}
	vendor.requests()
	source.set(func() { source.value, source.now = "two", source.now.Add(time.Minute) })
	vendor.token = "two"
	if _, err := h.Execute(t.Context(), "lab", getMe); err != nil {
		t.Fatal(err)
	}
	if got := vendor.requests(); got != "GET Bearer two" || source.reads != 2 {
		t.Errorf("%d reads, requests:\n%s", source.reads, got)
	}
}

// A refusal makes the host read the secret at once, and the request is sent once more
// where that brought another one: also one that writes, which was refused as a whole.
func TestSecretIsReadAgainOnRefusal(t *testing.T) {
	t.Parallel()
	h, source, vendor := rotatingHost(t)
	if _, err := h.Execute(t.Context(), "lab", getMe); err != nil {
		t.Fatal(err)
	}
	vendor.requests()
	source.set(func() { source.value = "two" })
	vendor.token = "two"
	create := Call{Entity: "tags", Action: "create", Params: Params{"value": "x", "object_type": "issue"}}
	if _, err := h.Execute(t.Context(), "lab", create); err != nil {
		t.Fatal(err)
	}
	if got := vendor.requests(); got != "POST Bearer one\nPOST Bearer two" || source.reads != 2 {
		t.Errorf("%d reads, requests:\n%s", source.reads, got)
	}
}

// Where the secret has not changed, the refusal is the answer, and the source is left
// alone for a while.
func TestRefusalOfTheSameSecret(t *testing.T) {
	t.Parallel()
	h, source, vendor := rotatingHost(t)
	vendor.token = "other"
	for range 5 {
		_, err := h.Execute(t.Context(), "lab", getMe)
		if e, ok := errors.AsType[*Error](err); !ok || e.Kind != abi.KindAuthFailed || !e.RequestSent {
			t.Errorf("got %#v", err)
		}
	}
	if got := vendor.requests(); got != strings.TrimSpace(strings.Repeat("GET Bearer one\n", 5)) || source.reads != 2 {
		t.Errorf("%d reads, requests:\n%s", source.reads, got)
	}
	source.set(func() { source.now = source.now.Add(lease.Pause) })
	if _, err := h.Execute(t.Context(), "lab", getMe); err == nil || source.reads != 3 {
		t.Errorf("%v, %d reads", err, source.reads)
	}
}

// A source that does not answer for a while does not stop calls; one that has no such
// secret any more does.
func TestSourceFails(t *testing.T) {
	t.Parallel()
	h, source, _ := rotatingHost(t)
	if _, err := h.Execute(t.Context(), "lab", getMe); err != nil {
		t.Fatal(err)
	}
	fail := func(err error, after time.Duration) {
		source.set(func() { source.err, source.now = err, source.now.Add(after) })
	}
	fail(&Error{Kind: abi.KindNetwork, Message: "no route to the vault", Retryable: true}, time.Minute)
	if _, err := h.Execute(t.Context(), "lab", getMe); err != nil {
		t.Error(err)
	}
	fail(&Error{Kind: abi.KindAuthFailed, Message: "the secret is gone"}, time.Minute)
	if _, err := h.Execute(t.Context(), "lab", getMe); err == nil || err.Error() != "auth_failed: no secret at corp:pylon: the secret is gone" {
		t.Errorf("got %v", err)
	}
	fail(&Error{Kind: abi.KindNetwork, Message: "no route to the vault", Retryable: true}, lease.Stale)
	if _, err := h.Execute(t.Context(), "lab", getMe); err == nil || err.Error() != "auth_failed: no secret at corp:pylon: no route to the vault" {
		t.Errorf("got %v", err)
	}
	fail(nil, 0)
	if _, err := h.Execute(t.Context(), "lab", getMe); err != nil {
		t.Error(err)
	}
}

// Many calls that are refused at once read the secret once.
func TestManyRefusals(t *testing.T) {
	t.Parallel()
	h, source, vendor := rotatingHost(t)
	if _, err := h.Execute(t.Context(), "lab", getMe); err != nil {
		t.Fatal(err)
	}
	source.set(func() { source.value = "two" })
	vendor.mu.Lock()
	vendor.token = "two"
	vendor.mu.Unlock()
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if _, err := h.Execute(t.Context(), "lab", getMe); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if source.reads != 2 {
		t.Errorf("read %d times", source.reads)
	}
}
