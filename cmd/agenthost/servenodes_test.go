package main

import (
	"context"
	"errors"
	"flag"
	"sync"
	"testing"
	"time"
)

var (
	nodeKills = flag.Int("node-kills", 6, "how many servers TestPostgresNodes kills")
	nodeEvery = flag.Duration("node-every", 2*time.Second, "how long TestPostgresNodes waits before each kill at least")
)

// TestPostgresNodes kills servers that share a database, behind a proxy, and restarts the database, while
// clients of 16 workspaces write, read and rename, and others want more than the vendor allows. What has no
// answer is sent again, where it has a key. No change that was acknowledged is lost, no write comes to the
// vendor twice, each has the credential of its own workspace and a start in the trail, and every error may be
// tried again, but where nobody knows how a write ended whose server was killed. The vendor does not get
// more than it allows.
//
// threat: K6, S6
func TestPostgresNodes(t *testing.T) {
	needPostgres(t)
	t.Parallel()
	random := seeded(t)
	l := newNodesLab(t, nodesOptions{})
	running, stop := context.WithCancel(t.Context())
	defer stop()
	var group sync.WaitGroup
	clients := l.crowd(running, &group)
	for kill := range *nodeKills {
		begun, until := time.Now(), l.acknowledged.Load()+100
		for (l.acknowledged.Load() < until || time.Since(begun) < *nodeEvery) && !t.Failed() {
			time.Sleep(time.Millisecond)
		}
		if kill%3 == 1 {
			if err := errors.Join(l.postgres.Halt(), l.postgres.Resume(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		i := random.IntN(len(l.nodes))
		l.nodes[i].kill()
		l.start(i)
	}
	stop()
	group.Wait()
	writes, unknown := l.check(clients)
	l.checkLimit()
	t.Logf("%d kills, %d acknowledged writes, %d at the vendor, %d of unknown outcome", *nodeKills, l.acknowledged.Load(), writes, unknown)
}
