package mcp

import (
	"context"
	"sync"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// The limits of sessions over HTTP, in all and for one caller.
const (
	maxSessions     = 1024
	maxSessionsEach = 256
)

// shares counts what callers hold, with a limit in all and for each caller.
type shares struct {
	most, each int

	mu    sync.Mutex
	total int
	of    map[string]int
}

func newShares(most, each int) *shares {
	return &shares{most: max(1, most), each: max(1, each), of: make(map[string]int)}
}

func (s *shares) take(caller string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= s.most || s.of[caller] >= s.each {
		return false
	}
	s.total++
	s.of[caller]++
	return true
}

func (s *shares) give(caller string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if s.of[caller]--; s.of[caller] == 0 {
		delete(s.of, caller)
	}
}

// sessions are the sessions of clients over HTTP. Many clients never end one, so at a limit a new one
// replaces the least recently used one, of the same caller or of all. Its client begins a new one, as
// the protocol says.
type sessions struct {
	most, each int

	mu   sync.Mutex
	open map[*sdk.ServerSession]*session
}

type session struct {
	caller string
	used   time.Time
	ending bool // it makes room, after its running calls
}

func newSessions(most, each int) *sessions {
	return &sessions{most: most, each: each, open: make(map[*sdk.ServerSession]*session)}
}

// countSession records each use of a session.
func (s *Server) countSession(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		// Sessions without an id end with their request, or are over standard input.
		if of, ok := req.GetSession().(*sdk.ServerSession); ok && of.ID() != "" {
			if oldest := s.sessions.use(of, s.owner(req), s.tenant); oldest != nil {
				s.log.Info("ended a session because there are too many", "caller", s.caller(req))
				go func() { _ = oldest.Close() }() // waits for its running calls
			}
		}
		return next(ctx, method, req)
	}
}

// use records the use of a session, and returns the one that has to end for it.
func (s *sessions) use(of *sdk.ServerSession, caller string, t *tenant) (oldest *sdk.ServerSession) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.open[of]; known != nil {
		known.used = time.Now()
		return nil
	}
	total, own := 0, 0
	for _, other := range s.open {
		if !other.ending {
			total++
			if other.caller == caller {
				own++
			}
		}
	}
	if own >= s.each || total >= s.most {
		for candidate, other := range s.open {
			if other.ending || own >= s.each && other.caller != caller {
				continue
			}
			if oldest == nil || other.used.Before(s.open[oldest].used) {
				oldest = candidate
			}
		}
		s.open[oldest].ending = true
	}
	s.open[of] = &session{caller: caller, used: time.Now()}
	t.enter()
	go func() {
		_ = of.Wait()
		t.leave()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, of)
	}()
	return oldest
}

// close ends all sessions, without waiting for their calls.
func (s *sessions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.open {
		go func() { _ = one.Close() }()
	}
}
