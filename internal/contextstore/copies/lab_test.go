package copies_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

const deskManifest = `{
	"abi": 1, "name": "desk", "title": "Desk", "version": "1.0.0", "description": "A desk of a test.",
	"servers": [{"id": "main", "url": "https://desk.example"}],
	"operations": [
		{"entity": "issues", "action": "list", "description": "All issues.", "effect": "read", "paginated": true,
		 "params": {"type": "object", "additionalProperties": false, "properties": {"cursor": {"type": "string"}, "limit": {"type": "integer"}, "since": {"type": "string"}}},
		 "result": {"type": "object", "properties": {"id": {"type": "string"}, "title": {"type": "string"}, "state": {"type": "string"}, "priority": {"type": "integer"},
			"account": {"type": "object", "properties": {"name": {"type": "string"}}}, "updated_at": {"type": "string", "format": "date-time"}}},
		 "rate_limit": {"requests": 10, "per_seconds": 60}, "requests": [{"method": "GET", "path": "/issues"}]},
		{"entity": "issues", "action": "get", "description": "One issue.", "effect": "read", "params": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}, "requests": [{"method": "GET", "path": "/issues/{id}"}]},
		{"entity": "issues", "action": "create", "description": "Makes an issue.", "effect": "write", "params": {"type": "object", "properties": {"title": {"type": "string"}}},
		 "result": {"type": "object", "properties": {"id": {"type": "string"}}}, "requests": [{"method": "POST", "path": "/issues"}]},
		{"entity": "issues", "action": "update", "description": "Changes an issue.", "effect": "write", "params": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}, "title": {"type": "string"}}}, "requests": [{"method": "PATCH", "path": "/issues/{id}"}]},
		{"entity": "issues", "action": "delete", "description": "Removes an issue.", "effect": "delete", "params": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}, "requests": [{"method": "DELETE", "path": "/issues/{id}"}]},
		{"entity": "notes", "action": "list", "description": "The notes of an issue.", "effect": "read", "params": {"type": "object", "required": ["issue_id"], "properties": {"issue_id": {"type": "string"}}},
		 "result": {"type": "object", "properties": {"id": {"type": "string"}, "text": {"type": "string"}}}, "requests": [{"method": "GET", "path": "/issues/{issue_id}/notes"}]},
		{"entity": "notes", "action": "create", "description": "Adds a note.", "effect": "write", "params": {"type": "object", "required": ["issue_id"], "properties": {"issue_id": {"type": "string"}, "text": {"type": "string"}}}, "requests": [{"method": "POST", "path": "/issues/{issue_id}/notes"}]},
		{"entity": "notes", "action": "delete", "description": "Removes a note.", "effect": "delete", "params": {"type": "object", "required": ["issue_id", "id"], "properties": {"issue_id": {"type": "string"}, "id": {"type": "string"}}}, "requests": [{"method": "DELETE", "path": "/issues/{issue_id}/notes/{id}"}]}
	],
	"sync": [
		{"entity": "notes", "each": {"param": "/issue_id", "of": "issues", "as": "issue_id"}, "text": ["text"]},
		{"entity": "issues", "changes": {"param": "/since", "field": "/updated_at"}, "text": ["title"], "index": ["state"]}
	]
}`

const deskAuth = `{"schemes": [{"id": "none", "type": "bearer", "origins": ["https://desk.example"],
	"fields": [{"name": "token", "secret": true, "required": true}],
	"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {token}"}]}]}`

// desk is a vendor in memory, with the host and the backend of a connection to it.
type desk struct {
	backend.Backend // nothing else is called

	t       *testing.T
	clock   *clock
	files   *contextstore.Files
	copies  *copies.Copies
	folder  string
	memory  *backend.Memory
	before  func(op string) error // of each call, before the vendor answers
	after   func(op string) error // and after that: the answer is lost
	removed bool                  // the connection
	silent  bool                  // the vendor never answers
	costs   int                   // requests of a call; 0 is one
	endless bool                  // lists have more pages, and no cursor
	circle  int                   // lists have so many pages, the last of which leads to the first; 0 is without

	mu     sync.Mutex
	c      backend.Connection
	used   backend.Backend // the decorated one
	issues map[string]issue
	notes  map[string][]string // by the issue
	next   int
	calls  []string
}

type issue struct {
	title, state string
	updated      time.Time
}

// clock is a time that only moves when somebody waits.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	slept time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.slept = c.now.Add(d), c.slept+d
	return ctx.Err()
}

