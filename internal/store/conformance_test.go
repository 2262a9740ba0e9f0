package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/store/envelope"
	"github.com/agenthost/agenthost/internal/store/pgtest"
	"github.com/jackc/pgx/v5"
)

// lab is a store of a test. The cases of a suite share it: each has an organization of its own.
type lab struct {
	*Store
	// reopen opens the same database again, after the store was closed.
	reopen func(o Options) (*Store, error)
	// join opens it besides the store.
	join func(o Options) (*Store, error)

	mu   sync.Mutex
	time time.Time
	ran  []string
	keys *envelope.Masters // that the store reads when it meets one that it does not know
}

// turnover gives the store other master keys to read, and returns a store that has them already.
func (l *lab) turnover(t testing.TB, texts ...string) *Store {
	t.Helper()
	m := masterKeys(t, texts...)
	l.mu.Lock()
	l.keys = m
	l.mu.Unlock()
	s := ok(l.join(Options{Masters: always(m), Now: l.clock}))(t)
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func (l *lab) options(m *envelope.Masters) Options {
	return Options{Masters: always(m), Now: l.clock, OnQuery: func(name string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.ran = append(l.ran, name)
	}}
}

func (l *lab) clock() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.time
}

func (l *lab) later(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.time = l.time.Add(d)
}

// counted returns the statements that f ran. No other test may use the store.
func (l *lab) counted(f func()) []string {
	l.mu.Lock()
	l.ran = nil
	l.mu.Unlock()
	f()
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ran
}

func value(text string) secret.Value { return secret.New([]byte(text)) }

