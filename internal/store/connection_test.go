package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

// A name that is taken gets the first free number, and a workspace is full at some time. The names
// that a full workspace has are made in one statement.
func testNumbers(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	for _, want := range []string{"Pylon", "Pylon 2", "Pylon 3"} {
		if c := ok(l.CreateNumbered(ctx, p, Connection{Name: "Pylon"}, Credentials{}))(t); c.Name != want {
			t.Errorf("the name is %q, want %q", c.Name, want)
		}
	}
	second := ok(l.ConnectionByName(ctx, p, "Pylon 2"))(t)
	if _, err := l.DeleteConnection(ctx, p, second.ID); err != nil {
		t.Fatal(err)
	}
	if c := ok(l.CreateNumbered(ctx, p, Connection{Name: "Pylon"}, Credentials{}))(t); c.Name != "Pylon 2" {
		t.Errorf("the free number is not taken: %q", c.Name)
	}
	long := Connection{Name: strings.Repeat("x", maxName)}
	ok(l.CreateNumbered(ctx, p, long, Credentials{}))(t)
	if _, err := l.CreateNumbered(ctx, p, long, Credentials{}); err == nil {
		t.Error("a name and its number are too long, and are taken")
	}
	l.Store.queries["test.fill"] = strings.Replace(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most})
		INSERT INTO connection (id, organization, workspace, name, connector, definition, server, config, scheme, state, entities, allow, revision, login, created, updated, deleted)
		SELECT 'fill' || i, $1, $2, 'fill' || i, '', '', '', '{}', '', 'ready', 'null', '', 1, 1, 0, 0, 0 FROM n`, "{most}", strconv.Itoa(MaxConnections-4), 1)
	err := l.write(ctx, func(t session) error { _, err := t.exec("test.fill", p.Organization, p.Workspace); return err })
	if err != nil {
		t.Fatal(err)
	}
	for name, create := range map[string]func(context.Context, Scope, Connection, Credentials) (Connection, error){"numbered": l.CreateNumbered, "named": l.CreateConnection} {
		_, err := create(ctx, p, Connection{Name: "one more"}, Credentials{})
		if e, ok := errors.AsType[*abi.Error](err); !ok || e.Kind != abi.KindLimitExceeded {
			t.Errorf("%s, one too many: %v", name, err)
		}
	}
}

func testConnections(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	org := Scope{Organization: p.Organization}
	c := ok(l.CreateConnection(ctx, p, Connection{
		Name: "Pylon 東京", Connector: "pylon", Definition: "d", Server: "eu", Scheme: "token", State: Pending, Allow: `{"effects":["read"]}`,
		Config:   map[string]string{"a": `"quoted"`, "b": "${env:HOME}"},
		Entities: []EntityAccess{{"issues", []string{"read"}}, {Entity: "accounts"}},
	}, Credentials{}))(t)
	if c.ID == "" || c.Organization != p.Organization || c.Workspace != p.Workspace || c.Revision == 0 || c.Created.IsZero() {
		t.Errorf("%+v", c)
	}
	for what, get := range map[string]func() (Connection, error){
		"by id":   func() (Connection, error) { return l.Connection(ctx, org, c.ID) },
		"by name": func() (Connection, error) { return l.ConnectionByName(ctx, p, c.Name) },
	} {
		if got, err := get(); err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("%s: %+v, %v, want %+v", what, got, err, c)
		}
	}
	_, err := l.CreateConnection(ctx, p, Connection{Name: c.Name}, Credentials{})
	wantErr(t, "a name that is taken", err, ErrExists)
	other := l.connection(t, p, "pylon 東京")

	old := c
	c.Name, c.State, c.Config = "renamed", Ready, map[string]string{"region": "us"}
	c = ok(l.UpdateConnection(ctx, org, c, nil))(t)
	if c.Revision <= other.Revision {
		t.Errorf("revision %d after %d", c.Revision, other.Revision)
	}
	if got := ok(l.Connection(ctx, org, c.ID))(t); !reflect.DeepEqual(got, c) || got.Name != "renamed" {
		t.Errorf("%+v, want %+v", got, c)
	}
	_, err = l.UpdateConnection(ctx, org, old, nil)
	wantErr(t, "a late change", err, ErrChanged)
	taken := c
	taken.Name = other.Name
	_, err = l.UpdateConnection(ctx, org, taken, nil)
	wantErr(t, "a name that is taken", err, ErrExists)

	for what, bad := range map[string]Connection{
		"no name":   {},
		"direction": {Name: "\u202eevil"},
		"no width":  {Name: "a\u200bb"},
		"line":      {Name: "a\u2028b"},
		"next line": {Name: "a\u0085b"},
		"config":    {Name: "x", Config: map[string]string{"a": strings.Repeat("x", maxDocument)}},
		"zero byte": {Name: "x", Server: "a\x00"},
		"state":     {Name: "x", State: "broken"},
	} {
		if _, err := l.CreateConnection(ctx, p, bad, Credentials{}); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	for filter, want := range map[ConnectionFilter]int{{}: 2, {Connector: "pylon"}: 2, {Connector: "ashby"}: 0, {Definition: "d"}: 1, {"pylon", "definition"}: 1} {
		if got, err := l.Connections(ctx, p, filter, Page{}); err != nil || len(got) != want {
			t.Errorf("%+v: %d, %v, want %d", filter, len(got), err, want)
		}
	}
	if got := ok(l.Connections(ctx, org, ConnectionFilter{}, Page{After: c.ID, Limit: 1}))(t); len(got) > 1 || len(got) == 1 && got[0].ID <= c.ID {
		t.Errorf("the page after %s: %+v", c.ID, got)
	}
	job := ok(l.DeleteConnection(ctx, org, c.ID))(t)
	if got := ok(l.Job(ctx, p, job.ID))(t); got.State != JobSucceeded {
		t.Errorf("%+v", got)
	}
	_, err = l.Connection(ctx, org, c.ID)
	wantErr(t, "a deleted one", err, ErrNone)
	_, err = l.DeleteConnection(ctx, org, c.ID)
	wantErr(t, "deleted twice", err, ErrNone)
	_, err = l.UpdateConnection(ctx, org, c, nil)
	wantErr(t, "a change of a deleted one", err, ErrNone)
	l.connection(t, p, "renamed") // the name is free
}

// testScopes uses what one workspace has from the scopes of others.
//
// threat: K1 in TestSQLite
func testScopes(t *testing.T, l *lab) {
	ctx := t.Context()
	p, other := l.organization(t), l.organization(t)
	second := ok(l.CreateWorkspace(ctx, p.Organization, "second"))(t)
	c := l.connection(t, p, "pylon")
	if _, err := l.PutToken(ctx, p, c, origins, value("token"), 0, Held{}); err != nil {
		t.Fatal(err)
	}
	for what, s := range map[string]Scope{
		"nobody":                  {},
		"another organization":    {Organization: other.Organization},
		"another's workspace":     other,
		"a sibling":               {p.Organization, second.ID},
		"a swapped pair":          {other.Organization, p.Workspace},
		"a workspace only":        {"", p.Workspace},
		"ids in the wrong places": {p.Workspace, p.Organization},
	} {
		_, err := l.Connection(ctx, s, c.ID)
		wantErr(t, what+": get", err, ErrNone)
		_, err = l.ConnectionByName(ctx, s, c.Name)
		wantErr(t, what+": by name", err, ErrNone)
		_, err = l.UpdateConnection(ctx, s, c, &Credentials{})
		wantErr(t, what+": update", err, ErrNone)
		_, err = l.DeleteConnection(ctx, s, c.ID)
		wantErr(t, what+": delete", err, ErrNone)
		_, err = l.Token(ctx, s, c.ID, origins)
		wantErr(t, what+": token", err, ErrNone)
		_, err = l.PutToken(ctx, s, c, origins, value("mine"), 1, Held{})
		wantErr(t, what+": new token", err, ErrNone)
		_, err = l.Workspace(ctx, s, p.Workspace)
		wantErr(t, what+": workspace", err, ErrNone)
		_, err = l.UpdateWorkspace(ctx, s, p.Workspace, WorkspaceChange{})
		wantErr(t, what+": update of the workspace", err, ErrNone)
		_, _, err = l.DeleteWorkspace(ctx, s, p.Workspace)
		wantErr(t, what+": deletion of the workspace", err, ErrNone)
		if got, err := l.Credentials(ctx, s, c.ID, origins); err != nil || len(got) != 0 {
			t.Errorf("%s: credentials %v, %v", what, got, err)
		}
		if got := ok(l.Connections(ctx, s, ConnectionFilter{}, Page{}))(t); len(got) != 0 {
			t.Errorf("%s: the list has %d", what, len(got))
		}
	}
	if got := ok(l.Credentials(ctx, p, c.ID, origins))(t); len(got) != 1 {
		t.Errorf("the owner has %v", got)
	}
}

func testCredentials(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	fields := map[string]secret.Value{"client_id": value("id"), "client_secret": value("秘密"), "binary": secret.New([]byte{0, 1, 2, 0xff}), "empty": {}}
	c := ok(l.CreateConnection(ctx, p, Connection{Name: "pylon"}, Credentials{fields, origins}))(t)
	check := func(want map[string]secret.Value) {
		t.Helper()
		got := ok(l.Credentials(ctx, p, c.ID, []string{origins[1], origins[0]}))(t) // in any order
		if len(got) != len(want) {
			t.Errorf("%d fields, want %d", len(got), len(want))
		}
		for name, v := range want {
			if !got[name].Equal(v) {
				t.Errorf("%s is another one", name)
			}
		}
	}
	check(fields)
	// threat: K2 in TestSQLite
	for _, wrong := range [][]string{nil, origins[:1], {origins[0], "https://evil.example"}, {origins[0] + origins[1]}, append([]string{"https://a.example"}, origins...)} {
		_, err := l.Credentials(ctx, p, c.ID, wrong)
		wantErr(t, fmt.Sprint(wrong), err, errSealed)
	}
	if _, err := l.PutToken(ctx, p, c, origins, value("token"), 0, Held{}); err != nil {
		t.Fatal(err)
	}
	before := c
	c.Name = "renamed"
	c = ok(l.UpdateConnection(ctx, p, c, nil))(t)
	check(fields)
	c = ok(l.UpdateConnection(ctx, p, c, &Credentials{map[string]secret.Value{"api_token": value("new")}, origins}))(t)
	check(map[string]secret.Value{"api_token": value("new")})
	_, err := l.Token(ctx, p, c.ID, origins)
	wantErr(t, "the token of older credentials", err, ErrNone)
	_, err = l.UpdateConnection(ctx, p, before, &Credentials{fields, origins})
	wantErr(t, "late credentials", err, ErrChanged)
	c.State = NeedsLogin
	c = ok(l.UpdateConnection(ctx, p, c, &Credentials{}))(t)
	check(nil)

	many := make(map[string]secret.Value)
	for i := range maxFields + 1 {
		many[fmt.Sprint("field", i)] = value("x")
	}
	for what, bad := range map[string]map[string]secret.Value{
		"fields": many, "name": {"a\x00b": value("x")}, "no name": {"": value("x")}, "value": {"a": value(strings.Repeat("x", maxField))}, "large value": {"a": value(strings.Repeat("x", 3<<20))},
	} {
		_, err := l.UpdateConnection(ctx, p, c, &Credentials{bad, origins})
		if err == nil || strings.Contains(err.Error(), "xxx") {
			t.Errorf("%s: %v", what, err)
		}
	}
	check(nil)
}

// threat: K6 in TestSQLite
func testTokens(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	c := l.connection(t, p, "pylon")
	_, err := l.Token(ctx, p, c.ID, origins)
	wantErr(t, "no token", err, ErrNone)
	version := ok(l.PutToken(ctx, p, c, origins, value("one"), 0, Held{}))(t)
	_, err = l.PutToken(ctx, p, c, origins, value("too"), 0, Held{})
	wantErr(t, "a second first one", err, ErrChanged)
	next := ok(l.PutToken(ctx, p, c, origins, value("two"), version, Held{}))(t)
	_, err = l.PutToken(ctx, p, c, origins, value("late"), version, Held{})
	wantErr(t, "a late one", err, ErrChanged)
	got := ok(l.Token(ctx, p, c.ID, origins))(t)
	if plain(got.Value) != "two" || got.Version != next {
		t.Errorf("version %d, want %d", got.Version, next)
	}
	_, err = l.Token(ctx, p, c.ID, origins[:1])
	wantErr(t, "other origins", err, errSealed)
	again := ok(l.Connection(ctx, p, c.ID))(t)
	if again.Revision != c.Revision {
		t.Error("a token changes the connection")
	}
	again.Name = "renamed"
	again = ok(l.UpdateConnection(ctx, p, again, nil))(t)
	next = ok(l.PutToken(ctx, p, c, origins, value("three"), next, Held{}))(t)
	again = ok(l.UpdateConnection(ctx, p, again, &Credentials{map[string]secret.Value{"refresh_token": value("new")}, origins}))(t)
	for _, version := range []int64{0, next} {
		_, err = l.PutToken(ctx, p, c, origins, value("late"), version, Held{})
		wantErr(t, "a token of older credentials", err, ErrChanged)
	}
	ok(l.PutToken(ctx, p, again, origins, value("four"), 0, Held{}))(t)
	lost := again
	lost.State = NeedsLogin
	lost = ok(l.UpdateConnection(ctx, p, lost, &Credentials{}))(t)
	_, err = l.PutToken(ctx, p, again, origins, value("late"), 0, Held{})
	wantErr(t, "a token of credentials that were dropped", err, ErrChanged)
	_, err = l.Token(ctx, p, c.ID, origins)
	wantErr(t, "the token of credentials that were dropped", err, ErrNone)
	if _, err := l.DeleteConnection(ctx, p, c.ID); err != nil {
		t.Fatal(err)
	}
	_, err = l.PutToken(ctx, p, lost, origins, value("late"), 0, Held{})
	wantErr(t, "a token of a deleted connection", err, ErrNone)
}

// testLateTokens: whoever puts a token while its connection or its workspace is deleted leaves none
// behind.
//
// threat: C4 in TestSQLite
func testLateTokens(t *testing.T, l *lab) {
	ctx := t.Context()
	kept := 0
	for i := range 30 {
		p := l.organization(t)
		c := l.connection(t, p, "crm")
		var put error
		var group sync.WaitGroup
		group.Go(func() { _, put = l.PutToken(ctx, p, c, origins, value("late"), 0, Held{}) })
		var err error
		if i%2 == 0 {
			_, err = l.DeleteConnection(ctx, p, c.ID)
		} else {
			_, _, err = l.DeleteWorkspace(ctx, p, p.Workspace)
		}
		if err != nil {
			t.Fatal(err)
		}
		group.Wait()
		if put == nil {
			kept++
		} else {
			wantErr(t, "a late token", put, ErrNone)
		}
		if n := ok(scanned(t, l, "SELECT count(*) FROM token WHERE connection = $1", c.ID))(t); n != 0 {
			t.Fatalf("round %d: a deleted connection has a token", i)
		}
	}
	t.Logf("%d of 30 tokens came before the deletion", kept)
}

// scanned returns the number that a query returns.
func scanned(t *testing.T, l *lab, query string, args ...any) (n int64, err error) {
	t.Helper()
	err = l.reader.QueryRowContext(t.Context(), l.dialect.words.Replace(query), args...).Scan(&n)
	return n, err
}

func testChanges(t *testing.T, l *lab) {
	ctx := t.Context()
	p, other := l.organization(t), l.organization(t)
	var made []Connection
	for i := range 5 {
		made = append(made, l.connection(t, p, fmt.Sprint("c", i)))
	}
	made = append(made, l.connection(t, other, "pylon"))
	byID := make(map[string]string)
	for _, c := range made {
		byID[c.ID] = c.Name
	}
	cursor := ""
	drain := func(limit int) (names []string) {
		t.Helper()
		for more := true; more; {
			c := ok(l.Changes(ctx, cursor, limit))(t)
			if c.Reset {
				t.Fatal("reset")
			}
			for _, c := range c.Connections {
				name := c.Name
				switch {
				case !c.Deleted.IsZero():
					name = "-" + name + byID[c.ID] // the row has no name any more
				case c.Inactive:
					name = "(" + name + ")"
				}
				names = append(names, name)
			}
			cursor, more = c.Cursor, c.More
		}
		return names
	}
	want := func(limit int, names ...string) {
		t.Helper()
		if got := drain(limit); !reflect.DeepEqual(got, names) {
			t.Errorf("%q changed, want %q", got, names)
		}
	}
	want(2, "c0", "c1", "c2", "c3", "c4", "pylon")
	want(2)
	made[1].Server = "eu"
	made[1] = ok(l.UpdateConnection(ctx, p, made[1], nil))(t)
	want(0, "c1")
	if _, err := l.DeleteConnection(ctx, p, made[0].ID); err != nil {
		t.Fatal(err)
	}
	want(0, "-c0")
	inactive := Inactive
	if _, err := l.UpdateWorkspace(ctx, other, other.Workspace, WorkspaceChange{Status: &inactive}); err != nil {
		t.Fatal(err)
	}
	want(0, "(pylon)")
	if _, _, err := l.DeleteWorkspace(ctx, other, other.Workspace); err != nil {
		t.Fatal(err)
	}
	want(0, "-pylon")
	if _, _, err := l.DeleteWorkspace(ctx, p, p.Workspace); err != nil {
		t.Fatal(err)
	}
	if got := drain(3); len(got) != 4 { // with one revision, on two pages
		t.Errorf("%q changed", got)
	}
	for _, bad := range []string{"x", "1", "-1/a", "9999999999999999999/a", "/"} {
		if _, err := l.Changes(ctx, bad, 0); err == nil {
			t.Errorf("%q is a cursor", bad)
		}
	}
}

func testForget(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	l.connection(t, p, "stays")
	c := l.connection(t, p, "goes")
	begin := ok(l.Changes(ctx, "", 1))(t).Cursor
	if _, err := l.DeleteConnection(ctx, p, c.ID); err != nil {
		t.Fatal(err)
	}
	now := ok(l.Changes(ctx, begin, 0))(t).Cursor
	w := Write{Scope: p, Connection: "c", Caller: "a", Key: "k", Hash: []byte("h"), Start: "s"}
	if prior, err := l.BeginWrite(ctx, w, start(p, "0193-1")); prior != nil || err != nil {
		t.Fatal(prior, err)
	}
	if err := l.FinishWrite(ctx, w, 200, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	l.later(23 * time.Hour)
	for _, c := range []struct {
		name   string
		cursor string
		reset  bool
	}{{"before", begin, false}, {"now", now, false}} {
		if _, err := l.Forget(ctx, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if got := ok(l.Changes(ctx, c.cursor, 0))(t); got.Reset != c.reset {
			t.Errorf("after a day, %s: reset %v", c.name, got.Reset)
		}
	}
	if prior, err := l.BeginWrite(ctx, w, start(p, "0193-2")); err != nil || prior == nil || !prior.Kept {
		t.Errorf("after a day: %+v, %v", prior, err)
	}
	l.later(7 * 24 * time.Hour)
	var old []AuditRecord
	for i := range 5 {
		old = append(old, AuditRecord{ID: fmt.Sprint("0193-", i), Event: "call", Scope: p, Record: []byte("{}")})
	}
	if err := l.AddAudit(ctx, old); err != nil {
		t.Fatal(err)
	}
	if more, err := l.forgetRows(ctx, "audit.forget", "0194", 2, 2); !more || err != nil {
		t.Fatalf("%v, %v; the work has no bound", more, err)
	}
	if left := ok(l.Audit(ctx, p, Page{}))(t); left[0].ID != "0193-3" {
		t.Errorf("the oldest is %s", left[0].ID)
	}
	if more, err := l.Forget(ctx, l.clock()); more || err != nil {
		t.Fatal(more, err)
	}
	if got := ok(l.Changes(ctx, begin, 0))(t); !got.Reset {
		t.Error("what was forgotten is not announced")
	}
	if got := ok(l.Changes(ctx, now, 0))(t); got.Reset {
		t.Error("a new cursor is reset")
	}
	if got := ok(l.Changes(ctx, "", 0))(t); len(got.Connections) != 1 {
		t.Errorf("%+v", got)
	}
	if got := ok(l.Audit(ctx, p, Page{}))(t); len(got) != 0 {
		t.Errorf("the trail still has %d", len(got))
	}
	if prior, err := l.BeginWrite(ctx, w, start(p, "0193-3")); err != nil || prior != nil {
		t.Errorf("an expired key: %+v, %v", prior, err)
	}
}