func newDesk(t *testing.T, issues int, allow *config.Allow, options ...func(*copies.Options)) *desk {
	t.Helper()
	d := &desk{
		t: t, clock: &clock{now: time.Date(2026, 12, 1, 9, 0, 0, 500_000, time.UTC)}, folder: t.TempDir(), memory: backend.NewMemory(64 << 20),
		issues: make(map[string]issue), notes: make(map[string][]string),
	}
	var err error
	if d.files, err = contextstore.OpenFiles(d.folder, d.clock.Now, nil); err != nil {
		t.Fatal(err)
	}
	o := copies.Options{Store: d.files, Now: d.clock.Now, Sleep: d.clock.Sleep}
	for _, change := range options {
		change(&o)
	}
	d.copies = copies.New(o)
	d.copies.Use(hosting{d})
	t.Cleanup(func() {
		if err := d.copies.Close(); err != nil {
			t.Error(err)
		}
		if err := d.files.Close(); err != nil {
			t.Error(err)
		}
	})
	for range issues {
		d.create("login fails")
	}
	d.allow(allow)
	return d
}

func (d *desk) create(title string) string {
	d.next++
	id := fmt.Sprintf("i%03d", d.next)
	d.issues[id] = issue{title, "open", d.clock.Now()}
	return id
}

