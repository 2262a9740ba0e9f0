package server

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/coordinate"
	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// notes is a connector that answers with its version. It may send GET requests to each of paths.
func notes(version int, paths ...string) string {
	return notesAs(version, func(manifest string) string { return manifest }, paths...)
}

// notesAs is notes with another manifest.
func notesAs(version int, as func(manifest string) string, paths ...string) string {
	requests := []string{`{"method": "GET", "path": "/notes"}`}
	for _, path := range paths {
		requests = append(requests, `{"method": "GET", "path": "`+path+`"}`)
	}
	return string(wasmtest.Static(as(fmt.Sprintf(`{
		"abi": 1, "name": "notes", "title": "Notes", "version": "1.0.%d", "description": "Notes of the tests.",
		"servers": [{"id": "main", "url": "https://api.notes.example"}],
		"check": {"entity": "notes", "action": "list"},
		"operations": [{"entity": "notes", "action": "list", "description": "All notes.", "effect": "read", "params": {"type": "object"}, "requests": [%s]}]
	}`, version, strings.Join(requests, ","))), `{"schemes": [{"id": "token", "type": "bearer", "origins": ["https://api.notes.example"],
		"fields": [{"name": "token", "secret": true, "required": true}],
		"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {token}"}]}]}`, fmt.Sprintf(`{"data":{"version":%d},"meta":{}}`, version)))
}

// vet sends a module without consent, and with it if consent is not empty.
func (l *lab) vet(token, module, consent string) reply {
	l.t.Helper()
	return l.ask(http.MethodPost, adminapi.ServedPluginsPath+"?consent="+consent, token, module, "Content-Type", adminapi.MediaModule)
}

// install installs a module as an operator does.
func (l *lab) install(token, module string) adminapi.VettedPlugin {
	l.t.Helper()
	var vetted, made adminapi.VettedPlugin
	if l.ok(l.vet(token, module, ""), &vetted); vetted.Installed {
		l.t.Error("it is installed before an operator approves it")
	}
	if l.ok(l.vet(token, module, vetted.Consent), &made); !made.Installed {
		l.t.Error("it is not installed")
	}
	return vetted
}

// served returns a connector of the list.
func (l *lab) served(token, name string) adminapi.ServedPlugin {
	l.t.Helper()
	var list adminapi.List[adminapi.ServedPlugin]
	l.ok(l.ask(http.MethodGet, adminapi.ServedPluginsPath, token, nil), &list)
	for _, p := range list.Data {
		if p.Name == name {
			return p
		}
	}
	return adminapi.ServedPlugin{}
}

// createNotes creates a connection to the connector.
func (l *lab) createNotes() reply {
	return l.ask(http.MethodPost, airbyteapi.ConnectorsPath, l.token, `{"workspace_name": "acme", "connector_type": "notes", "credentials": {"token": "canary"}}`)
}

// remove removes the connector.
func (l *lab) remove(token string) reply {
	return l.ask(http.MethodDelete, adminapi.ServedPluginsPath+"/notes", token, nil)
}

