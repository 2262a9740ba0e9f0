package main

// Linux only, because what a process holds is read from /proc.

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	database "github.com/agenthost/agenthost/internal/store"
)

// The sizes of TestIsolation.
var (
	isolatedWorkspaces = flag.Int("workspaces", 24, "workspaces of TestIsolation, with three connectors each")
	isolatedCalls      = flag.Int("calls", 4000, "calls of TestIsolation")
)

const (
	isolatedClients       = 64
	isolatedOrganizations = 4
)

// TestIsolation serves many workspaces of some organizations to clients that ask for what is their
// own and, as often, for what is another's: by ids and names that they know or guess, and with
// tokens that are too narrow, swapped or forged. No answer is another's, no text names another
// workspace, no credential is used for another, and in the end all is as its owner left it.
//
// threat: D1
func TestIsolation(t *testing.T) {
	random := seeded(t)
	w := &isolation{
		t: t, workspaces: make([]*isolatedWorkspace, *isolatedWorkspaces), vendor: &owners{owner: make(map[string]string), writes: make(map[string]int)}, durations: make(chan time.Duration, *isolatedCalls),
	}
	w.s = newServed(t, w.vendor, "")
	w.organizations()
	w.s.start()
	empty := w.s.resident("VmRSS")
	took := time.Now()
	each(isolatedClients, *isolatedWorkspaces, func(i int) { w.make(i) })
	t.Logf("%d workspaces with 3 connectors made in %s", *isolatedWorkspaces, time.Since(took).Round(time.Millisecond))
	made := w.s.resident("VmRSS")
	seeds := make([]uint64, isolatedClients)
	for i := range seeds {
		seeds[i] = random.Uint64()
	}
	took = time.Now()
	var group sync.WaitGroup
	for _, seed := range seeds {
		group.Go(func() {
			c := &isolatedClient{t: t, w: w, random: rand.New(rand.NewPCG(seed, 0))}
			for range *isolatedCalls / isolatedClients {
				if c.call(); t.Failed() {
					return
				}
			}
		})
	}
	group.Wait()
	duration := time.Since(took)
	close(w.durations)
	var times []time.Duration
	for d := range w.durations {
		times = append(times, d)
	}
	slices.Sort(times)
	if len(times) > 0 {
		t.Logf("%d own calls of a vendor: the middle one took %s, the 99th of 100 %s", len(times), times[len(times)/2].Round(10*time.Microsecond), times[len(times)*99/100].Round(10*time.Microsecond))
	}
	t.Logf("%d calls in %s, %d of them for what is another's, %d had to wait; resident memory %d MB before there was a workspace, %d MB with all, %d MB after the calls, %d MB at the peak",
		w.calls.Load(), duration.Round(time.Millisecond), w.foreign.Load(), w.waited.Load(), empty>>20, made>>20, w.s.resident("VmRSS")>>20, w.s.resident("VmHWM")>>20)
	each(isolatedClients, *isolatedWorkspaces, func(i int) { w.verify(i) })
	if n := w.vendor.crossed.Load(); n > 0 {
		t.Errorf("%d writes had the credential of another", n)
	}
	if w.foreign.Load() == 0 || len(times) == 0 {
		t.Error("nothing was tried")
	}
	w.s.stop()
	if log := w.s.log.String(); strings.Contains(log, "[ERROR]") || strings.Contains(log, "panic") {
		t.Errorf("logged: %.2000s", log)
	}
}

// each calls f for each number below n, from some goroutines.
func each(goroutines, n int, f func(i int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range goroutines {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				f(i)
			}
		})
	}
	group.Wait()
}

// isolation is what the test knows.
type isolation struct {
	t            *testing.T
	s            *servedProcess
	vendor       *owners
	applications []*isolatedApplication
	workspaces   []*isolatedWorkspace // by number

	calls, foreign, waited atomic.Int64
	durations              chan time.Duration // of own calls of the vendor
}

// isolatedApplication is the application of an organization.
type isolatedApplication struct {
	application
	tokens lifetime
}

// isolatedWorkspace is a workspace with its connectors.
type isolatedWorkspace struct {
	number         int
	name, id       string
	application    *isolatedApplication
	full, readOnly lifetime

	mu         sync.Mutex
	connectors [3]string
	generation int
}

