package host_test

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// effects is a connector with an operation of each effect, which sends nothing.
func effects(name string) []byte {
	operation := func(action string) string {
		return fmt.Sprintf(`{"entity": "notes", "action": %q, "description": "A note.", "effect": %[1]q, "params": {"type": "object"}, "requests": []}`, action)
	}
	return wasmtest.Static(fmt.Sprintf(`{
		"abi": 1, "name": %q, "title": "Notes", "version": "1.0.0", "description": "Notes of a test.",
		"servers": [{"id": "main", "url": "https://notes.example"}],
		"operations": [%s, %s, %s]
	}`, name, operation("read"), operation("write"), operation("delete")), `{"schemes": [{"id": "none", "type": "bearer", "origins": ["https://notes.example"],
		"fields": [{"name": "token", "secret": true, "required": true}],
		"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {token}"}]}]}`, `{"data": {"id": "n1"}, "meta": {}}`)
}

// desk is a connector with the operation me.get, which sends one request.
func desk() []byte {
	return wasmtest.Sending(`{
		"abi": 1, "name": "desk", "title": "Desk", "version": "1.0.0", "description": "A desk of a test.",
		"servers": [{"id": "main", "url": "https://desk.example"}],
		"operations": [{"entity": "me", "action": "get", "description": "Who asks.", "effect": "read", "params": {"type": "object"}, "requests": [{"method": "GET", "path": "/me"}]}]
	}`, `{"schemes": [{"id": "token", "type": "bearer", "origins": ["https://desk.example"],
		"fields": [{"name": "token", "secret": true, "required": true}],
		"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {token}"}]}]}`, `{"method": "GET", "path": "/me"}`)
}

func notes(allow *config.Allow) host.Connection {
	return host.Connection{Connector: "notes", Secrets: map[string]secret.Value{"token": secret.New([]byte("t"))}, Allow: allow}
}

// notesHost is a host over connections of the connector notes.
func notesHost(t *testing.T, connections host.Connections, changes ...func(*host.Options)) *host.Host {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, "notes.wasm", effects("notes"))
	o := host.Options{Plugins: dir, Cache: wasmtest.Cache(t), Connections: connections}
	for _, change := range changes {
		change(&o)
	}
	return opened(t, o)
}

