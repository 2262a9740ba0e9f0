package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/jackc/pgx/v5"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// otherToken is of another account of the vendor.
const otherToken = "CANARY-other-account-token"

// twoAccounts is a vendor with two accounts, each with a token and records of its own.
type twoAccounts struct{ one, other http.Handler }

func newTwoAccounts() *twoAccounts {
	of := func(token string, seed uint64) http.Handler {
		return pylon.New(pylon.Options{Token: token, Seed: seed, Scale: pylon.Scale{Issues: 5, Messages: 5, Accounts: 3, Contacts: 3, Users: 12, Teams: 2, Tags: 2}, Now: moment})
	}
	return &twoAccounts{of(vendorToken, 7), of(otherToken, 8)}
}

func (a *twoAccounts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.Header.Get("Authorization"), otherToken) {
		a.other.ServeHTTP(w, r)
		return
	}
	a.one.ServeHTTP(w, r)
}

// copiesLab is a lab whose server can be ended and started again.
type copiesLab struct {
	*lab
	vendor *vendorsim.Server
	folder string
}

func newCopiesLab(t *testing.T, change ...func(*Options)) *copiesLab {
	t.Helper()
	v, err := vendorsim.Start(t.Context(), newTwoAccounts(), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	l := &copiesLab{vendor: v, folder: t.TempDir()}
	l.start(t, change...)
	return l
}

func (l *copiesLab) start(t *testing.T, change ...func(*Options)) {
	t.Helper()
	before := l.lab
	l.lab = newLab(t, append([]func(*Options){func(o *Options) {
		o.Data, o.Connectors = l.folder, map[string]host.Connection{"pylon": {Server: l.vendor.URL}}
	}}, change...)...)
	if before != nil {
		l.token, l.first = before.token, before.first
	}
}

func (l *copiesLab) stop() {
	l.t.Helper()
	if err := l.s.Close(context.WithoutCancel(l.t.Context())); err != nil {
		l.t.Fatal(err)
	}
}

// searched is the answer to a search.
type searched struct {
	Result struct {
		Data []map[string]any
		Meta struct {
			HasMore  *bool   `json:"has_more"`
			Cursor   *string `json:"cursor"`
			Took     *int    `json:"took_ms"`
			Synced   string  `json:"synced_at"`
			Complete bool
			Records  int
		}
	}
	Metadata json.RawMessage `json:"connector_metadata"`
}

// searchOf is the body of a search of all records of an entity, with more parameters.
func searchOf(entity, more string) string {
	return `{"entity": "` + entity + `", "action": "context_store_search", "params": {"query": {}, "limit": 1000` + more + `}}`
}

// search searches all users of a connector, and returns their ids.
func (l *lab) search(id string) (ids []string, answer searched) {
	l.t.Helper()
	l.ok(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, searchOf("users", "")), &answer)
	return idsOf(answer.Result.Data), answer
}

// list lists all users of a connector, and returns their ids.
func (l *lab) list(id string) []string {
	l.t.Helper()
	var got struct{ Result []map[string]any }
	l.ok(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, `{"entity": "users", "action": "list"}`), &got)
	return idsOf(got.Result)
}

func idsOf(records []map[string]any) (ids []string) {
	for _, r := range records {
		ids = append(ids, fmt.Sprint(r["id"]))
	}
	slices.Sort(ids)
	return ids
}

