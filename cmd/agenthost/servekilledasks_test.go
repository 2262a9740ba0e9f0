package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	asking "github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	database "github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestKilledAsksOfServer kills agenthost serve at random moments of calls that a person must approve,
// over the API and over MCP. The person answers with agenthost workspace approve and refuse, which
// work on the database itself while no server runs. The vendor gets nothing without a yes to exactly
// what it gets, and for one yes no more than one write. A yes may be lost if nothing was sent. The
// audit trail has each write, with the plan.
//
// threat: S6, A4
func TestKilledAsksOfServer(t *testing.T) {
	t.Parallel()
	testKilledAsksOfServer(t, "")
}

func TestPostgresKilledAsksOfServer(t *testing.T) {
	t.Parallel()
	onPostgres(t, testKilledAsksOfServer)
}

// The moments at which the server is killed.
var moments = []string{"asked", "answering", "answered", "calling", "arrived", "ended"}

func testKilledAsksOfServer(t *testing.T, database string) {
	t.Helper()
	random := seeded(t)
	clock := &killMoment{hit: make(chan struct{}, 1)}
	vendor := &approvedWrites{yes: make(map[string]int), writes: make(map[string]int), arrived: func() { clock.at("arrived") }}
	s := newServedConnector(t, "notes", ", allow: {effects: [read, write], ask: [write]}", vendor, database)
	s.start()
	app := s.bootstrap()
	token := s.token(app)
	var all []*asker
	for i := range 4 {
		k := &asker{
			t: t, s: s, vendor: vendor, clock: clock, random: rand.New(rand.NewPCG(random.Uint64(), 0)), workspace: fmt.Sprintf("workspace-%d", i),
			mcp: i%2 == 1, plans: make(map[string]string), ends: make(map[string]int),
		}
		k.create(token)
		all = append(all, k)
	}
	killed := make(map[string]int)
	for range *askKills {
		running, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		moment := moments[random.IntN(len(moments))]
		clock.set(moment, 1+random.IntN(3))
		for _, k := range all {
			group.Go(func() { k.work(running, token) })
		}
		select {
		case <-clock.hit:
			killed[moment]++
		case <-time.After(time.Minute):
			t.Errorf("the moment %s does not come", moment)
		}
		time.Sleep(time.Duration(max(0, random.IntN(4000)-1000)) * time.Microsecond)
		stop()
		s.kill()
		group.Wait()
		time.Sleep(20 * time.Millisecond) // what the kernel had of the last requests arrives now
		s.start()
		token = s.token(app)
		for _, k := range all {
			group.Go(func() { k.check(token) })
		}
		group.Wait()
		if t.Failed() {
			t.Fatalf("the server says: %.4000s", s.log)
		}
	}
	s.stop()
	ends := make(map[string]int)
	for _, k := range all {
		for end, n := range k.ends {
			ends[end] += n
		}
	}
	vendor.mu.Lock()
	came := maps.Clone(vendor.writes)
	vendor.mu.Unlock()
	t.Logf("%d kills at %v; %d writes came to the vendor; %v", *askKills, killed, len(came), ends)
	checkAsks(t, s, app, came, all)
}

// killMoment waits for one of the moments.
type killMoment struct {
	mu   sync.Mutex
	name string
	left int
	hit  chan struct{}
}

func (m *killMoment) set(name string, times int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.name, m.left = name, times
}

func (m *killMoment) at(name string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.name == name {
		if m.left--; m.left == 0 {
			m.over()
		}
	}
}

// over ends the wait.
func (m *killMoment) over() {
	select {
	case m.hit <- struct{}{}:
	default:
	}
}

// approvedWrites is a vendor that takes what a person has approved, byte for byte and as often.
type approvedWrites struct {
	mu      sync.Mutex
	yes     map[string]int // how often a person approved what has this text
	writes  map[string]int
	wrong   []string
	arrived func()
}

