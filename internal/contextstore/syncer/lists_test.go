package syncer_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/agenthost/agenthost/internal/contextstore/syncer"
	"github.com/agenthost/agenthost/internal/rawjson"
)

const boardManifest = `{
	"abi": 1, "name": "board", "title": "Board", "version": "1.0.0", "description": "A board of a test.",
	"servers": [{"id": "main", "url": "https://board.example"}],
	"operations": [
		{"entity": "threads", "action": "list", "description": "All threads.", "effect": "read", "params": {"type": "object", "properties": {"since": {"type": "string"}}},
		 "result": {"type": "object", "properties": {"id": {"type": "string"}, "changed": {"type": "string", "format": "date-time"}}}, "requests": [{"method": "GET", "path": "/threads"}]},
		{"entity": "posts", "action": "list", "description": "The posts of a thread.", "effect": "read", "paginated": true,
		 "params": {"type": "object", "required": ["thread"], "properties": {"thread": {"type": "string"}, "cursor": {"type": "string"}, "limit": {"type": "integer"}}},
		 "result": {"type": "object", "properties": {"id": {"type": "string"}}}, "requests": [{"method": "GET", "path": "/threads/{thread}/posts"}]}
	],
	"sync": [
		{"entity": "threads", "changes": {"param": "/since", "field": "/changed"}},
		{"entity": "posts", "each": {"param": "/thread", "of": "threads", "as": "thread", "changed": "/changed"}}
	]
}`

const boardAuth = `{"schemes": [{"id": "none", "type": "bearer", "origins": ["https://board.example"], "fields": [{"name": "token", "secret": true, "required": true}],
	"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {token}"}]}]}`

// board is a vendor in memory: each of its threads has posts, of which a page has two.
type board struct {
	t       *testing.T
	store   *contextstore.Files
	syncer  *syncer.Syncer
	threads *connector.Sync
	posts   *connector.Sync
	now     time.Time
	changed map[string]time.Time // threads
	written map[string]int       // how many posts a thread has
	ids     int
	stop    int      // the pass is interrupted before so many further pages; 0 is never
	read    []string // of which lists of posts were asked for
}

var errStopped = errors.New("the process ends")

func newBoard(t *testing.T, threads int) *board {
	t.Helper()
	b := &board{t: t, now: time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC), changed: make(map[string]time.Time), written: make(map[string]int)}
	c, err := connector.Parse(t.Context(), "digest", []byte(boardManifest), []byte(boardAuth))
	if err != nil {
		t.Fatal(err)
	}
	b.threads, b.posts = c.Sync("threads"), c.Sync("posts")
	clock := func() time.Time { return b.now }
	if b.store, err = contextstore.OpenFiles(t.TempDir(), clock, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.store.Close(); err != nil {
			t.Error(err)
		}
	})
	b.syncer = &syncer.Syncer{
		Store: b.store, Workspace: "w", Connection: "c", Now: clock, Call: b.call,
		NewID: func() (string, error) { b.ids++; return fmt.Sprint("pass ", b.ids), nil },
		Pause: func(context.Context, *connector.Operation) error {
			if b.stop--; b.stop == 0 {
				return errStopped
			}
			return nil
		},
	}
	for i := range threads {
		b.change(fmt.Sprintf("t%03d", i))
	}
	return b
}

// change adds posts to a thread, later than all before.
func (b *board) change(thread string) {
	b.now = b.now.Add(time.Second)
	b.changed[thread] = b.now
	b.written[thread] += 3
}

func (b *board) call(_ context.Context, op *connector.Operation, params json.RawMessage) (data, meta json.RawMessage, err error) {
	param := func(name string) string {
		v, _, _ := rawjson.Pointer(params, "/"+name)
		return rawjson.Unquote(v)
	}
	records := []map[string]string{}
	next := map[string]string{}
	if op.Entity == "threads" {
		since, _ := time.Parse(time.RFC3339, param("since"))
		for _, id := range slices.Sorted(maps.Keys(b.changed)) {
			if at := b.changed[id]; !at.Before(since) {
				records = append(records, map[string]string{"id": id, "changed": at.Format(time.RFC3339)})
			}
		}
	} else {
		thread, from := param("thread"), 0
		b.read = append(b.read, thread)
		_, _ = fmt.Sscan(param("cursor"), &from)
		for i := from; i < min(from+2, b.written[thread]); i++ {
			records = append(records, map[string]string{"id": fmt.Sprintf("%s-%d", thread, i)})
		}
		if from += 2; from < b.written[thread] {
			next["next_cursor"] = fmt.Sprint(from)
		}
	}
	data, err = json.Marshal(records)
	if err == nil {
		meta, err = json.Marshal(next)
	}
	return data, meta, err
}

// sync makes a pass over an entity; one over posts may stop before a page.
func (b *board) sync(of *connector.Sync, full bool, stop int) {
	b.t.Helper()
	b.stop, b.read = stop, nil
	if _, err := b.syncer.Sync(b.t.Context(), of, full); !errors.Is(err, errStopped) && err != nil || (err != nil) != (stop > 0) {
		b.t.Fatalf("%s: %v", of.Entity, err)
	}
}