// kept waits until the copies of a connector are kept, and the job waits for the next pass.
func (l *lab) kept(workspace, id string) store.Job {
	l.t.Helper()
	j := l.job(store.Scope{Organization: l.first.Organization, Workspace: l.workspaceID(workspace)}, copiesJob, store.JobWaiting)
	for range 1000 {
		var err error
		if j, err = l.s.store.Job(l.t.Context(), j.Scope, j.ID); err != nil {
			l.t.Fatal(err)
		}
		if j.State == store.JobWaiting && time.Until(j.Next) > 10*time.Second {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if j.Object != id || j.Error != "" || time.Until(j.Next) < 10*time.Second {
		l.t.Fatalf("%+v", j)
	}
	return j
}

// TestCopies: the first search copies the records, a job keeps the copies, and searches of copies that are kept
// ask the database for nothing. Clients see what is copied.
func TestCopies(t *testing.T) {
	t.Parallel()
	l := newCopiesLab(t)
	id := l.create("acme", "Pylon")
	var before airbyteapi.Inspection
	l.ok(l.ask(http.MethodGet, at(airbyteapi.InspectPath, id), l.token, nil), &before)
	if before.Readiness == nil || len(before.Readiness.Supported) < 5 || len(before.Readiness.Configured) < 5 || before.Readiness.Configured[0].Status != copiesWait {
		t.Errorf("before the first search: %+v", before.Readiness)
	}
	ids, answer := l.search(id)
	m := answer.Result.Meta
	if want := l.list(id); len(want) == 0 || !slices.Equal(ids, want) {
		t.Errorf("found %q, and the vendor has %q", ids, want)
	}
	if m.HasMore == nil || *m.HasMore || m.Took == nil || m.Synced == "" || !m.Complete || m.Records != len(ids) || string(answer.Metadata) != "null" {
		t.Errorf("%+v, %s", m, answer.Metadata)
	}
	l.kept("acme", id)
	l.asked()
	for range 5 {
		l.search(id)
	}
	for _, name := range l.asked() {
		if !strings.HasPrefix(name, "audit.") {
			t.Errorf("a search of copies that are kept asked the database for %s", name)
		}
	}
	var after airbyteapi.Inspection
	l.ok(l.ask(http.MethodGet, at(airbyteapi.InspectPath, id), l.token, nil), &after)
	for _, e := range after.Readiness.Configured {
		want, count := copiesWait, 0
		if e.Entity == "users" {
			want, count = copiesReady, len(ids)
		}
		if e.Status != want || !e.Ready || (e.UpdatedAt != "") != (count > 0) || *e.Count != count {
			t.Errorf("after a search of users: %+v", e)
		}
	}
	var one airbyteapi.Record
	l.ok(l.ask(http.MethodGet, at(airbyteapi.ConnectorPath, id), l.token, nil), &one)
	if one.Template.SupportsContextStore != true {
		t.Errorf("%+v", one.Template)
	}
	text := l.metrics()
	for _, want := range []string{`agenthost_copies_connections 1`, fmt.Sprintf("agenthost_copies_records %d\n", len(ids)), `agenthost_copies_passes_total{connector="pylon",outcome="ok"} `} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no metric %s", want)
		}
	}
}

// TestWireSearches: searches are answered and refused as Airbyte's clients know it.
func TestWireSearches(t *testing.T) {
	t.Parallel()
	l := newCopiesLab(t)
	run := at(airbyteapi.ExecutePath, l.create("acme", "Pylon"))
	var page searched
	l.ok(l.ask(http.MethodPost, run, l.token, `{"entity": "users", "action": "context_store_search", "params": {"query": {"sort": [{"name": "asc"}]}, "limit": 2, "fields": [["id"], ["name"]]}}`), &page)
	if m := page.Result.Meta; len(page.Result.Data) != 2 || len(page.Result.Data[0]) != 2 || m.Cursor == nil || *m.Cursor == "" || !*m.HasMore {
		t.Fatalf("%+v", page)
	}
	first := page.Result.Data[1]["name"]
	l.ok(l.ask(http.MethodPost, run, l.token, `{"entity": "users", "action": "context_store_search", "params": {"query": {"sort": [{"name": "asc"}]}, "limit": 2, "cursor": "`+*page.Result.Meta.Cursor+`"}}`), &page)
	if fmt.Sprint(page.Result.Data[0]["name"]) < fmt.Sprint(first) {
		t.Errorf("after %v comes %v", first, page.Result.Data[0]["name"])
	}
	other := at(airbyteapi.ExecutePath, l.create("acme", "another"))
	for body, want := range map[string]struct {
		status int
		text   string
	}{
		`{"entity": "users", "action": "context_store_search", "params": {"query": {"filter": {"eq": {"nam": "x"}}}}}`: {422, "name"},
		`{"entity": "users", "action": "context_store_search", "params": {"query": {"filter": {"oops": {}}}}}`:         {422, "oops"},
		`{"entity": "users", "action": "context_store_search", "params": {"query": {}, "limit": 0}}`:                   {422, "limit"},
		`{"entity": "user", "action": "context_store_search", "params": {"query": {}}}`:                                {400, "users"},
		`{"entity": "users", "action": "context_store_sql_query", "params": {"sql": "select 1"}}`:                      {400, "context_store_search"},
		`{"entity": "teams", "action": "search", "params": {}}`:                                                        {400, "context_store_search"},
	} {
		l.fails(l.ask(http.MethodPost, run, l.token, body), want.status, want.text)
	}
	l.fails(l.ask(http.MethodPost, other, l.token, searchOf("users", `, "cursor": "`+*page.Result.Meta.Cursor+`"`)), 422, "cursor")
}

