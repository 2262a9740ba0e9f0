package store

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
)

var (
	kills = flag.Int("kills", 2, "how often TestKilled kills a server")
	seed  = flag.Uint64("seed", 0, "the seed of TestKilled; 0 takes one from the clock")
)

// Where the process that is killed finds its database.
const (
	crashFolder   = "AGENTHOST_STORE_CRASH_FOLDER"
	crashPostgres = "AGENTHOST_STORE_CRASH_POSTGRES"
)

func openCrashed(ctx context.Context, t testing.TB, folder, postgres string) *Store {
	t.Helper()
	o := Options{Masters: always(masterKeys(t, "first"))}
	if postgres != "" {
		return ok(OpenPostgres(ctx, value(postgres), o))(t)
	}
	return ok(OpenSQLite(ctx, folder, o))(t)
}

// TestWriter is the process that is killed: it changes the database, and prints what is committed.
func TestWriter(t *testing.T) {
	folder, postgres := os.Getenv(crashFolder), os.Getenv(crashPostgres)
	if folder == "" && postgres == "" {
		t.Skip("TestKilled runs it")
	}
	ctx := t.Context()
	s := openCrashed(ctx, t, folder, postgres)
	var p Scope
	for _, o := range ok(s.Organizations(ctx, "", Page{}))(t) {
		p.Organization = o.ID
	}
	for _, w := range ok(s.Workspaces(ctx, p, WorkspaceFilter{}, Page{}))(t) {
		p.Workspace = w.ID
	}
	acknowledge := func(format string, args ...any) {
		if _, err := fmt.Fprintf(os.Stdout, "ack "+format+"\n", args...); err != nil {
			t.Fatal(err)
		}
	}
	credentials := func(generation int) Credentials {
		v := value(fmt.Sprint(generation))
		return Credentials{map[string]secret.Value{"a": v, "b": v}, origins}
	}
	begun := fmt.Sprint(time.Now().UnixNano())
	var last []Connection
	for i := 0; ; i++ {
		name := fmt.Sprintf("%s-%d", begun, i)
		c := ok(s.CreateConnection(ctx, p, Connection{Name: name}, credentials(1)))(t)
		acknowledge("connection %s 1", name)
		c.Server = "eu"
		k := credentials(2)
		c = ok(s.UpdateConnection(ctx, p, c, &k))(t)
		acknowledge("connection %s 2", name)
		w := Write{Scope: p, Connection: c.ID, Caller: "app", Key: name, Hash: []byte("h"), Start: "s"}
		if prior, err := s.BeginWrite(ctx, w, start(p, name)); prior != nil || err != nil {
			t.Fatal(prior, err)
		}
		acknowledge("write %s", name)
		if err := s.FinishWrite(ctx, w, 200, []byte(name)); err != nil {
			t.Fatal(err)
		}
		if last = append(last, c); len(last) > 3 {
			if _, err := s.DeleteConnection(ctx, p, last[0].ID); err != nil {
				t.Fatal(err)
			}
			acknowledge("deleted %s", last[0].Name)
			last = last[1:]
		}
	}
}

// TestKilled kills a process that writes, at random moments: what it said is committed is there,
// and no change is there in part.
//
// threat: K5
func TestKilled(t *testing.T) {
	t.Parallel()
	testKilled(t, t.TempDir(), "")
}

func TestPostgresKilled(t *testing.T) {
	t.Parallel()
	testKilled(t, "", postgresServer(t)+" dbname=postgres")
}

func testKilled(t *testing.T, folder, postgres string) {
	if *seed == 0 {
		*seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d", *seed)
	random := rand.New(rand.NewPCG(*seed, 1))
	ctx := t.Context()
	s := openCrashed(ctx, t, folder, postgres)
	o := ok(s.CreateOrganization(ctx, "organization"))(t)
	p := Scope{o.ID, ok(s.CreateWorkspace(ctx, o.ID, "default"))(t).ID}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	generations := make(map[string]string)
	written := make(map[string]bool)
	deleted := make(map[string]bool)
	for range *kills {
		var said int
		for _, words := range killWriter(t, folder, postgres, 20+random.IntN(200), time.Duration(random.IntN(3000))*time.Microsecond) {
			said++
			switch words[1] {
			case "connection":
				generations[words[2]] = words[3]
			case "write":
				written[words[2]] = true
			case "deleted":
				deleted[words[2]] = true
			}
		}
		s := openCrashed(ctx, t, folder, postgres)
		checkKilled(t, s, p, generations, written, deleted)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		t.Logf("killed after %d changes", said)
	}
}

// killWriter runs a writer, kills it some time after it said so many things, and returns all that
// it said.
func killWriter(t *testing.T, folder, postgres string, after int, delay time.Duration) (said [][]string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWriter$", "-test.timeout=60s")
	c.Env = append(os.Environ(), crashFolder+"="+folder, crashPostgres+"="+postgres)
	out := ok(c.StdoutPipe())(t)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) < 3 || words[0] != "ack" {
			t.Errorf("the writer says %q", lines.Text())
			continue
		}
		if said = append(said, words); len(said) == after {
			time.AfterFunc(delay, func() { _ = c.Process.Kill() }) // it may have ended
		}
	}
	if err := c.Wait(); err == nil {
		t.Error("the writer ended by itself")
	}
	return said
}

func checkKilled(t *testing.T, s *Store, p Scope, generations map[string]string, written, deleted map[string]bool) {
	t.Helper()
	ctx := t.Context()
	there := make(map[string]bool)
	for page := (Page{}); ; {
		found := ok(s.Connections(ctx, p, ConnectionFilter{}, page))(t)
		if len(found) == 0 {
			break
		}
		for _, c := range found {
			page.After = c.ID
			there[c.Name] = true
			got, err := s.Credentials(ctx, p, c.ID, origins)
			a, b := plain(got["a"]), plain(got["b"])
			if err != nil || len(got) != 2 || a != b || (a == "2") != (c.Server == "eu") {
				t.Errorf("half a connection %s: server %q, fields %q and %q, %v", c.Name, c.Server, a, b, err)
			}
			if a < generations[c.Name] {
				t.Errorf("connection %s has generation %s, but %s was acknowledged", c.Name, a, generations[c.Name])
			}
			if deleted[c.Name] {
				t.Errorf("connection %s was deleted", c.Name)
			}
		}
	}
	var missing int
	for name := range generations {
		if !there[name] && !deleted[name] {
			missing++
		}
	}
	if missing > 1 { // one may have been deleted, without a word
		t.Errorf("%d connections are missing", missing)
	}
	starts := make(map[string]bool)
	for page := (Page{}); ; {
		found := ok(s.Audit(ctx, p, page))(t)
		if len(found) == 0 {
			break
		}
		for _, r := range found {
			starts[r.ID] = true
		}
		page.After = found[len(found)-1].Cursor()
	}
	for name := range written {
		if !starts[name] {
			t.Errorf("the start of write %s is missing", name)
		}
	}
	// A connection that one kill took without a word is known now.
	for name := range generations {
		if !there[name] {
			deleted[name] = true
		}
	}
	if err := s.Ready(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