// has looks whether there are copies of all posts, and returns how many there are.
func (b *board) has(when string, posts map[string]int) int {
	b.t.Helper()
	q, err := query.Parse([]byte(`{"query":{},"limit":1000}`), b.syncer.Target(b.posts).Fields)
	if err != nil {
		b.t.Fatal(err)
	}
	found, err := b.store.Search(b.t.Context(), b.syncer.Target(b.posts), q)
	if err != nil {
		b.t.Fatal(err)
	}
	there := make(map[string]bool)
	for _, record := range found.Records {
		id, _, _ := rawjson.Pointer(record, "/id")
		there[rawjson.Unquote(id)] = true
	}
	var missing []string
	for thread, n := range posts {
		for i := range n {
			if id := fmt.Sprintf("%s-%d", thread, i); !there[id] {
				missing = append(missing, id)
			}
		}
	}
	if slices.Sort(missing); len(missing) > 0 {
		b.t.Errorf("%s, there are no copies of %q", when, missing)
	}
	return len(there)
}

// equal looks whether the copies of posts are those that the vendor has.
func (b *board) equal(when string) {
	b.t.Helper()
	want := 0
	for _, n := range b.written {
		want += n
	}
	if n := b.has(when, b.written); n != want {
		b.t.Errorf("%s, there are %d copies of %d posts", when, n, want)
	}
}

// TestParentsThatMove: a pass over the lists of other records was interrupted, and these changed before it went on. It looked
// for its place in their order, the newest first, and so left lists out; at its end it removed what these have.
func TestParentsThatMove(t *testing.T) {
	t.Parallel()
	for _, full := range []bool{true, false} {
		for _, stop := range []int{1, 60, 205} { // before the first page, in a list, and between two
			t.Run(fmt.Sprintf("full %t, stop %d", full, stop), func(t *testing.T) {
				t.Parallel()
				b := newBoard(t, 110)
				b.sync(b.threads, true, 0)
				if !full {
					b.sync(b.posts, true, 0)
					for thread := range b.changed {
						b.change(thread)
					}
					b.sync(b.threads, false, 0)
				}
				b.sync(b.posts, full, stop)
				before := maps.Clone(b.written)
				for i := range 55 { // what was to be read later is the newest now
					b.change(fmt.Sprintf("t%03d", 2*i))
				}
				b.sync(b.threads, false, 0)
				b.sync(b.posts, full, 0)
				b.has("after a pass that was interrupted", before)
				b.sync(b.posts, false, 0)
				b.equal("after the pass after it")
			})
		}
	}
}

// TestParentsThatChange: what changes while a pass over the lists of other records runs is read by the next pass, also where
// the pass saw later changes.
func TestParentsThatChange(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 3)
	b.sync(b.threads, true, 0)
	b.sync(b.posts, true, 4) // in the second list
	b.change("t000")
	b.now = b.now.Add(time.Hour)
	b.change("t002")
	b.sync(b.threads, false, 0)
	b.sync(b.posts, true, 0)
	b.sync(b.posts, false, 0)
	b.equal("after the pass after it")

	// What was changed long before the pass began is not read again.
	for range 2 {
		b.now = b.now.Add(time.Hour)
		b.sync(b.threads, false, 0)
		b.sync(b.posts, false, 0)
	}
	if want := []string{"t002", "t002", "t002"}; !slices.Equal(b.read, want) {
		t.Errorf("the pages of %q were read, want %q", b.read, want)
	}
}

// TestChangesDuringAPass: what a long pass had read can have changed since it began, so the next one asks for what changed since
// then, also where the pass saw later changes.
func TestChangesDuringAPass(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 1)
	begun, since := b.now, ""
	b.syncer.Call = func(ctx context.Context, op *connector.Operation, params json.RawMessage) (data, meta json.RawMessage, err error) {
		raw, _, _ := rawjson.Pointer(params, "/since")
		since = rawjson.Unquote(raw)
		b.now = b.now.Add(time.Hour)
		b.change("t001") // on the last page
		return b.call(ctx, op, params)
	}
	b.sync(b.threads, true, 0)
	b.sync(b.threads, false, 0)
	if at, err := time.Parse(time.RFC3339, since); err != nil || at.After(begun) || at.Before(begun.Add(-time.Hour)) {
		t.Errorf("the pass after it asked for what changed since %s, and the one before began at %s", since, begun)
	}
}

// TestFormerPlace: a pass that an older program interrupted, whose place is one in the order of changes, begins again.
func TestFormerPlace(t *testing.T) {
	t.Parallel()
	for _, full := range []bool{true, false} {
		t.Run(fmt.Sprint("full ", full), func(t *testing.T) {
			t.Parallel()
			b := newBoard(t, 10)
			b.sync(b.threads, true, 0)
			at := b.syncer.Target(b.posts)
			former := contextstore.Batch{Cursor: fmt.Sprintf(`{"since":%d,"at":{"started":1,"list":7,"page":"2"}}`, b.now.Add(-3*time.Second).UnixMilli())}
			if full {
				former.Pass = "former"
				if _, err := b.store.Begin(t.Context(), at, "former"); err != nil {
					t.Fatal(err)
				}
			} else {
				b.sync(b.posts, true, 0)
				b.change("t009")
				b.sync(b.threads, false, 0)
			}
			if _, err := b.store.Apply(t.Context(), at, former); err != nil {
				t.Fatal(err)
			}
			b.sync(b.posts, full, 0)
			b.equal("after the pass")
		})
	}
}
