package main

import (
	"context"
	"flag"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
)

var nodeFaults = flag.Int("node-faults", 4, "how often TestPostgresNodesCutOff disturbs the way of a server to the database")

// nodeFault is what happens to one server.
type nodeFault struct {
	name  string
	state linkState
	lasts time.Duration
}

// cutAway is for how long the servers of TestPostgresNodesCutOff go on without the database. It is longer
// than it takes a server that is cut off to go on with its share of a vendor's limit.
const cutAway = 13 * time.Second

var faultsOfNodes = []nodeFault{
	{"cut off", linkState{fault: linkDropped}, cutAway + 4*time.Second},
	{"500 ms away", linkState{delay: 250 * time.Millisecond}, 5 * time.Second},
	{"late", linkState{fault: linkHeld}, 2500 * time.Millisecond},
	{"refused", linkState{fault: linkRefused}, 2 * time.Second},
}

// TestPostgresNodesCutOff serves as TestPostgresNodes does, with the same checks, while one server at a
// time is cut off from the database for longer than database_away, is far away from it, has what it sent
// arrive much later, or is refused. The clocks of two servers are a minute apart from that of the third. A
// token that is revoked meanwhile is refused everywhere in time: see [nodesLab.revoke]. When all is well
// again, every write with a key has an answer.
//
// threat: K6, S6
func TestPostgresNodesCutOff(t *testing.T) {
	needPostgres(t)
	t.Parallel()
	random := seeded(t)
	l := newNodesLab(t, nodesOptions{away: cutAway, clocks: []time.Duration{time.Minute, 0, -time.Minute}})
	running, stop := context.WithCancel(t.Context())
	defer stop()
	var group sync.WaitGroup
	clients := l.crowd(running, &group)
	var order []int
	for n := 0; n < *nodeFaults && !t.Failed(); n++ {
		if n%len(faultsOfNodes) == 0 {
			order = random.Perm(len(faultsOfNodes))
		}
		l.disturb(random, faultsOfNodes[order[n%len(order)]])
	}
	stop()
	group.Wait()
	settling, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for _, c := range clients {
		group.Go(func() { c.settle(settling) })
	}
	group.Wait()
	writes, unknown := l.check(clients)
	l.checkLimit()
	t.Logf("%d faults, %d acknowledged writes, %d at the vendor, %d of unknown outcome", *nodeFaults, l.acknowledged.Load(), writes, unknown)
}

// disturb has a fault happen to a server, and waits until it is over.
func (l *nodesLab) disturb(random *rand.Rand, f nodeFault) {
	l.t.Helper()
	node, before := random.IntN(nodesCount), l.acknowledged.Load()
	if f.state.fault == linkDropped {
		l.revoke(node, f)
	} else {
		l.links[node].set(f.state)
		time.Sleep(f.lasts)
	}
	written := l.acknowledged.Load() - before
	l.links[node].set(linkState{})
	for _, n := range l.nodes {
		n.says("ok")
	}
	l.t.Logf("server %d was %s for %s: %d writes", node, f.name, f.lasts, written)
	if written == 0 && f.lasts > lostNotice {
		l.t.Error("nothing was written")
	}
}

// revoke revokes a token while a server is cut off. It is good there for as long as database_away at most,
// and refused at once by the others.
func (l *nodesLab) revoke(cut int, f nodeFault) {
	l.t.Helper()
	token := l.workspaceToken("m0")
	for _, n := range l.nodes {
		n.answers(token.Token, http.StatusOK)
	}
	l.links[cut].set(f.state)
	begun := time.Now()
	via, other := l.nodes[(cut+1)%nodesCount], l.nodes[(cut+2)%nodesCount]
	l.revokeToken(via, token)
	revoked := time.Now()
	other.answers(token.Token, http.StatusUnauthorized)
	heard := time.Since(revoked)
	var call, until time.Duration // when a call began, and when the last one did that the token was good for
	for ; call < f.lasts; time.Sleep(5 * time.Millisecond) {
		call = time.Since(begun)
		if a, err := l.nodes[cut].tools(token.Token); err != nil || a.status != http.StatusOK {
			break
		}
		until = call
	}
	time.Sleep(f.lasts - time.Since(begun))
	l.links[cut].set(linkState{})
	l.nodes[cut].answers(token.Token, http.StatusUnauthorized)
	l.t.Logf("a revoked token was refused after %s by a server with the database, and after %s by one without", heard.Round(time.Millisecond), until.Round(time.Millisecond))
	if heard > lostNotice || until > cutAway+500*time.Millisecond || until == 0 {
		l.t.Errorf("want at most %s and %s", lostNotice, cutAway)
	}
}

// workspaceTokensAt is where tokens of workspaces are made and revoked.
const workspaceTokensAt = airbyteapi.Prefix + "/agenthost/workspace_tokens"

// madeToken is a token of a workspace.
type madeToken struct{ ID, Token string }

// workspaceToken makes a token of a workspace.
func (l *nodesLab) workspaceToken(workspace string) (made madeToken) {
	l.t.Helper()
	a, err := l.front.ask(http.MethodPost, workspaceTokensAt, l.token, map[string]string{"workspace_name": workspace, "name": "t"})
	if err == nil {
		err = a.into(&made)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return made
}

// revokeToken has a server revoke a token. A server that was cut off in a transaction holds up the changes of
// the others until PostgreSQL ends that, and they say to ask again.
func (l *nodesLab) revokeToken(via *servedProcess, token madeToken) {
	l.t.Helper()
	again := false // then it may have been done before, and the answer got lost
	for until := time.Now().Add(lostNotice); ; time.Sleep(50 * time.Millisecond) {
		a, err := via.ask(http.MethodDelete, workspaceTokensAt+"/"+token.ID, l.token, nil)
		switch {
		case err == nil && (a.status == http.StatusOK || again && a.status == http.StatusNotFound):
			return
		case err != nil || a.status != http.StatusServiceUnavailable || time.Now().After(until):
			l.t.Fatalf("revoke: %+v, %v", a, err)
		}
		again = true
	}
}

// tools lists the tools of MCP with a token of a workspace.
func (s *servedProcess) tools(token string) (*answer, error) {
	return s.ask(http.MethodPost, "/mcp", token, map[string]any{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}, "Accept", "application/json, text/event-stream", "Mcp-Protocol-Version", "2025-11-25")
}

// answers waits until the server answers to a token with a status.
func (s *servedProcess) answers(token string, status int) {
	s.t.Helper()
	for until := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		a, err := s.tools(token)
		if err == nil && a.status == status {
			return
		}
		if time.Now().After(until) {
			s.t.Fatalf("%+v, %v; want %d", a, err, status)
		}
	}
}

// settle has each write of a client that has a key and no answer get one.
func (c *nodesClient) settle(ctx context.Context) {
	for number, note := range c.notes {
		if !note.keyed || note.acknowledged || note.lost {
			continue
		}
		c.repeat(ctx, number)
		if !note.acknowledged && !note.lost && !c.l.t.Failed() {
			c.l.t.Errorf("%s has no answer", note.name)
		}
	}
}

// lostNotice is how late a change is seen at most where its notice is lost.
const lostNotice = 5 * time.Second

// says waits until the server says at /readyz how it is.
func (s *servedProcess) says(want string) {
	s.t.Helper()
	for until := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		a, err := s.ask(http.MethodGet, "/readyz", "", nil)
		if err != nil {
			s.t.Fatal(err)
		}
		if strings.TrimSpace(a.body) == want {
			return
		}
		if time.Now().After(until) {
			s.t.Fatalf("%d %s, want %s", a.status, a.body, want)
		}
	}
}