// allow makes the connection anew.
func (d *desk) allow(allow *config.Allow) {
	d.t.Helper()
	declared, err := connector.Parse(d.t.Context(), "digest", []byte(deskManifest), []byte(deskAuth))
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := backend.NewConnection("support", config.Connection{Connector: "desk", Allow: allow}, declared, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	c.Workspace = "w"
	d.mu.Lock()
	defer d.mu.Unlock()
	d.c = c
	d.used = d.copies.Decorate(&d.c, d)
	if err := d.c.SetGrant(d.used); err != nil {
		d.t.Fatal(err)
	}
}

// Hold implements [backend.CopyHost].
func (d *desk) Hold(context.Context, string, string) (*backend.Connection, func(), error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.removed {
		return nil, nil, &abi.Error{Kind: abi.KindUnknownOperation, Field: "connection", Message: "there is no connection"}
	}
	c := d.c
	return &c, func() {}, nil
}

func (d *desk) Operations() []*abi.Operation {
	var all []*abi.Operation
	for i := range d.c.Connector.Manifest.Operations {
		all = append(all, &d.c.Connector.Manifest.Operations[i])
	}
	return all
}

func (d *desk) Operation(entity, action string) (*connector.Operation, error) {
	return d.c.Connector.Operation(entity, action)
}

func (d *desk) Accept(*connector.Operation, []byte) error { return nil }
func (d *desk) Mode() config.Mode                         { return config.Direct }

// execute runs an operation as a host does.
func (d *desk) execute(ctx context.Context, copying bool, entity, action, params string) (*backend.Result, error) {
	d.mu.Lock()
	b := d.used
	d.mu.Unlock()
	op, err := b.Operation(entity, action)
	if err != nil {
		return nil, err
	}
	var room backend.Reservation
	if err := d.memory.Reserve(ctx, nil, "support", []byte(params), &room); err != nil {
		return nil, err
	}
	defer room.Release()
	call := &backend.Call{Operation: op, Params: []byte(params), Room: &room, Copying: copying}
	if err := call.Validate(ctx, b); err != nil {
		return nil, err
	}
	return backend.Run(ctx, b, call)
}

// Run implements [backend.Backend].
func (d *desk) Run(ctx context.Context, call *backend.Call) (backend.Result, error) {
	op := call.Operation.Name()
	if d.silent {
		<-ctx.Done()
		return backend.Result{}, fault.Ended(ctx)
	}
	if d.before != nil {
		if err := d.before(op); err != nil {
			return backend.Result{}, err
		}
	}
	r, err := d.answer(call)
	d.mu.Lock()
	mark := ""
	if call.Copying {
		mark = "sync "
	}
	d.calls = append(d.calls, mark+op)
	d.mu.Unlock()
	r.Stats.Requests = max(1, d.costs)
	if err == nil && d.after != nil {
		if err := d.after(op); err != nil {
			return backend.Result{}, err
		}
	}
	return r, err
}

// hosting is a desk as copies see it.
type hosting struct{ *desk }

// Run implements [backend.CopyHost].
func (h hosting) Run(ctx context.Context, _, _ string, op abi.OperationRef, params json.RawMessage) (*backend.Result, error) {
	return h.execute(ctx, true, op.Entity, op.Action, string(params))
}

func (d *desk) answer(call *backend.Call) (backend.Result, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	param := func(name string) string {
		v, _, _ := rawjson.Pointer(call.Params, "/"+name)
		return rawjson.Unquote(v)
	}
	gone := &abi.Error{Kind: abi.KindNotFound, Message: "there is no such issue", RequestSent: true}
	id := param("id")
	one, there := d.issues[id]
	switch call.Operation.Name() {
	case "issues.list":
		return d.list(param("since"), param("cursor")), nil
	case "issues.get":
		if !there {
			return backend.Result{}, gone
		}
		return backend.Result{Data: one.json(id)}, nil
	case "issues.create":
		id = d.create(param("title"))
		return backend.Result{Data: d.issues[id].json(id)}, nil
	case "issues.update":
		if !there {
			return backend.Result{}, gone
		}
		one.title, one.updated = param("title"), d.clock.Now()
		d.issues[id] = one
		return backend.Result{Data: []byte("{}")}, nil
	case "issues.delete":
		if !there {
			return backend.Result{}, gone
		}
		delete(d.issues, id)
		return backend.Result{Data: []byte("{}")}, nil
	case "notes.delete":
		delete(d.notes, param("issue_id"))
		return backend.Result{Data: []byte("{}")}, nil
	case "notes.create":
		of := param("issue_id")
		d.notes[of] = append(d.notes[of], param("text"))
		return backend.Result{Data: []byte("{}")}, nil
	}
	records := []string{}
	for i, text := range d.notes[param("issue_id")] {
		records = append(records, fmt.Sprintf(`{"id":"n%d","text":%q}`, i, text))
	}
	return backend.Result{Data: []byte("[" + strings.Join(records, ",") + "]")}, nil
}

func (i issue) json(id string) []byte {
	return fmt.Appendf(nil, `{"id":%q,"title":%q,"state":%q,"priority":%d,"updated_at":%q}`, id, i.title, i.state, len(i.title), i.updated.Format(time.RFC3339Nano))
}

// page has so many issues.
const page = 2

func (d *desk) list(since, cursor string) backend.Result {
	from, _ := time.Parse(time.RFC3339, since)
	var ids []string
	for id, one := range d.issues {
		if !one.updated.Before(from) && id > cursor {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	var records []string
	for _, id := range ids[:min(page, len(ids))] {
		records = append(records, string(d.issues[id].json(id)))
	}
	r := backend.Result{Data: []byte("[" + strings.Join(records, ",") + "]")}
	if d.circle > 0 {
		n, _ := strconv.Atoi(strings.TrimPrefix(cursor, "c"))
		r.NextCursor, r.HasMore = "c"+strconv.Itoa((n+1)%d.circle), true
	} else if len(ids) > page {
		r.NextCursor, r.HasMore = ids[page-1], true
	}
	r.Meta = backend.WithPagination([]byte("{}"), r.NextCursor, r.HasMore)
	if d.endless {
		r.Stop("there are more")
	}
	return r
}

// call makes a call of an agent.
func (d *desk) call(entity, action, params string) *backend.Result {
	d.t.Helper()
	r, err := d.execute(d.t.Context(), false, entity, action, params)
	if err != nil {
		d.t.Fatalf("%s %s %s: %v", entity, action, params, err)
	}
	return r
}

// search returns the titles of what a search finds, and its meta.
func (d *desk) search(params string) (titles []string, meta string) {
	d.t.Helper()
	r := d.call("issues", "context_store_search", params)
	for record := range r.Records() {
		title, _, _ := rawjson.Pointer(record, "/title")
		titles = append(titles, rawjson.Unquote(title))
	}
	return titles, string(r.Meta)
}

// sync makes a pass.
func (d *desk) sync(entity string, o copies.SyncOptions) []copies.Synced {
	d.t.Helper()
	done, err := d.copies.Sync(d.t.Context(), "w", "support", entity, o)
	if err != nil {
		d.t.Fatal(err)
	}
	return done
}

func (d *desk) state(entity string) *contextstore.State {
	d.t.Helper()
	name := "support"
	for _, stored := range d.connections() {
		name = stored // with whose records they are
	}
	s, err := d.files.State(d.t.Context(), contextstore.Target{Workspace: "w", Connection: name, Entity: entity})
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}
