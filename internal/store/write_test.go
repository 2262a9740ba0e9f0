package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/store/envelope"
)

var errSealed = envelope.ErrSealed

// start is the record of a write that starts.
func start(p Scope, id string) AuditRecord {
	return AuditRecord{ID: id, Event: "start", Scope: p, Record: []byte(`{"event":"start","id":"` + id + `"}`)}
}

// calls leaves out the records of changes.
func calls(records []AuditRecord) []AuditRecord {
	return slices.DeleteFunc(slices.Clone(records), func(r AuditRecord) bool { return r.Event == EventChange })
}

func testWrites(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	c := l.connection(t, p, "pylon")
	n := 0
	begin := func(w Write) (*Prior, error) {
		n++
		return l.BeginWrite(ctx, w, start(p, fmt.Sprintf("0193-%04d", n)))
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	// fresh begins a write whose key nobody used.
	fresh := func(w Write) {
		t.Helper()
		if prior, err := begin(w); prior != nil || err != nil {
			t.Fatalf("%+v, %v", prior, err)
		}
	}
	w := Write{Scope: p, Connection: c.ID, Caller: "app", Key: "key 1", Hash: []byte("hash"), Start: "s"}
	fresh(w)
	if prior, err := begin(w); err != nil || prior == nil || prior.State != WriteRunning || prior.Other {
		t.Errorf("a running one: %+v, %v", prior, err)
	}
	otherHash := w
	otherHash.Hash = []byte("other")
	if prior, err := begin(otherHash); err != nil || prior == nil || !prior.Other {
		t.Errorf("another hash: %+v, %v", prior, err)
	}
	// Who began another write with the key ends this one in no way.
	late := w
	late.Start = "another"
	for what, err := range map[string]error{"free": l.FreeWrite(ctx, late), "lose": l.LoseWrite(ctx, late), "finish": l.FinishWrite(ctx, late, 200, nil)} {
		wantErr(t, what, err, ErrNone)
	}
	if prior, err := begin(w); err != nil || prior == nil || prior.State != WriteRunning {
		t.Errorf("after the end of another one: %+v, %v", prior, err)
	}
	body := []byte(`{"result": "秘密"}`)
	must(l.FinishWrite(ctx, w, 201, body))
	wantErr(t, "finished twice", l.FinishWrite(ctx, w, 500, nil), ErrNone)
	if prior, err := begin(w); err != nil || prior == nil || prior.State != WriteFinished || prior.Status != 201 || !bytes.Equal(prior.Answer, body) || !prior.Kept {
		t.Errorf("a finished one: %+v, %v", prior, err)
	}
	if prior, err := begin(otherHash); err != nil || prior == nil || !prior.Other || prior.Answer != nil {
		t.Errorf("another hash: %+v, %v", prior, err)
	}
	// The same key of others is another key.
	for _, other := range []Write{
		{Scope: p, Connection: c.ID, Caller: "app 2", Key: w.Key, Hash: w.Hash, Start: "s"},
		{Scope: p, Connection: "another", Caller: w.Caller, Key: w.Key, Hash: w.Hash, Start: "s"},
		{Scope: p, Connection: c.ID, Caller: w.Caller, Key: "KEY 1", Hash: w.Hash, Start: "s"},
	} {
		fresh(other)
		must(l.FreeWrite(ctx, other))
		fresh(other)
		must(l.LoseWrite(ctx, other))
		if prior, err := begin(other); err != nil || prior == nil || prior.State != WriteUnknown {
			t.Errorf("a lost one: %+v, %v", prior, err)
		}
		wantErr(t, "a lost one is freed", l.FreeWrite(ctx, other), ErrNone)
		wantErr(t, "a lost one is finished", l.FinishWrite(ctx, other, 200, nil), ErrNone)
	}
	for i, size := range []int{0, MaxAnswer, MaxAnswer + 1} {
		w.Key = fmt.Sprint("size ", i)
		fresh(w)
		must(l.FinishWrite(ctx, w, 200, bytes.Repeat([]byte("x"), size)))
		if prior, err := begin(w); err != nil || prior == nil || prior.State != WriteFinished || prior.Kept != (size <= MaxAnswer) || prior.Kept && len(prior.Answer) != size {
			t.Errorf("an answer of %d bytes: %v", size, err)
		}
	}
	for _, bad := range []string{strings.Repeat("k", 256), "a\x00", "\xff"} {
		w.Key = bad
		if _, err := begin(w); err == nil {
			t.Errorf("%.20q is a key", bad)
		}
	}
	w.Key = "" // no key: only the start is recorded
	fresh(w)
	fresh(w)
	// 1 + 3*2 + 3 keys began, and 2 without: each has its start record, and no other attempt has.
	if got := calls(ok(l.Audit(ctx, p, Page{}))(t)); len(got) != 12 {
		t.Errorf("%d records, want 12", len(got))
	}
	if _, err := l.DeleteConnection(ctx, p, c.ID); err != nil {
		t.Fatal(err)
	}
	testSameKeyAtOnce(t, l, p)
}

// testSameKeyAtOnce has several callers use each of some keys at the same time: one may send.
func testSameKeyAtOnce(t *testing.T, l *lab, p Scope) {
	const callers, keys = 6, 10
	var wins [keys]atomic.Int32
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			for k := range keys {
				w := Write{Scope: p, Connection: "c", Caller: "race", Key: fmt.Sprint(k), Hash: []byte("h"), Start: "s"}
				prior, err := l.BeginWrite(t.Context(), w, start(p, fmt.Sprintf("0194-%d-%d", i, k)))
				if err != nil {
					t.Error(err)
				} else if prior == nil {
					wins[k].Add(1)
				}
			}
		})
	}
	group.Wait()
	for k := range keys {
		if n := wins[k].Load(); n != 1 {
			t.Errorf("key %d has %d winners", k, n)
		}
	}
}

