package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	database "github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/pgtest"
)

// roundRobin is a plain proxy in front of several servers: each connection goes to the next one,
// and one that refuses it is skipped.
type roundRobin struct {
	listener net.Listener
	nodes    []atomic.Pointer[string] // addresses; a restart changes one
	next     atomic.Uint64
}

// startRoundRobin starts a proxy, which the end of the test ends.
func startRoundRobin(t *testing.T, nodes int) *roundRobin {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &roundRobin{listener: l, nodes: make([]atomic.Pointer[string], nodes)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.carry(c)
		}
	}()
	return p
}

func (p *roundRobin) dial() (net.Conn, error) {
	for range p.nodes {
		address := p.nodes[p.next.Add(1)%uint64(len(p.nodes))].Load()
		if address == nil {
			continue
		}
		if c, err := net.Dial("tcp", *address); err == nil {
			return c, nil
		}
	}
	return nil, errors.New("each server refuses a connection")
}

func (p *roundRobin) carry(client net.Conn) {
	defer client.Close()
	node, err := p.dial()
	if err != nil {
		return
	}
	defer node.Close()
	go func() {
		_, _ = io.Copy(node, client)
		_ = node.Close()
	}()
	_, _ = io.Copy(client, node)
}

var nodeKills = flag.Int("node-kills", 4, "how many servers TestPostgresNodes kills")

