package server

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/credential/logins"
	"github.com/agenthost/agenthost/internal/oauthsim"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Every way to get tokens works, goes on where the vendor no longer takes a token, and survives the
// end of the server: a refresh token is never used twice.
func TestLogins(t *testing.T) {
	t.Parallel()
	l := newLoginLab(t)
	ada, bob, app, robot := l.accounts.Add("ada"), l.accounts.Add("bob"), l.accounts.Add("app"), l.accounts.Add("robot")
	both := credentialsOf(bob)
	both["access_token"] = bob.Access()
	ids := map[string]*oauthsim.Server{
		l.connect("acme", "Refresh token", credentialsOf(ada)):                                                           ada,
		l.connect("acme", "Both tokens", both):                                                                           bob,
		l.connect("acme", "App", map[string]string{"client_id": "app", "client_secret": app.ClientSecret, "app": "yes"}): app,
		l.connect("acme", "Robot", l.robot(robot)):                                                                       robot,
	}
	for round := range 3 {
		for id, account := range ids {
			l.ok(l.me(id), &answered{})
			l.asked()
			l.ok(l.me(id), &answered{})
			if asked := l.readsOf(); len(asked) > 0 {
				t.Errorf("%s: with a good token, the database was asked %q", account.ClientID, asked)
			}
			if n, want := len(account.Grants()), round+1; account == bob && n != want-1 || account != bob && n != want {
				t.Errorf("%s, round %d: %d requests for tokens", account.ClientID, round, n)
			}
			if a := l.check(id); *a.Status != airbyteapi.CheckSucceeded {
				t.Errorf("%s: %+v", account.ClientID, a)
			}
			account.Expire()
		}
		if round == 1 {
			l.restart(t)
		}
	}
	// An access token without a refresh token stays, also where the vendor does not take it.
	for name, fields := range map[string]map[string]string{
		"alone":         {},
		"with a client": {"client_id": "with a client", "client_secret": "x"},
	} {
		account := l.accounts.Add(name)
		account.Seed()
		fields["access_token"] = account.Access()
		id := l.connect("acme", name, fields)
		l.ok(l.me(id), &answered{})
		account.Expire()
		if f := l.fails(l.me(id), http.StatusUnauthorized, ""); strings.Contains(f.String(), "agenthost login") {
			t.Errorf("%s: %s", name, f)
		}
		l.is(id, store.Ready)
		if n := len(account.Grants()); n != 0 {
			t.Errorf("%s: %d requests for tokens", name, n)
		}
	}
}

// A login that is over says so in every answer, and new credentials bring the connector back.
//
// threat: C7
func TestNeedsLogin(t *testing.T) {
	t.Parallel()
	l := newLoginLab(t)
	account := l.accounts.Add("ada")
	id := l.connect("acme", "CRM", credentialsOf(account))
	l.ok(l.me(id), &answered{})
	account.Seed() // which makes the login that the server has one of the past
	account.Expire()
	f := l.fails(l.me(id), http.StatusUnauthorized, "PUT")
	if details := f.String(); !strings.Contains(details, "needs a new login") || strings.Contains(details, "agenthost login") {
		t.Errorf("the error says %s", details)
	}
	l.needsLogin(id, account)
	e, err := l.s.directory.find(t.Context(), store.Scope{Organization: l.first.Organization}, id)
	if err != nil {
		t.Fatal(err)
	}
	scope := store.Scope{Organization: e.Organization, Workspace: e.Workspace}
	if kept, err := l.s.store.Credentials(t.Context(), scope, id, nil); err != nil || len(kept) != 0 {
		t.Errorf("%d fields are kept, %v", len(kept), err)
	}
	recorded := slices.Collect(maps.Values(l.records(l.first.Organization)))
	if want := "server   connections update state credentials"; !slices.Contains(recorded, want) {
		t.Errorf("the trail has no %q: %q", want, recorded)
	}
	l.restart(t)
	l.needsLogin(id, account)
	l.ok(l.ask(http.MethodPut, at(airbyteapi.ConnectorPath, id), l.token, map[string]any{"credentials": credentialsOf(account)}), &airbyteapi.Record{})
	l.is(id, store.Ready)
	l.ok(l.me(id), &answered{})
	if a := l.check(id); *a.Status != airbyteapi.CheckSucceeded {
		t.Errorf("%+v", a)
	}
}

