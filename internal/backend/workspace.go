package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
	"weak"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/inflight"
	"github.com/agenthost/agenthost/internal/turns"
	"github.com/agenthost/agenthost/pdk/abi"
)

// The default limits of a workspace.
const (
	DefaultWorkspaceCalls = 128
	DefaultWorkspaceQueue = 1000
	DefaultWorkspaceWait  = 10 * time.Second
)

// retryAfter is when to call again after a wait that was in vain.
const retryAfter = time.Second

// WorkspaceLimits are those of each workspace.
type WorkspaceLimits = inflight.Limits

// Workspace is what the connections of one workspace may use together, so that they leave enough to
// those of others. A nil workspace is the operator's, whose connections take turns like those of one
// workspace, without limits. It is safe for concurrent use.
type Workspace struct {
	limits inflight.Limits
	calls  *inflight.Bytes // in calls
	bytes  *inflight.Bytes
	guests *turns.Party
}

// Admit waits until the workspace may have one more call, by turns over its connections. The caller
// releases the place. The error is rate_limited if it cannot wait, or waited in vain.
func (w *Workspace) Admit(ctx context.Context, connection string, place *Reservation) error {
	if w == nil {
		return nil
	}
	err := w.calls.Admit(ctx, connection, 1, place)
	if err == nil {
		return nil
	}
	return w.refused(ctx, err, "serve.limits.calls", fmt.Sprintf("the workspace has its %d calls under way", w.limits.Calls))
}

// refused is the error of a call that cannot wait for others of its workspace, or waited in vain.
func (w *Workspace) refused(ctx context.Context, err error, field, what string) error {
	switch {
	case errors.Is(err, inflight.ErrFull):
		what += fmt.Sprintf(", and %d wait", w.limits.Queue)
	case errors.Is(ctx.Err(), context.Canceled):
		return fault.EndedWith(ctx, "the call was cancelled while it waited for others of its workspace")
	default:
		what += ", and too few ended in time"
	}
	return (&abi.Error{
		Kind: abi.KindRateLimited, Field: field, Retryable: true, RetryAfterMS: retryAfter.Milliseconds(), Message: what,
		Hint: "call again later, make fewer calls at once, or ask the operator of the server to raise " + field,
	}).WithCause(err)
}

// party is whose shares the connections of the workspace have, or nil.
func (w *Workspace) party() *turns.Party {
	if w == nil {
		return nil
	}
	return w.guests
}

// Workspaces are those that have connections in use. They are safe for concurrent use.
type Workspaces struct {
	memory *Memory
	turns  *turns.Turns
	limits inflight.Limits

	mu  sync.Mutex
	all map[string]weak.Pointer[Workspace]
}

// NewWorkspaces returns workspaces with limits; what is 0 has its default.
func NewWorkspaces(m *Memory, t *turns.Turns, l inflight.Limits) *Workspaces {
	l.Calls = cmp.Or(l.Calls, DefaultWorkspaceCalls)
	l.Bytes = min(cmp.Or(l.Bytes, max(m.bytes.Most()/2, inflight.Least)), m.bytes.Most())
	l.Queue = cmp.Or(l.Queue, DefaultWorkspaceQueue)
	l.Wait = cmp.Or(l.Wait, DefaultWorkspaceWait)
	return &Workspaces{memory: m, turns: t, limits: l, all: make(map[string]weak.Pointer[Workspace])}
}

// Get returns a workspace; nil for the operator's. It is kept as long as a connection has it.
func (ws *Workspaces) Get(name string) *Workspace {
	if name == "" {
		return nil
	}
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if w := ws.all[name].Value(); w != nil {
		return w
	}
	queue := inflight.Queue{Most: int64(ws.limits.Queue), Wait: ws.limits.Wait}
	w := &Workspace{
		limits: ws.limits, guests: ws.turns.NewParty(),
		calls: inflight.NewQueued(int64(ws.limits.Calls), queue), bytes: ws.memory.bytes.NewPart(ws.limits.Bytes, queue),
	}
	ws.all[name] = weak.Make(w)
	runtime.AddCleanup(w, ws.forget, name)
	return w
}

// forget drops a workspace that nobody has any more.
func (ws *Workspaces) forget(name string) {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	if ws.all[name].Value() == nil {
		delete(ws.all, name)
	}
}