// TestMCPSearches: an agent of a workspace searches in the copies of its connections, and in no others.
func TestMCPSearches(t *testing.T) {
	t.Parallel()
	l := newCopiesLab(t, operations)
	l.create("acme", "support")
	l.create("other", "hidden")
	c := l.connected(l.workspaceToken("acme").Token, nil)
	all := tools(t, c)
	if !slices.Contains(all, "support_users_context_store_search") || slices.ContainsFunc(all, func(name string) bool { return strings.Contains(name, "hidden") }) {
		t.Fatalf("the tools are %q", all)
	}
	r, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: "support_users_context_store_search", Arguments: map[string]any{"query": map[string]any{"filter": map[string]any{"contains": map[string]any{"email": "@"}}}}})
	if err != nil || r.IsError || !strings.Contains(said(r), "email") || !strings.Contains(said(r), "synced_at") {
		t.Errorf("%v, %s", err, said(r))
	}
}

// TestCopiesOfOthers: nobody finds records of another workspace, also with the ids of its connectors.
//
// threat: D1
func TestCopiesOfOthers(t *testing.T) {
	t.Parallel()
	l := newCopiesLab(t)
	mine, theirs := l.create("acme", "Pylon"), l.createWith("other", "Pylon", otherToken)
	ids, _ := l.search(mine)
	others, _ := l.search(theirs)
	for _, id := range ids {
		if slices.Contains(others, id) {
			t.Errorf("%s is in both workspaces", id)
		}
	}
	token := l.scoped("acme")
	l.fails(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, theirs), token, searchOf("users", "")), http.StatusNotFound, "no such connector")
	l.fails(l.ask(http.MethodGet, at(airbyteapi.InspectPath, theirs), token, nil), http.StatusNotFound, "no such connector")
	l.fails(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, mine), l.another(), searchOf("users", "")), http.StatusNotFound, "no such connector")
}

// createWith creates a connector with a token of the vendor.
func (l *lab) createWith(workspace, name, token string) string {
	l.t.Helper()
	var made airbyteapi.Record
	l.ok(l.ask(http.MethodPost, airbyteapi.ConnectorsPath, l.token, map[string]any{
		"workspace_name": workspace, "name": name, "connector_type": "Pylon", "credentials": map[string]string{"api_token": token},
	}), &made)
	return made.ID
}

// login gives a connector a token of the vendor.
func (l *lab) login(id, token string) {
	l.t.Helper()
	l.ok(l.ask(http.MethodPut, at(airbyteapi.ConnectorPath, id), l.token, map[string]any{"credentials": map[string]string{"api_token": token}}), new(any))
}