// TestScopes holds that a principal may do what allow has and its scopes have, and nothing else.
//
// threat: A4
func TestScopes(t *testing.T) {
	t.Parallel()
	all := []abi.Effect{abi.EffectRead, abi.EffectWrite, abi.EffectDelete}
	s := newStore()
	s.put("acme", "open", "", notes(nil))
	s.put("acme", "reads", "", notes(&config.Allow{Effects: all[:1]}))
	s.put("acme", "writes", "", notes(&config.Allow{Effects: all[1:2]}))
	s.put("", "open", "", notes(nil))
	h := notesHost(t, s)
	for name, test := range map[string]struct {
		principal  host.Principal
		connection string
		may        []abi.Effect
	}{
		"the operator":                 {host.Principal{}, "open", all},
		"no scopes":                    {host.Principal{Workspace: "acme"}, "open", nil},
		"no scopes, no workspace":      {host.Principal{Subject: "alice"}, "open", nil},
		"empty scopes":                 {host.Principal{Scopes: []host.Scope{}}, "open", nil},
		"read":                         {host.Principal{Workspace: "acme", Scopes: []host.Scope{host.ScopeRead}}, "open", all[:1]},
		"write":                        {host.Principal{Workspace: "acme", Scopes: []host.Scope{host.ScopeWrite}}, "open", all[1:2]},
		"delete":                       {host.Principal{Workspace: "acme", Scopes: []host.Scope{host.ScopeDelete}}, "open", all[2:]},
		"all":                          {host.Principal{Workspace: "acme", Scopes: []host.Scope{host.ScopeDelete, host.ScopeWrite, host.ScopeRead}}, "open", all},
		"those of the server only":     {host.Principal{Workspace: "acme", Scopes: []host.Scope{host.ScopeManage, host.ScopeConnect}}, "open", nil},
		"all where reads are allowed":  {host.Principal{Workspace: "acme", Scopes: []host.Scope{host.ScopeDelete, host.ScopeWrite, host.ScopeRead}}, "reads", all[:1]},
		"read where writes are":        {host.Principal{Workspace: "acme", Scopes: []host.Scope{host.ScopeRead}}, "writes", nil},
		"no scope of an unknown scope": {host.Principal{Workspace: "acme", Scopes: []host.Scope{"READ", "*", ""}}, "open", nil},
	} {
		set, err := h.Tools(t.Context(), host.ToolOptions{Principal: test.principal, Connections: []string{test.connection}, Options: tool.Options{Form: tool.FormOperations}})
		if err != nil {
			t.Fatal(name, err)
		}
		var offered []string
		for _, one := range set {
			offered = append(offered, one.Name)
		}
		for _, effect := range all {
			call := host.Call{Principal: test.principal, Entity: "notes", Action: string(effect)}
			may := slices.Contains(test.may, effect)
			_, err := h.Execute(t.Context(), test.connection, call)
			explained, explainErr := h.Explain(t.Context(), test.connection, call)
			if explainErr != nil || explained.Decision.Allowed != may {
				t.Errorf("%s, %s: Explain says %+v, %v", name, effect, explained, explainErr)
			}
			refused := h.Refuse(t.Context(), test.connection, call, errors.New("refused"))
			if there := slices.Contains(offered, test.connection+"_notes_"+string(effect)); there != may {
				t.Errorf("%s, %s: the tools are %q", name, effect, offered)
			}
			if may {
				if err != nil || refused.Error() != "refused" {
					t.Errorf("%s, %s: %v; refused: %v", name, effect, err, refused)
				}
				continue
			}
			var e *host.Error
			if !errors.As(err, &e) || e.Kind != abi.KindDenied || refused.Error() != err.Error() {
				t.Errorf("%s, %s: %v; refused: %v; want denied", name, effect, err, refused)
				continue
			}
			if test.connection == "open" && (e.Rule != "scopes: without "+string(effect) || !strings.Contains(e.Message, "scope "+string(effect))) {
				t.Errorf("%s, %s: %v, by %q", name, effect, err, e.Rule)
			}
		}
	}
}