// TestPostgresNodes kills servers that share a database, behind a proxy, and restarts the database, while
// clients of 16 workspaces write with keys, read and rename. What has no answer is sent again. No change
// that was acknowledged is lost, no write comes to the vendor twice, each has the credential of its own
// workspace and a start in the trail, and every error may be tried again, but where nobody knows how a
// write ended whose server was killed.
//
// threat: K6, S6
func TestPostgresNodes(t *testing.T) {
	if os.Getenv("AGENTHOST_TEST_POSTGRES") == "" {
		t.Skip("make test-postgres runs it")
	}
	random := seeded(t)
	postgres := pgtest.StartServer(t)
	l := newNodesLab(t, postgres.Connection()+" dbname=postgres")
	running, stop := context.WithCancel(t.Context())
	defer stop()
	var group sync.WaitGroup
	var clients []*nodesClient
	for i := range 16 {
		c := l.client(fmt.Sprintf("m%d", i))
		clients = append(clients, c)
		group.Go(func() { c.work(running) })
	}
	for kill := range *nodeKills {
		for until := l.acknowledged.Load() + 100; l.acknowledged.Load() < until && !t.Failed(); {
			time.Sleep(time.Millisecond)
		}
		if kill%3 == 1 {
			if err := errors.Join(postgres.Halt(), postgres.Resume(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
		i := random.IntN(len(l.nodes))
		l.nodes[i].kill()
		l.start(i)
	}
	stop()
	group.Wait()
	writes, unknown := 0, 0
	for _, c := range clients {
		c.check()
		writes, unknown = writes+c.writes, unknown+c.unknown
	}
	for _, n := range l.nodes {
		n.stop() // and the trail reaches the database
	}
	l.checkTrail(writes)
	t.Logf("%d kills, %d acknowledged writes, %d at the vendor, %d of unknown outcome", *nodeKills, l.acknowledged.Load(), writes, unknown)
}

// nodesLab is three servers of one database behind a proxy.
type nodesLab struct {
	t            *testing.T
	vendor       *owners
	proxy        *roundRobin
	nodes        []*servedProcess
	front        *servedProcess // a client of the proxy
	token        string
	acknowledged atomic.Int64
}

func newNodesLab(t *testing.T, address string) *nodesLab {
	t.Helper()
	l := &nodesLab{t: t, vendor: &owners{owner: make(map[string]string), writes: make(map[string]int)}, proxy: startRoundRobin(t, 3)}
	first := newServed(t, l.vendor, address)
	for i := range 3 {
		n := first
		if i > 0 {
			copied := *first
			n = &copied
			n.folder = t.TempDir()
			t.Cleanup(n.kill)
			for _, file := range []string{"agenthost.yaml", filepath.Join("data", database.MasterFile)} {
				text, err := os.ReadFile(filepath.Join(first.folder, file))
				if err == nil {
					err = os.MkdirAll(filepath.Dir(filepath.Join(n.folder, file)), 0o700)
				}
				if err == nil {
					err = os.WriteFile(filepath.Join(n.folder, file), text, 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		l.nodes = append(l.nodes, n)
		l.start(i)
	}
	// A connection for each request: the proxy sends the next one to the next server.
	l.front = &servedProcess{t: t, url: "http://" + l.proxy.listener.Addr().String(), client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}}
	l.token = first.token(first.bootstrap())
	return l
}

// start starts a server, and lets the proxy know where it is.
func (l *nodesLab) start(i int) {
	l.t.Helper()
	l.nodes[i].start()
	address := strings.TrimPrefix(l.nodes[i].url, "http://")
	l.proxy.nodes[i].Store(&address)
}

// nodesClient is a client of one workspace.
type nodesClient struct {
	l               *nodesLab
	name, id        string
	notes           []string // that it sent
	acknowledged    map[string]bool
	writes, unknown int
	// called is the name of the connection that was acknowledged, and maybe the one after it.
	called, maybe string
}

func (l *nodesLab) client(name string) *nodesClient {
	l.t.Helper()
	c := &nodesClient{l: l, name: name, called: name, maybe: name, acknowledged: make(map[string]bool)}
	l.vendor.own("credential-"+name, name+"-notes")
	var made airbyteapi.Record
	a, err := l.front.ask(http.MethodPost, airbyteapi.ConnectorsPath, l.token, map[string]any{"workspace_name": name, "connector_type": "Notes", "name": name, "credentials": map[string]any{"token": "credential-" + name}})
	if err == nil {
		err = a.into(&made)
	}
	if err != nil {
		l.t.Fatal(err)
	}
	c.id = made.ID
	return c
}

// work writes, reads and renames until ctx ends.
func (c *nodesClient) work(ctx context.Context) {
	for n := 0; ctx.Err() == nil && !c.l.t.Failed(); n++ {
		note := fmt.Sprintf("%s note %d", c.name, n)
		c.notes = append(c.notes, note)
		c.run(ctx, "notes", "create", map[string]string{"name": note, "high": "", "low": ""}, note)
		c.run(ctx, "me", "get", map[string]string{}, "")
		if n%10 == 9 {
			c.rename(ctx, fmt.Sprintf("%s %d", c.name, n))
		}
	}
}

// run runs an operation until it has an answer, or until ctx ends.
func (c *nodesClient) run(ctx context.Context, entity, action string, params map[string]string, key string) {
	text, err := json.Marshal(params)
	if err != nil {
		c.l.t.Error(err)
		return
	}
	var headers []string
	if key != "" {
		headers = []string{"Idempotency-Key", key}
	}
	for ctx.Err() == nil {
		a, err := c.l.front.ask(http.MethodPost, connectorAt(airbyteapi.ExecutePath, c.id), c.l.token, airbyteapi.ExecuteRequest{Entity: entity, Action: action, Params: text}, headers...) //nolint:contextcheck // a request ends with the test
		if err != nil {
			continue // the server was killed, or none was there
		}
		if a.status == http.StatusOK {
			var got struct{ Result struct{ Owner string } }
			if err := a.into(&got); err != nil || got.Result.Owner != c.name+"-notes" {
				c.l.t.Errorf("%s %s %s has the answer of %q: %v", c.name, action, key, got.Result.Owner, err)
			}
			if key != "" {
				c.acknowledged[key] = true
				c.l.acknowledged.Add(1)
			}
			return
		}
		if key != "" && strings.Contains(a.body, "outcome_unknown") {
			c.unknown++
			return
		}
		if !c.again(a, action) {
			return
		}
	}
}

// again reports whether a request may be sent again, as its answer says.
func (c *nodesClient) again(a *answer, what string) bool {
	switch a.status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusConflict:
		if a.header.Get("Retry-After") != "" {
			time.Sleep(20 * time.Millisecond) // a client would wait for longer
			return true
		}
	}
	c.l.t.Errorf("%s, %s: %d %s", c.name, what, a.status, a.body)
	return false
}

// rename gives the connection another name.
func (c *nodesClient) rename(ctx context.Context, name string) {
	c.maybe = name
	for ctx.Err() == nil {
		a, err := c.l.front.ask(http.MethodPut, connectorAt(airbyteapi.ConnectorPath, c.id), c.l.token, map[string]string{"name": name}) //nolint:contextcheck // a request ends with the test
		switch {
		case err != nil:
		case a.status == http.StatusOK:
			c.called = name
			return
		case a.status == http.StatusConflict: // the change before it was made, without an answer
			c.called = c.maybe
			return
		case !c.again(a, "rename"):
			return
		}
	}
}

// check compares what was acknowledged with what the vendor and the server have.
func (c *nodesClient) check() {
	for _, note := range c.notes {
		n := c.l.vendor.count(note)
		c.writes += n
		if n > 1 || n == 0 && c.acknowledged[note] {
			c.l.t.Errorf("%s came %d times, acknowledged %t", note, n, c.acknowledged[note])
		}
	}
	var now airbyteapi.Record
	a, err := c.l.front.ask(http.MethodGet, connectorAt(airbyteapi.ConnectorPath, c.id), c.l.token, nil)
	if err == nil {
		err = a.into(&now)
	}
	if err != nil || now.Name != c.called && now.Name != c.maybe {
		c.l.t.Errorf("the connection is called %q, and not %q: %v", now.Name, c.called, err)
	}
}

// checkTrail compares the starts of writes in the trail with what came to the vendor.
func (l *nodesLab) checkTrail(writes int) {
	l.t.Helper()
	db := l.nodes[0].open()
	defer db.Close()
	p := database.Scope{Organization: l.nodes[0].bootstrap().Organization}
	starts := 0
	for after := ""; ; {
		page, err := db.Audit(l.t.Context(), p, database.Page{After: after})
		if err != nil {
			l.t.Fatal(err)
		}
		for _, r := range page {
			if r.Event == "start" {
				starts++
			}
			after = r.Cursor()
		}
		if len(page) < database.MaxPage {
			break
		}
	}
	if starts < writes {
		l.t.Errorf("the trail has %d starts of %d writes", starts, writes)
	}
}
