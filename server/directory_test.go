package server

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/coordinate"
	"github.com/agenthost/agenthost/internal/store"
)

var workspaces = flag.Int("workspaces", 10, "how many workspaces TestManyConnections has, with three connectors each")

const listUsers = `{"entity": "users", "action": "list"}`

// What a client changed counts also when the client hangs up before the answer.
//
// threat: D1
func TestAClientHangsUpAfterAChange(t *testing.T) {
	t.Parallel()
	hangUp := func() {}
	l := newLab(t, func(o *Options) {
		o.onQuery = func(name string) {
			if name == "connection.changes" {
				hangUp()
			}
		}
	})
	// leave sends a request whose client goes away once the change is in the database.
	leave := func(method, path, body string) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		hangUp = cancel
		defer func() { hangUp = func() {} }()
		r := httptest.NewRequestWithContext(ctx, method, path, strings.NewReader(body))
		r.Header.Set("Authorization", "Bearer "+l.token)
		r.Header.Set("Content-Type", "application/json")
		r.Host = "127.0.0.1"
		l.s.Handler(t.Context()).ServeHTTP(httptest.NewRecorder(), r)
		if ctx.Err() == nil {
			t.Fatal("the client did not leave")
		}
	}
	run := func(id string) reply {
		return l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, listUsers)
	}
	deleted, changed, stopped := l.create("acme", "Deleted"), l.create("acme", "Changed"), l.create("stopped", "Pylon")
	var workspaces airbyteapi.WorkspaceRecords
	l.ok(l.ask(http.MethodGet, airbyteapi.WorkspacesPath+"?name_contains=stopped", l.token, nil), &workspaces)
	for _, id := range []string{deleted, changed, stopped} {
		l.ok(run(id), &answered{})
	}
	leave(http.MethodDelete, at(airbyteapi.ConnectorPath, deleted), "")
	l.fails(run(deleted), http.StatusNotFound, "no such connector")
	leave(http.MethodPut, at(airbyteapi.ConnectorPath, changed), `{"credentials": {"api_token": "another"}}`)
	if r := run(changed); r.status == http.StatusOK {
		t.Error("the old credential is used")
	}
	leave(http.MethodPatch, airbyteapi.WorkspacesPath+"/"+workspaces.Data[0].ID, `{"status": "inactive"}`)
	if r := run(stopped); r.status == http.StatusOK {
		t.Error("a stopped workspace works")
	}
}

// While a change of another node is read, no call uses what was known before it.
//
// threat: K6
func TestNoCallWhileAChangeIsRead(t *testing.T) {
	t.Parallel()
	reading := func() {}
	l := newLab(t, func(o *Options) {
		o.onQuery = func(name string) {
			if name == "connection.changes" {
				reading()
			}
		}
	})
	l.create("acme", "Pylon")
	d, read := l.s.directory, 0
	reading = func() {
		if read++; d.current() {
			t.Error("what is in memory passes for what is in the database")
		}
	}
	l.s.heard(coordinate.Change{About: store.NoticeConnection})
	if err := d.fresh(t.Context()); err != nil || read == 0 || !d.current() {
		t.Error(err, read)
	}
}

// A connector that a server does not know may be new to it while the database does not answer: then the
// answer is 503, and not 404. One that it knows is served on.
//
// threat: K6
func TestAnUnknownConnectorWhileTheDatabaseIsAway(t *testing.T) {
	t.Parallel()
	read := func() {}
	l := newLab(t, func(o *Options) {
		o.onQuery = func(name string) {
			if name == "connection.changes" {
				read()
			}
		}
	})
	id := l.create("acme", "Pylon")
	// get asks for a connector after another server may have changed it. The first question to the database
	// has no answer where it is away.
	get := func(id string, away bool) *httptest.ResponseRecorder {
		ctx, leave := context.WithCancelCause(t.Context())
		defer leave(nil)
		read = func() {
			if away {
				leave(store.ErrAway)
			}
		}
		l.s.directory.doubts.Add(1)
		r := httptest.NewRequestWithContext(ctx, http.MethodGet, at(airbyteapi.ConnectorPath, id), nil)
		r.Header.Set("Authorization", "Bearer "+l.token)
		r.Host = "127.0.0.1"
		w := httptest.NewRecorder()
		l.s.Handler(t.Context()).ServeHTTP(w, r)
		return w
	}
	for i, step := range []struct {
		id     string
		away   bool
		status int
	}{
		{nobody, false, http.StatusNotFound}, {nobody, true, http.StatusServiceUnavailable}, {id, true, http.StatusOK},
		{nobody, false, http.StatusNotFound}, {id, false, http.StatusOK},
	} {
		w := get(step.id, step.away)
		if w.Code != step.status || (w.Header().Get("Retry-After") != "") != (step.status == http.StatusServiceUnavailable) {
			t.Errorf("step %d: %d %s %v, want %d", i, w.Code, w.Body, w.Header(), step.status)
		}
	}
	// While the database answers, somebody changes something all the time.
	read = func() { l.s.directory.doubts.Add(1) }
	read()
	l.fails(l.ask(http.MethodGet, at(airbyteapi.ConnectorPath, nobody), l.token, nil), http.StatusNotFound, "no such connector")
}

