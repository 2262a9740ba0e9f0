package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// own is getMe with a token of its own.
func own(token string) Call {
	call := getMe
	call.Credentials = map[string]secret.Value{"api_token": secret.New([]byte(token))}
	return call
}

// TestCallWithItsOwnCredential: the call sends its own token, and the connection's is neither
// read nor changed by it.
func TestCallWithItsOwnCredential(t *testing.T) {
	t.Parallel()
	h, source, vendor := rotatingHost(t)
	vendor.token = "own"
	if _, err := h.Execute(t.Context(), "lab", own("own")); err != nil {
		t.Fatal(err)
	}
	if got := vendor.requests(); got != "GET Bearer own" || source.reads != 0 {
		t.Errorf("%d reads, requests:\n%s", source.reads, got)
	}
	vendor.token = "one"
	if _, err := h.Execute(t.Context(), "lab", getMe); err != nil {
		t.Fatal(err)
	}
	// The vendor refuses the call's token. The connection's is not sent in its place, and its
	// source is not asked for another.
	_, err := h.Execute(t.Context(), "lab", own("stale"))
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != abi.KindAuthFailed || !e.RequestSent {
		t.Errorf("got %v", err)
	}
	if _, err := h.Execute(t.Context(), "lab", getMe); err != nil {
		t.Fatal(err)
	}
	if got := vendor.requests(); got != "GET Bearer one\nGET Bearer stale\nGET Bearer one" || source.reads != 1 {
		t.Errorf("%d reads, requests:\n%s", source.reads, got)
	}
}

func TestCallCredentialsAreChecked(t *testing.T) {
	t.Parallel()
	h, source, vendor := rotatingHost(t)
	for name, test := range map[string]struct {
		credentials map[string]secret.Value
		field, says string
	}{
		"an unknown field": {map[string]secret.Value{"api_tokn": secret.New([]byte("value-0123456789"))}, "credentials.api_tokn", "did you mean api_token?"},
		"an empty value":   {map[string]secret.Value{"api_token": {}}, "credentials.api_token", "is empty"},
	} {
		call := getMe
		call.Credentials = test.credentials
		_, err := h.Execute(t.Context(), "lab", call)
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Kind != abi.KindInvalidParams || e.Field != test.field || e.RequestSent || !strings.Contains(e.Message+e.Hint, test.says) || strings.Contains(e.Message+e.Hint, "value-0123456789") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if got := vendor.requests(); got != "" || source.reads != 0 {
		t.Errorf("%d reads, requests: %s", source.reads, got)
	}
}

func TestHostedTakesNoCredentialOfACall(t *testing.T) {
	t.Parallel()
	h, err := Open(t.Context(), Options{
		Plugins: wasmtest.Folder(t, "plugins/pylon"), Cache: wasmtest.Cache(t),
		Connections: StaticConnections{"hosted": {Connector: "pylon", Mode: config.Hosted, Airbyte: &config.Airbyte{WorkspaceName: "acme"}}},
		LookupEnv:   func(string) (string, bool) { t.Error("a source was read"); return "", false },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	call := Call{Entity: "issues", Action: "get", Params: Params{"id": "1"}, Credentials: own("own").Credentials}
	_, err = h.Execute(t.Context(), "hosted", call)
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != abi.KindInvalidParams || e.Field != "credentials" || e.RequestSent {
		t.Errorf("got %v", err)
	}
}

// busy tells everybody but "one" and "own" to come back in an hour.
type busy struct{}

func (busy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	if token := r.Header.Get("Authorization"); token != "Bearer one" && token != "Bearer own" {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	_, _ = w.Write([]byte(`{"data":{"id":"1"}}`))
}

// TestRateLimitsOfCallsWithTheirOwnCredential: what the vendor says of one credential holds back
// no call with another.
func TestRateLimitsOfCallsWithTheirOwnCredential(t *testing.T) {
	t.Parallel()
	server, err := vendorsim.Start(t.Context(), busy{}, vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	connection := func(token string) Connection {
		return Connection{Connector: "pylon", Server: server.URL, Secrets: own(token).Credentials}
	}
	h, err := Open(t.Context(), Options{
		Plugins: wasmtest.Folder(t, "plugins/pylon"), Cache: wasmtest.Cache(t),
		Connections: StaticConnections{"lab": connection("one"), "busy": connection("many")},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	for _, step := range []struct {
		connection string
		call       Call
		limited    bool
	}{
		{"lab", own("many"), true}, {"lab", getMe, false},
		{"busy", getMe, true}, {"busy", own("own"), false},
	} {
		_, err := h.Execute(t.Context(), step.connection, step.call)
		e, _ := errors.AsType[*Error](err)
		if limited := e != nil && e.Kind == abi.KindRateLimited; limited != step.limited || !limited && err != nil {
			t.Errorf("%s: %v", step.connection, err)
		}
	}
}

// echo answers with the credential that it was sent.
type echo struct{}

func (echo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"data": map[string]string{"id": r.Header.Get("X-Tenant"), "name": r.Header.Get("Authorization")}})
}

// TestCallsLeaveNothingOfTheirCredentials: a vendor's answer, a recording and a printed call hold
// nothing of a call's credential, while many calls with different ones run at once, and each
// closes its connection to the vendor.
func TestCallsLeaveNothingOfTheirCredentials(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(echo{})
	var mu sync.Mutex
	open, opened := 0, 0
	changed := sync.NewCond(&mu)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		switch state {
		case http.StateNew:
			open, opened = open+1, opened+1
		case http.StateClosed:
			open--
			changed.Broadcast()
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	h, err := Open(t.Context(), Options{
		Plugins: wasmtest.Folder(t, "plugins/pylon"), Cache: wasmtest.Cache(t),
		Connections: StaticConnections{"lab": {Connector: "pylon", Server: server.URL}}, // without credentials
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	var group sync.WaitGroup
	for i := range 20 {
		group.Go(func() {
			token := fmt.Sprintf("token-of-call-%d-0123456789", i)
			result, tape, err := h.Record(t.Context(), "lab", own(token))
			if err != nil {
				t.Error(err)
				return
			}
			text, err := json.Marshal(tape)
			if all := string(result.Data) + string(text) + fmt.Sprintf("%+v %#v", own(token), tape); err != nil || strings.Contains(all, token) || !strings.Contains(string(result.Data), "Bearer [redacted]") {
				t.Errorf("%v: %s", err, all)
			}
		})
	}
	group.Wait()
	if _, err := h.Execute(t.Context(), "lab", getMe); err == nil || !strings.HasPrefix(err.Error(), `auth_failed: connection lab has no credential "api_token"`) {
		t.Errorf("a call without a credential: %v", err)
	}
	mu.Lock()
	defer mu.Unlock()
	for open > 0 { // or the calls left connections behind
		changed.Wait()
	}
	if opened != 20 {
		t.Errorf("%d connections for 20 calls", opened)
	}
}
