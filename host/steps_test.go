package host

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/policy"
	"github.com/agenthost/agenthost/pdk/abi"
)

// fake is a backend without a sandbox and a vendor.
type fake struct {
	prepare func(ctx context.Context) error // nil where it is ready
	accept  func(params []byte) error
	run     func(ctx context.Context, call *backend.Call) (backend.Result, error)
	check   *abi.OperationRef
}

func (fake) Mode() config.Mode { return "fake" }

func (fake) Operations() []*abi.Operation {
	var all []*abi.Operation
	for _, op := range fakeOperations() {
		all = append(all, op.Operation)
	}
	return all
}

func (fake) View(op *abi.Operation) *abi.Operation { return op }

func (fake) Operation(entity, action string) (*connector.Operation, error) {
	for _, op := range fakeOperations() {
		if op.Entity == entity && op.Action == action {
			return op, nil
		}
	}
	return nil, &Error{Kind: abi.KindUnknownOperation, Message: "no such operation"}
}

func fakeOperations() []*connector.Operation {
	id := json.RawMessage(`{"type":"object","properties":{"id":{"type":"string"},"cursor":{"type":"string"}},"additionalProperties":false}`)
	return []*connector.Operation{
		{Operation: &abi.Operation{Entity: "things", Action: "get", Effect: abi.EffectRead, Params: id}},
		{Operation: &abi.Operation{Entity: "things", Action: "list", Effect: abi.EffectRead, Params: id, Paginated: true, Aliases: map[string]string{"after": "cursor"}}},
		{Operation: &abi.Operation{Entity: "things", Action: "create", Effect: abi.EffectWrite, Params: id}},
	}
}

func (f fake) Accept(_ *connector.Operation, params []byte) error {
	if f.accept == nil {
		return nil
	}
	return f.accept(params)
}

func (fake) Requests(*abi.Operation) []backend.Request { return nil }

func (f fake) Check() *abi.OperationRef { return f.check }

func (f fake) Ready() bool { return f.prepare == nil }

func (f fake) Prepare(ctx context.Context) error { return f.prepare(ctx) }

func (f fake) Run(ctx context.Context, call *backend.Call) (backend.Result, error) {
	if f.run == nil {
		return backend.Result{Data: json.RawMessage(`{"id":"t1","name":"a"}`), Meta: json.RawMessage("{}")}, nil
	}
	return f.run(ctx, call)
}

func (fake) Close(context.Context) error { return nil }

// fakeHost is a host with one connection, lab, over a fake backend.
func fakeHost(t testing.TB, f fake, change ...func(*connection, *Options)) *Host {
	t.Helper()
	c := &connection{backend: f, Connection: backend.Connection{
		Name: "lab", Limits: backend.DefaultLimits(), Connector: &connector.Connector{Manifest: &abi.Manifest{Name: "fake"}}, Server: &abi.Server{},
	}}
	o := Options{Cache: t.TempDir()}
	for _, f := range change {
		f(c, &o)
	}
	h, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if c.Grant, err = policy.New(c.Config.Allow); err != nil {
		t.Fatal(err)
	}
	h.connections[connectionKey{name: "lab"}] = c
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if used := h.BytesInFlight(); used != 0 {
			t.Errorf("%d bytes are still reserved", used)
		}
	})
	return h
}

