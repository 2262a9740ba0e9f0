package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/backend/hosted/client"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/internal/vendorsim"
	sim "github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/pdk/abi"
)

const (
	clientID     = "canary-client-3f1c9a7e"
	clientSecret = "canary-client-secret-5b2d4068"
	vendorToken  = "canary-vendor-token-9a4e0d7c"
)

// clock is a time that only the test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

// vendor answers executions: what it is told to, or the entity's name.
type vendor struct{ err error }

func (v *vendor) Run(_ context.Context, _ string, _ map[string]string, entity, _ string, _ json.RawMessage) (data, meta json.RawMessage, err error) {
	if v.err != nil {
		return nil, nil, v.err
	}
	return json.RawMessage(`[{"entity":"` + entity + `"}]`), json.RawMessage(`{"next_cursor":null,"has_more":false}`), nil
}

// lab is a simulated service and a client of it.
type lab struct {
	service *sim.Service
	server  *vendorsim.Server
	client  *client.Client
	clock   *clock
	vendor  *vendor
}

func newLab(t testing.TB, change ...func(*client.Config)) *lab {
	t.Helper()
	l := &lab{clock: &clock{now: time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)}, vendor: &vendor{}}
	l.service = sim.New(sim.Options{
		ClientID: clientID, ClientSecret: clientSecret, Run: l.vendor, Now: l.clock.Now,
		Copies: map[string]string{"pylon.issues": "SYNCING", "pylon.tags": sim.NotCopied, "incident-io.alerts.description": "INDEXING"},
		Organizations: []sim.Organization{
			{ID: realOrg, Workspaces: []string{"acme", "acme-test", "zebra"}},
			{ID: "1c6b1d9e-4c5f-4c55-9d0a-6b1f8f0f6a02", Workspaces: []string{"other"}},
		},
	})
	var err error
	if l.server, err = vendorsim.Start(context.Background(), l.service, vendorsim.Options{LogSize: 2000}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.server.Close() })
	config := client.Config{
		BaseURL: l.server.URL, ClientID: value(clientID), ClientSecret: value(clientSecret), Seams: seams.Seams{Now: l.clock.Now, Sleep: func(ctx context.Context, d time.Duration) error { l.clock.pass(d); return ctx.Err() }},
	}
	for _, f := range change {
		f(&config)
	}
	l.client = open(t, config)
	return l
}

var acme = func() airbyteapi.WorkspaceName {
	w, err := airbyteapi.NewWorkspaceName("acme", "", "")
	if err != nil {
		panic(err)
	}
	return w
}()

// pylon is a connector that the service takes.
func pylon(called string) client.NewConnector {
	return client.NewConnector{
		Workspace: acme, Type: "Pylon", Name: called,
		Credentials: []client.Credential{{Name: "api_token", Value: value(vendorToken)}},
		Replication: []client.Setting{{Name: "start_date", Value: "2026-01-01T00:00:00Z"}},
	}
}

// create creates a connector and starts counting requests anew.
func (l *lab) create(t testing.TB, called string) airbyteapi.ID {
	t.Helper()
	c, err := l.client.Create(t.Context(), pylon(called))
	if err != nil {
		t.Fatal(err)
	}
	l.server.Reset()
	return c.ID
}

// count is how many requests came to a path with an ending.
func (l *lab) count(ending string) int {
	n := 0
	for _, r := range l.server.Requests() {
		if strings.HasSuffix(r.Path, ending) {
			n++
		}
	}
	return n
}

var list = client.Execution{ExecuteRequest: airbyteapi.ExecuteRequest{Entity: "accounts", Action: "list"}, Scope: egress.Scope{Retry: true, Reads: true}, Vendor: "Pylon"}

// want checks an error and that no secret is in it, its cause included.
func want(t *testing.T, err error, kind abi.Kind, parts ...string) *abi.Error {
	t.Helper()
	var e *abi.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *abi.Error of kind %s", err, kind)
	}
	text := fmt.Sprintf("%s\n%s\n%s\n%s", e.Message, e.Hint, e.Field, e.Code)
	if e.Kind != kind {
		t.Errorf("got %s: %s, want kind %s", e.Kind, text, kind)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("the error %q does not say %q", text, part)
		}
	}
	for cause := error(e); cause != nil; cause = errors.Unwrap(cause) {
		if strings.Contains(fmt.Sprintf("%+v %#v", cause, cause), "canary") {
			t.Errorf("a secret is in %+v", cause)
		}
	}
	return e
}

