package mcp

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/httpserve"
)

// MaxMessage is the largest size of a message.
const MaxMessage = maxMessage

// Impatient makes a server wait for its clients for some milliseconds only.
func Impatient(o HTTPOptions) HTTPOptions {
	p := httpserve.DefaultPatience()
	p.Silence, p.Body, p.Room, p.Take, p.Linger, p.Newcomer = 100*time.Millisecond, 200*time.Millisecond, 50*time.Millisecond, 200*time.Millisecond, 20*time.Millisecond, 50*time.Millisecond
	o.patience = p
	return o
}

// RefuseAtOnce makes a server have a message wait for memory for some milliseconds only.
func RefuseAtOnce(o HTTPOptions) HTTPOptions {
	o.patience = httpserve.DefaultPatience()
	o.patience.Room = 50 * time.Millisecond
	return o
}

// BearSilence makes a server wait for all of a body, and not for its parts.
func BearSilence(o HTTPOptions) HTTPOptions {
	o.patience.Silence = time.Hour
	return o
}

// LimitRoom bounds how long a message waits for memory.
func (s *Server) LimitRoom(d time.Duration) { s.room = d }

// LimitSessions bounds the sessions over HTTP.
func (s *Server) LimitSessions(most, each int) { s.sessions = newSessions(most, each) }

// HoldBodies takes the memory for long messages but for some bytes, until the returned
// function is called.
func (s *Server) HoldBodies(left int64) (release func()) {
	release, err := s.host.HoldMessage(context.Background(), "test", (256<<20)/2-left)
	if err != nil {
		panic(err)
	}
	return release
}

// OpenQuestions are the states of the questions that wait for an answer.
func (s *Server) OpenQuestions() []string {
	s.questions.mu.Lock()
	defer s.questions.mu.Unlock()
	return slices.Collect(maps.Keys(s.questions.open))
}

// MaxTenants is for how many principals tools are kept.
const MaxTenants = maxTenants

// Tenants returns how many are kept.
func (m *Many) Tenants() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.tenants)
}

// Visit makes a principal come by.
func (m *Many) Visit(workspace string) {
	p := host.Principal{Workspace: workspace, Subject: "s"}
	m.tenant(keyOf(p), &Identity{Principal: p}).leave()
}

// ForgetIdle forgets those that are idle at a time.
func (m *Many) ForgetIdle(now time.Time) { m.forgetIdle(now) }