// TestInvisibleNames holds that errors, hints and tools name only what a principal may see and
// use.
//
// threat: D1
func TestInvisibleNames(t *testing.T) {
	t.Parallel()
	scopes := []host.Scope{host.ScopeRead}
	acme, other := host.Principal{Workspace: "acme", Subject: "alice", Scopes: scopes}, host.Principal{Workspace: "acme", Subject: "bob", Scopes: scopes}
	away, nowhere := host.Principal{Workspace: "initech", Scopes: scopes}, host.Principal{Workspace: "nobody", Scopes: scopes}
	s := newStore()
	strange := notes(nil)
	strange.Connector = "strange"
	for _, workspace := range []string{"", "acme", "initech"} {
		where := cmp.Or(workspace, "local") + "-"
		s.put(workspace, where+"notes", "", notes(nil))
		s.put(workspace, where+"private", "alice", notes(nil))
		s.put(workspace, where+"unapproved", "", strange)
	}
	h := notesHost(t, s, func(o *host.Options) {
		put(t, o.Plugins, "strange.wasm", effects("strange"))
		o.Lock = filepath.Join(t.TempDir(), "agenthost.lock")
		o.FirstParty = map[string]string{"notes": digestOf(t, filepath.Join(o.Plugins, "notes.wasm"))}
	})
	for name, test := range map[string]struct {
		principal host.Principal
		asks      string
		names     string // what the hint may name
	}{
		"the operator":             {host.Principal{}, "notez", "local-notes"},
		"alice":                    {acme, "notez", "acme-notes acme-private"},
		"bob":                      {other, "notez", "acme-notes"},
		"bob asks for alice's":     {other, "acme-private", "acme-notes"},
		"another workspace":        {away, "notez", "initech-notes"},
		"the name of another":      {away, "acme-notes", "initech-notes"},
		"a workspace without any":  {nowhere, "acme-notes", ""},
		"a connector as the name":  {away, "notes", "initech-notes"},
		"a name of the operator's": {away, "local-notes", "initech-notes"},
	} {
		_, unknown := h.Execute(t.Context(), test.asks, host.Call{Principal: test.principal, Entity: "notes", Action: "read"})
		_, never := h.Execute(t.Context(), "zzzzzzzz", host.Call{Principal: test.principal, Entity: "notes", Action: "read"})
		for _, err := range []error{unknown, never} {
			var e *host.Error
			if !errors.As(err, &e) || e.Kind != abi.KindUnknownOperation || e.Field != "connection" {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for _, hidden := range []string{"local-notes", "local-private", "local-unapproved", "acme-notes", "acme-private", "acme-unapproved", "initech-notes", "initech-private", "strange"} {
				named := slices.ContainsFunc(strings.FieldsFunc(e.Hint, func(r rune) bool { return r == ' ' || r == ',' || r == '?' }), func(word string) bool { return word == hidden })
				if named && !slices.Contains(strings.Fields(test.names), hidden) {
					t.Errorf("%s: the hint names %s: %s", name, hidden, e.Hint)
				}
			}
		}
		var e *host.Error
		if errors.As(never, &e); test.names != "" && !strings.Contains(e.Hint, strings.Fields(test.names)[0]) {
			t.Errorf("%s: the hint is %q, which does not name %s", name, e.Hint, test.names)
		}
		set, err := h.Tools(t.Context(), host.ToolOptions{Principal: test.principal, Options: tool.Options{Form: tool.FormOperations}})
		if err != nil {
			t.Fatal(err)
		}
		var offered []string
		for _, one := range set {
			connection, _, _ := strings.Cut(one.Name, "_")
			if !slices.Contains(offered, connection) {
				offered = append(offered, connection)
			}
		}
		if got := strings.Join(offered, " "); got != test.names {
			t.Errorf("%s: tools of %q, want %q", name, got, test.names)
		}
		if _, err := set.Answer(t.Context(), "initech-private_notes_read", nil); !err {
			t.Errorf("%s: a tool of another answered", name)
		}
	}
}

func digestOf(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", sha256.Sum256(data))
}

// TestThousandCallsDuringAChange holds a thousand calls at the vendor while their connection
// changes and then goes. All end well, on the credential that they started with.
func TestThousandCallsDuringAChange(t *testing.T) {
	t.Parallel()
	const calls = 1000
	var asked atomic.Int64
	all, answer := make(chan struct{}), make(chan struct{})
	server, err := vendorsim.Start(t.Context(), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if asked.Add(1) == calls {
			close(all)
		}
		<-answer
		fmt.Fprint(w, `{"id": "me"}`)
	}), vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	s := newStore()
	c := host.Connection{
		Connector: "desk", Server: server.URL, Credentials: map[string]string{"token": "env:TOKEN"},
		Limits: config.Limits{Concurrency: calls, Timeout: 5 * time.Minute},
	}
	s.put("", "lab", "", c)
	o := options(t, nil)
	o.Plugins, o.Connections, o.HostBytes = t.TempDir(), s, 4<<30
	put(t, o.Plugins, "desk.wasm", desk())
	h := opened(t, o)
	var running sync.WaitGroup
	var lost atomic.Int64
	for range calls {
		running.Go(func() {
			result, err := h.Execute(t.Context(), "lab", host.Call{Entity: "me", Action: "get"})
			if err != nil || string(result.Data) != `{"id": "me"}` {
				lost.Add(1)
				t.Errorf("a call that ran during the change ended with %v", err)
			}
		})
	}
	<-all
	c.Credentials, c.Secrets = nil, map[string]secret.Value{"token": secret.New([]byte("another"))}
	s.put("", "lab", "", c)
	_, err = h.Execute(t.Context(), "lab", host.Call{Entity: "me", Action: "get"})
	var e *host.Error
	if !errors.As(err, &e) || e.Kind != abi.KindAuthFailed {
		t.Errorf("the next call has the old credential: %v", err)
	}
	s.remove("", "lab")
	_, err = h.Execute(t.Context(), "lab", host.Call{Entity: "me", Action: "get"})
	if !errors.As(err, &e) || e.Kind != abi.KindUnknownOperation {
		t.Errorf("a call of a removed connection ends with %v", err)
	}
	close(answer)
	running.Wait()
	if lost.Load() > 0 || asked.Load() != calls {
		t.Errorf("%d of %d calls lost, the vendor was asked %d times", lost.Load(), calls, asked.Load())
	}
}

