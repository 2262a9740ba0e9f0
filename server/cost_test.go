package server

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store/pgtest"
)

// cost is what PostgreSQL was sent, by the first words of statements: of calls, and of what nodes send
// without any call.
type cost struct {
	calls, idle map[string]int
	took        time.Duration
}

// idleStatements begin what nodes send without any call: they say that they are there, ask whether the
// database is, look for jobs (of River, each with its name), and remove what nobody needs.
var idleStatements = []string{"-- ping", "-- name: ", "WITH beaten AS", "SELECT newest FROM revision", "DELETE FROM"}

// add counts statements. One that begins a transaction belongs to the next one of its connection, and one
// that ends it to the one before.
func (c *cost) add(sent []pgtest.Statement) {
	of, begun := make(map[string]map[string]int), make(map[string]bool)
	for _, s := range sent {
		switch at := s.Connection; s.FirstLine {
		case "begin":
			begun[at] = true
		case "commit", "rollback":
			if counts := of[at]; counts != nil {
				counts[s.FirstLine]++
			}
		default:
			of[at] = c.calls
			for _, idle := range idleStatements {
				if strings.HasPrefix(s.FirstLine, idle) {
					of[at] = c.idle
				}
			}
			words := strings.Fields(s.FirstLine)
			of[at][strings.Join(words[:min(2, len(words))], " ")]++
			if begun[at] {
				begun[at] = false
				of[at]["begin"]++
			}
		}
	}
}

// costOf makes calls on all nodes in turn, from several clients, and waits until the audit trail has them.
func costOf(t *testing.T, nodes []*loginLab, postgres *pgtest.Server, calls int, call func(l *loginLab, i int)) cost {
	t.Helper()
	delivered := func() {
		for _, l := range nodes {
			l.eventually("the audit trail has all records", func() bool {
				waiting, err := filepath.Glob(filepath.Join(l.s.options.Data, spoolFolder, "*.jsonl"))
				return err == nil && len(waiting) == 0
			})
		}
	}
	delivered()
	before, err := postgres.Statements()
	if err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	var clients sync.WaitGroup
	const at = 8
	for first := range at {
		clients.Go(func() {
			for i := first; i < calls; i += at {
				call(nodes[i%len(nodes)], i)
			}
		})
	}
	clients.Wait()
	delivered()
	c := cost{calls: make(map[string]int), idle: make(map[string]int), took: time.Since(begun)}
	after, err := postgres.Statements()
	if err != nil {
		t.Fatal(err)
	}
	c.add(after[len(before):])
	return c
}

func sum(counts map[string]int) (n int) {
	for _, count := range counts {
		n += count
	}
	return n
}

// Calls of a connection that does not change ask the database for next to nothing, on any number of nodes:
// 1,000 reads send 10 statements at most, and a write 3. That is all that PostgreSQL logs, with the
// statements around transactions and the batches of the audit trail, one of which a node sends at most in
// a second. What a node sends without any call is counted for itself: three statements in a second.
func TestPostgresNodesQueries(t *testing.T) {
	for _, size := range []int{1, 2, 3} {
		t.Run(fmt.Sprint(size, " nodes"), func(t *testing.T) {
			nodes, postgres := newNodesOf(t, size)
			run := at(airbyteapi.ExecutePath, nodes[0].create("acme", "Pylon"))
			read := func(l *loginLab, _ int) {
				if r := l.ask(http.MethodPost, run, l.token, listUsers); r.status != http.StatusOK {
					t.Errorf("%d %s", r.status, r.body)
				}
			}
			write := func(l *loginLab, i int) {
				if r := l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, fmt.Sprint(i)); r.status != http.StatusOK {
					t.Errorf("%d %s", r.status, r.body)
				}
			}
			for i, l := range nodes {
				read(l, 0)
				write(l, -1-i)
			}
			report := func(what string, calls, most int, c cost) {
				t.Helper()
				seconds := int(c.took.Seconds()) + 1
				n := sum(c.calls)
				t.Logf("%d %s sent %d statements in %v: %v; without any call %.1f in a second and node: %v", calls, what, n, c.took, c.calls, float64(sum(c.idle))/c.took.Seconds()/float64(size), c.idle)
				if n > max(most, seconds*size) { // batches of a slow machine
					t.Errorf("%d %s sent %d statements: %v", calls, what, n, c.calls)
				}
				if n := sum(c.idle); n > 4*size*(seconds+2) {
					t.Errorf("%d nodes sent %d statements without any call in %v: %v", size, n, c.took, c.idle)
				}
			}
			const reads, writes = 1000, 200
			report("reads", reads, 10*reads/1000, costOf(t, nodes, postgres, reads, read))
			report("writes", writes, 3*writes, costOf(t, nodes, postgres, writes, write))
		})
	}
}
