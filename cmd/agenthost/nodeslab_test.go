package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	database "github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/pgtest"
)

// nodesLab is three servers of one database behind a proxy, each with a link of its own to the
// database.
type nodesLab struct {
	t            *testing.T
	postgres     *pgtest.Server
	vendor       *owners
	limited      *limitedVendor
	proxy        *roundRobin
	nodes        []*servedProcess
	links        []*link        // of each server
	front        *servedProcess // a client of the proxy
	token        string
	acknowledged atomic.Int64
}

// nodesCount is how many servers a lab has.
const nodesCount = 3

// nodesOptions are how a lab is.
type nodesOptions struct {
	away   time.Duration   // database_away, if it is not the default
	clocks []time.Duration // how wrong the clock of each server is; nil for right ones
	flags  []string
}

// newNodesLab starts a lab, whose database ends with the test. Its servers have the connector notes.
func newNodesLab(t *testing.T, o nodesOptions) *nodesLab {
	t.Helper()
	l := &nodesLab{t: t, vendor: &owners{owner: make(map[string]string), writes: make(map[string]int)}}
	l.limited = &limitedVendor{Handler: l.vendor}
	l.serve("notes", l.limited, o)
	return l
}

// serve starts the servers of a connector.
func (l *nodesLab) serve(connector string, vendor http.Handler, o nodesOptions) {
	t := l.t
	t.Helper()
	l.postgres, l.proxy = pgtest.StartServer(t), startRoundRobin(t, nodesCount)
	for range nodesCount {
		l.links = append(l.links, startLink(t, l.postgres.Socket()))
	}
	first := newServedConnector(t, connector, ", rate_limit: manifest", vendor, l.links[0].address())
	first.flags = o.flags
	if o.away > 0 {
		first.configure(fmt.Sprintf("  database_away: %s\n", o.away))
	}
	t.Cleanup(func() {
		for i, n := range l.nodes {
			if text := n.log.String(); t.Failed() {
				t.Logf("server %d says: %s", i, text[max(0, len(text)-4000):])
			}
		}
	})
	for i := range nodesCount {
		n := first
		if i > 0 {
			n = first.another(l.links[i].address())
		}
		if o.clocks != nil {
			n.env = append(slices.Clip(n.env), clockVariable+"="+o.clocks[i].String())
		}
		l.nodes = append(l.nodes, n)
		l.start(i)
	}
	// A connection for each request: the proxy sends the next one to the next server.
	l.front = &servedProcess{t: t, url: "http://" + l.proxy.listener.Addr().String(), client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}}
	l.token = first.token(first.bootstrap())
}

// configure adds lines to the configuration of a server that does not run yet.
func (s *servedProcess) configure(lines string) {
	s.t.Helper()
	f, err := os.OpenFile(filepath.Join(s.folder, "agenthost.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(lines)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// another is a server with the same configuration and master key, and a folder of its own. It does
// not run yet.
func (s *servedProcess) another(address string) *servedProcess {
	s.t.Helper()
	n := *s
	n.folder, n.database, n.cmd = s.t.TempDir(), address, nil
	n.env = append(slices.Clip(s.env), databaseVariable+"="+address)
	s.t.Cleanup(n.kill)
	for _, file := range []string{"agenthost.yaml", filepath.Join("data", database.MasterFile)} {
		text, err := os.ReadFile(filepath.Join(s.folder, file))
		if err == nil {
			err = os.MkdirAll(filepath.Dir(filepath.Join(n.folder, file)), 0o700)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(n.folder, file), text, 0o600)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return &n
}

// start starts a server, and lets the proxy know where it is.
func (l *nodesLab) start(i int) {
	l.t.Helper()
	l.nodes[i].start()
	address := strings.TrimPrefix(l.nodes[i].url, "http://")
	l.proxy.nodes[i].Store(&address)
}

// at is a server as its clients know it now.
func (l *nodesLab) at(i int) *servedProcess {
	return &servedProcess{t: l.t, url: "http://" + *l.proxy.nodes[i].Load(), client: l.front.client}
}

// check ends the servers, and compares what clients were told with what came to the vendor, and both
// with the trail. It returns how many writes came to the vendor, and of how many nobody knows the end.
func (l *nodesLab) check(clients []*nodesClient) (writes, unknown int) {
	l.t.Helper()
	for _, c := range clients {
		c.check()
	}
	for _, n := range l.nodes {
		n.stop() // and the trail reaches the database
	}
	db := l.nodes[0].open()
	defer db.Close()
	app := l.nodes[0].bootstrap()
	starts := noteStarts(l.t, db, app)
	for _, c := range clients {
		w, err := db.WorkspaceByName(l.t.Context(), database.Scope{Organization: app.Organization}, c.name)
		if err != nil {
			l.t.Fatal(err)
		}
		for number, note := range c.notes {
			if note.lost {
				unknown++
			}
			if l.vendor.count(note.name) == 0 {
				continue
			}
			if writes++; !starts[startOf(w.ID, number)] {
				l.t.Errorf("%s came to the vendor, and the trail has nothing of it", note.name)
			}
		}
	}
	return writes, unknown
}

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
	p := &roundRobin{nodes: make([]atomic.Pointer[string], nodes)}
	p.listener = listenLocally(t, p.carry)
	return p
}

// listenLocally has each connection to a port carried until the test ends.
func listenLocally(t *testing.T, carry func(net.Conn)) net.Listener {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go carry(c)
		}
	}()
	return l
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