// A change of what the address of a vendor is made of drops a credential and its tokens, unless a
// new one comes with it. A change of anything else keeps them.
//
// threat: C12
func TestAMovedConnectorNeedsALogin(t *testing.T) {
	t.Parallel()
	l := newLoginLab(t)
	account, static := l.accounts.Add("ada"), l.accounts.Add("static")
	static.Seed()
	key := func() map[string]string { return map[string]string{"api_key": static.Access()} }
	for name, c := range map[string]struct {
		account *oauthsim.Server
		fresh   func() map[string]string
	}{
		"a login": {account, func() map[string]string { return credentialsOf(account) }},
		"a key":   {static, key},
	} {
		id := l.connect("acme", name, c.fresh())
		put := func(body map[string]any) {
			t.Helper()
			l.ok(l.ask(http.MethodPut, at(airbyteapi.ConnectorPath, id), l.token, body), &airbyteapi.Record{})
		}
		l.ok(l.me(id), &answered{})
		put(map[string]any{"name": name + ", renamed", "environment": map[string]string{"tenant": "acme"}})
		l.ok(l.me(id), &answered{})
		put(map[string]any{"environment": map[string]string{"tenant": "umbrella"}})
		l.needsLogin(id, c.account)
		put(map[string]any{"environment": map[string]string{"tenant": "acme"}}) // the way back brings nothing back
		l.needsLogin(id, c.account)
		put(map[string]any{"environment": map[string]string{"tenant": "umbrella"}, "credentials": c.fresh()})
		l.is(id, store.Ready)
		l.ok(l.me(id), &answered{})
		put(map[string]any{"environment": map[string]string{"tenant": "initech"}, "credentials": c.fresh()})
		l.is(id, store.Ready)
		l.ok(l.me(id), &answered{})
		// What the operator says is a part of the address, too, and the way back brings the
		// credential back: nobody took it away.
		moves := []host.Connection{{Server: strings.Replace(l.url, "127.0.0.1", "localhost", 1)}}
		if c.account == account {
			moves = append(moves, host.Connection{Server: l.url, OAuth: &config.OAuth{TokenURL: l.url + "/another/token"}})
		}
		for _, moved := range moves {
			l.restart(t, func(o *Options) { o.Connectors["crm"] = moved })
			l.fails(l.me(id), http.StatusUnauthorized, "needs a login")
			l.needsLogin(id, c.account)
			l.restart(t)
			l.is(id, store.Ready)
			l.ok(l.me(id), &answered{})
		}
	}
}