func (v *approvedWrites) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		http.Error(w, "{}", http.StatusBadRequest)
		return
	}
	if r.Method != http.MethodGet {
		text := sentText(r.Method, "http://"+r.Host+r.URL.RequestURI(), r.Header.Get("Authorization"), body)
		v.mu.Lock()
		if v.writes[text]++; v.writes[text] > v.yes[text] {
			v.wrong = append(v.wrong, fmt.Sprintf("write %d with %d approvals: %s", v.writes[text], v.yes[text], text))
		}
		v.mu.Unlock()
		v.arrived()
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"data":{"id":"a"}}`)
}

func sentText(method, url, credential string, body []byte) string {
	return fmt.Sprintf("%s %s %s %s", method, url, credential, body)
}

func (v *approvedWrites) approve(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.yes[text]++
}

// count is how many writes with a text have come.
func (v *approvedWrites) count(text string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.writes[text]
}

// asker is a client with a workspace of its own, and the person who answers for it.
type asker struct {
	t         *testing.T
	s         *servedProcess
	vendor    *approvedWrites
	clock     *killMoment
	random    *rand.Rand
	workspace string
	mcp       bool
	access    string // for MCP
	session   string
	messages  atomic.Int64
	connector string

	made  int
	open  *approvable       // what it does now
	plans map[string]string // of writes that a person approved: the digest, by text
	ends  map[string]int
}

// approvable is a write that a person is asked about.
type approvable struct {
	name     string
	key      string // only over the API
	yes      bool   // what the person says
	rivals   int    // how many more calls want the approval at the same time
	plan     string // its id; empty before the question
	digest   string
	text     string // what would be sent
	answered bool   // the command said that the answer is kept
}

// agenthost runs a command of an operator.
func (k *asker) agenthost(args ...string) (string, error) {
	cmd := exec.CommandContext(context.WithoutCancel(k.t.Context()), k.s.program, append(args, "--data", "data")...)
	if k.s.database != "" {
		cmd.Args = append(cmd.Args, "--db", "env:"+databaseVariable)
	}
	var out, problem lockedText
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = k.s.folder, k.s.env, &out, &problem
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("agenthost %s: %w: %s", strings.Join(args, " "), err, problem.String())
	}
	return out.String(), nil
}

func (k *asker) create(token string) {
	k.t.Helper()
	var made airbyteapi.Record
	a, err := k.s.ask(http.MethodPost, airbyteapi.ConnectorsPath, token, map[string]any{
		"workspace_name": k.workspace, "connector_type": "Notes", "name": "diary", "credentials": map[string]string{"token": "credential-of-" + k.workspace},
	})
	if err == nil {
		err = a.into(&made)
	}
	if err == nil && k.mcp {
		k.access, err = k.agenthost("workspace", "token", k.workspace)
		k.access = strings.TrimSpace(k.access)
	}
	if err != nil {
		k.t.Fatal(err)
	}
	k.connector = made.ID
	k.join()
}

// work makes writes until the server was killed.
func (k *asker) work(running context.Context, token string) {
	for running.Err() == nil && !k.t.Failed() {
		if k.open == nil {
			k.open = &approvable{name: fmt.Sprintf("%s note %d", k.workspace, k.made), yes: k.random.IntN(4) > 0, rivals: max(0, k.random.IntN(4)-1)}
			if k.made++; !k.mcp {
				k.open.key = k.open.name
			}
		}
		err := k.advance(token, k.open) //nolint:contextcheck // a question ends with the test, and not with the server
		switch {
		case err == nil:
			k.open = nil
		case running.Err() == nil:
			k.t.Error(err)
			k.clock.over()
		}
	}
}

// advance goes on with a write to its end. An error is of the test only if the server was not killed.
func (k *asker) advance(token string, w *approvable) error {
	if w.plan == "" {
		a, err := k.call(token, w.name, w.key)
		if err != nil {
			return err
		}
		if a.ask == "" {
			return fmt.Errorf("the first call of %s: %+v", w.name, a)
		}
		w.plan = a.ask
		k.clock.at("asked")
	}
	p, err := k.find(token, w.plan)
	if err != nil {
		return err
	}
	if w.text == "" {
		if err := k.read(p, w); err != nil {
			return err
		}
	}
	if p.State == "pending" {
		if k.random.IntN(8) == 0 { // another call, which nobody approves
			if a, err := k.call(token, w.name+" to somebody else", ""); err != nil || a.ask == "" || a.ask == w.plan {
				return fmt.Errorf("another call: %+v, %w", a, err)
			}
		}
		if err := k.answer(w); err != nil {
			return err
		}
	}
	return k.carryOut(token, w, p.State == "used", false)
}

// find gets a plan.
func (k *asker) find(token, id string) (p adminapi.Plan, err error) {
	a, err := k.s.ask(http.MethodGet, airbyteapi.Prefix+"/agenthost/plans/"+id+"?workspace_name="+k.workspace, token, nil)
	if err == nil {
		err = a.into(&p)
	}
	return p, err
}

// read is the person who looks at a plan.
func (k *asker) read(p adminapi.Plan, w *approvable) error {
	var plan asking.Plan
	if err := json.Unmarshal(p.Plan, &plan); err != nil {
		return err
	}
	if len(plan.Requests) != 1 || plan.Digest() != p.Digest || !strings.Contains(string(plan.Requests[0].Body), `"`+w.name+`"`) {
		return fmt.Errorf("the plan of %s is %s", w.name, p.Text)
	}
	r := plan.Requests[0]
	w.digest, w.text = p.Digest, sentText(r.Method, r.URL, "Bearer credential-of-"+k.workspace, r.Body)
	return nil
}

// answer is what the person says, by command.
func (k *asker) answer(w *approvable) error {
	verb := "refuse"
	if w.yes {
		verb = "approve"
		if k.plans[w.text] == "" {
			k.vendor.approve(w.text)
			k.plans[w.text] = w.digest
		}
	}
	k.clock.at("answering")
	if _, err := k.agenthost("workspace", verb, k.workspace, w.plan, "--digest", w.digest); err != nil {
		return err
	}
	w.answered = true
	k.clock.at("answered")
	return nil
}

// outcome is how a call ended.
type outcome struct {
	ok      bool
	ask     string // the question that waits for a person
	refused bool   // a person said no, or the approval was used
	unknown bool
	text    string
}

var askID = regexp.MustCompile(`agenthost workspace plan [0-9a-z-]+ ([0-9a-z-]+) shows`)

// call makes a call; the error is of the connection.
func (k *asker) call(token, name, key string) (o outcome, err error) {
	params := map[string]string{"name": name, "high": "", "low": ""}
	var a *answer
	if k.mcp {
		a, err = k.message("tools/call", map[string]any{"name": "diary_notes_create", "arguments": params})
	} else {
		var headers []string
		if key != "" {
			headers = []string{"Idempotency-Key", key}
		}
		text, _ := json.Marshal(params) // never fails
		a, err = k.s.ask(http.MethodPost, connectorAt(airbyteapi.ExecutePath, k.connector), token, airbyteapi.ExecuteRequest{Entity: "notes", Action: "create", Params: text}, headers...)
	}
	if err != nil {
		return o, err
	}
	o = outcome{
		ok: a.status == http.StatusOK && !strings.Contains(a.body, `"isError":true`), text: fmt.Sprintf("%d %s", a.status, a.body),
		refused: strings.Contains(a.body, "a person refused this call") || strings.Contains(a.body, "was used by another call"),
		unknown: a.status == http.StatusConflict && strings.Contains(a.body, `"outcome_unknown"`),
	}
	if found := askID.FindStringSubmatch(a.body); strings.Contains(a.body, abi.CodeNeedsApproval) && found != nil {
		o.ask = found[1]
	}
	return o, nil
}

// message sends a message of MCP, in a session that ends with the server.
func (k *asker) message(method string, params map[string]any) (*answer, error) {
	headers := []string{"Accept", "application/json, text/event-stream", "Mcp-Protocol-Version", "2025-11-25"}
	if k.session != "" {
		headers = append(headers, "Mcp-Session-Id", k.session)
	}
	return k.s.ask(http.MethodPost, "/mcp", k.access, map[string]any{"jsonrpc": "2.0", "id": k.messages.Add(1), "method": method, "params": params}, headers...)
}

// join begins a session of MCP, where there are any.
func (k *asker) join() {
	if k.session = ""; !k.mcp {
		return
	}
	a, err := k.message("initialize", map[string]any{"protocolVersion": "2025-11-25", "capabilities": map[string]any{}, "clientInfo": map[string]string{"name": "t", "version": "1"}})
	// Servers that may share a database keep no sessions.
	if err != nil || a.status != http.StatusOK || (a.header.Get("Mcp-Session-Id") == "") != (k.s.database != "") {
		k.t.Errorf("no session, or one too many: %+v, %v", a, err)
		return
	}
	k.session = a.header.Get("Mcp-Session-Id")
}

// carryOut makes the call after the answer, and some more that want the same approval. No call had a
// fresh key.
func (k *asker) carryOut(token string, w *approvable, used, fresh bool) error {
	before := k.vendor.count(w.text)
	k.clock.at("calling")
	var group sync.WaitGroup
	var good atomic.Int64
	for i := range w.rivals {
		group.Go(func() {
			if o, err := k.call(token, w.name, strings.Repeat("rival-", i+1)+w.key); err == nil && o.ok {
				good.Add(1)
			}
		})
	}
	o, err := k.call(token, w.name, w.key)
	group.Wait()
	if err != nil {
		return err
	}
	k.clock.at("ended")
	count, end := k.vendor.count(w.text), ""
	switch {
	case !w.yes && o.refused && count == 0:
		end = "refused"
	case !w.yes:
	case used && count == before && count == 1 && (o.ask != "" || o.unknown || o.refused || o.ok && !k.mcp):
		end = "written before the kill"
	case used && count == 0 && before == 0 && (o.ask != "" || o.unknown):
		end = "lost: an approval that was used, with nothing sent"
	case !used && o.unknown && count == 0 && !fresh:
		// The server was killed between the start record and the use of the approval. Under another
		// key, the approval is still good.
		w.key += " again"
		k.ends["under another key"]++
		return k.carryOut(token, w, false, true)
	case !used && count == 1 && (o.ok || w.rivals > 0):
		end = "written"
	}
	if end == "" || good.Load() > 1 || count > 1 {
		return fmt.Errorf("%s, approved %t, used %t, %d rivals, %d of them well, ended with %+v; %d writes, and %d before", w.name, w.yes, used, w.rivals, good.Load(), o, count, before)
	}
	k.ends[end]++
	if k.mcp && k.random.IntN(4) > 0 {
		return nil // or it would leave too many questions
	}
	return k.again(token, w, o, count)
}

// again repeats a call that has ended.
func (k *asker) again(token string, w *approvable, first outcome, count int) error {
	o, err := k.call(token, w.name, w.key)
	if err != nil {
		return err
	}
	same := o.ok == first.ok && o.refused == first.refused && o.unknown == first.unknown
	asksAgain := o.ask != "" && o.ask != w.plan
	if now := k.vendor.count(w.text); now != count || !same && !asksAgain || first.ok && w.key != "" && !o.ok {
		return fmt.Errorf("%s ended with %+v, and again with %+v; %d writes, then %d", w.name, first, o, count, now)
	}
	return nil
}

// check looks at what there is after a restart.
func (k *asker) check(token string) {
	k.join()
	k.vendor.mu.Lock()
	wrong := k.vendor.wrong
	k.vendor.mu.Unlock()
	for _, text := range wrong {
		k.t.Error(text)
	}
	w := k.open
	if w == nil || w.plan == "" {
		return
	}
	p, err := k.find(token, w.plan)
	if err != nil {
		k.t.Errorf("the question about %s: %v", w.name, err)
		return
	}
	answer := "refused"
	if w.yes {
		answer = "approved"
	}
	count := k.vendor.count(w.text)
	switch {
	case p.State == "pending" && !w.answered && count == 0:
	case p.State == answer && count == 0:
	case p.State == "used" && w.yes && count < 2:
	default:
		k.t.Errorf("%s, which the person has %s (it is acknowledged: %t), is %s and came %d times", w.name, answer, w.answered, p.State, count)
	}
	k.ends[fmt.Sprintf("after a kill: %s, %d sent", p.State, count)]++
}

// checkAsks looks in the audit trail for every write that came to the vendor, and for the use of its
// approval.
func checkAsks(t *testing.T, s *servedProcess, app application, came map[string]int, all []*asker) {
	t.Helper()
	db := s.open()
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	starts, uses, answers := make(map[string]int), make(map[string]int), make(map[string]int) // by digest
	used := make(map[string]int)                                                              // by id
	for page := (database.Page{}); ; {
		found, err := db.Audit(t.Context(), database.Scope{Organization: app.Organization}, page)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			break
		}
		for _, f := range found {
			var r struct {
				Event, Entity, Action, Object, Name, State string
				Ask                                        audit.Ask
			}
			if err := json.Unmarshal(f.Record, &r); err != nil {
				t.Fatal(err)
			}
			switch {
			case r.Event == string(audit.EventStart) && r.Ask.By != "":
				starts[r.Ask.Plan]++
			case r.Entity == "plans" && r.Action == "use":
				uses[r.Name]++
				used[r.Object]++
			case r.Entity == "plans" && r.Action == "answer" && r.State == "approved":
				answers[r.Name]++
			}
		}
		page.After = found[len(found)-1].Cursor()
	}
	digests := make(map[string]string)
	for _, k := range all {
		maps.Copy(digests, k.plans)
	}
	for text, n := range came {
		if d := digests[text]; d == "" || starts[d] < n || uses[d] != n || answers[d] != n {
			t.Errorf("%d writes, and the trail has %d starts, %d uses and %d answers: %s", n, starts[d], uses[d], answers[d], text)
		}
	}
	for id, n := range used {
		if n > 1 {
			t.Errorf("plan %s was used %d times", id, n)
		}
	}
	if len(came) < *askKills/8 || len(used) < len(came) {
		t.Errorf("%d writes and %d used approvals", len(came), len(used))
	}
}
