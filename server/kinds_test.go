package server

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/internal/airbyteapi"
)

// Who asks for a connector that is not there, or that nobody approved, learns which one and what
// to do, and the operator learns it at the start.
func TestConnectorsThatAreNotServed(t *testing.T) {
	t.Parallel()
	lock := filepath.Join(t.TempDir(), approval.DefaultName)
	l := newLab(t, func(o *Options) {
		o.Host.Lock = lock
		o.Connectors = map[string]host.Connection{"pylom": {}, "pylon": {Server: "127.0.0.1"}}
	})
	create := func(kind string) reply {
		return l.ask(http.MethodPost, airbyteapi.ConnectorsPath, l.token, map[string]any{"workspace_name": "acme", "connector_type": kind, "credentials": map[string]string{"api_token": "x"}})
	}
	notes := func() string {
		t.Helper()
		all, err := l.s.Notes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(all, "\n")
	}
	f := l.fails(create("Pylon"), http.StatusNotFound, "pylon")
	if text := f.String(); !strings.Contains(text, "not approved") || !strings.Contains(text, "agenthost plugin approve pylon.wasm") || strings.Contains(text, l.s.options.Host.Plugins) {
		t.Errorf("not approved: %s", text)
	}
	before := notes()
	for _, want := range []string{"connectors: none", "agenthost plugin approve " + l.s.options.Host.Plugins, lock, "serve.connectors.pylom", "did you mean pylon?", `no server "127.0.0.1"`} {
		if !strings.Contains(before, want) {
			t.Errorf("the notes have no %q:\n%s", want, before)
		}
	}
	review, err := l.s.host.Review(t.Context(), filepath.Join(l.s.options.Host.Plugins, "pylon.wasm"))
	if err != nil {
		t.Fatal(err)
	}
	if err := approval.New(lock, t.TempDir(), time.Now).Approve(t.Context(), review.Module, "a person"); err != nil {
		t.Fatal(err)
	}
	if after := notes(); !strings.Contains(after, "connectors: pylon") || strings.Contains(after, "approve") {
		t.Errorf("after the approval:\n%s", after)
	}
	l.fails(create("Pylom"), http.StatusNotFound, `"Pylom"; did you mean Pylon?`)
}

// What a module may reach is computed once, and not for every list.
func TestReachIsComputedOnce(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(o *Options) { o.Host.Lock = filepath.Join(t.TempDir(), approval.DefaultName) })
	path := filepath.Join(l.s.options.Host.Plugins, "pylon.wasm")
	var reviews []*host.Review
	for range 2 {
		r, err := l.s.host.Review(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		reviews = append(reviews, r)
	}
	if a, b := reviews[0].Module.Reach.Servers, reviews[1].Module.Reach.Servers; len(a) == 0 || &a[0] != &b[0] {
		t.Error("the reach is computed again")
	}
}
