package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/internal/vendorsim"
	"github.com/agenthost/agenthost/internal/vendorsim/ashby"
	"github.com/agenthost/agenthost/internal/vendorsim/incidentio"
	"github.com/agenthost/agenthost/internal/vendorsim/pylon"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

var syncRuns = flag.Int("sync-runs", 3, "how many rounds TestKilledSyncs makes")

// copiedVendor is a vendor whose records are copied while they change and while it fails.
type copiedVendor struct {
	connector, credential string
	handler               http.Handler
	authorize             func(*http.Request)
	// writes make a request for each operation that changes something, as things stand.
	writes map[string]func() *http.Request
	// seen are those that a pass over changes can follow, and followed the entities that it follows.
	seen, followed []string

	mu      sync.Mutex
	random  *rand.Rand // of the failures
	failing int        // one in so many requests; 0 for none
	failed  int
	served  int
}

// ServeHTTP answers the command, and fails at random.
func (v *copiedVendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if effect := v.fault(); effect != nil {
		effect(w, r, v.handler)
		return
	}
	v.handler.ServeHTTP(w, r)
}

func (v *copiedVendor) fault() vendorsim.Effect {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.served++
	if v.failing == 0 || v.random.IntN(v.failing) != 0 {
		return nil
	}
	v.failed++
	switch v.random.IntN(6) {
	case 0:
		return vendorsim.RetryAfterSeconds(http.StatusTooManyRequests, 0, "{}")
	case 1:
		return vendorsim.Respond(http.StatusInternalServerError, nil, "{}")
	case 2:
		return vendorsim.TruncateBody(v.random.IntN(200))
	case 3:
		return vendorsim.DropConnection()
	case 4:
		return vendorsim.DropAfterHandling()
	}
	return vendorsim.MalformedJSON()
}

func (v *copiedVendor) requests() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.served
}

// fail has one in so many requests fail from now on.
func (v *copiedVendor) fail(failing int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.failing = failing
}

// write changes something at the vendor, through its own API. It reports whether the vendor did it.
func (v *copiedVendor) write(ctx context.Context, random *rand.Rand, full bool) bool {
	names := v.seen
	if full {
		names = slices.Sorted(maps.Keys(v.writes))
	}
	r := v.writes[names[random.IntN(len(names))]]().WithContext(ctx)
	v.authorize(r)
	w := httptest.NewRecorder()
	v.handler.ServeHTTP(w, r)
	return w.Code < 300
}

func jsonRequest(method, path string, vars map[string]string, query url.Values, body any) *http.Request {
	for name, value := range vars {
		path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	raw, _ := json.Marshal(body) // maps of JSON values always marshal
	r := httptest.NewRequest(method, path, bytes.NewReader(raw))
	r.Header.Set("Content-Type", "application/json")
	return r
}

func killedPylon() *copiedVendor {
	vendor := pylon.New(pylon.Options{Token: fullToken, Seed: 1, Scale: pylon.Scale{
		Issues: 40, Messages: 80, Accounts: 20, Contacts: 120, Users: 10, Teams: 4, Tags: 10, Tasks: 10, Projects: 10, Articles: 20, AuditLogs: 120,
	}})
	v := &copiedVendor{
		connector: "pylon", credential: "api_token", handler: vendor, writes: make(map[string]func() *http.Request),
		authorize: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+fullToken) },
		seen:      []string{"POST /issues", "PATCH /issues/{id}", "POST /issues/{id}/reply", "POST /issues/{id}/note"},
		followed:  []string{"issues", "messages"},
	}
	for _, op := range pylon.Operations() {
		if op.Method != http.MethodGet && !strings.HasSuffix(op.Path, "/search") && op.ContentType != "multipart/form-data" {
			v.writes[op.Route()] = func() *http.Request {
				s := vendor.Sample(op, false)
				return jsonRequest(op.Method, op.Path, s.Path, nil, s.Body)
			}
		}
	}
	return v
}

func killedAshby() *copiedVendor {
	vendor := ashby.New(ashby.Options{Token: fullToken, Seed: 1, Scale: ashby.Scale{
		Candidates: 30, Applications: 30, Jobs: 6, Openings: 6, Plans: 3, Interviews: 6, Schedules: 10, Offers: 6, Feedback: 10, Notes: 20, Tags: 6, Projects: 4, Users: 8, Departments: 4, Locations: 4,
	}})
	v := &copiedVendor{
		connector: "ashby", credential: "api_key", handler: vendor, writes: make(map[string]func() *http.Request),
		authorize: func(r *http.Request) { r.SetBasicAuth(fullToken, "") },
		seen:      []string{"POST /candidate.create", "POST /candidate.update", "POST /candidate.addTag", "POST /application.create", "POST /application.changeStage", "POST /job.create"},
		followed:  []string{"candidates", "applications", "jobs"},
	}
	for _, op := range ashby.Operations() {
		if op.Writes() {
			v.writes[op.Route()] = func() *http.Request {
				return jsonRequest(op.Method, op.Path, nil, nil, vendor.Sample(op, false).Body)
			}
		}
	}
	return v
}

