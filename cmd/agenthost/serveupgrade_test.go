package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/jackc/pgx/v5"
)

var upgradeClients = flag.Int("upgrade-clients", 8, "how many clients TestPostgresUpgrade has")

// TestPostgresUpgrade replaces three servers that share a database by those of a newer program, one after
// the other, while clients write with keys, read and rename. The newer program adds a column, and renames
// one and changes the type of another one that calls read. No call fails, no change is lost, no write comes
// to the vendor twice. The columns that there were are as the older program needs them until the last of
// its servers has ended; then they change under the load; and the older program is refused.
//
// threat: K6
func TestPostgresUpgrade(t *testing.T) {
	needPostgres(t)
	t.Parallel()
	newer := newerProgram(t)
	l := newNodesLab(t, nodesOptions{flags: []string{"--drain", "300ms"}})
	address := l.postgres.Connection() + " dbname=postgres"
	before := l.schema(address)
	running, stop := context.WithCancel(t.Context())
	defer stop()
	var group sync.WaitGroup
	var clients []*nodesClient
	for i := range *upgradeClients {
		c := l.client(fmt.Sprintf("m%d", i))
		clients = append(clients, c)
		group.Go(func() { c.workOnce(running) })
	}
	more := func() {
		for until := l.acknowledged.Load() + 25*int64(*upgradeClients); l.acknowledged.Load() < until && !t.Failed(); {
			time.Sleep(time.Millisecond)
		}
	}
	older := *l.nodes[0]
	for i, n := range l.nodes {
		more()
		if got := l.schema(address); i > 0 && got != before+1 {
			t.Errorf("with %d older servers the schema is %d, not %d", len(l.nodes)-i, got, before+1)
		}
		l.retire(i)
		n.program = newer
		if i == len(l.nodes)-1 { // the others change the database
			for until := time.Now().Add(30 * time.Second); l.schema(address) != before+2 && !t.Failed(); time.Sleep(20 * time.Millisecond) {
				if time.Now().After(until) {
					t.Fatalf("without older servers the schema is %d", l.schema(address))
				}
			}
		}
		l.start(i)
	}
	more()
	stop()
	group.Wait()
	older.folder = t.TempDir()
	if out, err := older.refused(); err == nil || !strings.Contains(out, fmt.Sprintf("the database has schema %d, and this agenthost knows up to %d", before+2, before)) {
		t.Errorf("an older server starts: %v %s", err, out)
	}
	if renamed := l.number(address, "SELECT COALESCE(SUM(renamed), 0) FROM connection"); renamed == 0 {
		t.Error("no newer server wrote to the column that was added")
	}
	writes := 0
	for _, c := range clients {
		c.check()
		writes += len(c.notes)
	}
	for _, n := range l.nodes {
		n.stop()
	}
	if starts := l.number(address, "SELECT COUNT(*) FROM audit WHERE event = 'start'"); starts != writes {
		t.Errorf("the trail has %d starts of %d writes", starts, writes)
	}
	t.Logf("%d writes, and %d acknowledgements of them", writes, l.acknowledged.Load())
}

// retire ends a server in good order: the proxy sends it nothing from when it says that it ends.
func (l *nodesLab) retire(i int) {
	l.t.Helper()
	n := l.nodes[i]
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		l.t.Fatal(err)
	}
	for {
		a, err := n.ask(http.MethodGet, "/readyz", "", nil)
		if err != nil {
			l.t.Fatalf("a server ended before it said so: %v", err)
		}
		if a.status != http.StatusOK {
			break
		}
	}
	l.proxy.nodes[i].Store(nil)
	if err := n.cmd.Wait(); err != nil {
		l.t.Errorf("the server ended with %v: %s", err, n.log)
	}
	n.cmd = nil
}

// refused starts a server that is to end, and returns what it says.
func (s *servedProcess) refused() (string, error) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, s.program, "serve", "--http", "127.0.0.1:0", "--data", "data", "--db", "env:"+databaseVariable, "--plugins", s.t.TempDir())
	c.Dir, c.Env = s.folder, s.env
	out, err := c.CombinedOutput()
	return string(out), err
}

// schema is that of the database.
func (l *nodesLab) schema(address string) int {
	l.t.Helper()
	return l.number(address, "SELECT MAX(version) FROM migration")
}