// TestReplacedConnectionsAreClosed holds that the client of a connection that changed, or went,
// is closed when its last call has ended, and that others keep theirs.
func TestReplacedConnectionsAreClosed(t *testing.T) {
	t.Parallel()
	sim := pylon.New(pylon.Options{Token: token, Scale: pylon.SmallScale()})
	held, release := make(chan struct{}), make(chan struct{})
	var hold atomic.Bool
	var mu sync.Mutex
	open := make(map[net.Conn]bool)
	closed := make(chan struct{}, 10)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hold.CompareAndSwap(true, false) {
			close(held)
			<-release
		}
		sim.ServeHTTP(w, r)
	}))
	server.Config.ConnState = func(c net.Conn, state http.ConnState) {
		mu.Lock()
		defer mu.Unlock()
		switch state {
		case http.StateNew:
			open[c] = true
		case http.StateClosed:
			delete(open, c)
			closed <- struct{}{}
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(open)
	}
	await := func(what string) {
		t.Helper()
		select {
		case <-closed:
		case <-time.After(time.Minute):
			t.Fatalf("%s: the connection to the vendor is still open", what)
		}
	}
	c := host.Connection{Connector: "pylon", Server: server.URL, Credentials: map[string]string{"api_token": "env:TOKEN"}}
	s := newStore()
	for _, name := range []string{"busy", "idle", "same"} {
		s.put("", name, "", c)
	}
	o := options(t, nil)
	o.Connections = s
	h := opened(t, o)
	told := make(chan host.Change, 100)
	stop := h.OnChange(func(c host.Change) { told <- c })
	defer stop()
	call := func(name string) {
		t.Helper()
		if _, err := h.Execute(t.Context(), name, host.Call{Entity: "me", Action: "get"}); err != nil {
			t.Fatal(name, err)
		}
	}
	for _, name := range []string{"busy", "idle", "same"} {
		call(name)
	}
	if n := count(); n != 3 || h.Connected() != 3 {
		t.Fatalf("%d connections to the vendor, the host keeps %d, want 3 of both", n, h.Connected())
	}
	// One that is idle is closed at once, without another call.
	s.remove("", "idle")
	await("removed")
	if got := <-told; got.Kind != host.ConnectionsChanged {
		t.Errorf("OnChange was told %+v", got)
	}
	// One with a call is closed after the call.
	hold.Store(true)
	ended := make(chan error)
	go func() {
		_, err := h.Execute(t.Context(), "busy", host.Call{Entity: "me", Action: "get"})
		ended <- err
	}()
	<-held
	s.put("", "busy", "", c)
	call("busy") // on a client of its own
	if n := count(); n != 3 {
		t.Errorf("%d connections to the vendor beside a call that runs, want 3", n)
	}
	close(release)
	if err := <-ended; err != nil {
		t.Error(err)
	}
	await("replaced")
	// One that did not change keeps its client, whatever is announced.
	s.mu.Lock()
	s.announce(host.ConnectionChange{Everything: true})
	s.mu.Unlock()
	<-told
	call("same")
	if n := count(); n != 2 || h.Connected() != 2 {
		t.Errorf("%d connections to the vendor, the host keeps %d, want those of busy and same", n, h.Connected())
	}
}