// lifetime is a token that is renewed before it expires.
type lifetime struct {
	mu   sync.Mutex
	text string
	made time.Time
}

func (l *lifetime) get(renew func() string) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.made) > 10*time.Minute {
		l.text, l.made = renew(), time.Now()
	}
	return l.text
}

// mark names a workspace in every text of its own. Its number stands in no other text.
func mark(number int) string { return fmt.Sprintf("m%dx", number) }

var marks = regexp.MustCompile(`m\d+x`)

// organizations makes the organizations in the database, which no call can.
func (w *isolation) organizations() {
	w.t.Helper()
	if err := database.MakeMasterFile(w.t.Context(), filepath.Join(w.s.folder, "data")); err != nil {
		w.t.Fatal(err)
	}
	db := w.s.open()
	for i := range isolatedOrganizations {
		o, err := db.CreateOrganization(w.t.Context(), fmt.Sprint("organization ", i))
		if err != nil {
			w.t.Fatal(err)
		}
		a, password, err := db.CreateApplication(w.t.Context(), o.ID, "application", nil)
		if err != nil {
			w.t.Fatal(err)
		}
		one := &isolatedApplication{application: application{Organization: o.ID, ID: a.ID}}
		_ = password.Reveal(func(b []byte) error { one.Secret = string(b); return nil })
		w.applications = append(w.applications, one)
	}
	if err := db.Close(); err != nil {
		w.t.Fatal(err)
	}
}

// token is that of the application.
func (w *isolation) token(a *isolatedApplication) string {
	return a.tokens.get(func() string { return w.s.token(a.application) })
}

// scoped is a token for the workspace.
func (w *isolation) scoped(ws *isolatedWorkspace, l *lifetime, scopes ...string) string {
	return l.get(func() string {
		var got airbyteapi.ScopedToken
		body := map[string]any{"workspace_name": ws.name}
		if scopes != nil {
			body["scopes"] = scopes
		}
		if err := w.ask(http.MethodPost, airbyteapi.ScopedTokenPath, w.token(ws.application), body).into(&got); err != nil {
			w.t.Error(err)
		}
		return got.Token
	})
}

// ask sends a request, again if there were too many.
func (w *isolation) ask(method, path, token string, body any, headers ...string) *answer {
	for {
		a, err := w.s.ask(method, path, token, body, headers...)
		if err != nil {
			w.t.Error(err)
			return &answer{status: http.StatusTeapot, body: err.Error()}
		}
		if a.status != http.StatusTooManyRequests {
			return a
		}
		w.waited.Add(1)
		time.Sleep(time.Second)
	}
}

// make makes a workspace with its connectors.
func (w *isolation) make(number int) {
	ws := &isolatedWorkspace{number: number, name: "customer " + mark(number), application: w.applications[number%len(w.applications)]}
	token := w.scoped(ws, &ws.full)
	var info airbyteapi.TokenInfo
	if err := w.ask(http.MethodGet, airbyteapi.ScopedTokenInfoPath, token, nil).into(&info); err != nil {
		w.t.Error(err)
	}
	ws.id = info.WorkspaceID
	for n := range ws.connectors {
		w.connect(ws, n)
	}
	w.workspaces[number] = ws
}

func (ws *isolatedWorkspace) owner(n int) string { return fmt.Sprintf("%s-%d", mark(ws.number), n) }

// credentials are fresh ones of a connector. The caller holds ws.mu, or nobody else has the workspace.
func (w *isolation) credentials(ws *isolatedWorkspace, n int) map[string]any {
	ws.generation++
	credential := fmt.Sprintf("credential-%d-%d-generation-%d", ws.number, n, ws.generation)
	w.vendor.own(credential, ws.owner(n))
	return map[string]any{"token": credential}
}

// connect makes a connector. The caller holds ws.mu, or nobody else has the workspace.
func (w *isolation) connect(ws *isolatedWorkspace, n int) {
	var made airbyteapi.Record
	if err := w.ask(http.MethodPost, airbyteapi.ConnectorsPath, w.scoped(ws, &ws.full), map[string]any{
		"workspace_name": ws.name, "connector_type": "notes", "name": "connector " + ws.owner(n), "credentials": w.credentials(ws, n),
	}).into(&made); err != nil {
		w.t.Error(err)
	}
	ws.connectors[n] = made.ID
}