func masterKeys(t testing.TB, texts ...string) *envelope.Masters {
	t.Helper()
	var keys []secret.Value
	for _, text := range texts {
		keys = append(keys, value((text + strings.Repeat(".", 32))[:32]))
	}
	m, err := envelope.NewMasters(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// always is the [Options.Masters] of a process whose keys do not change.
func always(m *envelope.Masters) func(context.Context) (*envelope.Masters, error) {
	return func(context.Context) (*envelope.Masters, error) { return m, nil }
}

// finish opens the store of a lab, which ends with the test.
func (l *lab) finish(t testing.TB) *lab {
	t.Helper()
	l.time = time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	l.keys = masterKeys(t, "first")
	o := l.options(nil)
	o.Masters = func(context.Context) (*envelope.Masters, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.keys, nil
	}
	s, err := l.reopen(o)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(s.queries, map[string]string{
		"test.data_keys":         "SELECT id FROM data_key",
		"test.left":              "SELECT c.id FROM connection c JOIN credential r ON r.connection = c.id WHERE c.deleted > 0",
		"test.current_data_keys": "SELECT id FROM data_key WHERE retired = 0",
		"test.data_key_of":       s.dialect.words.Replace("SELECT id FROM data_key WHERE workspace = $1 AND retired = 0"),
		"test.sealed":            s.dialect.words.Replace("SELECT sealed FROM credential WHERE connection = $1 AND field = 'a'"),
		"test.organization_of":   s.dialect.words.Replace("SELECT organization FROM connection WHERE id = $1"),
	})
	l.Store = s
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func sqliteLab(t testing.TB) *lab {
	t.Helper()
	dir := t.TempDir()
	l := &lab{
		reopen: func(o Options) (*Store, error) { return OpenSQLite(context.Background(), dir, o) },
		join:   func(o Options) (*Store, error) { return JoinSQLite(context.Background(), dir, o) },
	}
	return l.finish(t)
}

// postgresLab returns a store in a new database of a server.
func postgresLab(t testing.TB, server, name string) *lab {
	t.Helper()
	c, err := pgx.Connect(t.Context(), server+" dbname=postgres")
	if err != nil {
		t.Fatal(err)
	}
	// The template has the encoding and the locale of initdb.
	_, err = c.Exec(t.Context(), "CREATE DATABASE "+name)
	if err := errors.Join(err, c.Close(t.Context())); err != nil {
		t.Fatal(err)
	}
	address := value(server + " dbname=" + name)
	l := &lab{
		reopen: func(o Options) (*Store, error) { return OpenPostgres(context.Background(), address, o) },
		join:   func(o Options) (*Store, error) { return JoinPostgres(context.Background(), address, o) },
	}
	return l.finish(t)
}

// shared are cases that use one store at the same time.
var shared = map[string]func(t *testing.T, l *lab){
	"organizations":    testOrganizations,
	"applications":     testApplications,
	"workspaces":       testWorkspaces,
	"workspace search": testWorkspaceSearch,
	"connections":      testConnections,
	"scopes":           testScopes,
	"hostile text":     testHostileText,
	"credentials":      testCredentials,
	"tokens":           testTokens,
	"late tokens":      testLateTokens,
	"writes":           testWrites,
	"undone writes":    testUndoneWrites,
	"undone tries":     testUndoneTries,
	"audit":            testAudit,
	"jobs":             testJobs,
	"cancelled jobs":   testCancelledJobs,
	"operators":        testOperatorTokens,
	"signing keys":     testSigningKeys,
	"moved rows":       testMovedRows,
	"worn key":         testWornKey,
	"workspace tokens": testWorkspaceTokens,
	"list of jobs":     testJobList,
	"begun jobs":       testBegunJobs,
	"asked":            testAsked,
	"connect links":    testConnectLinks,
	"return URLs":      testReturnURLs,
	"copied":           testCopied,
}

// alone are cases that need a store of their own.
var alone = map[string]func(t *testing.T, l *lab){
	"many plans":     testManyPlans,
	"modules":        testConnectorFiles,
	"many modules":   testManyConnectorFiles,
	"many tokens":    testManyWorkspaceTokens,
	"old links":      testOldLinks,
	"changes":        testChanges,
	"forget":         testForget,
	"deleted":        testDeletedWorkspace,
	"records":        testRecords,
	"queries":        testQueries,
	"numbers":        testNumbers,
	"rotate master":  testRotateMaster,
	"rotate data":    testRotateData,
	"rotate earlier": testRotateEarlier,
	"second server":  testSecondServer,
	"ended server":   testEndedServer,
	"run jobs":       testRunJobs,
	"postponed jobs": testPostponedJobs,
	"copy totals":    testCopyTotals,
	"copies":         testCopies,
	"jobs of nodes":  testAbandonedJobs,
	"newer database": testNewerDatabase,
	"logins":         testLogins,
	"abandoned":      testAbandoned,
	"announced":      testAnnounced,
	"upgrade":        testUpgrade,
	"before copies":  testBeforeCopies,
	"early database": testEarlyDatabase,
}

func conform(t *testing.T, open func(t testing.TB) *lab) {
	t.Run("shared", func(t *testing.T) {
		l := open(t)
		for _, name := range slices.Sorted(maps.Keys(shared)) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				shared[name](t, l)
			})
		}
	})
	for _, name := range slices.Sorted(maps.Keys(alone)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			alone[name](t, open(t))
		})
	}
	testReleasedSchemas(t, open)
	t.Run("coordinated", func(t *testing.T) { coordinated(t, open) })
}

func TestSQLite(t *testing.T) {
	t.Parallel()
	conform(t, sqliteLab)
}

func postgresServer(t *testing.T) string {
	t.Helper()
	if os.Getenv("AGENTHOST_TEST_POSTGRES") == "" {
		t.Skip("make test-postgres runs it")
	}
	return pgtest.Start(t)
}

func TestPostgres(t *testing.T) {
	server := postgresServer(t)
	var mu sync.Mutex
	n := 0
	conform(t, func(t testing.TB) *lab {
		mu.Lock()
		n++
		name := fmt.Sprintf("test%d", n)
		mu.Unlock()
		return postgresLab(t, server, name)
	})
}

func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func plain(v secret.Value) string { return string(envelope.Bytes(v)) }