func (l *nodesLab) number(address, query string) (n int) {
	l.t.Helper()
	c, err := pgx.Connect(l.t.Context(), address)
	if err == nil {
		err = c.QueryRow(l.t.Context(), query).Scan(&n)
		_ = c.Close(context.WithoutCancel(l.t.Context()))
	}
	if err != nil {
		l.t.Fatal(err)
	}
	return n
}

// workOnce is work for which every request has a good answer at once.
func (c *nodesClient) workOnce(ctx context.Context) {
	must := func(what string, a *answer, err error) bool {
		if err == nil && a.status != http.StatusOK {
			err = fmt.Errorf("%d %s", a.status, a.body)
		}
		if err != nil {
			c.l.t.Errorf("%s, %s: %v", c.name, what, err)
		}
		return err == nil
	}
	for n := 1; ctx.Err() == nil && !c.l.t.Failed(); n++ {
		note := &nodesNote{name: fmt.Sprintf("%s note %d", c.name, n), keyed: true}
		c.notes = append(c.notes, note)
		for range 2 { // the second time, the answer is the one that is kept
			a, err := c.execute(c.l.front, "notes", "create", noteParams(note.name, n), "Idempotency-Key", note.name) //nolint:contextcheck // a request has a time of its own
			if must("write", a, err) {
				note.acknowledged = true
				c.l.acknowledged.Add(1)
			}
		}
		a, err := c.execute(c.l.front, "me", "get", json.RawMessage("{}")) //nolint:contextcheck // a request has a time of its own
		must("read", a, err)
		if n%5 == 0 {
			c.called = fmt.Sprintf("%s %d", c.name, n)
			c.maybe = c.called
			a, err := c.l.front.ask(http.MethodPut, connectorAt(airbyteapi.ConnectorPath, c.id), c.l.token, map[string]string{"name": c.called}) //nolint:contextcheck // a request has a time of its own
			must("rename", a, err)
		}
	}
}

// newerProgram builds this program with two more steps of the schema, one that adds and one that does not,
// and with statements for them.
func newerProgram(t *testing.T) string {
	t.Helper()
	store, err := filepath.Abs("../../internal/store")
	if err != nil {
		t.Fatal(err)
	}
	steps, err := filepath.Glob(filepath.Join(store, "schema", "*.sql"))
	if err != nil || len(steps) == 0 {
		t.Fatal(steps, err)
	}
	adds, rewrites := len(steps)+1, len(steps)+2
	dir := t.TempDir()
	replace := make(map[string]string)
	put := func(path, text string) {
		t.Helper()
		replace[path] = filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(path, store), string(filepath.Separator), "-"))
		if err := os.WriteFile(replace[path], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	step := func(n int) string { return filepath.Join(store, "schema", fmt.Sprintf("%04d.sql", n)) }
	put(step(adds), "-- additive\nALTER TABLE connection ADD COLUMN renamed BIGINT NOT NULL DEFAULT 0;\n")
	put(step(rewrites), `ALTER TABLE connection RENAME COLUMN name TO called;
ALTER TABLE idempotency ALTER COLUMN status TYPE TEXT;
`)
	counted := strings.NewReplacer("SET name = $2", "SET renamed = renamed + 1, name = $2", "SET called = $2", "SET renamed = renamed + 1, called = $2")
	twice := func(file string, after func(statement string) string) {
		path := filepath.Join(store, "sql", file)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for statement := range strings.SplitSeq(string(text), "-- name: ") {
			name, body, found := strings.Cut(statement, "\n")
			if next := after(body); found && next != body {
				before, only, is := strings.Cut(name, " (")
				if is {
					only = " (" + only
				}
				fmt.Fprintf(&out, "-- name: %s before %d%s\n%s", before, rewrites, only, counted.Replace(body))
				statement = name + "\n" + counted.Replace(next)
			}
			if found {
				fmt.Fprintf(&out, "-- name: %s", statement)
			}
		}
		put(path, out.String())
	}
	name := regexp.MustCompile(`\b(c\.)?name\b`)
	twice("connection.sql", func(statement string) string {
		return name.ReplaceAllString(statement, "${1}called")
	})
	twice("idempotency.sql", strings.NewReplacer("'running', 0,", "'running', '0',", "'unknown', 0,", "'unknown', '0',", "status = 0", "status = '0'", "i.status", "CAST(i.status AS BIGINT)", "status = $5", "status = CAST($5 AS BIGINT)").Replace)
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "agenthost")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-vet=off", "-overlay", filepath.Join(dir, "overlay.json"), "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return program
}