func testAudit(t *testing.T, l *lab) {
	ctx := t.Context()
	p, other := l.organization(t), l.organization(t)
	var records []AuditRecord
	for i := range 2*auditBatch + 10 {
		records = append(records, AuditRecord{ID: fmt.Sprintf("%s-%05d", p.Workspace, i), Event: "call", Scope: p, Record: []byte(fmt.Sprintf(`{"n": %d, "s": "東\u0000"}`, i))})
	}
	for range 2 { // a batch may be delivered again
		if err := l.AddAudit(ctx, records); err != nil {
			t.Fatal(err)
		}
	}
	var got []AuditRecord
	for page := (Page{Limit: 100}); ; {
		part := ok(l.Audit(ctx, Scope{Organization: p.Organization}, page))(t)
		if len(part) == 0 {
			break
		}
		got = append(got, calls(part)...)
		page.After = part[len(part)-1].Cursor()
	}
	if len(got) != len(records) {
		t.Fatalf("%d records, want %d", len(got), len(records))
	}
	for i, r := range got {
		if r.ID != records[i].ID || !bytes.Equal(r.Record, records[i].Record) || r.Scope != p {
			t.Fatalf("record %d is %+v", i, r)
		}
	}
	for _, s := range []Scope{{}, other, {p.Organization, other.Workspace}, {other.Organization, p.Workspace}} {
		if got := calls(ok(l.Audit(ctx, s, Page{}))(t)); len(got) != 0 {
			t.Errorf("%+v sees %d records", s, len(got))
		}
	}
	good := records[0]
	good.ID += "-new"
	for _, bad := range []AuditRecord{{ID: "x", Event: "call", Record: []byte("{")}, {Event: "call", Record: []byte("{}")}, {ID: "a\x00", Event: "call", Record: []byte("{}")}} {
		if err := l.AddAudit(ctx, []AuditRecord{good, bad}); err == nil {
			t.Errorf("%+v is added", bad)
		}
	}
	if got := calls(ok(l.Audit(ctx, p, Page{After: records[len(records)-1].Cursor()}))(t)); len(got) != 0 {
		t.Errorf("part of a refused batch is there: %+v", got)
	}
}