// leftCopies returns the files of copies that have a text.
func (l *copiesLab) leftCopies(text string) (found []string) {
	l.t.Helper()
	err := filepath.WalkDir(filepath.Join(l.folder, copiesFolder), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		all, err := os.ReadFile(path)
		if bytes.Contains(all, []byte(text)) {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return found
}

// TestDeletedCopies: the copies of a connector or of a workspace that is deleted are gone, and the job that kept
// them ends. Those of others stay.
//
// threat: C7
func TestDeletedCopies(t *testing.T) {
	t.Parallel()
	l := newCopiesLab(t)
	first, second := l.create("acme", "first"), l.create("acme", "second")
	ids, _ := l.search(first)
	l.search(second)
	p := store.Scope{Organization: l.first.Organization, Workspace: l.workspaceID("acme")}
	names := func() []string {
		names, err := l.s.copying.store.Connections(t.Context(), p.Workspace)
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	l.eventually("the copies are kept", func() bool {
		_, err := l.s.store.Copied(t.Context(), first)
		return err == nil && len(names()) == 2
	})
	l.ok(l.ask(http.MethodDelete, at(airbyteapi.ConnectorPath, first), l.token, nil), &airbyteapi.DeleteAnswer{})
	l.job(p, removeCopiesJob, store.JobSucceeded)
	if got := names(); len(got) != 1 || !strings.HasPrefix(got[0], second) {
		t.Errorf("there are copies of %q", got)
	}
	if again, _ := l.search(second); !slices.Equal(again, ids) {
		t.Errorf("the other connector has %q", again)
	}
	l.job(p, copiesJob, store.JobSucceeded)
	if r := l.ask(http.MethodDelete, airbyteapi.WorkspacesPath+"/"+p.Workspace, l.token, nil); r.status >= 300 {
		t.Fatalf("%+v", r)
	}
	l.eventually("the file of the workspace is gone", func() bool {
		left, err := filepath.Glob(filepath.Join(l.folder, copiesFolder, p.Workspace+"*"))
		return err == nil && len(left) == 0
	})
}

// TestCopiesOfAnotherAccount: a connector that gets the credential of another account shows nothing of the
// account before, and what was copied of that is gone.
//
// threat: D1
func TestCopiesOfAnotherAccount(t *testing.T) {
	t.Parallel()
	l := newCopiesLab(t)
	id := l.create("acme", "Pylon")
	before, _ := l.search(id)
	l.login(id, otherToken)
	after, _ := l.search(id)
	if want := l.list(id); len(want) == 0 || !slices.Equal(after, want) || slices.Equal(after, before) {
		t.Errorf("found %q, and the account has %q", after, want)
	}
	p := store.Scope{Organization: l.first.Organization, Workspace: l.workspaceID("acme")}
	l.job(p, removeCopiesJob, store.JobSucceeded)
	if names, err := l.s.copying.store.Connections(t.Context(), p.Workspace); err != nil || len(names) != 1 {
		t.Errorf("there are copies of %q, %v", names, err)
	}
}

// TestCopiesAreSealed: the files of copies have no text of a record.
func TestCopiesAreSealed(t *testing.T) {
	t.Parallel()
	l := newCopiesLab(t)
	ids, _ := l.search(l.create("acme", "Pylon"))
	l.stop()
	if found := l.leftCopies(ids[0]); len(found) > 0 {
		t.Errorf("%s is readable in %q", ids[0], found)
	}
}

// TestRestoredCopies: a server with an older database and newer copies does not take these for those of
// another account, and answers what is right.
//
// threat: D1
func TestRestoredCopies(t *testing.T) {
	t.Parallel()
	l := newCopiesLab(t)
	id := l.create("acme", "Pylon")
	mine := l.list(id)
	l.stop()
	at, backup := filepath.Join(l.folder, store.FileName), filepath.Join(t.TempDir(), "backup.db")
	if err := store.BackupFolder(t.Context(), l.folder, backup); err != nil {
		t.Fatal(err)
	}
	l.start(t)
	l.login(id, otherToken)
	if others, _ := l.search(id); slices.Equal(others, mine) {
		t.Fatal("both accounts have the same records")
	}
	l.stop()
	for _, suffix := range []string{"", "-wal", "-shm"} {
		_ = os.Remove(at + suffix) // some may not be there
	}
	if err := store.Restore(t.Context(), backup, l.folder); err != nil {
		t.Fatal(err)
	}
	l.start(t)
	l.login(id, vendorToken) // the first change, as that of the other account was
	if got, _ := l.search(id); !slices.Equal(got, mine) {
		t.Errorf("found %q, and the account has %q", got, mine)
	}
}

// TestNoCopies: a server that keeps no copies refuses searches, and removes what another one kept.
func TestNoCopies(t *testing.T) {
	t.Parallel()
	l := newCopiesLab(t)
	id := l.create("acme", "Pylon")
	l.search(id)
	l.kept("acme", id)
	l.stop()
	l.start(t, func(o *Options) { o.NoCopies = true })
	l.fails(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, searchOf("users", "")), http.StatusBadRequest, "no copies")
	p := store.Scope{Organization: l.first.Organization, Workspace: l.workspaceID("acme")}
	j := l.job(p, copiesJob, store.JobWaiting)
	if _, err := l.s.store.RetryJob(t.Context(), p, j.ID); err != nil {
		t.Fatal(err)
	}
	l.job(p, copiesJob, store.JobSucceeded)
	if names, err := l.s.copying.store.Connections(t.Context(), p.Workspace); err != nil || len(names) > 0 {
		t.Errorf("there are copies of %q, %v", names, err)
	}
	var one airbyteapi.Inspection
	l.ok(l.ask(http.MethodGet, at(airbyteapi.InspectPath, id), l.token, nil), &one)
	if one.Readiness != nil {
		t.Errorf("%+v", one.Readiness)
	}
}

// retried waits until a job that keeps copies has run once more.
func (l *lab) retried(j store.Job) {
	l.t.Helper()
	if _, err := l.s.store.RetryJob(l.t.Context(), j.Scope, j.ID); err != nil {
		l.t.Fatal(err)
	}
}

// TestNarrowedCopies: what a connector may list no more is not found, and its copies are removed.
func TestNarrowedCopies(t *testing.T) {
	t.Parallel()
	l := newCopiesLab(t)
	id := l.create("acme", "Pylon")
	l.search(id)
	j := l.kept("acme", id)
	l.ok(l.ask(http.MethodPut, at(airbyteapi.ConnectorPath, id), l.token, `{"entities": [{"entity": "accounts"}]}`), new(any))
	l.fails(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, searchOf("users", "")), http.StatusForbidden, "users")
	l.retried(j)
	l.eventually("the copies are gone", func() bool {
		names, err := l.s.copying.store.Connections(t.Context(), j.Scope.Workspace)
		return err == nil && len(names) == 0
	})
}

// TestIdleCopies: copies in which nobody has searched for a week are removed, and the job ends.
func TestIdleCopies(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	l := newCopiesLab(t, func(o *Options) {
		o.Host.Seams.Now = func() time.Time { return time.Now().Add(time.Duration(later.Load())) }
	})
	id := l.create("acme", "Pylon")
	l.search(id)
	j := l.kept("acme", id)
	later.Store(int64(copiesFor - time.Hour))
	l.retried(j)
	l.eventually("the job ran", func() bool {
		now, err := l.s.store.Job(t.Context(), j.Scope, j.ID)
		return err == nil && now.State == store.JobWaiting && time.Until(now.Next) > 10*time.Second
	})
	if names, err := l.s.copying.store.Connections(t.Context(), j.Scope.Workspace); err != nil || len(names) != 1 {
		t.Errorf("after six days there are copies of %q, %v", names, err)
	}
	later.Store(int64(copiesFor + time.Hour))
	l.retried(j)
	l.job(j.Scope, copiesJob, store.JobSucceeded)
	if names, err := l.s.copying.store.Connections(t.Context(), j.Scope.Workspace); err != nil || len(names) > 0 {
		t.Errorf("after a week there are copies of %q, %v", names, err)
	}
}

// TestCopiesAfterNewDataKeys: copies that were sealed with a key that is no more are made again.
func TestCopiesAfterNewDataKeys(t *testing.T) {
	t.Parallel()
	l := newCopiesLab(t)
	id := l.create("acme", "Pylon")
	before, _ := l.search(id)
	if _, err := l.s.store.RotateData(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.stop()
	l.start(t)
	var after []string
	l.eventually("the copies are there", func() bool {
		r := l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, searchOf("users", ""))
		var answer searched
		if r.status != http.StatusOK || json.Unmarshal([]byte(r.body), &answer) != nil {
			t.Logf("%d %s", r.status, r.body)
			return false
		}
		after = idsOf(answer.Result.Data)
		return true
	})
	if !slices.Equal(before, after) {
		t.Errorf("found %q, and before %q", after, before)
	}
}

// TestPostgresCopies: each node finds what another one copied, and the rows of a connector that is deleted are gone.
func TestPostgresCopies(t *testing.T) {
	nodes, postgres := newNodesOf(t, 2)
	first, second := nodes[0], nodes[1]
	id := first.create("acme", "Pylon")
	ids, _ := first.search(id)
	asked := len(first.lab.vendor.Requests())
	again, _ := second.search(id)
	if !slices.Equal(ids, again) || len(ids) == 0 {
		t.Errorf("one node finds %q, and another one %q", ids, again)
	}
	if n := len(first.lab.vendor.Requests()); n != asked {
		t.Errorf("the second node sent %d requests", n-asked)
	}
	rows := func() (n int) {
		t.Helper()
		c, err := pgx.Connect(t.Context(), postgres.Connection()+" dbname=postgres")
		if err == nil {
			err = c.QueryRow(t.Context(), "SELECT (SELECT COUNT(*) FROM context_record) + (SELECT COUNT(*) FROM context_entity)").Scan(&n)
			err = errors.Join(err, c.Close(t.Context()))
		}
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if n := rows(); n < len(ids) {
		t.Errorf("%d rows of %d records", n, len(ids))
	}
	second.ok(second.ask(http.MethodDelete, at(airbyteapi.ConnectorPath, id), second.token, nil), &airbyteapi.DeleteAnswer{})
	first.eventually("the rows are gone", func() bool { return rows() == 0 })
}
