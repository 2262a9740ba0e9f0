package syncer_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/syncer"
	"github.com/agenthost/agenthost/pdk/abi"
)

func (b *board) state(of *connector.Sync) *contextstore.State {
	b.t.Helper()
	state, err := b.store.State(b.t.Context(), b.syncer.Target(of))
	if err != nil {
		b.t.Fatal(err)
	}
	return state
}

// TestForgottenCursor: a vendor forgets its cursors after a while. A pass that was interrupted asked for the same one for ever.
func TestForgottenCursor(t *testing.T) {
	t.Parallel()
	for _, full := range []bool{true, false} {
		b := newBoard(t, 4)
		b.sync(b.threads, true, 0)
		if !full {
			b.sync(b.posts, true, 0)
			b.now = b.now.Add(time.Hour)
			b.change("t001")
			b.change("t002")
			b.sync(b.threads, false, 0)
		}
		b.sync(b.posts, full, 2)
		forgotten := true
		b.syncer.Call = func(ctx context.Context, op *connector.Operation, params json.RawMessage) (data, meta json.RawMessage, err error) {
			if forgotten {
				forgotten = false
				if !strings.Contains(string(params), "cursor") {
					t.Errorf("the pass does not go on: %s", params)
				}
				return nil, nil, &abi.Error{Kind: abi.KindInvalidParams, Message: "the cursor has expired"}
			}
			return b.call(ctx, op, params)
		}
		b.sync(b.posts, full, 0)
		b.equal("after the pass")
		if len(b.read) < 4 {
			t.Errorf("only %q were read", b.read)
		}
	}
}

// TestFailedPass: all processes see how a pass failed, until one does not.
func TestFailedPass(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 4)
	b.sync(b.threads, true, 0)
	fail := true
	b.syncer.Call = func(ctx context.Context, op *connector.Operation, params json.RawMessage) (data, meta json.RawMessage, err error) {
		if fail {
			return nil, nil, &abi.Error{Kind: abi.KindVendorError, Message: "no " + strings.Repeat("é", 1000), Hint: "wait"}
		}
		return b.call(ctx, op, params)
	}
	for _, full := range []bool{true, false, true} {
		fail = true
		b.stop = 0
		if _, err := b.syncer.Sync(t.Context(), b.posts, full); err == nil {
			t.Fatal("the pass did not fail")
		}
		if e := syncer.Failed(b.state(b.posts)); e == nil || e.Kind != abi.KindVendorError || !strings.HasPrefix(e.Message, "no é") || len(e.Message) > 500 || e.Hint != "wait" {
			t.Errorf("%+v", e)
		}
		if fail = false; full {
			b.sync(b.posts, false, 0)
		} else {
			b.change("t001")
			b.sync(b.posts, false, 0)
		}
		if e := syncer.Failed(b.state(b.posts)); e != nil {
			t.Errorf("after a pass: %+v", e)
		}
	}
}

// TestTooManyCopies: a pass that finds more than a connection may have keeps what there is, says so, and is not tried again
// before a full pass is due.
func TestTooManyCopies(t *testing.T) {
	t.Parallel()
	b := newBoard(t, 10)
	b.store.Bound(10+25, 1<<20)
	b.sync(b.threads, true, 0)
	for range 2 {
		b.stop = 0
		var e *abi.Error
		if _, err := b.syncer.Sync(t.Context(), b.posts, true); !errors.As(err, &e) || e.Kind != abi.KindLimitExceeded || !errors.Is(err, contextstore.ErrFull) {
			t.Fatalf("the pass ended with %v", err)
		}
		state := b.state(b.posts)
		if state.Count < 20 || state.Count > 25 || !syncer.Over(state) {
			t.Errorf("%+v", state)
		}
		if at, _ := syncer.Next(b.posts, state); at.Before(b.now.Add(b.posts.Full - time.Second)) {
			t.Errorf("the next pass is due at %s", at)
		}
	}
	b.store.Bound(10+30, 1<<20)
	b.sync(b.posts, true, 0)
	b.equal("with more room")
	if state := b.state(b.posts); syncer.Over(state) || !state.Complete {
		t.Errorf("%+v", state)
	}

	// Changes may be too many, too: what there was is found, and the search says that there is more.
	b.now = b.now.Add(time.Hour)
	b.change("t003")
	b.sync(b.threads, false, 0)
	b.stop = 0
	if _, err := b.syncer.Sync(t.Context(), b.posts, false); !errors.Is(err, contextstore.ErrFull) {
		t.Errorf("the pass ended with %v", err)
	}
	if state := b.state(b.posts); !syncer.Over(state) || !state.Complete || state.Count != 30 {
		t.Errorf("%+v", state)
	}
}