// organization makes an organization with a workspace.
func (l *lab) organization(t testing.TB) Scope {
	t.Helper()
	o := ok(l.CreateOrganization(t.Context(), "an organization"))(t)
	return Scope{o.ID, ok(l.CreateWorkspace(t.Context(), o.ID, "default"))(t).ID}
}

// ok returns a function that returns v, or ends the test with err.
func ok[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// connection makes a connection with a credential.
func (l *lab) connection(t testing.TB, p Scope, name string) Connection {
	t.Helper()
	return ok(l.CreateConnection(t.Context(), p, Connection{Name: name, Connector: "pylon", Definition: "definition", Scheme: "token", Config: map[string]string{"region": "eu"}},
		Credentials{map[string]secret.Value{"api_token": value("secret of " + name)}, origins}))(t)
}

var origins = []string{"https://api.usepylon.com", "https://eu.usepylon.com"}

func testOrganizations(t *testing.T, l *lab) {
	ctx := t.Context()
	a, err := l.CreateOrganization(ctx, "Zoë & Söhne 東京")
	if err != nil || a.Name != "Zoë & Söhne 東京" || len(a.ID) != 36 || a.ID[14] != '7' || a.Created.IsZero() {
		t.Fatalf("%+v, %v", a, err)
	}
	if got, err := l.Organization(ctx, a.ID); err != nil || got != a {
		t.Errorf("%+v, %v, want %+v", got, err, a)
	}
	_, err = l.Organization(ctx, "none")
	wantErr(t, "an unknown id", err, ErrNone)
	var seen int
	for page := (Page{Limit: 2}); ; {
		found, err := l.Organizations(ctx, "", page)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			break
		}
		for _, o := range found {
			if o.ID <= page.After {
				t.Errorf("%s comes after %s", o.ID, page.After)
			}
			page.After = o.ID
			if o == a {
				seen++
			}
		}
	}
	if seen != 1 {
		t.Errorf("the list has it %d times", seen)
	}
	for _, name := range []string{"", "a\x00b", "a\nb", "\xff", strings.Repeat("x", 256)} {
		if _, err := l.CreateOrganization(ctx, name); err == nil {
			t.Errorf("the name %q is taken", name)
		}
	}
}