func killedIncidentIO() *copiedVendor {
	vendor := incidentio.New(incidentio.Options{Token: fullToken, Scale: incidentio.SmallScale()})
	v := &copiedVendor{
		connector: "incident-io", credential: "api_key", handler: vendor, writes: make(map[string]func() *http.Request),
		authorize: func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+fullToken) },
		seen:      []string{"POST /v2/incidents", "POST /v2/incidents/{id}/actions/edit"},
		followed:  []string{"incidents"},
	}
	for _, op := range incidentio.Operations() {
		if op.Method != http.MethodGet && !op.AlertSourceToken && op.ContentType == "application/json" {
			v.writes[op.Route()] = func() *http.Request {
				s := vendor.Sample(op, false)
				return jsonRequest(op.Method, op.Path, s.Path, incidentio.EncodeQuery(s.Query), s.Body)
			}
		}
	}
	return v
}

// TestKilledSyncs copies the records of the simulated vendors with the real command while they change
// through the vendors' own APIs, while the vendors fail, and while the command is killed. After each
// round, the copies are those of a vendor that nothing disturbed, record for record.
func TestKilledSyncs(t *testing.T) {
	random := seeded(t)
	plugins := wasmtest.Folder(t, "plugins/pylon", "plugins/ashby", "plugins/incidentio")
	compiled(t, plugins)
	env := append(os.Environ(), "TOKEN="+fullToken, "XDG_CACHE_HOME="+wasmtest.Home(t), firstPartyVariable+"="+asFirstParty(t, plugins))
	vendors := []*copiedVendor{killedPylon(), killedAshby(), killedIncidentIO()}
	labs := make([]*syncLab, len(vendors))
	for i, v := range vendors {
		v.random = rand.New(rand.NewPCG(random.Uint64(), random.Uint64()))
		labs[i] = newSyncLab(t, v, rand.New(rand.NewPCG(random.Uint64(), random.Uint64())), plugins, env)
	}
	said := func(rounds int) {
		for _, l := range labs {
			t.Logf("after %d rounds, %s: %d passes of the command, %d of them killed, %d writes at the vendor, %d failures of it", rounds, l.vendor.connector, l.passes, l.killed, l.writes, l.vendor.failed)
		}
	}
	for i := range *syncRuns {
		labs[i%len(labs)].round(i < len(labs) || random.IntN(2) == 0)
		if (i+1)%30 == 0 || i+1 == *syncRuns {
			said(i + 1)
		}
	}
}

// syncLab copies one vendor's records.
type syncLab struct {
	t       *testing.T
	vendor  *copiedVendor
	random  *rand.Rand
	dir     string
	plugins string
	env     []string
	url     string // of the vendor
	usual   time.Duration

	passes, killed, writes int
}

