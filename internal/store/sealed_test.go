package store

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
)

// tamper runs a statement as somebody who can write to the database does.
func (l *lab) tamper(t testing.TB, statement string, args ...any) {
	t.Helper()
	result, err := l.writer.ExecContext(t.Context(), l.dialect.words.Replace(statement), args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s changed %d rows, %v", statement, n, err)
	}
}

// testMovedRows moves what is sealed in the database itself.
//
// threat: K2 in TestSQLite
func testMovedRows(t *testing.T, l *lab) {
	w := Write{Connection: "answered", Caller: "app", Key: "k", Hash: []byte("h"), Start: "s"}
	// create makes an organization with a connection that has all that is sealed.
	create := func() (Scope, Connection) {
		p := l.organization(t)
		c := ok(l.CreateConnection(t.Context(), p, Connection{Name: "pylon"}, Credentials{map[string]secret.Value{"a": value("one"), "b": value("two")}, origins}))(t)
		if _, err := l.PutToken(t.Context(), p, c, origins, value("token"), 0, Held{}); err != nil {
			t.Fatal(err)
		}
		return p, c
	}
	credentials := func(p Scope, c Connection) error {
		_, err := l.Credentials(t.Context(), p, c.ID, origins)
		return err
	}
	token := func(p Scope, c Connection) error { _, err := l.Token(t.Context(), p, c.ID, origins); return err }
	for _, move := range []struct {
		name string
		do   func(p Scope, c Connection)
		open func(Scope, Connection) error
	}{
		{"to another field", func(_ Scope, c Connection) {
			l.tamper(t, "UPDATE credential SET sealed = (SELECT sealed FROM credential WHERE connection = $1 AND field = 'a') WHERE connection = $1 AND field = 'b'", c.ID)
		}, credentials},
		{"field renamed", func(_ Scope, c Connection) {
			l.tamper(t, "UPDATE credential SET field = 'c' WHERE connection = $1 AND field = 'b'", c.ID)
		}, credentials},
		{"a token to a field", func(_ Scope, c Connection) {
			l.tamper(t, "UPDATE credential SET sealed = (SELECT sealed FROM token WHERE connection = $1) WHERE connection = $1 AND field = 'a'", c.ID)
		}, credentials},
		{"from another connection", func(p Scope, c Connection) {
			from := l.connection(t, p, "from")
			l.tamper(t, "UPDATE credential SET sealed = (SELECT sealed FROM credential WHERE connection = $1) WHERE connection = $2 AND field = 'a'", from.ID, c.ID)
		}, credentials},
		{"a token from another connection", func(p Scope, c Connection) {
			from := l.connection(t, p, "from")
			if _, err := l.PutToken(t.Context(), p, from, origins, value("other"), 0, Held{}); err != nil {
				t.Fatal(err)
			}
			l.tamper(t, "UPDATE token SET sealed = (SELECT sealed FROM token WHERE connection = $1) WHERE connection = $2", from.ID, c.ID)
		}, token},
		{"a token with its key from another workspace", func(_ Scope, c Connection) {
			other, from := create()
			if other.Organization == c.Organization {
				t.Fatal("it is the same organization")
			}
			l.tamper(t, "UPDATE token SET sealed = (SELECT sealed FROM token WHERE connection = $1), data_key = (SELECT data_key FROM token WHERE connection = $1) WHERE connection = $2", from.ID, c.ID)
		}, token},
		{"a field to the token", func(_ Scope, c Connection) {
			l.tamper(t, "UPDATE token SET sealed = (SELECT sealed FROM credential WHERE connection = $1 AND field = 'a') WHERE connection = $1", c.ID)
		}, token},
		{"with its key to another workspace", func(_ Scope, c Connection) {
			other := l.organization(t)
			from := l.connection(t, other, "from")
			l.tamper(t, "UPDATE credential SET sealed = (SELECT sealed FROM credential WHERE connection = $1), data_key = (SELECT data_key FROM credential WHERE connection = $1) WHERE connection = $2 AND field = 'a'", from.ID, c.ID)
		}, credentials},
		{"the connection to another workspace of the organization", func(p Scope, c Connection) {
			w := ok(l.CreateWorkspace(t.Context(), p.Organization, "thief"))(t)
			l.tamper(t, "UPDATE connection SET workspace = $1 WHERE id = $2", w.ID, c.ID)
		}, func(p Scope, c Connection) error { return credentials(Scope{Organization: p.Organization}, c) }},
		{"the connection and its token to another workspace", func(p Scope, c Connection) {
			w := ok(l.CreateWorkspace(t.Context(), p.Organization, "thief"))(t)
			l.tamper(t, "UPDATE connection SET workspace = $1 WHERE id = $2", w.ID, c.ID)
		}, func(p Scope, c Connection) error { return token(Scope{Organization: p.Organization}, c) }},
		{"the connection to another organization", func(_ Scope, c Connection) {
			l.tamper(t, "UPDATE connection SET organization = $1 WHERE id = $2", l.organization(t).Organization, c.ID)
		}, func(_ Scope, c Connection) error {
			moved := ok(readOne(t.Context(), l.Store, scanText, "test.organization_of", c.ID))(t)
			return credentials(Scope{Organization: moved}, c)
		}},
		{"the data key of another workspace", func(p Scope, _ Connection) {
			other := l.organization(t)
			l.tamper(t, "UPDATE data_key SET sealed = (SELECT sealed FROM data_key WHERE workspace = $1) WHERE workspace = $2", other.Workspace, p.Workspace)
		}, credentials},
		{"one bit", func(_ Scope, c Connection) {
			sealed := ok(readOne(t.Context(), l.Store, scanText, "test.sealed", c.ID))(t)
			b := []byte(sealed)
			b[len(b)-1] ^= 1
			l.tamper(t, "UPDATE credential SET sealed = $1 WHERE connection = $2 AND field = 'a'", b, c.ID)
		}, credentials},
		{"nothing left", func(_ Scope, c Connection) {
			l.tamper(t, "UPDATE credential SET sealed = $1 WHERE connection = $2 AND field = 'a'", []byte{}, c.ID)
		}, credentials},
		{"an answer of another key", func(p Scope, _ Connection) {
			for _, key := range []string{"from", "k"} {
				w := w
				w.Scope, w.Connection, w.Key = p, p.Workspace, key
				if prior, err := l.BeginWrite(t.Context(), w, start(p, "0195-"+key+p.Workspace)); prior != nil || err != nil {
					t.Fatal(prior, err)
				}
				if err := l.FinishWrite(t.Context(), w, 200, []byte(key)); err != nil {
					t.Fatal(err)
				}
			}
			l.tamper(t, "UPDATE idempotency SET answer = (SELECT answer FROM idempotency WHERE key = 'from' AND connection = $1) WHERE key = 'k' AND connection = $1", p.Workspace)
		}, func(p Scope, _ Connection) error {
			w := w
			w.Scope, w.Connection = p, p.Workspace
			_, err := l.BeginWrite(t.Context(), w, start(p, "0196-"+p.Workspace))
			return err
		}},
	} {
		p, c := create()
		if err := credentials(p, c); err != nil {
			t.Fatalf("before: %v", err)
		}
		if err := token(p, c); err != nil {
			t.Fatalf("before: %v", err)
		}
		move.do(p, c)
		wantErr(t, move.name, move.open(p, c), errSealed)
	}
}