// A connector that has the title or the definition id of another one is not installed: clients ask by
// these, and their credentials would go elsewhere. Where two of the plugins folder have one title, a
// client has to say which it means by its name.
//
// threat: A2
func TestConnectorsOfOneTitle(t *testing.T) {
	t.Parallel()
	const id = "0d44e3c4-7d0e-4f66-a6d5-bb2e0f8c9f55"
	as := func(name, title, airbyte string) string {
		return notesAs(1, func(manifest string) string {
			return strings.NewReplacer(`"name": "notes"`, `"name": "`+name+`"`, `"title": "Notes"`, `"title": "`+title+`"`+airbyte).Replace(manifest)
		})
	}
	known := func(kind, id string) string {
		return `, "airbyte": {"connector_type": "` + kind + `", "definition_id": "` + id + `"}`
	}
	folder := t.TempDir()
	for file, module := range map[string]string{"one.wasm": as("one", "Same", ""), "two.wasm": as("two", "SAME", ""), "same.wasm": as("three", "Other", known("Twin", id))} {
		if err := os.WriteFile(filepath.Join(folder, file), []byte(module), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	l := newLab(t, func(o *Options) { o.Host.Plugins, o.Connectors = folder, nil })
	operator := l.operator(store.RoleOperator)
	for what, module := range map[string]string{
		"its title":               as("evil", "sAME", ""),
		"its title, as a name":    as("twin", "Evil", ""),
		"its name, as a title":    as("evil", "One", ""),
		"its definition id":       as("evil", "Evil", known("Evil", id)),
		"its title, as Airbyte's": as("evil", "Evil", known("Same", "11111111-7d0e-4f66-a6d5-bb2e0f8c9f55")),
		"its name, as Airbyte's":  as("evil", "Evil", known("Three", "11111111-7d0e-4f66-a6d5-bb2e0f8c9f55")),
	} {
		if l.fails(l.vet(operator, module, ""), http.StatusConflict, "a title or a definition id of the connector"); t.Failed() {
			t.Fatal(what)
		}
	}
	create := func(kind string) reply {
		return l.ask(http.MethodPost, airbyteapi.ConnectorsPath, l.token, `{"workspace_name": "acme", "connector_type": "`+kind+`", "credentials": {"token": "canary"}}`)
	}
	l.fails(create("Same"), http.StatusConflict, "one and two")
	for _, kind := range []string{"one", "two", "Twin"} {
		l.ok(create(kind), &airbyteapi.Record{})
	}
}

const listNotes = `{"entity": "notes", "action": "list"}`

// Only operators install connectors, nothing of one may be used before one of them has seen what it
// declares, and a consent is to one module in the place of one other.
//
// threat: A2, A4, S1
func TestInstall(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	operator := l.operator(store.RoleOperator)
	one, wider := notes(1), notes(2, "/others")
	for name, c := range map[string]struct {
		reply  reply
		status int
		want   string
	}{
		"a viewer":                   {l.vet(l.operator(store.RoleViewer), one, ""), http.StatusForbidden, "manage"},
		"an application":             {l.vet(l.token, one, ""), http.StatusUnauthorized, ""},
		"a workspace":                {l.vet(l.scoped("acme"), one, ""), http.StatusUnauthorized, ""},
		"nobody":                     {l.vet("", one, ""), http.StatusUnauthorized, ""},
		"what is no module":          {l.vet(operator, "\x00asm\x01\x00\x00\x00", ""), http.StatusUnprocessableEntity, "cannot be used"},
		"an empty body":              {l.vet(operator, "", ""), http.StatusUnprocessableEntity, "cannot be used"},
		"a long one":                 {l.vet(operator, strings.Repeat("x", adminapi.MaxModule+1), ""), http.StatusRequestEntityTooLarge, "16777216"},
		"a body that is said JSON":   {l.ask(http.MethodPost, adminapi.ServedPluginsPath, operator, one), http.StatusUnsupportedMediaType, adminapi.MediaModule},
		"a consent to nothing":       {l.vet(operator, one, strings.Repeat("0", 64)), http.StatusConflict, "the consent is not to this module"},
		"the name of a folder's":     {l.vet(operator, string(readBytes(t, filepath.Join(l.s.options.Host.Plugins, "pylon.wasm"))), ""), http.StatusConflict, "the plugins folder of the server has the connector pylon, in pylon.wasm"},
		"removing what is not there": {l.remove(operator), http.StatusNotFound, "installed no connector"},
	} {
		if f := l.fails(c.reply, c.status, c.want); t.Failed() {
			t.Fatal(name, f)
		}
	}
	var vetted adminapi.VettedPlugin
	l.ok(l.vet(operator, one, ""), &vetted)
	l.fails(l.createNotes(), http.StatusNotFound, "no connector")
	if p := l.served(operator, "notes"); p.Name != "" {
		t.Errorf("it is there without approval: %+v", p)
	}
	l.fails(l.vet(operator, wider, vetted.Consent), http.StatusConflict, "the consent is not to this module")
	l.install(operator, one)
	if p := l.served(operator, "notes"); !p.Installed || !p.Usable || p.InstalledBy == "" || p.InstalledAt == "" || p.Version != "1.0.1" || p.Why != "" {
		t.Errorf("%+v", p)
	}
	var made airbyteapi.Record
	l.ok(l.createNotes(), &made)
	run := at(airbyteapi.ExecutePath, made.ID)
	call := func(want string) {
		t.Helper()
		if r := l.ask(http.MethodPost, run, l.token, listNotes); !strings.Contains(r.body, want) {
			t.Errorf("%d %s, want %s", r.status, r.body, want)
		}
	}
	call(`"version":1`)

	// A version that may do more has a consent of its own, which is none to the one before it.
	next := l.install(operator, wider)
	if len(next.Wider) != 1 || !strings.Contains(next.Wider[0], "/others") || !strings.Contains(next.Approved, "connector notes 1.0.1") {
		t.Errorf("%+v", next)
	}
	call(`"version":2`)
	l.fails(l.vet(operator, one, vetted.Consent), http.StatusConflict, "the consent is not to this module")
	if files, err := os.ReadDir(filepath.Join(l.s.options.Data, connectorsFolder)); err != nil || len(files) != 1 {
		t.Errorf("the folder has %v, %v", files, err)
	}

	l.ok(l.remove(operator), &adminapi.Nothing{})
	call("which this server does not have any more; an operator adds it again with agenthost plugin add FILE")
	l.fails(l.createNotes(), http.StatusNotFound, "this server has no connector")
	if files, err := os.ReadDir(filepath.Join(l.s.options.Data, connectorsFolder)); err != nil || len(files) != 0 {
		t.Errorf("the folder has %v, %v", files, err)
	}
	l.install(operator, one)
	call(`"version":1`)
	var changes []string
	for _, text := range l.records(l.first.Organization) {
		if _, change, is := strings.Cut(text, " connectors "); is {
			changes = append(changes, change)
		}
	}
	if len(changes) != 4 {
		t.Errorf("the records are %q", changes)
	}
}

func readBytes(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// put writes a connector into the database, as a server does that is killed before it has a copy.
func (l *lab) put(module, approvedModule string, change func(*grant.Module)) {
	l.t.Helper()
	path := filepath.Join(l.t.TempDir(), "notes.wasm")
	if err := os.WriteFile(path, []byte(approvedModule), 0o600); err != nil {
		l.t.Fatal(err)
	}
	review, err := l.s.host.Review(l.t.Context(), path)
	if err != nil {
		l.t.Fatal(err)
	}
	change(&review.Module)
	approved := &approval.File{Approvals: []grant.Approval{{Module: review.Module, At: time.Unix(1800000000, 0).UTC(), By: "ada"}}}
	before, err := l.s.installedNow(l.t.Context(), "notes")
	if err != nil {
		l.t.Fatal(err)
	}
	if _, err := l.s.store.PutConnectorFile(l.t.Context(), store.ConnectorFile{Name: "notes", Approval: approved.Format()}, []byte(module), before.Digest); err != nil {
		l.t.Fatal(err)
	}
}

// again ends a server, and starts one on its folder.
func (l *lab) again() *lab {
	l.t.Helper()
	l.http.Close()
	if err := l.s.Close(l.t.Context()); err != nil {
		l.t.Fatal(err)
	}
	next := newLab(l.t, func(o *Options) { o.Data, o.Host.Plugins = l.s.options.Data, "" })
	next.token = l.token
	return next
}

// A start finds what is installed: where there is no copy, a part of one, or one that somebody changed.
//
// threat: K5
func TestInstalledAfterAStart(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.put(notes(1), notes(1), func(*grant.Module) {})
	l = l.again()
	operator := l.operator(store.RoleOperator)
	var made airbyteapi.Record
	l.ok(l.createNotes(), &made)
	folder := filepath.Join(l.s.options.Data, connectorsFolder)
	copies, err := os.ReadDir(folder)
	if err != nil || len(copies) != 1 {
		t.Fatal(copies, err)
	}
	path := filepath.Join(folder, copies[0].Name())
	for name, content := range map[string]string{"a part": notes(1)[:100], "another": notes(2, "/others")} {
		l.http.Close()
		if err := l.s.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{path, filepath.Join(folder, ".new-1"), filepath.Join(folder, vettedFile), filepath.Join(folder, "old.wasm")} {
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		l = l.again()
		if r := l.ask(http.MethodPost, at(airbyteapi.ExecutePath, made.ID), l.token, listNotes); !strings.Contains(r.body, `"version":1`) {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
		if p := l.served(operator, "notes"); !p.Usable {
			t.Errorf("%s: %+v", name, p)
		}
		if files, err := os.ReadDir(folder); err != nil || len(files) != 1 {
			t.Errorf("%s: the folder has %v, %v", name, files, err)
		}
	}
}

// Who can only write to the database installs nothing: neither another module, nor more than what an
// operator approved. The list, the log and the notes say so, and a removal mends it.
//
// threat: A2, K9
func TestTamperedConnectors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		put  func(l *lab)
		want string
	}{
		"another module":  {func(l *lab) { l.put(notes(2), notes(1), func(*grant.Module) {}) }, "what an operator approved is another connector"},
		"another digest":  {func(l *lab) { l.put(notes(1), notes(1), func(m *grant.Module) { m.Digest = strings.Repeat("0", 64) }) }, "what an operator approved is another connector"},
		"another name":    {func(l *lab) { l.put(notes(1), notes(1), func(m *grant.Module) { m.Name = "../notes" }) }, "not a name and version of a connector"},
		"a broken module": {func(l *lab) { l.putBroken("no module") }, "no WebAssembly header"},
		"a wider declaration": {func(l *lab) {
			l.put(notes(2, "/others"), notes(2, "/others"), func(m *grant.Module) { m.Reach.Operations[0].Requests = m.Reach.Operations[0].Requests[:1] })
		}, "needs access beyond the approval"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			c.put(l)
			l = l.again()
			operator := l.operator(store.RoleOperator)
			if p := l.served(operator, "notes"); !p.Installed || p.Usable || !strings.Contains(p.Why, c.want) {
				t.Errorf("%+v, want %s", p, c.want)
			}
			l.fails(l.createNotes(), http.StatusNotFound, "notes")
			said, err := l.s.Notes(t.Context())
			if text := strings.Join(said, "\n"); err != nil || !strings.Contains(text, c.want) {
				t.Errorf("%s, %v", text, err)
			}
			l.ok(l.remove(operator), &adminapi.Nothing{})
			l.install(operator, notes(3))
			l.ok(l.createNotes(), &airbyteapi.Record{})
		})
	}
}

// A module that declares something else on this node than what an operator approved sends nothing for the
// connections that are there, also on a server that keeps no approvals of its plugins folder.
//
// threat: A2
func TestInstalledModuleDeclaresMore(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	operator := l.operator(store.RoleOperator)
	l.install(operator, notes(1))
	var made airbyteapi.Record
	l.ok(l.createNotes(), &made)
	l.put(notes(2, "/others"), notes(2, "/others"), func(m *grant.Module) { m.Reach.Operations[0].Requests = m.Reach.Operations[0].Requests[:1] })
	l.s.heard(coordinate.Change{About: store.NoticeConnector})
	refused := func() bool {
		r := l.ask(http.MethodPost, at(airbyteapi.ExecutePath, made.ID), l.token, listNotes)
		return r.status == http.StatusForbidden && strings.Contains(r.body, "needs access beyond the approval")
	}
	l.eventually("the call is refused", refused)
	if l = l.again(); !refused() {
		t.Error("the call is not refused after a start")
	}
}

// putBroken writes what is no module into the database, with an approval of it.
func (l *lab) putBroken(text string) {
	l.t.Helper()
	f, err := l.s.store.PutConnectorFile(l.t.Context(), store.ConnectorFile{Name: "notes"}, []byte(text), "")
	if err != nil {
		l.t.Fatal(err)
	}
	approved := &approval.File{Approvals: []grant.Approval{{Module: grant.Module{Name: "notes", Version: "1.0.0", Digest: f.Digest}, At: time.Unix(1800000000, 0).UTC(), By: "ada"}}}
	if _, err := l.s.store.PutConnectorFile(l.t.Context(), store.ConnectorFile{Name: "notes", Approval: approved.Format()}, []byte(text), f.Digest); err != nil {
		l.t.Fatal(err)
	}
}

// The document of the operators' API says that a module is the body, and that the path has a name.
func TestInstallIsDocumented(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	var d struct {
		Paths map[string]map[string]struct {
			RequestBody struct{ Content map[string]json.RawMessage }
			Parameters  []struct {
				Name, In string
				Schema   struct{ Format string }
			}
		}
	}
	l.ok(l.ask(http.MethodGet, adminapi.DocumentPath, "", nil), &d)
	post, remove := d.Paths[adminapi.ServedPluginsPath]["post"], d.Paths[adminapi.ServedPluginPath]["delete"]
	if len(post.RequestBody.Content) != 1 || post.RequestBody.Content[adminapi.MediaModule] == nil || len(post.Parameters) != 1 || post.Parameters[0].In != "query" {
		t.Errorf("%+v", post)
	}
	if len(remove.Parameters) != 1 || remove.Parameters[0].Schema.Format != "" {
		t.Errorf("%+v", remove)
	}
	if adminapi.MaxModule != wasm.DefaultLimits().ModuleBytes {
		t.Error("the longest module is not the longest that runs")
	}
}

// What an operator installs on one node is on all of them, with the approval: also on one that starts
// later. A new version takes the place of the old one without a failed call, and what is removed is
// refused everywhere.
//
// threat: A2, K6
func TestPostgresNodesShareConnectors(t *testing.T) {
	nodes := newNodes(t)
	first, second, third := nodes[0], nodes[1], nodes[2]
	operator := first.operator(store.RoleOperator)
	first.install(operator, notes(1))
	took := everywhere(nodes, "the connector is there", http.StatusOK, func(l *loginLab) reply {
		r := reply{status: http.StatusNotFound}
		if p := l.served(operator, "notes"); p.Usable && p.Installed {
			r.status = http.StatusOK
		}
		return r
	})
	var made airbyteapi.Record
	second.ok(second.createNotes(), &made)
	run := at(airbyteapi.ExecutePath, made.ID)
	call := func(l *loginLab) reply { return l.ask(http.MethodPost, run, l.token, listNotes) }
	everywhere(nodes, "the connection works", http.StatusOK, call)

	stop := make(chan struct{})
	var calls sync.WaitGroup
	var good, wrong atomic.Int64
	for _, l := range nodes {
		calls.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if r := call(l); r.status == http.StatusOK {
					good.Add(1)
				} else if wrong.Add(1) == 1 {
					t.Errorf("%d %s", r.status, r.body)
				}
			}
		})
	}
	third.install(operator, notes(2, "/others"))
	replaced := everywhere(nodes, "the new version answers", http.StatusOK, func(l *loginLab) reply {
		r := call(l)
		if !strings.Contains(r.body, `"version":2`) {
			r.status = 0
		}
		return r
	})
	close(stop)
	calls.Wait()
	if wrong.Load() > 0 {
		t.Errorf("%d calls failed while the connector was replaced", wrong.Load())
	}

	second.ok(second.remove(operator), &adminapi.Nothing{})
	removed := everywhere(nodes, "calls are refused", http.StatusBadRequest, call)
	first.install(operator, notes(3))
	for _, l := range nodes {
		l.eventually("it is there again", func() bool { return strings.Contains(call(l).body, `"version":3`) })
	}
	t.Logf("it is on all nodes after %v, the new version after %v and %d calls, and gone after %v", took, replaced, good.Load(), removed)
}

// A notice, and the news that notices were missed, both lead to what another node installed and removed.
func TestInstalledElsewhere(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	operator := l.operator(store.RoleOperator)
	for _, c := range []coordinate.Change{{About: store.NoticeConnector}, {Everything: true}} {
		l.put(notes(1), notes(1), func(*grant.Module) {})
		if p := l.served(operator, "notes"); !p.Installed || p.Usable || !strings.Contains(p.Why, "not taken it up yet") {
			t.Errorf("before: %+v", p)
		}
		l.s.heard(c)
		l.eventually("it can be used", func() bool { return l.served(operator, "notes").Usable })
		if err := l.s.store.RemoveConnectorFile(t.Context(), "notes"); err != nil {
			t.Fatal(err)
		}
		l.s.heard(c)
		l.eventually("it is gone", func() bool { return l.served(operator, "notes").Name == "" })
	}
}