// TestSteps takes each step of a call to its failure. What comes after that must not happen.
func TestSteps(t *testing.T) {
	t.Parallel()
	reads := func(c *connection, _ *Options) { c.Config.Allow = &config.Allow{Effects: []abi.Effect{abi.EffectRead}} }
	one := func(c *connection, _ *Options) {
		c.Config.Allow = &config.Allow{Operations: []string{"things.*"}, Params: map[string]map[string]grant.ParamRule{"things.get": {"id": {Values: []any{"t1"}}}}}
	}
	get := Call{Entity: "things", Action: "get", Params: Params{"id": "t1"}}
	with := func(change func(*Call)) Call {
		c := get
		change(&c)
		return c
	}
	refuse := func(message string) error { return fault.Invalid("x", message, "") }
	for name, tt := range map[string]struct {
		fake   fake
		change func(*connection, *Options)
		to     string
		call   Call
		kind   abi.Kind
		says   string
		runs   bool
	}{
		"goes well":                      {call: get, runs: true},
		"no such connection":             {to: "other", call: get, kind: abi.KindUnknownOperation, says: `no connection "other"`},
		"no such operation":              {call: Call{Entity: "things", Action: "drop"}, kind: abi.KindUnknownOperation, says: "no such operation"},
		"denied before params are read":  {change: reads, call: Call{Entity: "things", Action: "create", Params: make(chan int)}, kind: abi.KindDenied},
		"params that are not JSON":       {call: with(func(c *Call) { c.Params = make(chan int) }), kind: abi.KindInvalidParams, says: "chan int"},
		"denied before it is prepared":   {change: reads, fake: fake{prepare: func(context.Context) error { return refuse("prepared") }}, call: Call{Entity: "things", Action: "create"}, kind: abi.KindDenied},
		"cannot be prepared":             {fake: fake{prepare: func(context.Context) error { return refuse("not prepared") }}, call: get, kind: abi.KindInvalidParams, says: "not prepared"},
		"select and exclude":             {call: with(func(c *Call) { c.Select, c.Exclude = []string{"a"}, []string{"b"} }), kind: abi.KindInvalidParams, says: "select and exclude"},
		"a long intent":                  {call: with(func(c *Call) { c.Intent = strings.Repeat("ä", 513) }), kind: abi.KindInvalidParams, says: "512"},
		"the backend lacks a parameter":  {fake: fake{accept: func([]byte) error { return refuse("not accepted") }}, call: get, kind: abi.KindInvalidParams, says: "not accepted"},
		"params that do not fit":         {call: with(func(c *Call) { c.Params = Params{"id": 1} }), kind: abi.KindInvalidParams, says: "id"},
		"a bad path of fields":           {call: with(func(c *Call) { c.Select = []string{"a..b"} }), kind: abi.KindInvalidParams, says: "a..b"},
		"arguments that are not allowed": {change: one, call: with(func(c *Call) { c.Params = Params{"id": "t2"} }), kind: abi.KindDenied},
		"the vendor refuses": {fake: fake{run: func(context.Context, *backend.Call) (backend.Result, error) {
			return backend.Result{}, &Error{Kind: abi.KindNotFound, Message: "gone"}
		}}, call: get, kind: abi.KindNotFound, says: "gone", runs: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ran := false
			f, run := tt.fake, tt.fake.run
			f.run = func(ctx context.Context, call *backend.Call) (backend.Result, error) {
				ran = true
				if run == nil {
					return fake{}.Run(ctx, call)
				}
				return run(ctx, call)
			}
			var changes []func(*connection, *Options)
			if tt.change != nil {
				changes = append(changes, tt.change)
			}
			h := fakeHost(t, f, changes...)
			to := tt.to
			if to == "" {
				to = "lab"
			}
			result, err := h.Execute(t.Context(), to, tt.call)
			if ran != tt.runs {
				t.Errorf("the operation ran: %t", ran)
			}
			if tt.kind == "" {
				if err != nil || string(result.Data) != `{"id":"t1","name":"a"}` || result.Mode != "fake" {
					t.Errorf("%+v, %v", result, err)
				}
				return
			}
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != tt.kind || !strings.Contains(e.Message, tt.says) || result != nil {
				t.Errorf("%#v, want %s that says %q", err, tt.kind, tt.says)
			}
		})
	}
}

// The time of a call begins when its backend is ready, and bounds its run.
func TestPreparingIsNotTheCallsTime(t *testing.T) {
	t.Parallel()
	var deadlines [2]bool
	h := fakeHost(t, fake{
		prepare: func(ctx context.Context) error {
			_, deadlines[0] = ctx.Deadline()
			time.Sleep(2 * time.Millisecond)
			return nil
		},
		run: func(ctx context.Context, call *backend.Call) (backend.Result, error) {
			var end time.Time
			if end, deadlines[1] = ctx.Deadline(); time.Until(end) > time.Hour {
				t.Errorf("the call may take until %v", end)
			}
			return fake{}.Run(ctx, call)
		},
	}, func(c *connection, _ *Options) { c.Limits.Timeout = time.Hour })
	if _, err := h.Execute(t.Context(), "lab", Call{Entity: "things", Action: "get"}); err != nil {
		t.Fatal(err)
	}
	if deadlines != [2]bool{false, true} {
		t.Errorf("preparing has a deadline: %t, running: %t", deadlines[0], deadlines[1])
	}
}