// testWornKey: a key that sealed too much is replaced before it seals more.
func testWornKey(t *testing.T, l *lab) {
	p := l.organization(t)
	before := l.connection(t, p, "before")
	key := func() string {
		return ok(readOne(t.Context(), l.Store, scanText, "test.data_key_of", p.Workspace))(t)
	}
	first := key()
	l.connection(t, p, "with the same key")
	if got := key(); got != first {
		t.Errorf("key %s is replaced by %s", first, got)
	}
	l.tamper(t, "UPDATE data_key SET seals = $1 WHERE workspace = $2", int64(mostSeals), p.Workspace)
	after := l.connection(t, p, "after")
	if got := key(); got == first {
		t.Error("the key seals more than it may")
	}
	for _, c := range []Connection{before, after} {
		if got, err := l.Credentials(t.Context(), p, c.ID, origins); err != nil || plain(got["api_token"]) != "secret of "+c.Name {
			t.Errorf("%s: %v", c.Name, err)
		}
	}
}

func testRotateMaster(t *testing.T, l *lab) {
	var scopes []Scope
	var made []Connection
	for i := range rotateBatch/50 + 1 {
		p := l.organization(t)
		scopes, made = append(scopes, p), append(made, l.connection(t, p, fmt.Sprint("c", i)))
	}
	key := ok(l.RotateSigningKey(t.Context(), time.Hour))(t)
	ok(l.PutConnectorFile(t.Context(), ConnectorFile{Name: "notes", Approval: []byte("read")}, []byte("module"), ""))(t)
	job := ok(l.AddJob(t.Context(), scopes[0], JobOrder{Kind: "check", Data: value("needed")}))(t)
	opens := func(what string, s *Store) {
		t.Helper()
		if got, err := s.JobData(t.Context(), job.ID); err != nil || !got.Equal(value("needed")) {
			t.Errorf("%s: what a job needs: %v", what, err)
		}
		for i, c := range made {
			if got, err := s.Credentials(t.Context(), scopes[i], c.ID, origins); err != nil || plain(got["api_token"]) != "secret of "+c.Name {
				t.Errorf("%s: %s: %v", what, c.Name, err)
			}
		}
		if got, err := s.SigningKeys(t.Context()); err != nil || len(got) != 1 || !got[0].Key.Equal(key.Key) {
			t.Errorf("%s: signing key: %v", what, err)
		}
		if got, err := s.ConnectorFiles(t.Context()); err != nil || len(got) != 1 || got[0].Err != nil || string(got[0].Approval) != "read" {
			t.Errorf("%s: connector: %+v, %v", what, got, err)
		}
	}
	if s, err := l.join(l.options(masterKeys(t, "second"))); err == nil {
		t.Error("a master key that opens nothing is taken", s.Close())
	}
	// Another process rotates: the store reads the keys again when it meets the new one.
	other := l.turnover(t, "second", "first")
	if _, err := other.writer.ExecContext(t.Context(), l.dialect.words.Replace("UPDATE master SET current = $1"), masterKeys(t, "second").Current()); err != nil {
		t.Fatal(err)
	}
	p := l.organization(t) // is sealed with the new key, before the rotation comes to it
	scopes, made = append(scopes, p), append(made, l.connection(t, p, "in between"))
	opens("before", l.Store)
	done, err := other.RotateMaster(t.Context())
	if want := len(made) + 2; err != nil || done.Keys != want {
		t.Fatalf("%+v, %v, want %d keys", done, err, want)
	}
	opens("after", l.Store)
	if got := ok(l.SigningKeys(t.Context()))(t); !got[0].Created.IsZero() {
		t.Error("the signing key seems to be as new as before")
	}
	if done, err := other.RotateMaster(t.Context()); err != nil || done.Keys != 0 {
		t.Errorf("again: %+v, %v", done, err)
	}
	l.tamper(t, "UPDATE data_key SET master = 'unknown' WHERE workspace = $1", p.Workspace)
	if _, err := other.RotateMaster(t.Context()); err == nil {
		t.Error("a rotation ends before all keys are sealed with the new one")
	}
	if _, err = l.Credentials(t.Context(), p, made[len(made)-1].ID, origins); err == nil || errors.Is(err, errSealed) {
		t.Errorf("an unknown master key, which may come later: %v", err)
	}
	l.tamper(t, "UPDATE data_key SET master = $1 WHERE workspace = $2", masterKeys(t, "second").Current(), p.Workspace)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.reopen(l.options(masterKeys(t, "first"))); err == nil {
		t.Fatal("the old key still opens the database")
	}
	l.Store = ok(l.reopen(l.options(masterKeys(t, "second"))))(t)
	opens("with the new key alone", l.Store)
}

