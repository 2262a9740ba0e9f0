package api

import (
	"net/http"
	"sync"

	"github.com/agenthost/agenthost/server/internal/token"
)

// shares counts the requests that run, by caller, so that one caller cannot have all connections
// of the server.
type shares struct {
	mu   sync.Mutex
	runs map[string]int
}

// share is how many requests of a caller run at once. The tokens for one workspace together have
// an eighth of the connections, and those of an application itself have half.
func share(c *token.Claims, connections int) int {
	if c.Workspace == "" {
		return max(1, connections/2)
	}
	return max(1, connections/8)
}

// enter counts a request until left is called, or refuses it.
func (s *shares) enter(c *token.Claims, connections int) (left func(), err error) {
	who := caller(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runs[who] >= share(c, connections) {
		return nil, &Refusal{Status: http.StatusTooManyRequests, Message: "too many requests of this application or workspace run at once", Hint: "send it again when one of them has ended", RetryAfter: retryLater}
	}
	if s.runs == nil {
		s.runs = make(map[string]int)
	}
	s.runs[who]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.runs[who]--; s.runs[who] == 0 {
			delete(s.runs, who)
		}
	}, nil
}