// hostileConnections answers as its functions do.
type hostileConnections struct {
	*store
	get  func(ctx context.Context) error
	list func(cursor string) (host.ConnectionPage, error)
}

func (c hostileConnections) Get(ctx context.Context, p host.Principal, name string) (host.Connection, string, error) {
	if c.get != nil {
		return host.Connection{}, "", c.get(ctx)
	}
	return c.store.Get(ctx, p, name)
}

func (c hostileConnections) List(ctx context.Context, p host.Principal, prefix, cursor string) (host.ConnectionPage, error) {
	if c.list != nil {
		return c.list(cursor)
	}
	return c.store.List(ctx, p, prefix, cursor)
}

// TestConnectionsOfOthers: connections that panic, fail, never end or are wrong end calls, and
// not the process.
func TestConnectionsOfOthers(t *testing.T) {
	t.Parallel()
	wrong := notes(nil)
	wrong.Mode = "magic"
	s := newStore()
	s.put("", "wrong", "", wrong)
	for name, test := range map[string]struct {
		connections hostileConnections
		kind        abi.Kind
		list        bool // it shows in lists, too
	}{
		"panics":             {hostileConnections{store: s, get: func(context.Context) error { panic("secret") }}, abi.KindInternal, false},
		"panics in a list":   {hostileConnections{store: s, list: func(string) (host.ConnectionPage, error) { panic("secret") }}, abi.KindInternal, true},
		"fails":              {hostileConnections{store: s, get: func(context.Context) error { return errors.New("secret") }}, abi.KindInternal, false},
		"says why":           {hostileConnections{store: s, get: func(context.Context) error { return &host.Error{Kind: abi.KindRateLimited, Message: "later"} }}, abi.KindRateLimited, false},
		"heeds its context":  {hostileConnections{store: s, get: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}, abi.KindTimeout, false},
		"repeats a cursor":   {hostileConnections{store: s, list: func(string) (host.ConnectionPage, error) { return host.ConnectionPage{Next: "again"}, nil }}, abi.KindInternal, true},
		"a wrong connection": {hostileConnections{store: s}, abi.KindInvalidParams, false},
	} {
		h := notesHost(t, test.connections)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		connection := "wrong"
		if test.list {
			connection = "none" // whose hint lists the others
		}
		_, err := h.Execute(ctx, connection, host.Call{Entity: "notes", Action: "read"})
		var e *host.Error
		if !errors.As(err, &e) || e.Kind != test.kind || strings.Contains(e.Message+e.Hint, "secret") {
			t.Errorf("%s: %v, want %s", name, err, test.kind)
		}
		_, err = h.Tools(t.Context(), host.ToolOptions{})
		if (err != nil) != test.list {
			t.Errorf("%s: the tools end with %v", name, err)
		}
		cancel()
	}
}

// TestChangeOfAWorkspace: a change without names is about all connections of its workspace, and
// about no others.
func TestChangeOfAWorkspace(t *testing.T) {
	t.Parallel()
	s := newStore()
	h := notesHost(t, s)
	told := make(chan host.Change, 10)
	stop := h.OnChange(func(c host.Change) { told <- c })
	defer stop()
	for _, at := range [][2]string{{"acme", "one"}, {"acme", "two"}, {"initech", "one"}} {
		s.put(at[0], at[1], "", notes(nil))
		<-told
		principal := host.Principal{Workspace: at[0], Scopes: []host.Scope{host.ScopeRead}}
		if _, err := h.Execute(t.Context(), at[1], host.Call{Principal: principal, Entity: "notes", Action: "read"}); err != nil {
			t.Fatal(err)
		}
	}
	s.mu.Lock()
	clear(s.rows)
	s.announce(host.ConnectionChange{Workspace: "acme"})
	s.mu.Unlock()
	<-told
	if n := h.Connected(); n != 1 {
		t.Errorf("the host keeps %d connections, want that of the other workspace", n)
	}
}