// A change is made of what the database has, where another server changed it a moment ago and the notice
// of that has not come.
func TestAChangeAfterThatOfAnotherServer(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	id := l.create("acme", "Pylon")
	c := l.s.directory.known(id).Connection
	c.Allow = `{"operations": ["users.list"]}`
	if _, err := l.s.store.UpdateConnection(t.Context(), store.Scope{Organization: c.Organization, Workspace: c.Workspace}, c, nil); err != nil {
		t.Fatal(err)
	}
	if r := l.ask(http.MethodPut, at(airbyteapi.ConnectorPath, id), l.token, `{"name": "second"}`); r.status != http.StatusOK {
		t.Errorf("%d %s", r.status, r.body)
	}
	if c := l.s.directory.known(id); c.Name != "second" || c.Allow == "" {
		t.Errorf("%+v", c.Connection)
	}
}

// An agent does not learn what operations take that the connection's own allow leaves out, and the
// person who connects an account does not read that they may run.
func TestOwnAllowNarrowsSkillsAndConsent(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	id := l.create("acme", "Pylon")
	c := l.s.directory.byID[id].Connection
	c.Allow = `{"operations": ["users.list"]}`
	p := store.Scope{Organization: c.Organization, Workspace: c.Workspace}
	_, err := l.s.store.UpdateConnection(t.Context(), p, c, nil)
	if err := l.s.directory.changed(t.Context(), err); err != nil {
		t.Fatal(err)
	}
	var docs airbyteapi.SkillDocs
	l.ok(l.ask(http.MethodGet, airbyteapi.SkillDocsPath+"?id="+airbyteapi.SkillID(id), l.token, nil), &docs)
	for _, section := range docs.Outline {
		if strings.HasPrefix(section.ID, "issues") {
			t.Errorf("the skill has the section %s", section.ID)
		}
	}
	if len(docs.Outline) == 0 {
		t.Error("the skill is empty")
	}
	info, err := l.s.host.Connector(t.Context(), c.Connector)
	if err != nil {
		t.Fatal(err)
	}
	effects, err := l.s.allowed(&connecting{connection: c, kind: &kind{*info, c.Definition}})
	if err != nil || len(effects) != 1 || effects[0].Count != 1 {
		t.Errorf("the person reads %+v, %v", effects, err)
	}
}

// While nobody can read what changed, no connection is used.
func TestAChangeThatCannotBeRead(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	id := l.create("acme", "Pylon")
	run := func() reply { return l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, listUsers) }
	l.ok(run(), &answered{})
	good := l.s.directory.store
	broken, err := (&Server{options: Options{Data: t.TempDir() + "/data"}, counts: l.s.counts}).openStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := broken.Close(); err != nil {
		t.Fatal(err)
	}
	l.s.directory.store = broken
	l.vendor.Reset()
	l.fails(l.ask(http.MethodDelete, at(airbyteapi.ConnectorPath, id), l.token, nil), http.StatusInternalServerError, "")
	l.fails(run(), http.StatusInternalServerError, "")
	l.s.directory.store = good
	l.fails(run(), http.StatusNotFound, "no such connector")
	if n := len(l.vendor.Requests()); n != 0 {
		t.Errorf("the vendor got %d requests", n)
	}
}

// A server with many connections finds and opens each of them, without the database once it is
// open. The test says how long that takes.
func TestManyConnections(t *testing.T) {
	t.Parallel()
	random := seeded(t)
	l := newLab(t)
	c, err := l.s.candidate(t.Context(), &airbyteapi.CreateRequest{ConnectorType: "Pylon", Credentials: map[string]any{"api_token": vendorToken}})
	if err != nil {
		t.Fatal(err)
	}
	var all []store.Connection
	for i := range *workspaces {
		w, err := l.s.store.CreateWorkspace(t.Context(), l.first.Organization, fmt.Sprint("workspace ", i))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			made, err := l.s.create(t.Context(), store.Scope{Organization: w.Organization, Workspace: w.ID}, c, "")
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, made)
		}
	}
	begun := time.Now()
	if err := l.s.directory.changed(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d connections read in %s", len(all), time.Since(begun).Round(time.Millisecond))
	for _, round := range []string{"first", "next"} {
		random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		l.asked()
		times := make([]time.Duration, len(all))
		for i, c := range all {
			begun := time.Now()
			e, err := l.s.directory.find(t.Context(), store.Scope{Organization: c.Organization, Workspace: c.Workspace}, c.ID)
			if err != nil || e == nil || e.Name != c.Name {
				t.Fatalf("%+v, %v", e, err)
			}
			got, _, err := l.s.directory.Get(t.Context(), host.Principal{Workspace: c.Workspace}, c.Name)
			if times[i] = time.Since(begun); err != nil || len(got.Secrets) != 1 {
				t.Fatal(got, err)
			}
		}
		slices.Sort(times)
		t.Logf("the %s time, to find and open a connection takes %s in the middle and %s for 99 of 100", round, times[len(times)/2], times[len(times)*99/100])
		if asked := l.asked(); round == "next" && len(asked) > 0 {
			t.Errorf("the database was asked %q", asked)
		}
	}
}
