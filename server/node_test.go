package server

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/pgtest"
)

// newNodes returns three servers with one PostgreSQL.
func newNodes(t *testing.T, change ...func(*Options)) [3]*loginLab {
	t.Helper()
	nodes, _ := newNodesOf(t, 3, change...)
	return [3]*loginLab(nodes)
}

// newNodesOf returns some servers with one PostgreSQL, which logs what they send.
func newNodesOf(t *testing.T, size int, change ...func(*Options)) (nodes []*loginLab, postgres *pgtest.Server) {
	t.Helper()
	if os.Getenv("AGENTHOST_TEST_POSTGRES") == "" {
		t.Skip("make test-postgres runs it")
	}
	postgres = pgtest.StartServer(t)
	database, key := secret.New([]byte(postgres.Connection()+" dbname=postgres"+pgtest.LogStatements)), secret.New([]byte("canary-of-the-nodes-master-key-3"))
	shared := func(o *Options) {
		o.Database, o.MasterKeys = database, func(context.Context) ([]secret.Value, error) { return []secret.Value{key}, nil }
	}
	all := append([]func(*Options){shared}, change...)
	first := newLoginLab(t, all...)
	for nodes = []*loginLab{first}; len(nodes) < size; {
		l := &loginLab{accounts: first.accounts, url: first.url, folder: t.TempDir()}
		l.start(t, append(all, func(o *Options) { o.Connectors["pylon"] = first.s.options.Connectors["pylon"] })...)
		if l.first != nil {
			t.Fatal("a second node made another first application")
		}
		l.token = first.token
		nodes = append(nodes, l)
	}
	return nodes, postgres
}

// everywhere waits until a request has an answer of the status on every node, and returns the latest time.
func everywhere(nodes [3]*loginLab, what string, status int, ask func(l *loginLab) reply) time.Duration {
	begun := time.Now()
	for _, l := range nodes {
		l.eventually(what, func() bool { return ask(l).status == status })
	}
	return time.Since(begun)
}

