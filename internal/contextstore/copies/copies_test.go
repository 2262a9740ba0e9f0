package copies_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/agenthost/agenthost/pdk/abi"
)

const all = `{"query":{"sort":[{"id":"asc"}]},"limit":100}`

// TestSyncAndSearch copies everything, in an order that works, and says of an answer how old it is.
func TestSyncAndSearch(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 5, nil)
	d.notes["i001"] = []string{"the password is old"}
	done := d.sync("", copies.SyncOptions{})
	if len(done) != 2 || done[0].Entity != "issues" || done[1].Entity != "notes" || done[0].Err != nil || done[1].Err != nil || done[0].More || done[0].Result.State.Count != 5 {
		t.Fatalf("%+v", done)
	}
	titles, meta := d.search(`{"query":{"filter":{"keyword":{"title":"login"}}},"limit":3}`)
	if len(titles) != 3 || !strings.Contains(meta, `"synced_at":"2026-12-01T09:0`) || !strings.Contains(meta, `"complete":true,"records":5,`) || !strings.Contains(meta, `"has_more":true`) {
		t.Errorf("found %q, %s", titles, meta)
	}
	notes := d.call("notes", "context_store_search", `{"query":{"filter":{"eq":{"issue_id":"i001"}}}}`)
	if string(notes.Data) != `[{"issue_id":"i001","id":"n0","text":"the password is old"}]` {
		t.Errorf("notes: %s", notes.Data)
	}
	for _, call := range d.calls {
		if !strings.HasPrefix(call, "sync ") {
			t.Errorf("the vendor got %s", call)
		}
	}
	status, err := d.copies.Status(t.Context(), "w", "support")
	if err != nil || len(status) != 2 || status[0].State.Count != 5 || !status[0].State.Complete || status[0].Next.Before(d.clock.Now()) {
		t.Errorf("status %+v, %v", status, err)
	}
	again := d.sync("", copies.SyncOptions{DueOnly: true})
	if again[0].Result.Pages != 0 || !again[0].Next.Equal(status[0].Next) {
		t.Errorf("what is not due was copied: %+v", again)
	}
}

// TestUnknownNames names the nearest one.
func TestUnknownNames(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 0, nil)
	for _, test := range []struct{ entity, action, params, field, hint string }{
		{"isues", "context_store_search", `{"query":{}}`, "entity", "did you mean issues?"},
		{"issues", "context_store_sql_query", `{"sql":"SELECT 1"}`, "action", "use context_store_search, which has filters, sorting and words"},
		{"issues", "context_store_search", `{"query":{"filter":{"eq":{"titel":"x"}}}}`, "query.filter.eq.titel", "did you mean title?"},
		{"issues", "context_store_search", `{"query":{"filter":{"equals":{"title":"x"}}}}`, "query.filter.equals", ""},
		{"issues", "context_store_search", `{"query":{},"maxage":1}`, "maxage", "did you mean max_age?"},
		{"issues", "context_store_search", `{"query":{},"max_age":-1}`, "max_age", ""},
	} {
		_, err := d.execute(t.Context(), false, test.entity, test.action, test.params)
		e, ok := errors.AsType[*abi.Error](err)
		if !ok || e.Field != test.field || test.hint != "" && e.Hint != test.hint {
			t.Errorf("%s %s %s: %+v", test.entity, test.action, test.params, e)
		}
	}
	if _, err := d.copies.Sync(t.Context(), "w", "support", "note", copies.SyncOptions{}); err == nil || !strings.Contains(err.Error(), "unknown_operation") {
		t.Errorf("an unknown entity: %v", err)
	}
}

// TestMaxAge brings copies up to date before a search that asks for it, and says where it could not.
func TestMaxAge(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 1, nil)
	d.sync("", copies.SyncOptions{})
	d.clock.now = d.clock.now.Add(time.Hour)
	d.create("from elsewhere")
	if titles, _ := d.search(all); len(titles) != 1 {
		t.Errorf("found %q", titles)
	}
	if titles, _ := d.search(`{"query":{},"max_age":7200}`); len(titles) != 1 {
		t.Errorf("copies that are new enough are not: %q", titles)
	}
	if titles, meta := d.search(`{"query":{},"max_age":60}`); len(titles) != 2 || strings.Contains(meta, "up_to_date") || !strings.Contains(meta, `"synced_at":"2026-12-01T10:`) {
		t.Errorf("found %q, %s", titles, meta)
	}
	d.clock.now = d.clock.now.Add(time.Hour)
	if _, meta := d.search(`{"query":{},"max_age":0}`); strings.Contains(meta, "up_to_date") {
		t.Errorf("copies of this moment are not new enough: %s", meta)
	}
	d.clock.now = d.clock.now.Add(time.Hour)
	d.before = func(string) error {
		return &abi.Error{Kind: abi.KindVendorError, Message: "the vendor is down", Retryable: true}
	}
	if titles, meta := d.search(`{"query":{},"max_age":0}`); len(titles) != 2 || !strings.Contains(meta, `"up_to_date":false,"notes":["the copies could not be brought up to date: the vendor is down"]`) {
		t.Errorf("found %q, %s", titles, meta)
	}
	notes := d.call("notes", "context_store_search", `{"query":{},"max_age":0}`)
	if !strings.Contains(string(notes.Meta), `"up_to_date":false`) {
		t.Errorf("copies whose issues are old are up to date: %s", notes.Meta)
	}
}

