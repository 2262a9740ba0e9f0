package host

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

type sinkOf func(*audit.Record)

func (f sinkOf) Write(_ context.Context, r *audit.Record) error { f(r); return nil }

// TestCancelledIsNoTimeout: only a deadline that passed is called a timeout. The error of a call
// that was cancelled says what is known of the change.
func TestCancelledIsNoTimeout(t *testing.T) {
	t.Parallel()
	why := errors.New("the user left")
	late := func(sent bool) error {
		return &Error{Kind: abi.KindTimeout, Message: "no answer in time", Field: "limits.x", Hint: "allow more time", Retryable: true, RequestSent: sent}
	}
	// Each runs while a call is under way, and ends it with an error.
	type ending func(ctx context.Context, cancel context.CancelCauseFunc) error
	cancelled := func(sent bool) ending {
		return func(_ context.Context, cancel context.CancelCauseFunc) error { cancel(why); return late(sent) }
	}
	for name, tt := range map[string]struct {
		action    string
		timeout   time.Duration
		end       ending
		prepare   bool // end is of the preparation of the connector
		kind      abi.Kind
		says      string
		change    bool // may have been made
		retryable bool
	}{
		"a read":                 {action: "get", end: cancelled(true), kind: abi.KindCancelled, says: "the call was cancelled", retryable: true},
		"a read, nothing sent":   {action: "get", end: cancelled(false), kind: abi.KindCancelled, says: "the call was cancelled before it sent a request", retryable: true},
		"a write":                {action: "create", end: cancelled(true), kind: abi.KindCancelled, says: "the call was cancelled, and the vendor may have made the change", change: true},
		"a write, nothing sent":  {action: "create", end: cancelled(false), kind: abi.KindCancelled, says: "the call was cancelled before it sent a request", retryable: true},
		"during the preparation": {action: "get", prepare: true, end: cancelled(false), kind: abi.KindCancelled, says: "the call was cancelled before it sent a request", retryable: true},
		"the deadline passes": {action: "get", timeout: time.Millisecond, end: func(ctx context.Context, _ context.CancelCauseFunc) error {
			<-ctx.Done()
			return late(true)
		}, kind: abi.KindTimeout, says: "no answer in time", retryable: true},
		"the deadline passes before the caller cancels": {action: "get", timeout: time.Millisecond, end: func(ctx context.Context, cancel context.CancelCauseFunc) error {
			<-ctx.Done()
			cancel(why)
			return late(true)
		}, kind: abi.KindTimeout, says: "no answer in time", retryable: true},
		"a vendor's timeout": {action: "get", end: func(context.Context, context.CancelCauseFunc) error { return late(true) }, kind: abi.KindTimeout, says: "no answer in time", retryable: true},
		"an answer that came first": {action: "get", end: func(_ context.Context, cancel context.CancelCauseFunc) error {
			cancel(why)
			return &Error{Kind: abi.KindNotFound, Message: "gone", RequestSent: true}
		}, kind: abi.KindNotFound, says: "gone"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			f := fake{run: func(ctx context.Context, call *backend.Call) (backend.Result, error) {
				err := tt.end(ctx, cancel)
				if e, _ := errors.AsType[*Error](err); e.RequestSent {
					method := http.MethodPost
					if call.Operation.Effect == abi.EffectRead {
						method = http.MethodGet
					}
					call.Attempt(egress.Attempt{Method: method, Number: 1, Err: e})
				}
				return backend.Result{}, err
			}}
			if tt.prepare {
				f.prepare = func(ctx context.Context) error { return tt.end(ctx, cancel) }
			}
			var record audit.Record
			h := fakeHost(t, f, func(_ *connection, o *Options) {
				o.Sinks = []audit.Sink{sinkOf(func(r *audit.Record) { record = *r })}
			})
			_, err := h.Execute(ctx, "lab", Call{Entity: "things", Action: tt.action, Timeout: tt.timeout})
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != tt.kind || e.Message != tt.says || e.Retryable != tt.retryable {
				t.Fatalf("%#v", err)
			}
			if (tt.kind == abi.KindCancelled) != (e.Field == "" && errors.Is(err, why) && e.Hint != "allow more time") {
				t.Errorf("field %q, hint %q, causes %v", e.Field, e.Hint, errors.Unwrap(err))
			}
			if said := strings.Contains(tool.Failure(err), "took effect"); said != tt.change {
				t.Errorf("a model reads: %s", tool.Failure(err))
			}
			if record.Event != audit.EventCall || record.Outcome != string(tt.kind) || record.RequestSent != e.RequestSent {
				t.Errorf("recorded: %+v", record)
			}
			if n := len(record.Requests); e.RequestSent && (n != 1 || record.Requests[0].Kind != tt.kind) {
				t.Errorf("recorded requests: %+v", record.Requests)
			}
		})
	}
}

// A call that waits, for a connection's turn, is cancelled too.
func TestCancelledWhileItWaits(t *testing.T) {
	t.Parallel()
	running, release := make(chan struct{}), make(chan struct{})
	h := fakeHost(t, fake{run: func(ctx context.Context, call *backend.Call) (backend.Result, error) {
		close(running)
		<-release
		return fake{}.Run(ctx, call)
	}}, func(c *connection, _ *Options) { c.Limits.Concurrency = 1 })
	get := Call{Entity: "things", Action: "get"}
	ended := make(chan error, 1)
	go func() {
		_, err := h.Execute(t.Context(), "lab", get)
		ended <- err
	}()
	<-running
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.Execute(ctx, "lab", get)
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != abi.KindCancelled || e.Field != "" || !errors.Is(err, context.Canceled) {
		t.Errorf("%#v", err)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