// verify looks whether a workspace is as its owner left it.
func (w *isolation) verify(number int) {
	ws := w.workspaces[number]
	token := w.scoped(ws, &ws.full)
	var list airbyteapi.Records
	if err := w.ask(http.MethodGet, airbyteapi.ConnectorsPath, token, nil).into(&list); err != nil || len(list.Data) != len(ws.connectors) {
		w.t.Errorf("%s: %d connectors, %v", ws.name, len(list.Data), err)
		return
	}
	for n, r := range list.Data { // by name
		owner, err := w.s.who(token, r.ID)
		if err != nil || r.ID != ws.connectors[n] || r.Name != "connector "+ws.owner(n) || owner != ws.owner(n) {
			w.t.Errorf("%s: connector %s %q has the credential of %q, %v", ws.name, r.ID, r.Name, owner, err)
		}
	}
}

// isolatedClient is a client that is now this and now that workspace.
type isolatedClient struct {
	t      *testing.T
	w      *isolation
	random *rand.Rand
}

// call makes one call, as often for what is another's as for what is the client's.
func (c *isolatedClient) call() {
	own := c.w.workspaces[c.random.IntN(*isolatedWorkspaces)]
	c.w.calls.Add(1)
	if c.random.IntN(2) == 0 {
		c.own(own)
		return
	}
	c.w.foreign.Add(1)
	for other := own; ; other = c.w.workspaces[c.random.IntN(*isolatedWorkspaces)] {
		if other != own {
			c.foreignOf(own, other)
			return
		}
	}
}

// see checks that a text names no workspace but one.
func (c *isolatedClient) see(what string, own *isolatedWorkspace, a *answer) {
	for _, m := range marks.FindAllString(fmt.Sprint(a.body, a.header), -1) {
		if m != mark(own.number) {
			c.t.Errorf("%s, asked by %s: %s is named in %d %s %v", what, own.name, m, a.status, a.body, a.header)
			return
		}
	}
}

// operation is the body of a call.
func operation(entity, action, params string) airbyteapi.ExecuteRequest {
	return airbyteapi.ExecuteRequest{Entity: entity, Action: action, Params: json.RawMessage(params)}
}

// own asks for what is the client's.
func (c *isolatedClient) own(ws *isolatedWorkspace) {
	n := c.random.IntN(len(ws.connectors))
	ws.mu.Lock()
	id := ws.connectors[n]
	ws.mu.Unlock()
	token := c.w.scoped(ws, &ws.full)
	if c.random.IntN(4) == 0 {
		token = c.w.token(ws.application)
	}
	var a *answer
	var what string
	wants := func(text string) {
		c.see(what, ws, a)
		ws.mu.Lock()
		changed := ws.connectors[n] != id
		ws.mu.Unlock()
		if (a.status >= 300 || !strings.Contains(a.body, text)) && !changed {
			c.t.Errorf("%s of %s: %d %s, want %q", what, ws.name, a.status, a.body, text)
		}
	}
	switch k := c.random.IntN(40); {
	case k < 24:
		begun := time.Now()
		what, a = "execute", c.w.ask(http.MethodPost, connectorAt(airbyteapi.ExecutePath, id), token, operation("me", "get", "{}"))
		c.w.durations <- time.Since(begun)
		wants(`"owner":"` + ws.owner(n) + `"`)
	case k < 28:
		what, a = "write", c.w.ask(http.MethodPost, connectorAt(airbyteapi.ExecutePath, id), token, operation("notes", "create", fmt.Sprintf(`{"name": "by %s"}`, mark(ws.number))))
		wants(`"owner":"` + ws.owner(n) + `"`)
	case k < 30:
		what, a = "get", c.w.ask(http.MethodGet, connectorAt(airbyteapi.ConnectorPath, id), token, nil)
		wants(ws.owner(n))
	case k < 32:
		what, a = "inspect", c.w.ask(http.MethodGet, connectorAt(airbyteapi.InspectPath, id), token, nil)
		wants(ws.id)
	case k < 34:
		what, a = "list", c.w.ask(http.MethodGet, airbyteapi.ConnectorsPath+"?workspace_id="+ws.id, token, nil)
		wants(ws.owner(n))
	case k < 35:
		what, a = "check", c.w.ask(http.MethodPost, connectorAt(airbyteapi.CheckPath, id), token, map[string]any{})
		wants(`"succeeded"`)
	case k < 36:
		what, a = "docs", c.w.ask(http.MethodGet, airbyteapi.SkillDocsPath+"?id="+airbyteapi.SkillID(id), token, nil)
		wants("notes")
	case k < 38:
		what = "change"
		ws.mu.Lock()
		a = c.w.ask(http.MethodPut, connectorAt(airbyteapi.ConnectorPath, ws.connectors[n]), token, map[string]any{"credentials": c.w.credentials(ws, n)})
		id = ws.connectors[n]
		ws.mu.Unlock()
		wants(ws.owner(n))
	default:
		what = "delete"
		ws.mu.Lock()
		a = c.w.ask(http.MethodDelete, connectorAt(airbyteapi.ConnectorPath, ws.connectors[n]), token, nil)
		c.w.connect(ws, n)
		id = ws.connectors[n]
		ws.mu.Unlock()
		wants("job_id")
	}
}