// TestSlowVendor: a search that asks for fresh copies ends in time.
func TestSlowVendor(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 1, nil)
	d.sync("", copies.SyncOptions{})
	d.clock.now = d.clock.now.Add(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	d.silent = true
	r, err := d.execute(ctx, false, "issues", "context_store_search", `{"query":{},"max_age":0}`)
	if err != nil || !strings.Contains(string(r.Meta), `"up_to_date":false`) || ctx.Err() != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestFirstSearch copies an entity that nobody has copied.
func TestFirstSearch(t *testing.T) {
	t.Parallel()
	wanted := ""
	d := newDesk(t, 3, nil, func(o *copies.Options) {
		o.Wanted = func(_ context.Context, workspace, connection, entity string) {
			wanted = workspace + " " + connection + " " + entity
		}
	})
	if titles, meta := d.search(all); len(titles) != 3 || !strings.Contains(meta, `"complete":true`) || wanted != "w support issues" {
		t.Errorf("found %q, %s, wanted %q", titles, meta, wanted)
	}
	d.create("another")
	if titles, _ := d.search(all); len(titles) != 3 {
		t.Errorf("the second search copied: %q", titles)
	}
	// Who is told of a search begins a pass at once, which has a page by the time of the search.
	var keeping *desk
	var passes sync.WaitGroup
	keeping = newDesk(t, 3, nil, func(o *copies.Options) {
		o.Wanted = func(context.Context, string, string, string) {
			var once sync.Once
			paged := make(chan struct{})
			passes.Go(func() { //nolint:contextcheck // it outlives the search
				keeping.sync("issues", copies.SyncOptions{Progress: func(copies.Progress) {
					once.Do(func() { close(paged); time.Sleep(20 * time.Millisecond) }) // as a vendor takes
				}})
			})
			<-paged
		}
	})
	if titles, meta := keeping.search(all); len(titles) != 3 || !strings.Contains(meta, `"complete":true`) {
		t.Errorf("beside a pass: found %q, %s", titles, meta)
	}
	passes.Wait()
	failing := newDesk(t, 1, nil)
	failing.before = func(string) error { return &abi.Error{Kind: abi.KindAuthFailed, Message: "no such token"} }
	if _, err := failing.execute(t.Context(), false, "issues", "context_store_search", all); err == nil || !strings.Contains(err.Error(), "no such token") {
		t.Errorf("nothing was copied, and the search said %v", err)
	}
}

// TestFifthOfTheRate: a pass takes one of five requests that the vendor documents, and others the rest.
func TestFifthOfTheRate(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 8, nil) // in four pages, and the vendor permits ten in a minute
	start := d.clock.Now()
	d.sync("issues", copies.SyncOptions{})
	if took := d.clock.Now().Sub(start); took < time.Minute || took > 2*time.Minute {
		t.Errorf("four pages took %v", took)
	}
	costly := newDesk(t, 4, nil) // in two pages of two requests each
	costly.costs, start = 2, costly.clock.Now()
	costly.sync("issues", copies.SyncOptions{})
	if took := costly.clock.Now().Sub(start); took < time.Minute {
		t.Errorf("two pages of two requests each took %v", took)
	}
	done := d.sync("issues", copies.SyncOptions{Full: true, Slice: time.Second})
	if !done[0].More || done[0].Err != nil || !done[0].Next.After(d.clock.Now()) {
		t.Errorf("a slice that is too short for the rate: %+v", done)
	}
}

// TestYield: a pass waits for calls of agents, but not for ever.
func TestYield(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 1, nil)
	running, end := make(chan struct{}), make(chan struct{})
	ended := make(chan struct{})
	d.before = func(op string) error {
		if op == "issues.get" {
			close(running)
			<-end
		}
		return nil
	}
	go func() {
		defer close(ended)
		_, _ = d.execute(t.Context(), false, "issues", "get", `{"id":"i001"}`)
	}()
	<-running
	start := d.clock.Now()
	d.sync("issues", copies.SyncOptions{})
	if waited := d.clock.Now().Sub(start); waited < 4*time.Second || waited > 6*time.Second {
		t.Errorf("the pass waited %v", waited)
	}
	close(end)
	<-ended
	start = d.clock.Now()
	d.clock.now = start.Add(time.Hour)
	d.sync("issues", copies.SyncOptions{})
	if waited := d.clock.Now().Sub(start) - time.Hour; waited != 0 {
		t.Errorf("the pass waited %v for nobody", waited)
	}
}

