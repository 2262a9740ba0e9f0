package server

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/api"
)

const newTeam = `{"entity": "teams", "action": "create", "params": {"name": "a"}}`

// writes counts the requests of the vendor that change something, since the last call.
func (l *lab) writes() int {
	n := 0
	for _, r := range l.vendor.Requests() {
		if r.Method != http.MethodGet {
			n++
		}
	}
	l.vendor.Reset()
	return n
}

// A write with a key is carried out once, however often it is sent.
//
// threat: S6
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	id := l.create("acme", "Pylon")
	run := at(airbyteapi.ExecutePath, id)
	send := func(token, key, body string) reply {
		return l.ask(http.MethodPost, run, token, body, keyHeader, key)
	}
	first := send(l.token, "k1", newTeam)
	again := send(l.token, "k1", strings.ReplaceAll(newTeam, ": ", ":"))
	if first.status != http.StatusOK || again.status != first.status || again.body != first.body {
		t.Errorf("first %d %s, again %d %s", first.status, first.body, again.status, again.body)
	}
	if n := l.writes(); n != 1 {
		t.Errorf("the vendor got %d writes", n)
	}
	if f := l.fails(send(l.token, "k1", strings.Replace(newTeam, `"a"`, `"b"`, 1)), http.StatusUnprocessableEntity, "another request"); f.Code() != "idempotency_key_reused" {
		t.Errorf("code %s", f.Code())
	}
	for name, other := range map[string]reply{"another caller": send(l.scoped("acme"), "k1", newTeam), "another key": send(l.token, "k2", newTeam)} {
		if other.status != http.StatusOK || other.body == first.body {
			t.Errorf("%s: %d %s", name, other.status, other.body)
		}
	}
	if n := l.writes(); n != 2 {
		t.Errorf("the vendor got %d writes", n)
	}
	// A failure of the vendor is an answer too, and a read needs no key.
	missing := `{"entity": "teams", "action": "update", "params": {"id": "nothing", "name": "b"}}`
	failed, same := send(l.token, "k3", missing), send(l.token, "k3", missing)
	if failed.status < 400 || failed.status != same.status || failed.body != same.body || l.writes() != 1 {
		t.Errorf("failed %d %s, again %d %s", failed.status, failed.body, same.status, same.body)
	}
	for range 2 {
		l.ok(send(l.token, "k4", `{"entity": "users", "action": "list"}`), &answered{})
	}
	if n := len(l.vendor.Requests()); n != 2 {
		t.Errorf("two reads with a key: %d requests", n)
	}
	for _, key := range []string{" ", "é", strings.Repeat("k", 256)} {
		l.fails(send(l.token, key, newTeam), http.StatusUnprocessableEntity, keyHeader)
	}
}

// Of many clients that send one key at once, one writes. The others are told to come again while
// that runs, and then get its answer, for a day.
//
// threat: S6
func TestOneKeyOfManyClients(t *testing.T) {
	t.Parallel()
	const clients = 64
	var day atomic.Int64
	came, answer := make(chan struct{}, clients), make(chan struct{})
	l := newLab(t, func(o *Options) {
		o.Host.Seams.Now = func() time.Time { return time.Now().Add(time.Duration(day.Load()) * 24 * time.Hour) }
	})
	l.vendor.Inject(vendorsim.Fault{Count: -1, Effect: func(w http.ResponseWriter, r *http.Request, vendor http.Handler) {
		came <- struct{}{}
		<-answer
		vendor.ServeHTTP(w, r)
	}})
	finish := sync.OnceFunc(func() { close(answer) })
	t.Cleanup(finish)
	run := at(airbyteapi.ExecutePath, l.create("acme", "Pylon"))
	send := func(body string) reply { return l.ask(http.MethodPost, run, l.token, body, keyHeader, "k") }
	replies := make(chan reply, clients)
	for range clients {
		go func() { replies <- send(newTeam) }()
	}
	<-came
	for range clients - 1 {
		var r reply
		select {
		case r = <-replies:
		case <-came:
			t.Fatal("the vendor got a second write")
		}
		if f := l.fails(r, http.StatusConflict, "still running"); f.Code() != "idempotency_key_in_use" || r.header.Get("Retry-After") == "" {
			t.Errorf("%s %v", r.body, r.header)
		}
	}
	another := strings.Replace(newTeam, `"a"`, `"b"`, 1)
	l.fails(send(another), http.StatusUnprocessableEntity, "another request")
	finish()
	first := <-replies
	l.ok(first, &answered{})
	for range clients {
		go func() { replies <- send(newTeam) }()
	}
	for range clients {
		if r := <-replies; r.status != first.status || r.body != first.body {
			t.Errorf("%d %s, the first one %d %s", r.status, r.body, first.status, first.body)
		}
	}
	if n := l.writes(); n != 1 {
		t.Errorf("the vendor got %d writes", n)
	}
	day.Store(1)
	l.token = l.tokenOf(l.first.ClientID, l.first.ClientSecret)
	r := send(another)
	if l.ok(r, &answered{}); l.writes() != 1 || r.body == first.body {
		t.Errorf("after a day: %s", r.body)
	}
}