// Many calls at once refresh a token once, and a workspace uses its own tokens only, whatever its
// names and its secrets look like.
//
// threat: C4, D1, K4
func TestLoginsOfManyCalls(t *testing.T) {
	t.Parallel()
	var passed atomic.Int64
	l := newLoginLab(t, func(o *Options) {
		o.Host.Seams.Now = func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	})
	const name = `'; DROP TABLE token; -- "$1" ?1 %`
	accounts := make(map[string]*oauthsim.Server)
	for _, workspace := range []string{"acme", "umbrella", `"'); DELETE FROM connection; --`} {
		account := l.accounts.Add("client of " + workspace)
		account.ClientSecret += `'; DROP TABLE credential; --\`
		accounts[l.connect(workspace, name, credentialsOf(account))] = account
	}
	for range 3 {
		passed.Add(int64(time.Minute)) // a vendor is not asked each time that it refuses a token
		before := make(map[string]int)
		var group sync.WaitGroup
		var failed atomic.Int64
		for id, account := range accounts {
			account.Expire()
			before[id] = account.Refreshes()
			for range 16 {
				group.Go(func() {
					if r := l.me(id); r.status != http.StatusOK {
						failed.Add(1)
					}
				})
			}
		}
		group.Wait()
		if n := failed.Load(); n > 0 {
			t.Errorf("%d calls failed", n)
		}
		for id, account := range accounts {
			if n := account.Refreshes() - before[id]; n != 1 {
				t.Errorf("%s: %d refreshes", account.ClientID, n)
			}
			if !l.accounts.Used(account.Access()) {
				t.Errorf("%s: its own token was not used", account.ClientID)
			}
		}
	}
}

// While a token is refreshed, somebody deletes the connector, gives it new credentials or another
// name. Nothing of the old login is left, or nothing is lost.
//
// threat: C4
func TestChangesDuringARefresh(t *testing.T) {
	t.Parallel()
	l := newLoginLab(t)
	account := l.accounts.Add("ada")
	asked, answer := make(chan struct{}), make(chan struct{})
	var waits atomic.Bool // the next request for a token
	account.Token = func(http.ResponseWriter, *http.Request) bool {
		if waits.CompareAndSwap(true, false) {
			asked <- struct{}{}
			<-answer
		}
		return false
	}
	during := func(id string, change func()) reply {
		t.Helper()
		replies := make(chan reply)
		waits.Store(true)
		go func() { replies <- l.me(id) }()
		<-asked
		change()
		answer <- struct{}{}
		return <-replies
	}
	path := func(id string) string { return at(airbyteapi.ConnectorPath, id) }

	seed := credentialsOf(account)
	id := l.connect("acme", "CRM", seed)
	later := make(chan reply)
	l.ok(during(id, func() {
		l.ok(l.ask(http.MethodPut, path(id), l.token, `{"name": "renamed"}`), &airbyteapi.Record{})
		go func() { later <- l.me(id) }() // which knows nothing of the call before
		time.Sleep(50 * time.Millisecond)
	}), &answered{})
	l.ok(<-later, &answered{})
	l.ok(l.me(id), &answered{})
	if n := len(account.Grants()); n != 1 {
		t.Errorf("%d requests for tokens, where one is enough", n)
	}

	account.Expire()
	l.fails(during(id, func() {
		l.ok(l.ask(http.MethodPut, path(id), l.token, map[string]any{"credentials": map[string]string{"access_token": "another"}}), &airbyteapi.Record{})
	}), http.StatusConflict, "changed or deleted")
	l.fails(l.me(id), http.StatusUnauthorized, "")

	l.fails(during(l.connect("acme", "gone", credentialsOf(account)), func() {
		var all airbyteapi.Records
		l.ok(l.ask(http.MethodGet, airbyteapi.ConnectorsPath+"?workspace_name=acme", l.token, nil), &all)
		for _, r := range all.Data {
			l.ok(l.ask(http.MethodDelete, path(r.ID), l.token, nil), &airbyteapi.DeleteAnswer{})
		}
	}), http.StatusConflict, "changed or deleted")
}

// A token that somebody put into the database for another use is not used, and nothing is sent. A
// client that acts for itself gets another one.
//
// threat: K2
func TestATokenOfAnotherUse(t *testing.T) {
	t.Parallel()
	l := newLoginLab(t)
	ada, app := l.accounts.Add("ada"), l.accounts.Add("app")
	person, robot := l.connect("acme", "Person", credentialsOf(ada)), l.connect("acme", "App", map[string]string{"client_id": "app", "client_secret": app.ClientSecret, "app": "yes"})
	for _, id := range []string{person, robot} {
		c, err := l.s.store.Connection(t.Context(), store.Scope{Organization: l.first.Organization}, id)
		if err != nil {
			t.Fatal(err)
		}
		scope := store.Scope{Organization: c.Organization, Workspace: c.Workspace}
		if _, err := l.s.store.PutToken(t.Context(), scope, c, []string{"https://evil.example"}, secret.New([]byte(`{"access":"ZXZpbA=="}`)), 0, store.Held{}); err != nil {
			t.Fatal(err)
		}
	}
	l.fails(l.me(person), http.StatusUnauthorized, "needs a login")
	if n := len(ada.Grants()); n != 0 {
		t.Errorf("the vendor got %d requests", n)
	}
	l.ok(l.me(robot), &answered{})
	l.restart(t)
	l.ok(l.me(robot), &answered{})
	if n := len(app.Grants()); n != 1 {
		t.Errorf("the token in its place is not kept: %d requests", n)
	}
}

// What still has the connector as it was uses no refresh token of it up, and neither changes nor ends
// the login that it has by now.
func TestAnOlderLoginIsLeftAlone(t *testing.T) {
	t.Parallel()
	l := newLoginLab(t)
	account := l.accounts.Add("ada")
	id := l.connect("acme", "CRM", credentialsOf(account))
	e, err := l.s.directory.find(t.Context(), store.Scope{Organization: l.first.Organization}, id)
	if err != nil {
		t.Fatal(err)
	}
	c, err := l.s.directory.open(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	old := func(when string) {
		t.Helper()
		for what, err := range map[string]error{"ready": c.Tokens.Ready(t.Context()), "save": c.Tokens.Save(t.Context(), logins.Binding{}, logins.Row{})} {
			if e, is := errors.AsType[*abi.Error](err); !is || e.Kind != abi.KindConflict || !e.Retryable {
				t.Errorf("%s, %s: %v", when, what, err)
			}
		}
		if err := c.Tokens.Ended(t.Context(), logins.Binding{}, &abi.Error{Code: "invalid_grant"}); err == nil {
			t.Errorf("%s: the end of the login is no error", when)
		}
	}
	l.ok(l.ask(http.MethodPut, at(airbyteapi.ConnectorPath, id), l.token, map[string]any{"credentials": credentialsOf(account)}), &airbyteapi.Record{})
	old("changed")
	l.is(id, store.Ready)
	l.ok(l.me(id), &answered{})
	l.ok(l.ask(http.MethodDelete, at(airbyteapi.ConnectorPath, id), l.token, nil), &airbyteapi.DeleteAnswer{})
	old("deleted")
}

// A credential that is only tried uses no refresh token up.
func TestTriedLogins(t *testing.T) {
	t.Parallel()
	l := newLoginLab(t)
	l.scoped("acme")
	ada, app, robot := l.accounts.Add("ada"), l.accounts.Add("app"), l.accounts.Add("robot")
	seed := credentialsOf(ada)
	both := credentialsOf(ada)
	both["access_token"] = ada.Access()
	for name, c := range map[string]struct {
		credentials map[string]string
		want        airbyteapi.CheckStatus
	}{
		"a refresh token": {seed, airbyteapi.CheckInconclusive},
		"an access token": {both, airbyteapi.CheckSucceeded},
		"an app":          {map[string]string{"client_id": "app", "client_secret": app.ClientSecret, "app": "yes"}, airbyteapi.CheckSucceeded},
		"no such app":     {map[string]string{"client_id": "app", "client_secret": "wrong", "app": "yes"}, airbyteapi.CheckFailed},
		"a robot":         {l.robot(robot), airbyteapi.CheckSucceeded},
	} {
		var a airbyteapi.CheckAnswer
		l.ok(l.ask(http.MethodPost, airbyteapi.CheckNewPath, l.token, map[string]any{
			"workspace_name": "acme", "connector_type": "CRM", "credentials": c.credentials, "environment": map[string]string{"tenant": "acme"},
		}), &a)
		if *a.Status != c.want {
			t.Errorf("%s: %s, %v", name, *a.Status, a.ErrorMessage)
		}
	}
	if n := len(ada.Grants()); n != 0 {
		t.Errorf("%d refresh tokens were used", n)
	}
}