// TestVendorSaysWhen: a pass that the vendor stops goes on then.
func TestVendorSaysWhen(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 4, nil)
	calls := 0
	d.before = func(string) error {
		if calls++; calls == 2 {
			return &abi.Error{Kind: abi.KindRateLimited, Message: "slow down", Retryable: true, RetryAfterMS: 30_000}
		}
		return nil
	}
	done := d.sync("issues", copies.SyncOptions{})
	if s := done[0]; !s.More || s.Err == nil || s.Next.Sub(d.clock.Now()) != 30*time.Second || s.Result.State.Count != page {
		t.Fatalf("%+v", s)
	}
	if early := d.sync("issues", copies.SyncOptions{DueOnly: true}); early[0].Result.Pages != 0 {
		t.Errorf("the pass went on before the vendor's time: %+v", early)
	}
	d.clock.now = d.clock.now.Add(time.Minute)
	if late := d.sync("issues", copies.SyncOptions{DueOnly: true}); late[0].Result.Pages != 1 || late[0].More || !d.state("issues").Complete {
		t.Errorf("the pass did not go on: %+v", late)
	}
}

// TestListWithoutEnd: what a vendor does not show is not removed as if it were gone.
func TestListWithoutEnd(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 5, nil)
	d.sync("issues", copies.SyncOptions{})
	d.endless = true
	if done := d.sync("issues", copies.SyncOptions{Full: true}); done[0].Err == nil || d.state("issues").Count != 5 {
		t.Errorf("%+v, %+v", done, d.state("issues"))
	}
}

// TestProgress tells of each page.
func TestProgress(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 3, nil)
	var pages []copies.Progress
	d.sync("issues", copies.SyncOptions{Progress: func(p copies.Progress) { pages = append(pages, p) }})
	last := pages[len(pages)-1]
	if last != (copies.Progress{Entity: "issues", Pages: 2, Changed: 3, Records: 3, Full: true}) {
		t.Errorf("%+v", pages)
	}
}

// TestDamagedAndNewer: copies that cannot be read are made anew, and those of a newer program are left alone.
func TestDamagedAndNewer(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 3, nil)
	file := filepath.Join(d.folder, "w.db")
	if err := os.WriteFile(file, bytes.Repeat([]byte("not a database. "), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if done := d.sync("", copies.SyncOptions{}); done[0].Err != nil || done[0].Result.State.Count != 3 {
		t.Errorf("%+v", done)
	}
	later := newDesk(t, 3, nil, func(o *copies.Options) { o.Store = &onceDamaged{Store: o.Store} })
	if done := later.sync("issues", copies.SyncOptions{}); done[0].Err != nil || done[0].Result.State.Count != 3 {
		t.Errorf("damage that a pass met: %+v", done)
	}
	newer := newDesk(t, 1, nil, func(o *copies.Options) { o.Store = tooNew{} })
	done := newer.sync("issues", copies.SyncOptions{})
	if e, ok := errors.AsType[*abi.Error](done[0].Err); !ok || e.Kind != abi.KindConflict {
		t.Errorf("%+v", done)
	}
	if _, err := newer.execute(t.Context(), false, "issues", "context_store_search", all); err == nil || !strings.Contains(err.Error(), "a newer agenthost") {
		t.Errorf("a search in copies of a newer program: %v", err)
	}
}

// onceDamaged are copies whose damage the first step of a pass meets.
type onceDamaged struct {
	contextstore.Store
	met bool
}

func (s *onceDamaged) Apply(ctx context.Context, t contextstore.Target, b contextstore.Batch) (*contextstore.State, error) {
	if !s.met {
		s.met = true
		return nil, contextstore.ErrDamaged
	}
	return s.Store.Apply(ctx, t, b)
}

// tooNew are copies that a newer program made.
type tooNew struct{ contextstore.Store }

func (tooNew) State(context.Context, contextstore.Target) (*contextstore.State, error) {
	return nil, contextstore.ErrNewer
}

func (tooNew) Connections(context.Context, string) ([]string, error) {
	return nil, contextstore.ErrNewer
}

func (tooNew) Search(context.Context, contextstore.Target, *query.Query) (*contextstore.Answer, error) {
	return nil, contextstore.ErrNewer
}