func newSyncLab(t *testing.T, v *copiedVendor, random *rand.Rand, plugins string, env []string) *syncLab {
	t.Helper()
	l := &syncLab{t: t, vendor: v, random: random, dir: t.TempDir(), plugins: plugins, env: env, usual: time.Second}
	server, err := vendorsim.Start(t.Context(), v, vendorsim.Options{LogSize: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	l.url = server.URL
	text := fmt.Sprintf("plugins: %s\ncontext_store: {folder: context}\nconnections:\n  lab: {connector: %s, server: %q, credentials: {%s: env:TOKEN}}\n", plugins, v.connector, l.url, v.credential)
	if err := os.WriteFile(filepath.Join(l.dir, "agenthost.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return l
}

// round changes the vendor's records while the command is killed, lets it end, and compares. A pass that was
// interrupted goes on, so what changed since it began is seen by the next one: that is killed, too.
func (l *syncLab) round(full bool) {
	l.t.Helper()
	l.vendor.fail(100)
	for range 1 + l.random.IntN(3) {
		l.disturbed(full, true)
	}
	l.end(full)
	l.vendor.fail(100)
	for range l.random.IntN(3) {
		l.disturbed(full, false)
	}
	l.end(full)
	l.vendor.fail(0)
	l.compare(full)
}

// end lets the command end. It begins anew with all entities after a failure, so there are fewer.
func (l *syncLab) end(full bool) {
	l.t.Helper()
	l.vendor.fail(1000)
	for tries := 0; ; tries++ {
		out, err := l.start(full).wait()
		l.passes++
		if err == nil {
			return
		}
		if tries == 100 {
			l.t.Fatalf("%s: the copies do not end: %v: %s", l.vendor.connector, err, out)
		}
	}
}

// disturbed runs the command for a while, and kills it. Records change in the meantime if writing says so.
func (l *syncLab) disturbed(full, writing bool) {
	l.t.Helper()
	begun := time.Now()
	p := l.start(full)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = p.wait()
	}()
	late := time.After(time.Duration(l.random.Int64N(int64(l.usual) * 3 / 2)))
	for running := true; running; {
		select {
		case <-ended:
			running = false
			l.usual = (l.usual + time.Since(begun)) / 2
		case <-late:
			_ = p.cmd.Process.Kill()
			<-ended
			running = false
			l.killed++
		case <-time.After(time.Duration(l.random.IntN(10_000)) * time.Microsecond):
			if writing && l.vendor.write(l.t.Context(), l.random, full) {
				l.writes++
			}
		}
	}
	l.passes++
}

type runningSync struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

func (l *syncLab) start(full bool) *runningSync {
	l.t.Helper()
	arguments := []string{"sync", "lab"}
	if full {
		arguments = append(arguments, "--full")
	}
	p := &runningSync{cmd: exec.CommandContext(l.t.Context(), command(l.t), arguments...)}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = l.dir, l.env, &p.out, &p.out
	if err := p.cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	return p
}

func (p *runningSync) wait() (string, error) {
	err := p.cmd.Wait()
	return p.out.String(), err
}

// compare compares the copies with those of a pass over everything that nothing disturbed.
func (l *syncLab) compare(full bool) {
	l.t.Helper()
	want := l.open(l.t.TempDir())
	defer want.close()
	done, err := want.copies.Sync(l.t.Context(), "", "lab", "", copies.SyncOptions{Full: true})
	if err != nil {
		l.t.Fatal(err)
	}
	got := l.open(filepath.Join(l.dir, "context"))
	defer got.close()
	for _, one := range done {
		if one.Err != nil {
			l.t.Fatalf("%s: %v", one.Entity, one.Err)
		}
		if !full && !slices.Contains(l.vendor.followed, one.Entity) {
			continue
		}
		there := want.records(one.Entity)
		before := l.vendor.requests()
		here := got.records(one.Entity)
		if n := l.vendor.requests() - before; n > 0 {
			l.t.Errorf("%s %s: the copies were made anew, with %d requests", l.vendor.connector, one.Entity, n)
		}
		if !maps.Equal(there, here) {
			l.t.Logf("%s %s, after %d passes, the last over everything: %t; the vendor has %d records, and there are %d copies", l.vendor.connector, one.Entity, l.passes, full, len(there), len(here))
		}
		for _, record := range slices.Sorted(maps.Keys(there)) {
			if here[record] != there[record] {
				l.t.Errorf("%s %s: %d copies of %.300s, want %d", l.vendor.connector, one.Entity, here[record], record, there[record])
			}
		}
		for _, record := range slices.Sorted(maps.Keys(here)) {
			if there[record] == 0 {
				l.t.Errorf("%s %s: the vendor has no %.300s", l.vendor.connector, one.Entity, record)
			}
		}
	}
	if l.t.Failed() {
		l.t.FailNow()
	}
}

// openedCopies are copies in a folder, with a host whose connection is that of the command.
type openedCopies struct {
	t      *testing.T
	host   *host.Host
	copies *copies.Copies
	files  *contextstore.Files
}

func (l *syncLab) open(folder string) *openedCopies {
	l.t.Helper()
	files, err := contextstore.OpenFiles(folder, time.Now, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	c := copies.New(copies.Options{Store: files, Now: time.Now, NewID: newPass})
	h, err := host.Open(l.t.Context(), host.Options{
		Plugins: l.plugins, Cache: wasmtest.Cache(l.t), Copies: c, LookupEnv: func(string) (string, bool) { return fullToken, true },
		Connections: host.StaticConnections{"lab": {Connector: l.vendor.connector, Server: l.url, Credentials: map[string]string{l.vendor.credential: "env:TOKEN"}}},
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return &openedCopies{l.t, h, c, files}
}

func (o *openedCopies) close() {
	if err := o.host.Close(context.WithoutCancel(o.t.Context())); err != nil {
		o.t.Error(err)
	}
	if err := o.copies.Close(); err != nil {
		o.t.Error(err)
	}
	if err := o.files.Close(); err != nil {
		o.t.Error(err)
	}
}

// records are the copies of an entity.
func (o *openedCopies) records(entity string) map[string]int {
	o.t.Helper()
	found := make(map[string]int)
	call := host.Call{Entity: entity, Action: airbyteapi.ActionSearch, Params: host.Params{"query": map[string]any{}, "limit": 1000}}
	for page, err := range o.host.Pages(o.t.Context(), "lab", call) {
		if err != nil {
			o.t.Fatalf("%s: %v", entity, err)
		}
		for record := range page.Records() {
			found[string(record)]++
		}
	}
	return found
}