// What is changed on one node holds on all: a connection, its credential, a workspace, a token, a key.
//
// threat: K6
func TestPostgresNodesHearOfChanges(t *testing.T) {
	nodes := newNodes(t)
	first, third := nodes[0], nodes[2]
	id := first.create("acme", "Pylon")
	run := at(airbyteapi.ExecutePath, id)
	list := func(l *loginLab) reply { return l.ask(http.MethodPost, run, l.token, listUsers) }
	for _, l := range nodes { // at once: its client may be faster than the notice
		l.ok(list(l), &answered{})
	}

	var took []time.Duration
	for i := range 50 {
		name := fmt.Sprint("name ", i)
		first.ok(nodes[i%3].ask(http.MethodPut, at(airbyteapi.ConnectorPath, id), first.token, map[string]string{"name": name}), &airbyteapi.Record{})
		took = append(took, everywhere(nodes, "the name is "+name, http.StatusOK, func(l *loginLab) reply {
			r := l.ask(http.MethodGet, at(airbyteapi.ConnectorPath, id), l.token, nil)
			if !strings.Contains(r.body, `"`+name+`"`) {
				r.status = 0
			}
			return r
		}))
	}
	slices.Sort(took)
	t.Logf("a change is seen by all after %v, %v at most", took[len(took)/2], took[len(took)-1])

	wrong := map[string]any{"credentials": map[string]string{"api_token": "canary-of-a-wrong-token"}}
	first.ok(third.ask(http.MethodPut, at(airbyteapi.ConnectorPath, id), first.token, wrong), &airbyteapi.Record{})
	everywhere(nodes, "the new credential is refused", http.StatusUnauthorized, func(l *loginLab) reply {
		r := list(l)
		if strings.Contains(r.body, "auth_failed") {
			r.status = http.StatusUnauthorized
		}
		return r
	})

	other := third.create("other", "Pylon")
	// A token of MCP works anywhere, without a session, and its end too.
	made := first.workspaceToken("acme")
	for _, l := range nodes {
		if names := tools(t, l.connected(made.Token, nil, "2025-06-18")); len(names) == 0 {
			t.Error("there are no tools")
		}
	}
	first.delete(workspaceTokensPath + "/" + made.ID)
	everywhere(nodes, "the token is refused", http.StatusUnauthorized, func(l *loginLab) reply {
		return l.post(made.Token, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	})

	everywhere(nodes, "the other workspace is there", http.StatusOK, func(l *loginLab) reply {
		return l.ask(http.MethodPost, at(airbyteapi.ExecutePath, other), l.token, listUsers)
	})
	others := nodes[1].workspaceToken("other")
	if r := third.post(others.Token, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`); r.status != http.StatusOK {
		t.Errorf("a token that another node made: %d %s", r.status, r.body)
	}
	w, err := first.s.store.WorkspaceByName(t.Context(), store.Scope{Organization: first.first.Organization}, "other")
	if err != nil {
		t.Fatal(err)
	}
	first.ok(first.ask(http.MethodPatch, strings.ReplaceAll(airbyteapi.WorkspacePath, "{workspace_id}", w.ID), first.token, map[string]string{"status": "inactive"}), &airbyteapi.WorkspaceRecord{})
	everywhere(nodes, "the stopped workspace is refused", http.StatusForbidden, func(l *loginLab) reply {
		return l.post(others.Token, `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`)
	})
}

// However many calls need a new token at once, on however many nodes, the vendor is asked for it once.
//
// threat: K6
func TestPostgresNodesRefreshOnce(t *testing.T) {
	nodes := newNodes(t)
	account := nodes[0].accounts.Add("ada")
	id := nodes[0].connect("acme", "CRM", credentialsOf(account))
	everywhere(nodes, "the login works", http.StatusOK, func(l *loginLab) reply { return l.me(id) })
	before := account.Refreshes()
	account.Expire()
	var calls sync.WaitGroup
	for i := range 99 {
		calls.Go(func() {
			if r := nodes[i%3].me(id); r.status != http.StatusOK {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
	}
	calls.Wait()
	if n := account.Refreshes() - before; n != 1 {
		t.Errorf("the vendor was asked %d times", n)
	}
}

// A write with a key goes to the vendor once, whichever nodes get it.
//
// threat: S6
func TestPostgresNodesWriteOnce(t *testing.T) {
	nodes := newNodes(t)
	id := nodes[0].create("acme", "Pylon")
	run := at(airbyteapi.ExecutePath, id)
	everywhere(nodes, "the connection is there", http.StatusOK, func(l *loginLab) reply { return l.ask(http.MethodPost, run, l.token, listUsers) })
	nodes[0].writes()
	var calls sync.WaitGroup
	for i := range 30 {
		calls.Go(func() {
			if r := nodes[i%3].ask(http.MethodPost, run, nodes[0].token, newTeam, keyHeader, "once"); r.status != http.StatusOK && r.status != http.StatusConflict {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
	}
	calls.Wait()
	for _, l := range nodes {
		l.ok(l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, "once"), &answered{})
	}
	if n := nodes[0].writes(); n != 1 {
		t.Errorf("the vendor got %d writes", n)
	}
	// A node that ends leaves its unfinished writes to nobody.
	begun := store.Write{Scope: store.Scope{Organization: nodes[0].first.Organization}, Connection: id, Caller: nodes[0].first.ClientID + " ", Key: "cut", Hash: []byte("h"), Start: "0193-cut"}
	if prior, err := nodes[2].s.store.BeginWrite(t.Context(), begun, store.AuditRecord{ID: begun.Start, Event: "start", Scope: begun.Scope, Record: []byte("{}")}); prior != nil || err != nil {
		t.Fatal(prior, err)
	}
	if err := nodes[2].s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if prior, err := nodes[0].s.store.PriorWrite(t.Context(), begun); err != nil || prior.State != store.WriteUnknown {
		t.Errorf("%+v, %v", prior, err)
	}
}

// What a vendor allows an account is what all nodes together send.
func TestPostgresNodesShareRates(t *testing.T) {
	nodes := newNodes(t, func(o *Options) {
		c := o.Connectors["pylon"]
		c.RateLimit, c.Limits.Timeout = config.RateManifest, 5*time.Second
		o.Connectors["pylon"] = c
	})
	id := nodes[0].create("acme", "Pylon")
	run := at(airbyteapi.ExecutePath, id)
	everywhere(nodes, "the connection is there", http.StatusOK, func(l *loginLab) reply { return l.ask(http.MethodGet, at(airbyteapi.ConnectorPath, id), l.token, nil) })
	nodes[0].vendor.Reset()
	var sent, limited atomic.Int64
	var calls sync.WaitGroup
	for i := range 45 { // 20 in a minute are allowed
		calls.Go(func() {
			r := nodes[i%3].ask(http.MethodPost, run, nodes[0].token, `{"entity": "accounts", "action": "search", "params": {"filter": {"field": "domains", "operator": "contains", "value": "example.com"}}}`)
			switch {
			case r.status == http.StatusOK:
				sent.Add(1)
			case r.status == http.StatusTooManyRequests && r.header.Get("Retry-After") != "":
				limited.Add(1)
			default:
				t.Errorf("%d %s", r.status, r.body)
			}
		})
	}
	calls.Wait()
	if n := len(nodes[0].vendor.Requests()); n != 20 || sent.Load() != 20 || limited.Load() != 25 {
		t.Errorf("the vendor got %d requests; %d calls were good, and %d have to wait", n, sent.Load(), limited.Load())
	}
}
