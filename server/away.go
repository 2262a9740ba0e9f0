package server

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/server/internal/api"
)

// While PostgreSQL does not answer, the server goes on with what it has in memory, for
// Options.DatabaseAway: it runs reads, and writes without an Idempotency-Key, and their records wait on
// the data volume. What needs the database is refused, with the code unavailable.

// databaseAway is the default of Options.DatabaseAway.
const databaseAway = time.Minute

// ready refuses requests when the database has been away for too long: what the server knows is too old.
func (s *Server) ready() error {
	since := s.store.Away()
	if since.IsZero() || s.now().Sub(since) < s.options.DatabaseAway {
		return nil
	}
	return databaseGone()
}

// databaseGone is the refusal of what needs the database while it is away.
func databaseGone() error {
	return &api.Refusal{Status: http.StatusServiceUnavailable, Message: "the database does not answer", Hint: "ask again later", RetryAfter: time.Second}
}

// readiness is the answer of the probe /readyz.
func (s *Server) readiness(ctx context.Context) httpserve.Readiness {
	switch {
	case ctx.Err() != nil || s.ready() != nil:
		return httpserve.Ending
	case !s.store.Away().IsZero():
		return httpserve.Degraded
	case s.store.Ready(ctx) == nil:
		return httpserve.Ready
	case s.options.Database.IsZero(): // without its file, the server can do nothing
		return httpserve.Ending
	}
	return httpserve.Degraded
}

// back hears that the database answers again: others may have changed anything.
func (s *Server) back() {
	s.known.doubted()
	s.directory.doubts.Add(1)
}

// owed is what the database is to be told of writes that ended while it was away. A server that is
// killed before owes it no more: then nobody knows how the write ended.
type owed struct {
	mu    sync.Mutex
	tells []func(context.Context) error
}

const (
	// mostOwed bounds how many answers are in memory. Starts that failed have half of the room: callers
	// can make as many as they like.
	mostOwed       = 1000
	mostOwedStarts = mostOwed / 2
	// payEvery is how often it is looked whether the database is back.
	payEvery = 500 * time.Millisecond
)

var errOwed = errors.New("too much waits for the database")

// later keeps what the database is to be told, if that failed because the database is away. Otherwise
// it returns err.
func (o *owed) later(err error, tell func(context.Context) error) error {
	return o.behind(mostOwed, err, tell)
}

// behind is later where fewer than most wait.
func (o *owed) behind(most int, err error, tell func(context.Context) error) error {
	if !errors.Is(err, store.ErrAway) {
		return err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.tells) >= most {
		return errors.Join(errOwed, err)
	}
	o.tells = append(o.tells, tell)
	return nil
}

// pay tells the database what it is owed, the oldest first. It returns the error of the last one that
// the database does not need to be told any more.
func (o *owed) pay(ctx context.Context) error {
	var failed error
	for {
		o.mu.Lock()
		if len(o.tells) == 0 {
			o.mu.Unlock()
			return failed
		}
		tell := o.tells[0]
		o.mu.Unlock()
		err := tell(ctx)
		if errors.Is(err, store.ErrAway) || ctx.Err() != nil {
			return failed
		}
		if err != nil && !errors.Is(err, store.ErrNone) {
			failed = err
		}
		o.mu.Lock()
		o.tells = o.tells[1:]
		o.mu.Unlock()
	}
}

// payOwed tells the database what it is owed, until ctx ends, and once more then.
func (s *Server) payOwed(ctx context.Context) {
	for ctx.Err() == nil {
		_ = s.options.Host.Seams.Sleep(ctx, payEvery) // which ends with ctx
		if err := s.owed.pay(context.WithoutCancel(ctx)); err != nil {
			s.log.Error("the end of a write is not kept", "error", err)
		}
	}
}