const digits = "0123456789abcdef"

// foreignOf asks for what is another's, with each form of a request.
func (c *isolatedClient) foreignOf(own, other *isolatedWorkspace) {
	other.mu.Lock()
	id := other.connectors[c.random.IntN(len(other.connectors))]
	other.mu.Unlock()
	own.mu.Lock()
	mine := own.connectors[c.random.IntN(len(own.connectors))]
	own.mu.Unlock()
	token, kind := c.w.scoped(own, &own.full), "a token for a workspace"
	if own.application != other.application && c.random.IntN(2) == 0 {
		token, kind = c.w.token(own.application), "a token of another organization"
	}
	switch c.random.IntN(6) {
	case 0:
		id = strings.ToUpper(id)
	case 1: // a guess, near to an id of one's own
		last := strings.IndexByte(digits, mine[len(mine)-1])
		id = mine[:len(mine)-1] + digits[(last+1)%16:][:1]
	}
	attacks := c.attacks(own, other, id, token)
	a := attacks[c.random.IntN(len(attacks))]
	got := c.w.ask(a.method, a.path, a.token, a.body, a.headers...)
	what := fmt.Sprintf("%s %s (%v) with %s", a.method, a.path, a.body, kind)
	c.see(what, own, got)
	if got.status < 400 && !a.search || a.search && got.status != http.StatusOK || got.status >= 500 && got.status != http.StatusNotImplemented {
		c.t.Errorf("%s: %d %s", what, got.status, got.body)
	}
}

// attack is a request for what is another's.
type attack struct {
	method, path, token string
	body                any
	headers             []string
	search              bool // its good answer has nothing of the other
}

