package mcp

import (
	"context"
	"sync"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// How many sessions there are over HTTP, in all and of one caller.
const (
	maxSessions     = 1024
	maxSessionsEach = 256
)

// shares counts what callers hold, of which there is a bounded number in all and for each.
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

// sessions are those of clients over HTTP. Many clients never end one, so that a new one
// takes the place of the one that was not used for longest: of the same caller, if he has
// his share, or of all. Its client begins a new one, as the protocol says.
type sessions struct {
	most, each int

	mu   sync.Mutex
	open map[*sdk.ServerSession]*session
}

type session struct {
	caller string
	used   time.Time
	ending bool // it makes room, and waits for what it runs
}

func newSessions(most, each int) *sessions {
	return &sessions{most: most, each: each, open: make(map[*sdk.ServerSession]*session)}
}

// countSession notes each use of a session.
func (s *Server) countSession(next sdk.MethodHandler) sdk.MethodHandler {
	return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
		// Those without an id end with their request, or are that of standard input.
		if of, ok := req.GetSession().(*sdk.ServerSession); ok && of.ID() != "" {
			if oldest := s.sessions.use(of, s.caller(req)); oldest != nil {
				s.log.Info("ended a session because there are too many", "caller", s.caller(req))
				go func() { _ = oldest.Close() }() // which waits for what it runs
			}
		}
		return next(ctx, method, req)
	}
}

// use notes that a session is used, and returns the one that has to end for it.
func (s *sessions) use(of *sdk.ServerSession, caller string) (oldest *sdk.ServerSession) {
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
	go func() {
		_ = of.Wait() // how it ended is of no interest
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, of)
	}()
	return oldest
}

// close ends all sessions, and does not wait for what they run.
func (s *sessions) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for one := range s.open {
		go func() { _ = one.Close() }()
	}
}
