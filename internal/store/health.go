package store

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// ErrAway says that the database does not answer. What was asked of it is not done, or it is not known
// whether it was done.
var ErrAway = errors.New("the database does not answer")

// CodeAway is the code of the *[abi.Error] that has [ErrAway] as its cause.
const CodeAway = "unavailable"

// awayError is the error for callers while the database is away.
func awayError(cause error) error {
	if errors.Is(cause, ErrAway) {
		cause = ErrAway
	} else {
		cause = errors.Join(ErrAway, cause)
	}
	return (&abi.Error{
		Kind: abi.KindInternal, Code: CodeAway, Message: ErrAway.Error(), Hint: "ask again later", Retryable: true, RetryAfterMS: 1000,
	}).WithCause(cause)
}

// health says whether a database elsewhere answers. What waits for an answer when it goes away ends at
// once, and nobody asks it before it is back.
type health struct {
	now   func() time.Time
	doubt chan struct{} // has a value when something failed

	mu    sync.Mutex
	ctx   context.Context // ends when the database goes away
	leave context.CancelCauseFunc
	since time.Time // zero while it answers
	hears []func()  // that it answers again
}

func newHealth(now func() time.Time) *health {
	h := &health{now: now, doubt: make(chan struct{}, 1)}
	h.ctx, h.leave = context.WithCancelCause(context.Background())
	return h
}

// away returns since when the database does not answer; zero if it does.
func (h *health) away() time.Time {
	if h == nil {
		return time.Time{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.since
}

// left notes that the database does not answer, and when it last did.
func (h *health) left(answered time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.since.IsZero() {
		h.since = answered
		h.leave(ErrAway)
	}
}

// back notes that the database answers again.
func (h *health) back() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.hears {
		f()
	}
	h.since = time.Time{}
	h.ctx, h.leave = context.WithCancelCause(context.Background())
}

// failed asks for a look at the database, after an error of it.
func (h *health) failed() {
	if h == nil {
		return
	}
	select {
	case h.doubt <- struct{}{}:
	default:
	}
}

// within bounds work with the database in time, and ends it when the database goes away. One that takes too
// long is away, too.
func (s *Store) within(ctx context.Context) (context.Context, context.CancelFunc) {
	if s.health == nil {
		return context.WithTimeout(ctx, queryTimeout)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, queryTimeout, ErrAway)
	ctx, end := context.WithCancelCause(ctx)
	s.health.mu.Lock()
	answers := s.health.ctx
	s.health.mu.Unlock()
	stop := context.AfterFunc(answers, func() { end(ErrAway) })
	if answers.Err() != nil { // AfterFunc takes a moment
		end(ErrAway)
	}
	return ctx, func() { stop(); end(nil); cancel() }
}

// OnBack has f called when the database answers again, before anybody may use it: others may have
// changed anything. It must neither wait nor use
// the store.
func (s *Store) OnBack(f func()) {
	if s.health == nil {
		return
	}
	s.health.mu.Lock()
	defer s.health.mu.Unlock()
	s.health.hears = append(s.health.hears, f)
}

// Away returns since when the database does not answer; zero if it does. While it does not, every
// other method fails at once, with [ErrAway].
func (s *Store) Away() time.Time { return s.health.away() }