func TestWritesThatDidNotEnd(t *testing.T) {
	t.Parallel()
	var away atomic.Bool
	l := newLab(t, func(o *Options) {
		o.Host.Seams.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if away.Load() { // another test's vendor may have the port by then
				return nil, &net.OpError{Op: "dial", Net: network, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	})
	id := l.create("acme", "Pylon")
	claims, err := l.s.check(t.Context(), l.token)
	if err != nil {
		t.Fatal(err)
	}
	var in airbyteapi.ExecuteRequest
	if err := json.Unmarshal([]byte(newTeam), &in); err != nil {
		t.Fatal(err)
	}
	e, err := l.s.directory.find(t.Context(), store.Scope{Organization: claims.Organization}, id)
	if err != nil {
		t.Fatal(err)
	}
	w := store.Write{Scope: store.Scope{Organization: e.Organization, Workspace: e.Workspace}, Connection: id, Caller: claims.Application + " ", Key: "k", Hash: hash(&in), Start: "s"}
	if prior, err := l.s.store.BeginWrite(t.Context(), w, store.AuditRecord{ID: "a", Event: "start", Scope: w.Scope, Record: []byte("{}")}); err != nil || prior != nil {
		t.Fatal(prior, err)
	}
	run := at(airbyteapi.ExecutePath, id)
	r := l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, "k")
	if f := l.fails(r, http.StatusConflict, "still running"); f.Code() != "idempotency_key_in_use" || r.header.Get("Retry-After") == "" {
		t.Errorf("%s %v", r.body, r.header)
	}
	if err := l.s.store.LoseWrite(t.Context(), w); err != nil {
		t.Fatal(err)
	}
	r = l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, "k")
	if f := l.fails(r, http.StatusConflict, "nobody knows"); f.Code() != "outcome_unknown" || !strings.Contains(r.body, `"request_sent":true`) {
		t.Error(r.body)
	}
	if n := l.writes(); n != 0 {
		t.Errorf("the vendor got %d writes", n)
	}
	// A failure that sent nothing frees the key.
	away.Store(true)
	if err := l.vendor.Close(); err != nil {
		t.Fatal(err)
	}
	// A read finds out that the idle connection is gone: on it, nobody could say what was sent.
	l.fails(l.ask(http.MethodPost, run, l.token, `{"entity":"me","action":"get"}`), http.StatusBadGateway, "refuses connections")
	one, two := l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, "k2"), l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, "k2")
	if one.status != http.StatusBadGateway || two.status != http.StatusBadGateway || one.body == two.body {
		t.Errorf("%d %s, then %d %s", one.status, one.body, two.status, two.body)
	}
}

// A write takes three statements of the database, and its records are in the trail.
func TestTrail(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	id := l.create("acme", "Pylon")
	run := at(airbyteapi.ExecutePath, id)
	for i, key := range []string{"k1", "k2"} {
		l.asked()
		l.ok(l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, key), &answered{})
		asked := l.readsOf()
		if i > 0 && len(asked) > 2 {
			t.Errorf("besides the audit, the database was asked %q", asked)
		}
	}
	l.ok(l.ask(http.MethodPost, run, l.token, `{"entity": "users", "action": "list"}`), &answered{})
	l.fails(l.ask(http.MethodPost, run, l.scoped("acme", "read"), newTeam), http.StatusForbidden, "")
	l.s.trail.close()
	var err error
	if l.s.trail, err = l.s.newTrail(t.Context()); err != nil {
		t.Fatal(err)
	}
	claims, err := l.s.check(t.Context(), l.token)
	if err != nil {
		t.Fatal(err)
	}
	records, err := l.s.store.Audit(t.Context(), store.Scope{Organization: claims.Organization}, store.Page{})
	if err != nil {
		t.Fatal(err)
	}
	var events []string
	for _, r := range records {
		if r.Event == store.EventChange {
			continue
		}
		events = append(events, r.Event)
		if strings.Contains(string(r.Record), vendorToken) || !strings.Contains(string(r.Record), claims.Application) {
			t.Errorf("%s", r.Record)
		}
	}
	slices.Sort(events)
	if want := []string{"call", "call", "call", "call", "start", "start"}; !slices.Equal(events, want) {
		t.Errorf("events %q, want %q", events, want)
	}
}