// TestLife creates, finds, lists, runs, checks and deletes a connector.
func TestLife(t *testing.T) {
	l, ctx := newLab(t), t.Context()
	created, err := l.client.Create(ctx, pylon("support"))
	if err != nil {
		t.Fatal(err)
	}
	if created.Name != "support" || created.Type != "Pylon" || created.DefinitionID != pylonID {
		t.Errorf("created %+v", created)
	}
	listed, err := l.client.Connectors(ctx, acme, pylonID)
	if err != nil || len(listed) != 1 || listed[0] != *created {
		t.Errorf("listed %+v, %v", listed, err)
	}
	got, err := l.client.Connector(ctx, created.ID)
	if err != nil || *got != *created {
		t.Errorf("got %+v, %v", got, err)
	}
	id, err := l.client.Find(ctx, acme, pylonID, "Pylon")
	if err != nil || id != created.ID {
		t.Errorf("found %s, %v", id, err)
	}
	answer, err := l.client.Execute(ctx, id, list)
	if err != nil || string(answer.Result) != `[{"entity":"accounts"}]` || !strings.Contains(string(answer.Metadata), "has_next_page") {
		t.Errorf("answer %+v, %v", answer, err)
	}
	if status, _, err := l.client.Check(ctx, id); err != nil || status != airbyteapi.CheckSucceeded {
		t.Errorf("check: %s, %v", status, err)
	}
	l.vendor.err = &abi.Error{Kind: abi.KindAuthFailed, Message: "wrong token"}
	if status, message, err := l.client.Check(ctx, id); err != nil || status != airbyteapi.CheckFailed || message != "wrong token" {
		t.Errorf("check: %s, %q, %v", status, message, err)
	}
	if job, err := l.client.Delete(ctx, id); err != nil || job == "" {
		t.Errorf("deleted by %q, %v", job, err)
	}
	_, err = l.client.Execute(ctx, id, list)
	want(t, err, abi.KindNotFound)
	_, err = l.client.Connector(ctx, id)
	want(t, err, abi.KindNotFound, "hosted list")
}

// TestExpiredToken lets two hundred calls meet a token that has ended.
func TestExpiredToken(t *testing.T) {
	l := newLab(t)
	id := l.create(t, "support")
	l.clock.pass(14*time.Minute + time.Second) // within the margin before its end
	l.executeTogether(t, id, 200)
	if n := l.count("/token"); n != 1 {
		t.Errorf("%d tokens were asked for, want 1", n)
	}
}

// TestRevokedToken lets two hundred calls meet a token that the service does not take any
// more: each call is repeated once, with one new token for all.
func TestRevokedToken(t *testing.T) {
	l := newLab(t)
	id := l.create(t, "support")
	l.service.RevokeTokens()
	l.executeTogether(t, id, 200)
	if n := l.count("/token"); n != 1 {
		t.Errorf("%d tokens were asked for, want 1", n)
	}
	if n := l.count("/execute"); n < 201 || n > 400 {
		t.Errorf("%d executions were sent", n)
	}
}

func (l *lab) executeTogether(t *testing.T, id airbyteapi.ID, n int) {
	t.Helper()
	var group sync.WaitGroup
	failed := make([]error, n)
	for i := range n {
		group.Go(func() { _, failed[i] = l.client.Execute(t.Context(), id, list) })
	}
	group.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
}

