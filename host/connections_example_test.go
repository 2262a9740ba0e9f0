package host_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

// store has the connections of many workspaces in memory. A program with customers of its own
// has something like it in front of its database.
type store struct {
	mu        sync.Mutex
	rows      map[string]map[string]row // by workspace and name
	revisions int
	changes   chan host.ConnectionChange
}

// row is a connection. Owner, if not empty, is the only subject that may see it.
type row struct {
	connection      host.Connection
	revision, owner string
}

func newStore() *store {
	return &store{rows: make(map[string]map[string]row), changes: make(chan host.ConnectionChange, 1)}
}

// put adds a connection, or changes it.
func (s *store) put(workspace, name, owner string, c host.Connection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rows[workspace] == nil {
		s.rows[workspace] = make(map[string]row)
	}
	s.revisions++
	s.rows[workspace][name] = row{c, strconv.Itoa(s.revisions), owner}
	s.announce(host.ConnectionChange{Workspace: workspace, Names: []string{name}})
}

func (s *store) remove(workspace, name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.rows[workspace], name)
	s.announce(host.ConnectionChange{Workspace: workspace, Names: []string{name}})
}

// announce never waits for the host. Where the host did not read the last change yet, one that
// says everything takes its place.
func (s *store) announce(change host.ConnectionChange) {
	select {
	case s.changes <- change:
	default:
		select {
		case <-s.changes:
		default:
		}
		s.changes <- host.ConnectionChange{Everything: true}
	}
}

func (r row) visible(p host.Principal) bool { return r.owner == "" || r.owner == p.Subject }

// Get implements host.Connections.
func (s *store) Get(_ context.Context, p host.Principal, name string) (host.Connection, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, there := s.rows[p.Workspace][name]
	if !there || !r.visible(p) {
		return host.Connection{}, "", host.ErrNoConnection
	}
	return r.connection, r.revision, nil
}

// List implements host.Connections. A cursor is the last name of the page before.
func (s *store) List(_ context.Context, p host.Principal, prefix, cursor string) (host.ConnectionPage, error) {
	const most = 100
	s.mu.Lock()
	defer s.mu.Unlock()
	var page host.ConnectionPage
	for _, name := range slices.Sorted(maps.Keys(s.rows[p.Workspace])) {
		r := s.rows[p.Workspace][name]
		if name <= cursor || !strings.HasPrefix(name, prefix) || !r.visible(p) {
			continue
		}
		if len(page.Connections) == most {
			page.Next = page.Connections[most-1].Name
			break
		}
		page.Connections = append(page.Connections, host.ListedConnection{Name: name, Revision: r.revision, Connection: r.connection})
	}
	return page, nil
}

// Changes implements host.Connections.
func (s *store) Changes(context.Context) (<-chan host.ConnectionChange, error) { return s.changes, nil }

// Each customer of a program has connections of its own, which change while the host is open.
func ExampleConnections() {
	ctx := context.Background()
	customers := newStore()
	var support host.Connection // of the simulated Pylon
	h, done := exampleHost(ctx, func(o *host.Options) {
		support = o.Connections.(host.StaticConnections)["support"]
		o.Connections = customers
	})
	defer done()

	call := func(p host.Principal) string {
		_, err := h.Execute(ctx, "support", host.Call{Principal: p, Entity: "accounts", Action: "list", Params: host.Params{"limit": 1}})
		var e *host.Error
		if errors.As(err, &e) {
			return string(e.Kind)
		}
		if err != nil {
			log.Fatal(err)
		}
		return "ok"
	}
	alice := host.Principal{Workspace: "acme", Subject: "alice", Scopes: []host.Scope{host.ScopeRead}}
	bob := host.Principal{Workspace: "initech", Subject: "bob", Scopes: []host.Scope{host.ScopeRead}}

	customers.put("acme", "support", "", support)
	fmt.Println("acme has it:", call(alice), call(bob))

	support.Secrets = map[string]secret.Value{"api_token": secret.New([]byte("wrong"))}
	customers.put("acme", "support", "", support)
	fmt.Println("with another credential:", call(alice))

	support.Allow = &config.Allow{Effects: []abi.Effect{abi.EffectWrite}}
	customers.put("acme", "support", "", support)
	fmt.Println("with another grant:", call(alice))

	customers.remove("acme", "support")
	fmt.Println("removed:", call(alice))
	// Output:
	// acme has it: ok unknown_operation
	// with another credential: auth_failed
	// with another grant: denied
	// removed: unknown_operation
}