// testRotateEarlier: a rotation after the clock was set back replaces all keys, too.
func testRotateEarlier(t *testing.T, l *lab) {
	for range 3 {
		l.organization(t)
	}
	l.later(-time.Hour)
	l.organization(t)
	for range 2 {
		if done := ok(l.RotateData(t.Context()))(t); done.Keys != 4 {
			t.Errorf("%d keys are replaced", done.Keys)
		}
	}
}

// testRotateData makes new data keys while others read and write.
func testRotateData(t *testing.T, l *lab) {
	const workspaces = 12
	var scopes [workspaces]Scope
	var made [workspaces]Connection
	for i := range workspaces {
		scopes[i] = l.organization(t)
		made[i] = l.connection(t, scopes[i], "pylon")
	}
	if _, err := l.PutToken(t.Context(), scopes[0], made[0], origins, value("token"), 0, Held{}); err != nil {
		t.Fatal(err)
	}
	w := Write{Scope: scopes[0], Connection: made[0].ID, Caller: "app", Key: "k", Hash: []byte("h"), Start: "s"}
	if prior, err := l.BeginWrite(t.Context(), w, start(scopes[0], "0193-1")); prior != nil || err != nil {
		t.Fatal(prior, err)
	}
	if err := l.FinishWrite(t.Context(), w, 200, []byte("answer")); err != nil {
		t.Fatal(err)
	}
	// Somebody changed one value: it does not stop the others.
	l.tamper(t, "UPDATE credential SET sealed = $1 WHERE connection = $2", []byte("x"), made[1].ID)
	keys := func() map[string]bool {
		found := make(map[string]bool)
		for _, k := range ok(many(session{t.Context(), l.Store, l.reader, nil}, scanText, "test.data_keys"))(t) {
			found[k] = true
		}
		return found
	}
	before := keys()
	l.later(time.Second)

	var stopped atomic.Bool
	var group sync.WaitGroup
	group.Go(func() {
		for n := int64(0); !stopped.Load(); n++ {
			for i := range workspaces {
				if i == 1 {
					continue
				}
				if _, err := l.Credentials(t.Context(), scopes[i], made[i].ID, origins); err != nil {
					t.Errorf("read while it rotates: %v", err)
				}
			}
			if _, err := l.PutToken(t.Context(), scopes[2], made[2], origins, value("token"), n, Held{}); err != nil {
				t.Errorf("write while it rotates: %v", err)
			}
		}
	})
	group.Go(func() {
		for n := 0; !stopped.Load(); n++ {
			p := scopes[3+n%(workspaces-3)]
			c := l.connection(t, p, "short")
			if _, err := l.DeleteConnection(t.Context(), p, c.ID); err != nil {
				t.Errorf("delete while it rotates: %v", err)
			}
		}
	})
	done, err := l.RotateData(t.Context())
	stopped.Store(true)
	group.Wait()
	if left := ok(many(session{t.Context(), l.Store, l.reader, nil}, scanText, "test.left"))(t); len(left) > 0 {
		t.Errorf("%d credentials of deleted connections are there", len(left))
	}
	if err != nil || done.Keys != workspaces || done.Values < workspaces || done.Unopened != 1 {
		t.Errorf("%+v, %v", done, err)
	}
	after := keys()
	var kept int
	for k := range after {
		if before[k] {
			kept++
		}
	}
	if kept != 2 { // that of the answer, and that of what does not open
		t.Errorf("%d of the old keys are still there, want 2", kept)
	}
	if got, err := l.Token(t.Context(), scopes[0], made[0].ID, origins); err != nil || plain(got.Value) != "token" || got.Version != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	if prior, err := l.BeginWrite(t.Context(), w, start(scopes[0], "0193-2")); err != nil || prior == nil || string(prior.Answer) != "answer" {
		t.Errorf("the answer: %+v, %v", prior, err)
	}
	// The open key of answers is an old one by now, and after it is forgotten a new one is asked for.
	for _, key := range []string{"k2", "k3"} {
		w.Key = key
		if prior, err := l.BeginWrite(t.Context(), w, start(scopes[0], "0193-"+key)); prior != nil || err != nil {
			t.Fatal(prior, err)
		}
		if key == "k3" {
			l.tamper(t, "DELETE FROM idempotency WHERE key <> 'k3'")
			if _, err := l.Forget(t.Context(), time.Time{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.FinishWrite(t.Context(), w, 200, []byte(key)); err != nil {
			t.Errorf("%s: %v", key, err)
		}
	}
	testInterruptedRotation(t, l)
}

// testInterruptedRotation ends a rotation in its middle: the next one goes on where it was.
func testInterruptedRotation(t *testing.T, l *lab) {
	l.later(time.Second)
	started := ok(l.beginRotation(t.Context()))(t)
	l.later(time.Second)
	reading := session{t.Context(), l.Store, l.reader, nil}
	var older []sealedKey
	err := l.write(t.Context(), func(s session) (err error) {
		if older, err = many(s, scanWrapped, "data_key.retire_older", started, "", 3, millis(l.clock())); err == nil {
			_, err = s.replaceDataKeys(older)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	all := len(ok(many(reading, scanText, "test.current_data_keys"))(t))
	done, err := l.RotateData(t.Context())
	if want := all - 3; err != nil || done.Keys != want || len(older) != 3 {
		t.Errorf("%+v, %v, want %d keys", done, err, want)
	}
	if again := ok(l.beginRotation(t.Context()))(t); again == started {
		t.Error("the rotation has no end")
	}
	// One that was interrupted long ago does not go on: its own keys are replaced, too.
	l.later(rotationLife + time.Second)
	if done, err := l.RotateData(t.Context()); err != nil || done.Keys != all {
		t.Errorf("long after an interruption: %+v, %v, want %d keys", done, err, all)
	}
}