func testApplications(t *testing.T, l *lab) {
	ctx := t.Context()
	p, other := l.organization(t), l.organization(t)
	a, password, err := l.CreateApplication(ctx, p.Organization, "agents", nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(plain(password)); n != 43 {
		t.Errorf("the secret has %d characters", n)
	}
	if got, err := l.Authenticate(ctx, a.ID, password); err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("%+v, %v, want %+v", got, err, a)
	}
	b, otherPassword, err := l.CreateApplication(ctx, other.Organization, "agents", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, try := range []struct {
		id       string
		password secret.Value
	}{{a.ID, otherPassword}, {b.ID, password}, {a.ID, value(plain(password) + "x")}, {a.ID, secret.Value{}}, {"none", password}, {"", secret.Value{}}} {
		_, err := l.Authenticate(ctx, try.id, try.password)
		wantErr(t, "a wrong secret", err, ErrNone)
	}
	if got, err := l.Application(ctx, p.Organization, a.ID); err != nil || !reflect.DeepEqual(got, a) {
		t.Errorf("%+v, %v, want %+v", got, err, a)
	}
	_, err = l.Application(ctx, other.Organization, a.ID)
	wantErr(t, "another organization's", err, ErrNone)
	wantErr(t, "another organization's", l.RevokeApplication(ctx, other.Organization, a.ID), ErrNone)
	if err := l.RevokeApplication(ctx, p.Organization, a.ID); err != nil {
		t.Fatal(err)
	}
	_, err = l.Authenticate(ctx, a.ID, password)
	wantErr(t, "a revoked one", err, ErrNone)
	if got, err := l.Application(ctx, p.Organization, a.ID); err != nil || got.Revoked.IsZero() {
		t.Errorf("a revoked one: %+v, %v", got, err)
	}
	wantErr(t, "revoked twice", l.RevokeApplication(ctx, p.Organization, a.ID), ErrNone)
	if list, err := l.Applications(ctx, p.Organization, Page{}); err != nil || len(list) != 1 || list[0].ID != a.ID || list[0].Revoked.IsZero() {
		t.Errorf("%+v, %v", list, err)
	}
	_, _, err = l.CreateApplication(ctx, "none", "agents", nil)
	wantErr(t, "an application of nobody", err, ErrNone)
}

func testWorkspaces(t *testing.T, l *lab) {
	ctx := t.Context()
	p, other := l.organization(t), l.organization(t)
	org := Scope{Organization: p.Organization}
	w := ok(l.CreateWorkspace(ctx, p.Organization, "Acme"))(t)
	_, err := l.CreateWorkspace(ctx, p.Organization, "Acme")
	wantErr(t, "a name that is taken", err, ErrExists)
	for _, same := range []struct{ organization, name string }{{p.Organization, "acme"}, {other.Organization, "Acme"}} {
		if _, err := l.CreateWorkspace(ctx, same.organization, same.name); err != nil {
			t.Errorf("%s: %v", same.name, err)
		}
	}
	_, err = l.CreateWorkspace(ctx, "none", "Acme")
	wantErr(t, "a workspace of nobody", err, ErrNone)
	if got, err := l.Workspace(ctx, org, w.ID); err != nil || got != w {
		t.Errorf("%+v, %v, want %+v", got, err, w)
	}
	if got, err := l.WorkspaceByName(ctx, org, "Acme"); err != nil || got != w {
		t.Errorf("%+v, %v, want %+v", got, err, w)
	}
	_, err = l.WorkspaceByName(ctx, org, "ACME")
	wantErr(t, "another case", err, ErrNone)

	name, taken, inactive, wrong := "Acme 2", "acme", Inactive, Status("paused")
	if got, err := l.UpdateWorkspace(ctx, org, w.ID, WorkspaceChange{Name: &name, Status: &inactive}); err != nil || got.Name != name || got.Status != Inactive {
		t.Errorf("%+v, %v", got, err)
	}
	_, err = l.UpdateWorkspace(ctx, org, w.ID, WorkspaceChange{Name: &taken})
	wantErr(t, "a name that is taken", err, ErrExists)
	if _, err := l.UpdateWorkspace(ctx, org, w.ID, WorkspaceChange{Status: &wrong}); err == nil {
		t.Error("there is a status paused")
	}
	c := l.connection(t, Scope{p.Organization, w.ID}, "pylon")
	if !c.Inactive {
		t.Error("a connection of an inactive workspace is active")
	}
	if _, err := l.PutToken(ctx, org, c, origins, value("token"), 0, Held{}); err != nil {
		t.Fatal(err)
	}
	gone, job, err := l.DeleteWorkspace(ctx, org, w.ID)
	if err != nil || gone.Deleted.IsZero() || job.State != JobSucceeded {
		t.Fatalf("%+v, %+v, %v", gone, job, err)
	}
	_, err = l.Workspace(ctx, org, w.ID)
	wantErr(t, "a deleted workspace", err, ErrNone)
	_, err = l.Connection(ctx, org, c.ID)
	wantErr(t, "its connection", err, ErrNone)
	if got, err := l.Credentials(ctx, org, c.ID, origins); err != nil || len(got) != 0 {
		t.Errorf("its credentials: %v, %v", got, err)
	}
	_, err = l.CreateConnection(ctx, Scope{p.Organization, w.ID}, c, Credentials{})
	wantErr(t, "a connection of a deleted workspace", err, ErrNone)
	_, _, err = l.DeleteWorkspace(ctx, org, w.ID)
	wantErr(t, "deleted twice", err, ErrNone)
	if _, err := l.CreateWorkspace(ctx, p.Organization, name); err != nil {
		t.Errorf("its name is not free: %v", err)
	}
}

func testWorkspaceSearch(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	org := Scope{Organization: p.Organization}
	for _, name := range []string{"Acme 100%", "acme_b", "ACMEb", "Größe", "ÉTÉ", "東京支社"} {
		if _, err := l.CreateWorkspace(ctx, p.Organization, name); err != nil {
			t.Fatal(err)
		}
	}
	for part, want := range map[string]int{
		"": 7, "acme": 3, "ACME": 3, "0%": 1, "%": 1, "_": 1, "e_b": 1, `\`: 0, "GRÖSSE": 0, "größe": 1, "été": 1, "京支": 1, "' OR 1=1 --": 0, "a\x00": 0, strings.Repeat("x", 2000): 0,
	} {
		if got, err := l.Workspaces(ctx, org, WorkspaceFilter{NameContains: part}, Page{}); err != nil || len(got) != want {
			t.Errorf("%q: %d, %v, want %d", part, len(got), err, want)
		}
	}
	if got, err := l.Workspaces(ctx, org, WorkspaceFilter{Status: Inactive}, Page{}); err != nil || len(got) != 0 {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := l.Workspaces(ctx, p, WorkspaceFilter{}, Page{}); err != nil || len(got) != 1 || got[0].ID != p.Workspace {
		t.Errorf("a scoped list: %v, %v", got, err)
	}
	var all []string
	for page := (Page{Limit: 3}); ; {
		got, err := l.Workspaces(ctx, org, WorkspaceFilter{}, page)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			break
		}
		for _, w := range got {
			all = append(all, w.ID)
			page.After = w.ID
		}
	}
	if len(all) != 7 || !slices.IsSorted(all) {
		t.Errorf("pages have %v", all)
	}
}

// testHostileText uses hostile text as ids and names.
//
// threat: K4 in TestSQLite
func testHostileText(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	c := l.connection(t, p, "pylon")
	for _, text := range []string{"'; DROP TABLE connection; --", "\x00", "\xff\xfe", strings.Repeat("a", 1<<20), "%", "$1", "?1", ""} {
		if _, err := l.Connection(ctx, p, text); !errors.Is(err, ErrNone) {
			t.Errorf("%.20q as an id: %v", text, err)
		}
		if _, err := l.Connection(ctx, Scope{text, ""}, c.ID); !errors.Is(err, ErrNone) {
			t.Errorf("%.20q as an organization: %v", text, err)
		}
		if _, err := l.Connection(ctx, Scope{p.Organization, text}, c.ID); text != "" && !errors.Is(err, ErrNone) {
			t.Errorf("%.20q as a workspace: %v", text, err)
		}
		if _, err := l.WorkspaceByName(ctx, p, text); !errors.Is(err, ErrNone) {
			t.Errorf("%.20q as a name: %v", text, err)
		}
		if _, err := l.Authenticate(ctx, text, value("x")); !errors.Is(err, ErrNone) {
			t.Errorf("%.20q as a client id: %v", text, err)
		}
	}
	if got, err := l.Connection(ctx, p, c.ID); err != nil || got.Name != "pylon" {
		t.Errorf("%+v, %v", got, err)
	}
}

func testSigningKeys(t *testing.T, l *lab) {
	ctx := t.Context()
	first := ok(l.RotateSigningKey(ctx, time.Hour))(t)
	second := ok(l.RotateSigningKey(ctx, time.Hour))(t)
	got, err := l.SigningKeys(ctx)
	if err != nil || len(got) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, k := range got {
		if want := map[string]SigningKey{first.ID: first, second.ID: second}[k.ID]; !k.Key.Equal(want.Key) || bytes.Equal(envelope.Bytes(k.Key), make([]byte, 32)) {
			t.Errorf("key %s is another one", k.ID)
		}
		if k.Retired.IsZero() != (k.ID == second.ID) {
			t.Errorf("key %s is retired at %s", k.ID, k.Retired)
		}
	}
	if got[0].Key.Equal(got[1].Key) {
		t.Error("both keys are the same")
	}
}