// What a call hands its backend, and what becomes of its answer.
func TestRunGetsTheCall(t *testing.T) {
	t.Parallel()
	requests := 0
	var records []audit.Record
	h := fakeHost(t, fake{run: func(_ context.Context, call *backend.Call) (backend.Result, error) {
		if string(call.Params) != `{"id":"t1"}` || call.Intent != "why" || call.Operation.Name() != "things.create" || len(call.Select) != 1 || !call.Room.Grow(1000) {
			t.Errorf("the call is %+v", call)
		}
		call.Attempt(egress.Attempt{Method: "POST", Status: 500})
		return backend.Result{}, &Error{Kind: abi.KindVendorError, Message: "broke", Retryable: true}
	}}, func(_ *connection, o *Options) { o.Sinks = []audit.Sink{recorder{&records}} })
	_, err := h.Execute(t.Context(), "lab", Call{
		Entity: "things", Action: "create", Params: Params{"id": "t1"}, Intent: "why", Select: []string{"name"}, OnRequest: func() { requests++ },
	})
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Retryable || requests != 1 {
		t.Errorf("%#v after %d requests: a write that may have happened is retryable", err, requests)
	}
	last := records[len(records)-1]
	if len(records) != 2 || records[0].Event != audit.EventStart || last.Mode != "fake" || last.Outcome != string(abi.KindVendorError) || len(last.Requests) != 1 {
		t.Errorf("the records are %+v", records)
	}
	// A write waits for its start record; a result is shaped.
	h = fakeHost(t, fake{})
	result, err := h.Execute(t.Context(), "lab", Call{Entity: "things", Action: "get", Select: []string{"name"}})
	if err != nil || string(result.Data) != `{"name":"a"}` {
		t.Errorf("%+v, %v", result, err)
	}
}

// recorder keeps records.
type recorder struct{ records *[]audit.Record }

func (r recorder) Write(_ context.Context, record *audit.Record) error {
	*r.records = append(*r.records, *record)
	return nil
}

// limits.concurrency is how many calls of a connection run at once.
func TestConcurrencyIsBounded(t *testing.T) {
	t.Parallel()
	running, release := make(chan struct{}, 3), make(chan struct{})
	h := fakeHost(t, fake{run: func(ctx context.Context, call *backend.Call) (backend.Result, error) {
		running <- struct{}{}
		select {
		case <-release:
		case <-ctx.Done():
		}
		return fake{}.Run(ctx, call)
	}}, func(c *connection, _ *Options) { c.Limits.Concurrency = 2 })
	get := Call{Entity: "things", Action: "get"}
	ended := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := h.Execute(t.Context(), "lab", get)
			ended <- err
		}()
		select {
		case <-running:
		case err := <-ended:
			t.Fatal(err)
		}
	}
	get.Timeout = 5 * time.Millisecond
	_, err := h.Execute(t.Context(), "lab", get)
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != abi.KindTimeout || e.Message != "connection lab reached its limit of 2 concurrent calls" || e.Field != "limits.concurrency" || !e.Retryable {
		t.Errorf("the third call: %#v", err)
	}
	if len(running) != 0 {
		t.Error("three calls ran at once")
	}
	close(release)
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
	get.Timeout = 0
	if _, err := h.Execute(t.Context(), "lab", get); err != nil {
		t.Errorf("no room after the others left: %v", err)
	}
}

// A cursor that repeats would be followed for ever.
func TestCursorThatRepeats(t *testing.T) {
	t.Parallel()
	for _, cursors := range [][]string{{"a", "a"}, {"a", "b", "a"}} {
		calls := 0
		h := fakeHost(t, fake{run: func(_ context.Context, call *backend.Call) (backend.Result, error) {
			if calls++; calls > 10 {
				return backend.Result{}, errors.New("followed for ever")
			}
			return backend.Result{Data: json.RawMessage(`[1]`), Meta: json.RawMessage(`{}`), HasMore: true, NextCursor: cursors[(calls-1)%len(cursors)]}, nil
		}})
		pages := 0
		var failed error
		for _, err := range h.Pages(t.Context(), "lab", Call{Entity: "things", Action: "list"}) {
			if failed = err; err == nil {
				pages++
			}
		}
		e, ok := errors.AsType[*Error](failed)
		if !ok || e.Kind != abi.KindVendorError || pages != len(cursors) || calls != len(cursors) {
			t.Errorf("%v: %d pages of %d calls, then %v", cursors, pages, calls, failed)
		}
	}
}

