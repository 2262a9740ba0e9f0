package main

import (
	"flag"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
)

var (
	nodeChanges = flag.Int("node-changes", 200, "how many changes TestPostgresNodesNews makes")
	nodeNews    = flag.Duration("node-news", lostNotice, "how late 99 of 100 changes of TestPostgresNodesNews may be seen")
)

// TestPostgresNodesNews: what one of three servers changes, all of them know soon, and in 5 s where notices
// are lost; also that a token was revoked.
//
// threat: K6
func TestPostgresNodesNews(t *testing.T) {
	needPostgres(t)
	t.Parallel()
	l := newNodesLab(t, nodesOptions{})
	c := l.client("m0")
	n := 0
	times := func(what string, count int, change func(i int) (seen []time.Duration)) (took []time.Duration) {
		t.Helper()
		for range count {
			took = append(took, change(n)...)
			n++
		}
		slices.Sort(took)
		t.Logf("%d times, servers see %s after %s, in 99 of 100 cases after at most %s, and after %s in the last", count, what, took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
		if last := took[len(took)-1]; last > lostNotice {
			t.Errorf("one sees %s after %s", what, last)
		}
		return took
	}
	for what, took := range map[string][]time.Duration{
		"another name":    times("another name", *nodeChanges, c.seeName),
		"a revoked token": times("a revoked token", max(1, *nodeChanges/10), c.seeRevocation),
	} {
		if p99 := took[len(took)*99/100]; p99 > *nodeNews {
			t.Errorf("in 99 of 100 cases, they see %s after %s", what, p99)
		}
	}
	for _, link := range l.links {
		link.set(linkState{deaf: true})
	}
	took := times("another name without a notice", max(1, *nodeChanges/100), c.seeName)
	took = append(took, times("a revoked token without a notice", max(1, *nodeChanges/100), c.seeRevocation)...)
	if slices.Max(took) < 200*time.Millisecond {
		t.Error("the notices were not lost")
	}
}

// everywhere waits until each server sees something, and returns how long that took each of them.
func (l *nodesLab) everywhere(what string, sees func(s *servedProcess) bool) []time.Duration {
	l.t.Helper()
	begun := time.Now()
	took := make([]time.Duration, nodesCount)
	var group sync.WaitGroup
	for i, s := range l.nodes {
		group.Go(func() {
			for !sees(s) {
				if time.Since(begun) > 4*lostNotice {
					l.t.Errorf("server %d never sees %s", i, what)
					break
				}
				time.Sleep(200 * time.Microsecond)
			}
			took[i] = time.Since(begun)
		})
	}
	group.Wait()
	return took
}

// seeName has one server give the connection another name.
func (c *nodesClient) seeName(i int) []time.Duration {
	c.l.t.Helper()
	name, path := fmt.Sprintf("name %d", i), connectorAt(airbyteapi.ConnectorPath, c.id)
	if a, err := c.l.nodes[i%nodesCount].ask(http.MethodPut, path, c.l.token, map[string]string{"name": name}); err != nil || a.status != http.StatusOK {
		c.l.t.Fatalf("%+v, %v", a, err)
	}
	return c.l.everywhere("the name "+name, func(s *servedProcess) bool {
		a, err := s.ask(http.MethodGet, path, c.l.token, nil)
		return err == nil && strings.Contains(a.body, `"`+name+`"`)
	})
}

// seeRevocation has one server revoke a token that all of them know.
func (c *nodesClient) seeRevocation(i int) []time.Duration {
	c.l.t.Helper()
	token := c.l.workspaceToken(c.name)
	for _, s := range c.l.nodes {
		s.answers(token.Token, http.StatusOK)
	}
	c.l.revokeToken(c.l.nodes[i%nodesCount], token)
	return c.l.everywhere("the end of a token", func(s *servedProcess) bool {
		a, err := s.tools(token.Token)
		return err == nil && a.status == http.StatusUnauthorized
	})
}