// testQueries counts statements: what the server does for a call asks for little.
func testQueries(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	c := l.connection(t, p, "pylon")
	want := func(what string, most int, f func() error) {
		t.Helper()
		got := l.counted(func() {
			if err := f(); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		})
		if len(got) == 0 || len(got) > most {
			t.Errorf("%s: %d statements, want 1 to %d: %q", what, len(got), most, got)
		}
	}
	want("credentials", 1, func() error { _, err := l.Credentials(ctx, p, c.ID, origins); return err })
	want("a token", 1, func() error { _, err := l.Token(ctx, p, c.ID, origins); return ignoring(err, ErrNone) })
	n := 0
	write := func(key string) func() error {
		return func() error {
			n++
			w := Write{Scope: p, Connection: c.ID, Caller: "app", Key: key, Hash: []byte("h"), Start: "s"}
			if prior, err := l.BeginWrite(ctx, w, start(p, fmt.Sprint("0193-", n))); prior != nil || err != nil {
				return fmt.Errorf("%+v: %w", prior, err)
			}
			if key == "" {
				return nil
			}
			return l.FinishWrite(ctx, w, 200, []byte("{}"))
		}
	}
	want("the first write", 4, write("a"))
	want("a write", 3, write("b"))
	want("a write without a key", 1, write(""))
	want("what changed", 2, func() error { _, err := l.Changes(ctx, "1/", 0); return err })
}

func ignoring(err, one error) error {
	if errors.Is(err, one) {
		return nil
	}
	return err
}

