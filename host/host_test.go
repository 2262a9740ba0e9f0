package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

const token = "canary-3f1c9a7e5b2d4068"

// open starts a simulated Pylon and a host with two connections to it: lab, which may
// do everything, and audit, which may read.
func open(t *testing.T) (*host.Host, *vendorsim.Server) {
	t.Helper()
	scale := pylon.SmallScale()
	scale.Accounts = 130 // more than the vendor gives per page
	return openWith(t, pylon.New(pylon.Options{Token: token, Scale: scale}))
}

// openWith is open with a vendor of one's own.
func openWith(t *testing.T, vendor http.Handler) (*host.Host, *vendorsim.Server) {
	t.Helper()
	server, err := vendorsim.Start(t.Context(), vendor, vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	lab := labAt(server)
	audit := labAt(server)
	audit.Allow = &config.Allow{Effects: []abi.Effect{abi.EffectRead}}
	h := opened(t, options(t, host.StaticConnections{"lab": lab, "audit": audit}))
	return h, server
}

// labAt is a connection to a simulated Pylon.
func labAt(server *vendorsim.Server) host.Connection {
	return host.Connection{Connector: "pylon", Server: server.URL, Credentials: map[string]string{"api_token": "env:TOKEN"}}
}

// options are those of a host with the Pylon connector.
func options(t testing.TB, connections host.StaticConnections) host.Options {
	t.Helper()
	return host.Options{
		Plugins:     wasmtest.Folder(t, "plugins/pylon"),
		Cache:       compiled,
		Connections: connections,
		LookupEnv: func(name string) (string, bool) {
			if name == "TOKEN" {
				return token, true
			}
			return "", false
		},
	}
}

// opened is a host that is closed with the test.
func opened(t testing.TB, o host.Options) *host.Host {
	t.Helper()
	h, err := host.Open(t.Context(), o)
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

func TestExecute(t *testing.T) {
	t.Parallel()
	h, server := open(t)
	res, err := h.Execute(t.Context(), "lab", host.Call{Entity: "accounts", Action: "list"})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range res.Records() {
		n++
	}
	if n != 100 || !res.HasMore || res.NextCursor == "" {
		t.Errorf("%d records, has_more %v, next_cursor %q", n, res.HasMore, res.NextCursor)
	}
	requests := server.Requests()
	if len(requests) != 1 || requests[0].Header.Get("Authorization") != "Bearer "+token {
		t.Errorf("the vendor got %+v", requests)
	}
	t.Logf("%+v %s", res.Stats, res.Meta)

	seen := map[string]bool{}
	for record, err := range h.Records(t.Context(), "lab", host.Call{Entity: "accounts", Action: "list"}) {
		if err != nil {
			t.Fatal(err)
		}
		var account struct{ ID string }
		if err := json.Unmarshal(record, &account); err != nil {
			t.Fatal(err)
		}
		seen[account.ID] = true
	}
	t.Log(len(seen))
}

func TestWriteNeedsGrant(t *testing.T) {
	t.Parallel()
	h, server := open(t)
	_, err := h.Execute(t.Context(), "audit", host.Call{Entity: "accounts", Action: "create", Params: host.Params{"name": "Acme"}})
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != abi.KindDenied || e.RequestSent {
		t.Errorf("got %+v", err)
	}
	if len(server.Requests()) != 0 {
		t.Error("something was sent")
	}
	res, err := h.Execute(t.Context(), "lab", host.Call{Entity: "accounts", Action: "create", Params: host.Params{"name": "Acme"}})
	if err != nil || !strings.Contains(string(res.Data), `"Acme"`) {
		t.Errorf("%v", err)
	}
}

// A result that cannot be shaped fails a call that was made, and the error says so:
// the write has happened.
func TestShapingFailsAfterTheCall(t *testing.T) {
	t.Parallel()
	h, server := open(t)
	deep := strings.Repeat("[", 12) + `{"a":1}` + strings.Repeat("]", 12)
	server.Inject(vendorsim.Fault{Method: "POST", PathPrefix: "/accounts", Count: 1, Effect: vendorsim.Respond(200, nil, `{"data":{"x":`+deep+`}}`)})
	_, err := h.Execute(t.Context(), "lab", host.Call{Entity: "accounts", Action: "create", Params: host.Params{"name": "Acme"}, Select: []string{"x.a"}})
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != abi.KindLimitExceeded || !e.RequestSent {
		t.Errorf("got %+v", err)
	}
}