// A write whose end cannot be kept, or that the host failed in after it began, is one that nobody
// knows the outcome of: it is not sent again, and its key does not stay in use.
//
// threat: S6
func TestWritesWhoseEndIsLost(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	id := l.create("acme", "Pylon")
	claims, err := l.s.check(t.Context(), l.token)
	if err != nil {
		t.Fatal(err)
	}
	var in airbyteapi.ExecuteRequest
	if err := json.Unmarshal([]byte(newTeam), &in); err != nil {
		t.Fatal(err)
	}
	e, err := l.s.directory.find(t.Context(), store.Scope{Organization: claims.Organization}, id)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		workspace string // in which the answer is kept
		failure   error
	}{
		"a bug":                    {e.Workspace, &abi.Error{Kind: abi.KindInternal, Message: "a bug"}},
		"a failure without a kind": {e.Workspace, errors.New("a bug")},
		"no room for the answer":   {nobody, nil},
	} {
		w := &write{Write: store.Write{
			Scope: store.Scope{Organization: e.Organization, Workspace: c.workspace}, Connection: id, Caller: claims.Application + " ", Key: name, Hash: hash(&in),
		}}
		if err := l.s.trail.start(t.Context(), w, store.AuditRecord{ID: name, Event: "start", Scope: w.Scope, Record: []byte("{}")}); err != nil {
			t.Fatal(err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := l.s.finished(gone, &api.Request{ID: "req"}, w, []byte("{}"), c.failure); !errors.Is(err, c.failure) {
			t.Errorf("%s: %v", name, err)
		}
		l.s.lose(gone, w)
		if f := l.fails(l.ask(http.MethodPost, at(airbyteapi.ExecutePath, id), l.token, newTeam, keyHeader, name), http.StatusConflict, "nobody knows"); f.Code() != "outcome_unknown" {
			t.Errorf("%s: code %s", name, f.Code())
		}
	}
	if n := l.writes(); n != 0 {
		t.Errorf("the vendor got %d writes", n)
	}
}

// A client that hangs up during a write with a key gets its answer when it asks again.
//
// threat: S6
func TestAClientHangsUpDuringAWrite(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l := newLab(t, func(o *Options) {
		u, err := url.Parse(o.Connectors["pylon"].Server)
		if err != nil {
			t.Fatal(err)
		}
		forward := httputil.NewSingleHostReverseProxy(u)
		between := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cancel()
			forward.ServeHTTP(w, r)
		}))
		t.Cleanup(between.Close)
		o.Connectors["pylon"] = host.Connection{Server: between.URL}
	})
	run := at(airbyteapi.ExecutePath, l.create("acme", "Pylon"))
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, run, strings.NewReader(newTeam))
	r.Host = "127.0.0.1"
	r.Header.Set("Authorization", "Bearer "+l.token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(keyHeader, "k")
	l.s.Handler(t.Context()).ServeHTTP(httptest.NewRecorder(), r)
	l.ok(l.ask(http.MethodPost, run, l.token, newTeam, keyHeader, "k"), &answered{})
	if n := l.writes(); n != 1 || ctx.Err() == nil {
		t.Errorf("the vendor got %d writes", n)
	}
}

// A call that was let in for one connector does not run on another that takes over its name.
//
// threat: D1
func TestANameThatMoves(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	id := l.create("acme", "Pylon")
	claims, err := l.s.check(t.Context(), l.token)
	if err != nil {
		t.Fatal(err)
	}
	e, err := l.s.directory.find(t.Context(), store.Scope{Organization: claims.Organization}, id)
	if err != nil {
		t.Fatal(err)
	}
	in := &airbyteapi.ExecuteRequest{Entity: "users", Action: "list"}
	r := &api.Request{Request: httptest.NewRequest(http.MethodPost, "/", nil), Claims: claims}
	call, err := l.s.call(t.Context(), r, e, in)
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWrite(r, e, in)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.s.host.Execute(w.in(t.Context()), e.Name, *call); err != nil {
		t.Fatal(err)
	}
	l.ok(l.ask(http.MethodPut, at(airbyteapi.ConnectorPath, id), l.token, `{"name": "Old"}`), &airbyteapi.Record{})
	l.create("acme", "Pylon")
	l.vendor.Reset()
	if _, err := l.s.host.Execute(w.in(t.Context()), e.Name, *call); err == nil || len(l.vendor.Requests()) > 0 {
		t.Error("it runs on the other one")
	}
}