// testEndedServer: writes of a server that ended have an unknown end.
func testEndedServer(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	c := l.connection(t, p, "pylon")
	w := Write{Scope: p, Connection: c.ID, Caller: "app", Key: "k", Hash: []byte("h"), Start: "s"}
	if prior, err := l.BeginWrite(ctx, w, start(p, "0193-1")); prior != nil || err != nil {
		t.Fatal(prior, err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.Store = ok(l.reopen(l.options(masterKeys(t, "first"))))(t)
	if prior, err := l.BeginWrite(ctx, w, start(p, "0193-2")); err != nil || prior == nil || prior.State != WriteUnknown {
		t.Errorf("%+v, %v", prior, err)
	}
	if got := ok(l.Credentials(ctx, p, c.ID, origins))(t); plain(got["api_token"]) != "secret of pylon" {
		t.Error("the credential is another one")
	}
	// A running one never expires: nobody knows that it ended.
	w.Key = "long"
	if prior, err := l.BeginWrite(ctx, w, start(p, "0193-3")); prior != nil || err != nil {
		t.Fatal(prior, err)
	}
	l.later(25 * time.Hour)
	if _, err := l.Forget(ctx, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if prior, err := l.BeginWrite(ctx, w, start(p, "0193-4")); err != nil || prior == nil || prior.State != WriteRunning {
		t.Errorf("%+v, %v", prior, err)
	}
}

// threat: K6 in TestSQLite
func testSecondServer(t *testing.T, l *lab) {
	if l.file == "" {
		t.Skip("several servers use PostgreSQL: see TestPostgresUsers")
	}
	s, err := l.reopen(l.options(masterKeys(t, "first")))
	if err == nil {
		t.Fatal("a second server has the database", s.Close())
	}
	if !strings.Contains(err.Error(), "another server uses") {
		t.Errorf("%v", err)
	}
	if err := l.Ready(t.Context()); err != nil {
		t.Errorf("the first one is not ready: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Organization(ended, "x"); err == nil || errors.Is(err, ErrNone) {
		t.Errorf("an ended call: %v", err)
	}
}

func testNewerDatabase(t *testing.T, l *lab) {
	add := func(version, additive int) {
		t.Helper()
		if _, err := l.writer.ExecContext(t.Context(), fmt.Sprintf("INSERT INTO migration (version, applied, additive) VALUES (%d, 1, %d)", version, additive)); err != nil {
			t.Fatal(err)
		}
	}
	add(999, 1) // by a newer server, beside which this one starts again during a rollout
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.Store = ok(l.reopen(l.options(masterKeys(t, "first"))))(t)
	if err := ok(l.join(l.options(masterKeys(t, "first"))))(t).Close(); err != nil {
		t.Error(err)
	}
	add(1000, 0)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for _, open := range []func(Options) (*Store, error){l.reopen, l.join} {
		if _, err := open(l.options(masterKeys(t, "first"))); err == nil || !strings.Contains(err.Error(), "schema 1000") {
			t.Errorf("%v", err)
		}
	}
}

// The key of a write that was refused is free for the next one, also if the database is told only later that
// the first one began: a server that was cut off knows nothing of that.
//
// threat: S6 in TestSQLite
func testUndoneWrites(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	for _, c := range []struct {
		name            string
		before, between bool // when the database is told of the first one
	}{{"it began", true, false}, {"it begins late", false, true}, {"twice", true, true}, {"never", false, false}} {
		w := Write{Scope: p, Connection: "c", Caller: "app", Key: c.name, Hash: []byte("h"), Start: "0193-first " + c.name}
		if c.before {
			if prior, err := l.BeginWrite(ctx, w, start(p, w.Start)); prior != nil || err != nil {
				t.Fatal(prior, err)
			}
		}
		if err := l.UndoWrite(ctx, w); err != nil {
			t.Fatal(err)
		}
		if c.between {
			if used, err := l.begin(ctx, w, start(p, w.Start)); !used || err != nil {
				t.Errorf("%s: it takes the key: %v", c.name, err)
			}
		}
		if prior, err := l.PriorWrite(ctx, w); !errors.Is(err, ErrNone) {
			t.Errorf("%s: the key is in use: %+v, %v", c.name, prior, err)
		}
		first := w
		w.Start = "0193-second " + c.name
		if prior, err := l.BeginWrite(ctx, w, start(p, w.Start)); prior != nil || err != nil {
			t.Errorf("%s: the key is not free: %+v, %v", c.name, prior, err)
		}
		if err := l.UndoWrite(ctx, first); err != nil {
			t.Fatal(err)
		}
		if prior, err := l.PriorWrite(ctx, w); err != nil || prior.State != WriteRunning {
			t.Errorf("%s: the second one was undone: %+v, %v", c.name, prior, err)
		}
	}
}

// A caller tries again and again on a server that is cut off. What the database was told of
// each try arrives later than that nothing was sent, and in any order: the key stays free.
//
// threat: S6 in TestSQLite
func testUndoneTries(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	try := func(id string) Write {
		return Write{Scope: p, Connection: "c", Caller: "app", Key: "many tries", Hash: []byte("h"), Start: "0193-" + id}
	}
	late := []Write{try("first"), try("second"), try("third")}
	for _, w := range late {
		if err := l.UndoWrite(ctx, w); err != nil {
			t.Fatal(err)
		}
	}
	free := func(when string) {
		t.Helper()
		for _, w := range slices.Backward(late) {
			if used, err := l.begin(ctx, w, start(p, w.Start)); !used || err != nil {
				t.Errorf("%s, a late one takes the key: %v", when, err)
			}
		}
	}
	free("before a good one")
	good := try("good")
	for range 2 { // it finds after it began that it need not send anything, and comes back
		if prior, err := l.BeginWrite(ctx, good, start(p, good.Start)); prior != nil || err != nil {
			t.Fatalf("the key is not free: %+v, %v", prior, err)
		}
		free("beside a good one")
		if err := l.FreeWrite(ctx, good); err != nil {
			t.Fatal(err)
		}
		free("after a good one")
	}
	for range 500 { // the newest ones count
		if err := l.UndoWrite(ctx, late[2]); err != nil {
			t.Fatal(err)
		}
	}
	var kept int
	if err := l.writer.QueryRowContext(ctx, "SELECT LENGTH(undone) FROM idempotency WHERE key = 'many tries'").Scan(&kept); err != nil || kept != 4000 {
		t.Errorf("%d bytes are kept, %v", kept, err)
	}
}