// TestTokenIsUsedForItsLifetime asks for a token as often as the service's word makes
// necessary, and not more often.
func TestTokenIsUsedForItsLifetime(t *testing.T) {
	for _, test := range []struct {
		answer string
		after  time.Duration
		tokens int
	}{
		{`{"access_token":"t","expires_in":900}`, 13 * time.Minute, 1},
		{`{"access_token":"t","expires_in":900}`, 14 * time.Minute, 2},
		{`{"access_token":"t","expires_in":40}`, 29 * time.Second, 1},
		{`{"access_token":"t","expires_in":40}`, 31 * time.Second, 2},
		{`{"access_token":"t"}`, 13 * time.Minute, 1},
		{`{"access_token":"t"}`, 14 * time.Minute, 2},
		{`{"access_token":"t","expires_in":-5}`, 13 * time.Minute, 1},
		{`{"access_token":"t","expires_in":1e300}`, 23 * time.Hour, 1},
		{`{"access_token":"t","expires_in":1e300}`, 24 * time.Hour, 2},
	} {
		l := newLab(t)
		l.server.Inject(
			vendorsim.Fault{PathPrefix: "/api/v1/account", Count: -1, Effect: vendorsim.Respond(200, nil, test.answer)},
			vendorsim.Fault{Count: -1, Effect: vendorsim.Respond(200, nil, `{"data":[]}`)},
		)
		for range 2 {
			if _, err := l.client.Workspaces(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			l.clock.pass(test.after)
		}
		if n := l.count("/token"); n != test.tokens {
			t.Errorf("%s, used again after %s: %d tokens, want %d", test.answer, test.after, n, test.tokens)
		}
	}
}

// TestGivingUpDoesNotTakeTheTokenFromOthers cancels the call that asked first.
func TestGivingUpDoesNotTakeTheTokenFromOthers(t *testing.T) {
	l := newLab(t)
	release := make(chan struct{})
	l.server.Inject(vendorsim.Fault{PathPrefix: "/api/v1/account", Effect: func(w http.ResponseWriter, r *http.Request, vendor http.Handler) {
		<-release
		vendor.ServeHTTP(w, r)
	}})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() { _, err := l.client.Workspaces(ctx, ""); first <- err }()
	for l.count("/token") == 0 {
		time.Sleep(time.Millisecond)
	}
	second := make(chan error, 1)
	go func() { _, err := l.client.Workspaces(t.Context(), ""); second <- err }()
	cancel()
	want(t, <-first, abi.KindCancelled)
	close(release)
	if err := <-second; err != nil {
		t.Error(err)
	}
	if n := l.service.TokensIssued(); n != 1 {
		t.Errorf("%d tokens were handed out", n)
	}
}

func TestFind(t *testing.T) {
	l, ctx := newLab(t), t.Context()
	_, err := l.client.Find(ctx, acme, pylonID, "Pylon")
	e := want(t, err, abi.KindNotFound, `workspace "acme" has no Pylon connector`, "hosted create")
	if e.RequestSent {
		t.Error("a lookup counts as the operation")
	}
	first := l.create(t, "first")
	for range 3 {
		if id, err := l.client.Find(ctx, acme, pylonID, "Pylon"); err != nil || id != first {
			t.Fatalf("found %s, %v", id, err)
		}
	}
	if n := l.count("/connectors"); n != 1 {
		t.Errorf("the connector was looked up %d times", n)
	}
	second := l.create(t, "second")
	l.client.Forget(first)
	_, err = l.client.Find(ctx, acme, pylonID, "Pylon")
	want(t, err, abi.KindConflict, `workspace "acme" has 2 Pylon connectors`, `"first" (`+string(first)+`)`, `"second" (`+string(second)+`)`, "connector_id")
}

func TestConcurrentFindAsksOnce(t *testing.T) {
	l := newLab(t)
	l.create(t, "support")
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if _, err := l.client.Find(t.Context(), acme, pylonID, "Pylon"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := l.count("/connectors"); n != 1 {
		t.Errorf("the connector was looked up %d times", n)
	}
}

func TestWorkspacePages(t *testing.T) {
	service := sim.New(sim.Options{ClientID: clientID, ClientSecret: clientSecret, Organizations: []sim.Organization{{ID: realOrg, Workspaces: many(250)}}})
	server, err := vendorsim.Start(t.Context(), service, vendorsim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	c := open(t, client.Config{BaseURL: server.URL + "/api/v1/", ClientID: value(clientID), ClientSecret: value(clientSecret)})
	all, err := c.Workspaces(t.Context(), "")
	if err != nil || len(all) != 250 {
		t.Errorf("%d workspaces, %v", len(all), err)
	}
	// The exact name is on the last page of those that contain it.
	last := name(t, "team-249", "", "")
	if err := c.RequireWorkspace(t.Context(), last); err != nil {
		t.Error(err)
	}
	missing := name(t, "teem-249", "", "")
	want(t, c.RequireWorkspace(t.Context(), missing), abi.KindNotFound, "there is no workspace", "did you mean team-249?")
}

func many(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("team-%d", i)
	}
	return names
}

func TestRetries(t *testing.T) {
	unavailable := vendorsim.Respond(http.StatusServiceUnavailable, nil, `{"message":"down"}`)
	wait := vendorsim.RetryAfterSeconds(http.StatusTooManyRequests, 3, `{"message":"slow down"}`)
	write := client.Execution{ExecuteRequest: airbyteapi.ExecuteRequest{Entity: "accounts", Action: "create"}}
	for _, test := range []struct {
		name   string
		effect vendorsim.Effect
		run    client.Execution
		sent   int
		kind   abi.Kind
	}{
		{"a read after 503", unavailable, list, 2, ""},
		{"a read after 429", wait, list, 2, ""},
		{"a write after 429 with Retry-After", wait, write, 2, ""},
		{"a write after 503", unavailable, write, 1, abi.KindVendorError},
		{"a write after a lost answer", vendorsim.DropAfterHandling(), write, 1, abi.KindNetwork},
		{"a read after a lost answer", vendorsim.DropAfterHandling(), list, 2, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLab(t)
			id := l.create(t, "support")
			before := l.clock.Now()
			l.server.Inject(vendorsim.Fault{PathPrefix: "/api/v1/integrations", Effect: test.effect})
			_, err := l.client.Execute(t.Context(), id, test.run)
			if test.kind == "" && err != nil {
				t.Error(err)
			}
			if test.kind != "" && !want(t, err, test.kind).RequestSent {
				t.Error("the error does not say that the write may have happened")
			}
			if n := l.count("/execute"); n != test.sent {
				t.Errorf("sent %d times, want %d", n, test.sent)
			}
			if strings.Contains(test.name, "429") && l.clock.Now().Sub(before) != 3*time.Second {
				t.Errorf("waited %s, want 3s", l.clock.Now().Sub(before))
			}
		})
	}
}

// TestClosed refuses what comes after Close.
func TestClosed(t *testing.T) {
	l := newLab(t)
	l.client.Close()
	_, err := l.client.Workspaces(t.Context(), "")
	want(t, err, abi.KindInternal, "closed")
	if n := len(l.server.Requests()); n != 0 {
		t.Errorf("%d requests were sent", n)
	}
}

// A 404 of the vendor, or one that the service passes on without saying whose it is, must not
// run a write a second time while the connector is still there.
func TestVendors404RepeatsNothing(t *testing.T) {
	for _, body := range []string{
		`{"message":"no such account","errors":[{"message":"no such account","error_code":"upstream_not_found"}]}`,
		`{"message":"no such account"}`,
	} {
		for _, byID := range []bool{false, true} {
			for _, effect := range []string{"create", "list"} {
				l := newLab(t)
				id := l.create(t, "support")
				target := client.Target{Workspace: name(t, "acme", "", ""), DefinitionID: pylonID, Title: "Pylon"}
				if byID {
					target = client.Target{ID: id, Title: "Pylon"}
				}
				l.server.Inject(vendorsim.Fault{Method: http.MethodPost, PathPrefix: "/api/v1/integrations", Count: 5, Effect: vendorsim.Respond(http.StatusNotFound, nil, body)})
				run := client.Execution{ExecuteRequest: airbyteapi.ExecuteRequest{Entity: "accounts", Action: effect}}
				_, err := l.client.Run(t.Context(), target, run)
				if e := want(t, err, abi.KindNotFound, "no such account"); !e.RequestSent {
					t.Errorf("%s: the error does not say that the call was sent", body)
				}
				if n := l.count("/execute"); n != 1 {
					t.Errorf("%s of %s, by id %v: the call was sent %d times", effect, body, byID, n)
				}
			}
		}
	}
}
