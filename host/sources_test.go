package host

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestSources: a configuration file refers to a source of the program's own, whose secret is
// read again when secrets.cache is over.
func TestSources(t *testing.T) {
	t.Parallel()
	vendor := &pickyVendor{token: "one"}
	server, err := vendorsim.Start(t.Context(), vendor, vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	c, err := config.Parse("agenthost.yaml", []byte("secrets: {cache: 10s}\nconnections: {lab: {connector: pylon, server: \""+server.URL+"\", credentials: {api_token: corp:team/pylon}}}\n"), "corp")
	if err != nil {
		t.Fatal(err)
	}
	source := &rotating{value: "one", now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	o := FromConfig(c)
	o.Plugins, o.Cache = wasmtest.Folder(t, "plugins/pylon"), wasmtest.Cache(t)
	o.Sources = map[string]secret.Source{"corp": source}
	o.Seams = Seams{Now: source.clock, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }}
	h, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close(context.Background()) })
	call := func(want string) {
		t.Helper()
		if _, err := h.Execute(t.Context(), "lab", getMe); err != nil {
			t.Fatal(err)
		}
		if got := vendor.requests(); got != want {
			t.Errorf("sent %q, want %q", got, want)
		}
	}
	call("GET Bearer one")
	source.set(func() { source.value, source.now = "two", source.now.Add(9*time.Second) })
	call("GET Bearer one")
	vendor.token = "two"
	source.set(func() { source.now = source.now.Add(time.Second) })
	call("GET Bearer two")

	source.set(func() {
		source.err, source.now = errors.New("the store of two is locked"), source.now.Add(10*time.Second)
	})
	_, err = h.Execute(t.Context(), "lab", getMe)
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != abi.KindAuthFailed || e.RequestSent || !strings.Contains(e.Message, "no secret at corp:team/pylon") || strings.Contains(e.Message+e.Hint, "two") {
		t.Errorf("got %v", err)
	}
}

func TestWrongSources(t *testing.T) {
	t.Parallel()
	source := &rotating{}
	for name, test := range map[string]struct {
		sources     map[string]secret.Source
		reference   string
		field, says string
	}{
		"one of ours":        {map[string]secret.Source{"vault": source}, "env:TOKEN", "sources.vault", "the source of vault: cannot be replaced"},
		"nil":                {map[string]secret.Source{"corp": nil}, "env:TOKEN", "sources.corp", "is nil"},
		"none":               {nil, "corp:x", "connections.lab.credentials.api_token", "unknown scheme"},
		"another":            {map[string]secret.Source{"corp": source}, "crp:x", "connections.lab.credentials.api_token", "unknown scheme crp:"},
		"a name of no words": {map[string]secret.Source{"corp": source}, "corp: x", "connections.lab.credentials.api_token", "corp: needs the name of a secret"},
	} {
		_, err := Open(t.Context(), Options{
			Sources:     test.sources,
			Connections: StaticConnections{"lab": {Connector: "pylon", Credentials: map[string]string{"api_token": test.reference}}},
		})
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Kind != abi.KindInvalidParams || e.Field != test.field || !strings.Contains(e.Message, test.says) {
			t.Errorf("%s: got %v at %q", name, err, e.Field)
		}
	}
}