// Pages stops after the limit, cuts the last page, and asks for no page that nobody gets.
func TestPagesStopAtTheLimit(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]string{1: "[1]", 2: "[1,2]", 3: "[1,2] [1]", 4: "[1,2] [1,2]", 0: "[1,2] [1,2] [1,2]"} {
		calls := 0
		h := fakeHost(t, fake{run: func(context.Context, *backend.Call) (backend.Result, error) {
			calls++
			return backend.Result{Data: json.RawMessage(`[1,2]`), Meta: json.RawMessage(`{}`), HasMore: calls < 3, NextCursor: fmt.Sprintf("c%d", calls)}, nil
		}})
		var pages []string
		for page, err := range h.Pages(t.Context(), "lab", Call{Entity: "things", Action: "list", Limit: limit}) {
			if err != nil {
				t.Fatal(err)
			}
			pages = append(pages, string(page.Data))
		}
		if got := strings.Join(pages, " "); got != want || calls != len(pages) {
			t.Errorf("limit %d: %s after %d calls, want %s", limit, got, calls, want)
		}
	}
}

// A page's cursor takes the place of the caller's, by whichever name the caller gave it.
func TestPagesReplaceTheCursor(t *testing.T) {
	t.Parallel()
	var sent []string
	h := fakeHost(t, fake{run: func(_ context.Context, call *backend.Call) (backend.Result, error) {
		sent = append(sent, string(call.Params))
		return backend.Result{Data: json.RawMessage(`[1]`), Meta: json.RawMessage(`{}`), HasMore: len(sent) < 3, NextCursor: fmt.Sprintf("c%d", len(sent))}, nil
	}})
	for _, err := range h.Pages(t.Context(), "lab", Call{Entity: "things", Action: "list", Params: json.RawMessage(`{"cursor":"c0","id":"x"}`)}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(sent, " "); got != `{"cursor":"c0","id":"x"} {"id":"x","cursor":"c1"} {"id":"x","cursor":"c2"}` {
		t.Errorf("sent %s", got)
	}
}

// Check runs what the backend names, whatever the connection allows, and takes the same steps.
func TestCheckSteps(t *testing.T) {
	t.Parallel()
	var ran string
	f := fake{check: &abi.OperationRef{Entity: "things", Action: "get"}, run: func(ctx context.Context, call *backend.Call) (backend.Result, error) {
		ran = call.Operation.Name() + string(call.Params)
		return fake{}.Run(ctx, call)
	}}
	for name, allow := range map[string]*config.Allow{
		"allows nothing":        {},
		"has rules on the call": {Operations: []string{"things.get"}, Params: map[string]map[string]grant.ParamRule{"things.get": {"id": {Values: []any{"t1"}}}}},
	} {
		ran = ""
		h := fakeHost(t, f, func(c *connection, _ *Options) { c.Config.Allow = allow })
		if _, err := h.Check(t.Context(), "lab"); err != nil || ran != "things.get{}" {
			t.Errorf("a connection that %s ran %s, %v", name, ran, err)
		}
	}
	h := fakeHost(t, fake{})
	_, err := h.Check(t.Context(), "lab")
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != abi.KindUnknownOperation || e.Field != "check" {
		t.Errorf("nothing to check with: %v", err)
	}
}

// TestReadsMakeNoChange: a read that was sent and failed says nothing of a change. A write does.
func TestReadsMakeNoChange(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"list", "create"} {
		h := fakeHost(t, fake{run: func(context.Context, *backend.Call) (backend.Result, error) {
			return backend.Result{}, &abi.Error{Kind: abi.KindTimeout, Message: "no answer in time", RequestSent: true}
		}})
		_, err := h.Execute(t.Context(), "lab", Call{Entity: "things", Action: action})
		e, _ := errors.AsType[*Error](err)
		if e == nil || e.Kind != abi.KindTimeout || !e.RequestSent {
			t.Fatalf("%s: %v", action, err)
		}
		if said := strings.Contains(tool.Failure(err), "took effect"); said != (action == "create") {
			t.Errorf("%s: %s", action, tool.Failure(err))
		}
	}
}

// An empty page is not passed over once half of the call's time is gone: the next page may take as
// long, and the call would end without the cursor.
func TestEmptyPagesLeaveTime(t *testing.T) {
	t.Parallel()
	runs := 0
	h := fakeHost(t, fake{run: func(context.Context, *backend.Call) (backend.Result, error) {
		runs++
		time.Sleep(20 * time.Millisecond)
		return backend.Result{Data: json.RawMessage(`[]`), Meta: json.RawMessage(`{}`), HasMore: true, NextCursor: fmt.Sprintf("c%d", runs)}, nil
	}})
	page, err := h.Execute(t.Context(), "lab", Call{Entity: "things", Action: "list", Timeout: 30 * time.Millisecond})
	if err != nil || page.NextCursor != "c1" || runs != 1 {
		t.Errorf("%+v, %v, after %d runs", page, err, runs)
	}
}
