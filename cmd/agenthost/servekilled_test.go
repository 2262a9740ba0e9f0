package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	database "github.com/agenthost/agenthost/internal/store"
)

var serverKills = flag.Int("server-kills", 3, "how often TestKilledServer kills a server")

// TestKilledServer kills agenthost serve at random moments while clients create, change and delete
// connectors and write with keys and without. After each restart, what was acknowledged is there,
// no connector is there in part, no write with a key came to the vendor twice, and a write whose
// end nobody knows is not sent again. In the end, the audit trail has every write that the vendor
// got.
//
// threat: K5, S6
func TestKilledServer(t *testing.T) {
	t.Parallel()
	testKilledServer(t, "")
}

func TestPostgresKilledServer(t *testing.T) {
	t.Parallel()
	onPostgres(t, testKilledServer)
}

// killers is how many clients work until the server is killed.
const killers = 8

func testKilledServer(t *testing.T, database string) {
	t.Helper()
	random := seeded(t)
	delays := rand.New(rand.NewPCG(random.Uint64(), 0)) // of the vendor, which runs beside the test
	vendor := &owners{owner: make(map[string]string), writes: make(map[string]int), delay: func() time.Duration { return time.Duration(delays.IntN(4000)) * time.Microsecond }}
	s := newServed(t, vendor, database)
	s.start()
	app := s.bootstrap()
	var all []*killer
	for i := range killers {
		all = append(all, &killer{
			t: t, s: s, vendor: vendor, random: rand.New(rand.NewPCG(random.Uint64(), 0)), workspace: fmt.Sprintf("workspace-%d", i),
			connectors: make(map[string]*connectorState), notes: make(map[string]*note),
		})
	}
	var acknowledged atomic.Int64
	for range *serverKills {
		token := s.token(app)
		running, stop := context.WithCancel(t.Context())
		var group sync.WaitGroup
		for _, k := range all {
			group.Go(func() { k.work(running.Err, token, &acknowledged) }) //nolint:contextcheck // a kill ends its requests
		}
		for until := acknowledged.Load() + 20 + int64(random.IntN(200)); acknowledged.Load() < until && !t.Failed(); {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(random.IntN(3000)) * time.Microsecond)
		s.kill()
		stop()
		group.Wait()
		time.Sleep(20 * time.Millisecond) // what the kernel had of the last requests arrives now
		if random.IntN(4) == 0 {          // the next start is killed too
			s.launch()
			time.Sleep(time.Duration(random.IntN(200)) * time.Millisecond)
			s.kill()
		}
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
	sent, unknown := 0, 0
	for _, k := range all {
		sent += len(k.notes)
		unknown += k.unknown
	}
	vendor.mu.Lock()
	came := len(vendor.writes)
	vendor.mu.Unlock()
	t.Logf("%d kills, %d acknowledged changes and writes; %d writes were sent and %d came to the vendor, %d have an end that nobody knows", *serverKills, acknowledged.Load(), sent, came, unknown)
	checkTrail(t, s, app, all)
}

// killer is a client of a workspace of its own. It knows what the server acknowledged, and what it
// asked for before the server was killed.
type killer struct {
	t         *testing.T
	s         *servedProcess
	vendor    *owners
	random    *rand.Rand
	workspace string

	connectors map[string]*connectorState // by its first name
	notes      map[string]*note           // by its name, which is its key too
	keyed      []*note                    // that have an answer, in any order
	made       int                        // how many connectors it asked for
	unknown    int
}

// connectorState is what a killer knows of a connector.
type connectorState struct {
	first      string // its name, without the generation
	id         string // empty if its creation was not acknowledged
	generation int    // of name and credential, that was acknowledged
	asked      int    // the last one that was asked for
	deleting   bool   // its deletion was asked for
	deleted    bool   // its deletion was acknowledged
}

// note is a write.
type note struct {
	number    int // of the killer: the lengths of its text say it
	name      string
	connector *connectorState
	keyed     bool
	status    int // of its answer; 0 means no answer
	body      string
}

// generationName is the name of a connector with the credential of a generation.
func (c *connectorState) generationName(generation int) string {
	return fmt.Sprintf("%s generation %d", c.first, generation)
}

func (k *killer) credentials(c *connectorState, generation int) map[string]any {
	name := c.generationName(generation)
	credential := strings.ReplaceAll("credential-of-"+name, " ", "-")
	k.vendor.own(credential, name)
	return map[string]any{"token": credential}
}

// work changes things until ended says that the server was killed.
func (k *killer) work(ended func() error, token string, acknowledged *atomic.Int64) {
	for ended() == nil {
		c := k.any()
		var ok bool
		switch n := k.random.IntN(20); {
		case c == nil || n == 0 && len(k.connectors) < 4:
			ok = k.create(token)
		case n < 3:
			ok = k.change(token, c)
		case n == 3:
			ok = k.remove(token, c)
		case n < 6 && len(k.keyed) > 0:
			ok = k.repeat(token, k.keyed[k.random.IntN(len(k.keyed))])
		default:
			ok = k.write(token, c, n < 18)
		}
		if !ok {
			return
		}
		acknowledged.Add(1)
	}
}

// any is a connector that is there.
func (k *killer) any() *connectorState {
	for _, c := range k.connectors { // in any order
		if c.id != "" && !c.deleting {
			return c
		}
	}
	return nil
}

// ask returns nil if the server was killed.
func (k *killer) ask(method, path, token string, body any, want int) *answer {
	a, err := k.s.ask(method, path, token, body)
	if err != nil {
		return nil
	}
	if a.status != want {
		k.t.Errorf("%s %s: %d %s", method, path, a.status, a.body)
	}
	return a
}

func (k *killer) create(token string) bool {
	c := &connectorState{first: fmt.Sprintf("%s connector %d", k.workspace, k.made), asked: 1}
	k.made++
	k.connectors[c.first] = c
	a := k.ask(http.MethodPost, airbyteapi.ConnectorsPath, token, map[string]any{
		"workspace_name": k.workspace, "connector_type": "Notes", "name": c.generationName(1), "credentials": k.credentials(c, 1),
	}, http.StatusOK)
	var made airbyteapi.Record
	if a == nil || a.into(&made) != nil {
		return false
	}
	c.id, c.generation = made.ID, 1
	return true
}

func (k *killer) change(token string, c *connectorState) bool {
	c.asked++
	a := k.ask(http.MethodPut, connectorAt(airbyteapi.ConnectorPath, c.id), token, map[string]any{"name": c.generationName(c.asked), "credentials": k.credentials(c, c.asked)}, http.StatusOK)
	if a == nil {
		return false
	}
	c.generation = c.asked
	return true
}

func (k *killer) remove(token string, c *connectorState) bool {
	c.deleting = true
	c.deleted = k.ask(http.MethodDelete, connectorAt(airbyteapi.ConnectorPath, c.id), token, nil, http.StatusAccepted) != nil
	return c.deleted
}

// base is how many numbers the length of one part of a note's text can say.
const base = 100

func (k *killer) write(token string, c *connectorState, keyed bool) bool {
	n := &note{number: len(k.notes), connector: c, keyed: keyed}
	n.name = fmt.Sprintf("%s note %d", k.workspace, n.number)
	k.notes[n.name] = n
	a := k.send(token, n)
	if a == nil {
		return false
	}
	if a.status != http.StatusOK {
		k.t.Errorf("a write: %d %s", a.status, a.body)
	}
	if n.status, n.body = a.status, a.body; keyed {
		k.keyed = append(k.keyed, n)
	}
	return true
}

// send sends a note; the answer is nil if the server was killed.
func (k *killer) send(token string, n *note) *answer {
	var headers []string
	if n.keyed {
		headers = []string{"Idempotency-Key", n.name}
	}
	a, err := k.s.ask(http.MethodPost, connectorAt(airbyteapi.ExecutePath, n.connector.id), token, airbyteapi.ExecuteRequest{Entity: "notes", Action: "create", Params: noteParams(n.name, n.number)}, headers...)
	if err != nil {
		return nil
	}
	return a
}

// repeat sends a note again that has an answer.
func (k *killer) repeat(token string, n *note) bool {
	if n.connector.deleting {
		return true
	}
	before := k.vendor.count(n.name)
	a := k.send(token, n)
	if a == nil {
		return false
	}
	if a.status != n.status || a.body != n.body && n.status == http.StatusOK || k.vendor.count(n.name) != before {
		k.t.Errorf("%s answered %d %s; again %d %s; it came %d times", n.name, n.status, n.body, a.status, a.body, k.vendor.count(n.name))
	}
	return true
}

// check looks at what there is after a restart.
func (k *killer) check(token string) {
	k.checkConnectors(token)
	for _, n := range k.notes {
		if count := k.vendor.count(n.name); count > 1 || n.status == http.StatusOK && count == 0 {
			k.t.Errorf("%s, which answered %d, came to the vendor %d times", n.name, n.status, count)
		}
		if n.status == 0 && n.keyed {
			k.settle(token, n)
		}
	}
	for range min(5, len(k.keyed)) {
		k.repeat(token, k.keyed[k.random.IntN(len(k.keyed))])
	}
}

// settle sends a note with a key again whose answer did not come.
func (k *killer) settle(token string, n *note) {
	before := k.vendor.count(n.name)
	a := k.send(token, n)
	if a == nil {
		k.t.Errorf("%s: no answer", n.name)
		return
	}
	after := k.vendor.count(n.name)
	switch {
	case a.status == http.StatusNotFound && n.connector.deleted && after == before:
	case a.status == http.StatusOK && after == 1:
	case a.status == http.StatusConflict && strings.Contains(a.body, `"outcome_unknown"`) && strings.Contains(a.body, `"request_sent":true`) && after == before:
		k.unknown++
	default:
		k.t.Errorf("%s answers %d %s; it came %d times, and %d times before", n.name, a.status, a.body, after, before)
	}
	n.status, n.body = a.status, a.body
	k.keyed = append(k.keyed, n)
	k.repeat(token, n)
}

func (k *killer) checkConnectors(token string) {
	var list airbyteapi.Records
	a, err := k.s.ask(http.MethodGet, airbyteapi.ConnectorsPath+"?workspace_name="+k.workspace, token, nil)
	if err == nil && a.status != http.StatusNotFound { // the workspace may not be there yet
		err = a.into(&list)
	}
	if err != nil {
		k.t.Error(err)
		return
	}
	there := make(map[string]bool)
	for _, r := range list.Data {
		first, generation := r.Name, 0
		if at := strings.LastIndex(r.Name, " generation "); at > 0 {
			first = r.Name[:at]
			_, _ = fmt.Sscan(r.Name[at+len(" generation "):], &generation)
		}
		c := k.connectors[first]
		if c == nil || there[first] || c.deleted || c.id != "" && c.id != r.ID || generation < c.generation || generation > c.asked {
			k.t.Errorf("there is %s %s; known is %+v", r.ID, r.Name, c)
			continue
		}
		there[first] = true
		// A deletion that was not acknowledged did not happen.
		c.id, c.generation, c.asked, c.deleting = r.ID, generation, generation, false
		if owner, err := k.s.who(token, r.ID); err != nil || owner != r.Name {
			k.t.Errorf("half a connector: %q has the credential of %q, %v", r.Name, owner, err)
		}
	}
	for first, c := range k.connectors {
		if there[first] {
			continue
		}
		if c.id != "" && !c.deleting {
			k.t.Errorf("%s is gone", c.generationName(c.generation))
		}
		if c.id != "" {
			if a, err := k.s.ask(http.MethodGet, connectorAt(airbyteapi.ConnectorPath, c.id), token, nil); err != nil || a.status != http.StatusNotFound {
				k.t.Errorf("a deleted connector: %v, %v", a, err)
			}
		}
		c.deleted = true
		delete(k.connectors, first)
	}
}

// checkTrail looks in the database for the start of every write that came to the vendor.
func checkTrail(t *testing.T, s *servedProcess, app application, all []*killer) {
	t.Helper()
	db := s.open()
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	starts := noteStarts(t, db, app)
	missing := 0
	for _, k := range all {
		w, err := db.WorkspaceByName(t.Context(), database.Scope{Organization: app.Organization}, k.workspace)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range k.notes {
			if k.vendor.count(n.name) > 0 && !starts[startOf(w.ID, n.number)] {
				missing++
			}
		}
	}
	if missing > 0 {
		t.Errorf("%d writes came to the vendor, and the trail has nothing of them; it has %d", missing, len(starts))
	}
}

// startOf names the start of the write of a note in the trail, which has the lengths of its text.
func startOf(workspace string, number int) string {
	return fmt.Sprintln(workspace, number/base, number%base)
}

// noteParams are the parameters of the write of a note.
func noteParams(name string, number int) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"name": %q, "high": %q, "low": %q}`, name, strings.Repeat("x", number/base), strings.Repeat("x", number%base)))
}

// noteStarts are the starts of the writes of notes that the trail has.
func noteStarts(t *testing.T, db *database.Store, app application) map[string]bool {
	t.Helper()
	starts := make(map[string]bool)
	for page := (database.Page{}); ; {
		found, err := db.Audit(t.Context(), database.Scope{Organization: app.Organization}, page)
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			return starts
		}
		for _, f := range found {
			var r audit.Record
			if err := json.Unmarshal(f.Record, &r); err != nil {
				t.Fatal(err)
			}
			if r.Event == audit.EventStart && len(r.Params) == 3 {
				starts[startOf(r.Workspace, base*(r.Params[1].Bytes-2)+r.Params[2].Bytes-2)] = true
			}
		}
		page.After = found[len(found)-1].Cursor()
	}
}