func (c *isolatedClient) attacks(own, other *isolatedWorkspace, id, token string) []attack {
	const get, post = http.MethodGet, http.MethodPost
	write := operation("notes", "create", fmt.Sprintf(`{"name": "by %s"}`, mark(own.number)))
	name := strings.ReplaceAll(other.name, " ", "%20")
	connector := map[string]any{"workspace_id": other.id, "connector_type": "notes", "name": "of " + mark(own.number), "credentials": map[string]any{"token": "another"}}
	all := []attack{
		{post, connectorAt(airbyteapi.ExecutePath, id), token, operation("me", "get", "{}"), nil, false},
		{post, connectorAt(airbyteapi.ExecutePath, id), token, write, nil, false},
		{post, connectorAt(airbyteapi.ExecutePath, id), token, write, []string{"Idempotency-Key", fmt.Sprint("key-", c.random.IntN(1000))}, false},
		{post, connectorAt(airbyteapi.PreparePath, id), token, operation("me", "get", "{}"), nil, false},
		{get, connectorAt(airbyteapi.ConnectorPath, id), token, nil, nil, false},
		{http.MethodPut, connectorAt(airbyteapi.ConnectorPath, id), token, map[string]any{"name": "of " + mark(own.number), "credentials": map[string]any{"token": "another"}}, nil, false},
		{http.MethodDelete, connectorAt(airbyteapi.ConnectorPath, id), token, nil, nil, false},
		{post, connectorAt(airbyteapi.CheckPath, id), token, map[string]any{}, nil, false},
		{get, connectorAt(airbyteapi.InspectPath, id), token, nil, nil, false},
		{get, airbyteapi.SkillDocsPath + "?id=" + airbyteapi.SkillID(id), token, nil, nil, false},
		{get, airbyteapi.SkillsPath + "?workspace_id=" + other.id, token, nil, nil, false},
		{get, airbyteapi.SkillSearchPath + "?query=" + mark(other.number), token, nil, nil, true},
		{get, airbyteapi.ConnectorsPath + "?workspace_id=" + other.id, token, nil, nil, false},
		{get, airbyteapi.ConnectorsPath + "?workspace_name=" + name, token, nil, nil, false},
		{get, airbyteapi.ConnectorsPath + "?customer_name=" + name, token, nil, nil, false},
		{get, airbyteapi.ConnectorsPath + "?external_user_id=" + name, token, nil, nil, false},
		{post, airbyteapi.ConnectorsPath, token, connector, nil, false},
		{post, airbyteapi.CheckNewPath, token, connector, nil, false},
		{get, airbyteapi.WorkspacesPath + "?name_contains=" + mark(other.number), token, nil, nil, true},
		{get, airbyteapi.WorkspacesPath + "/" + other.id, token, nil, nil, false},
		{http.MethodPatch, airbyteapi.WorkspacesPath + "/" + other.id, token, map[string]any{"name": "of " + mark(own.number), "status": "inactive"}, nil, false},
		{http.MethodDelete, airbyteapi.WorkspacesPath + "/" + other.id, token, nil, nil, false},
		// Tokens that are used wider than they are.
		{post, connectorAt(airbyteapi.ExecutePath, id), c.w.scoped(own, &own.readOnly, "read"), write, nil, false},
		{http.MethodDelete, connectorAt(airbyteapi.ConnectorPath, own.connector(c.random)), c.w.scoped(own, &own.readOnly, "read"), nil, nil, false},
		{post, connectorAt(airbyteapi.ExecutePath, own.connector(c.random)), c.w.scoped(own, &own.readOnly, "read"), write, nil, false},
		{post, airbyteapi.ScopedTokenPath, c.w.scoped(own, &own.full), map[string]any{"workspace_name": other.name}, nil, false},
		{http.MethodDelete, airbyteapi.WorkspacesPath + "/" + own.id, c.w.scoped(own, &own.full), nil, nil, false},
		// What another's token says, with the signature of one's own.
		{post, connectorAt(airbyteapi.ExecutePath, id), forge(c.w.scoped(other, &other.full), token), operation("me", "get", "{}"), nil, false},
	}
	if own.application != other.application {
		all = append(all, attack{get, connectorAt(airbyteapi.ConnectorPath, own.connector(c.random)), token, nil, []string{airbyteapi.OrganizationHeader, other.application.Organization}, false})
	}
	return all
}

func (ws *isolatedWorkspace) connector(random *rand.Rand) string {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	return ws.connectors[random.IntN(len(ws.connectors))]
}

// forge gives what one token says the signature of another.
func forge(says, signed string) string {
	return says[:strings.LastIndexByte(says, '.')] + signed[strings.LastIndexByte(signed, '.'):]
}

// resident is a line of what the kernel says of the process's memory, in bytes.
func (s *servedProcess) resident(line string) int64 {
	s.t.Helper()
	return memoryOf(s.t, s.cmd.Process.Pid, line)
}

// memoryOf is a line of what the kernel says of a process's memory, in bytes.
func memoryOf(t *testing.T, process int, line string) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process))
	if err != nil {
		t.Fatal(err)
	}
	var kilobytes int64
	if _, rest, found := strings.Cut(string(status), line+":"); !found {
		t.Fatalf("%s", status)
	} else if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}
