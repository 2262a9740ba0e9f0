package store

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/agenthost/agenthost/internal/store/pgtest"
)

// withSteps are the steps of this program and more.
func withSteps(t *testing.T, more ...string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range ok(fs.Glob(migrations, "schema/*.sql"))(t) {
		files[name] = &fstest.MapFile{Data: ok(migrations.ReadFile(name))(t)}
	}
	for _, text := range more {
		files[fmt.Sprintf("schema/%04d.sql", len(files)+1)] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

const (
	addsColumn    = additive + "ALTER TABLE organization ADD COLUMN extra TEXT NOT NULL DEFAULT '';\n"
	renamesColumn = "ALTER TABLE organization RENAME COLUMN extra TO added;\n"
)

// newer are the options of a program that knows two more steps. It does not wait.
func (l *lab) newer(t *testing.T) Options {
	o := l.options(masterKeys(t, "first"))
	o.migrations = withSteps(t, addsColumn, renamesColumn)
	o.Sleep = func(ctx context.Context, _ time.Duration) error {
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
		}
		return ctx.Err()
	}
	return o
}

// extra reads the column, which has another name before a step.
func (s *Store) extra(t *testing.T, step int64) error {
	s.queries["test.extra"] = "SELECT added FROM organization"
	s.earlier["test.extra"] = []earlier{{step, "SELECT extra FROM organization"}}
	_, err := readMany(t.Context(), s, scanText, "test.extra")
	return err
}

// A newer program does steps that only add at once. The others it does when no older program uses the
// database any more; until then, and after it, it works. An older program does not start after that.
//
// threat: K6 in TestSQLite
func testUpgrade(t *testing.T, l *lab) {
	ctx := t.Context()
	base := int(l.schema.Load())
	o := l.newer(t)
	if l.file != "" { // one process
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	newer := ok(l.reopen(o))(t)
	schema := func() int { return ok(appliedSchema(ctx, newer.reader))(t) }
	if l.file == "" {
		third := ok(l.reopen(o))(t)
		joined := ok(l.join(o))(t)
		err := newer.migrate(ctx, o.migrations, true) // the older one came back a moment ago
		if got := schema(); got != base+1 || err != nil {
			t.Errorf("beside an older server the schema is %d, %v", got, err)
		}
		for _, s := range []*Store{newer, third, joined} {
			if err := s.extra(t, int64(base)+2); err != nil {
				t.Error(err)
			}
		}
		o := o
		o.migrations = withSteps(t, addsColumn, renamesColumn, addsColumn)
		for _, open := range []func(Options) (*Store, error){l.reopen, l.join} {
			if _, err := open(o); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("needs schema %d", base+3)) {
				t.Errorf("a program that needs a step after one that waits: %v", err)
			}
		}
		ok(l.CreateOrganization(ctx, "beside"))(t)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the column is renamed", func() bool { return schema() == base+2 })
		for _, s := range []*Store{newer, third, joined} {
			if err := s.extra(t, int64(base)+2); err != nil {
				t.Error(err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	} else {
		if got := schema(); got != base+2 {
			t.Errorf("the schema is %d", got)
		}
		if err := newer.extra(t, int64(base)+2); err != nil {
			t.Error(err)
		}
		if err := newer.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, open := range []func(Options) (*Store, error){l.reopen, l.join} {
		if _, err := open(l.options(masterKeys(t, "first"))); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("the database has schema %d, and this agenthost knows up to %d", base+2, base)) {
			t.Errorf("an older program: %v", err)
		}
	}
	l.Store = ok(l.reopen(o))(t)
}

// testBeforeCopies: a program that knows no copies of records starts with a database that has them, and works. Jobs that
// keep copies wait for a newer one.
func testBeforeCopies(t *testing.T, l *lab) {
	ctx := t.Context()
	p := l.organization(t)
	kept := JobOrder{Kind: "copies", Object: "connection", Apart: true}
	if err := l.KeepCopies(ctx, p, kept); err != nil {
		t.Fatal(err)
	}
	jobs := map[string]string{"copies": ok(l.Copied(ctx, kept.Object))(t).Job, "copies.remove": ok(l.AddJob(ctx, p, JobOrder{Kind: "copies.remove"}))(t).ID}
	o := l.options(masterKeys(t, "first"))
	o.migrations = fstest.MapFS{}
	for _, step := range []string{"schema/0001.sql", "schema/0002.sql"} {
		o.migrations.(fstest.MapFS)[step] = &fstest.MapFile{Data: ok(migrations.ReadFile(step))(t)}
	}
	newest := l.schema.Load()
	if l.file != "" { // one process
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	older := ok(l.reopen(o))(t)
	if got := int64(ok(appliedSchema(ctx, older.reader))(t)); got != newest {
		t.Errorf("the schema is %d, and was %d", got, newest)
	}
	ok(older.CreateOrganization(ctx, "of an older program"))(t)
	jobs["old"] = ok(older.AddJob(ctx, p, JobOrder{Kind: "old"}))(t).ID
	done := func(s *Store, kinds ...string) {
		t.Helper()
		do := make(map[string]JobKind)
		for _, kind := range kinds {
			do[kind] = JobKind{Do: func(context.Context, Job) error { return nil }, Apart: kind == "copies"}
		}
		stop := ok(s.RunJobs(ctx, do, slog.New(slog.DiscardHandler)))(t)
		for _, kind := range kinds {
			eventually(t, kind+" is done", func() bool { return ok(s.Job(ctx, p, jobs[kind]))(t).State == JobSucceeded })
		}
		if err := stop(ctx); err != nil {
			t.Error(err)
		}
	}
	done(older, "old")
	for _, kind := range []string{"copies", "copies.remove"} {
		if j := ok(older.Job(ctx, p, jobs[kind]))(t); j.State != JobWaiting || j.Attempts != 0 {
			t.Errorf("the older program has done something: %+v", j)
		}
	}
	if err := older.Close(); err != nil {
		t.Fatal(err)
	}
	if l.file != "" {
		l.Store = ok(l.reopen(l.options(masterKeys(t, "first"))))(t)
	}
	done(l.Store, "copies", "copies.remove")
}

// A server that was cut off while others rewrote the database does not come back, and says why.
func TestPostgresRewrittenMeanwhile(t *testing.T) {
	t.Parallel()
	server := postgresServer(t)
	l := postgresLab(t, server, "rewritten")
	says := make(chan string, 1)
	o := l.options(masterKeys(t, "first"))
	o.OnSchema = func(text string, _ error) { says <- text }
	s := ok(l.reopen(o))(t)
	defer s.Close()
	if _, err := l.writer.ExecContext(t.Context(), "INSERT INTO migration (version, applied, additive) VALUES (1000, 1, 0)"); err != nil {
		t.Fatal(err)
	}
	pgtest.EndConnections(t, server, "rewritten")
	if text := <-says; !strings.Contains(text, "a newer agenthost has changed the database") {
		t.Error(text)
	}
	if s.Away().IsZero() {
		t.Error("it has come back")
	}
	ok(l.writer.Exec("DELETE FROM migration WHERE version = 1000"))(t)
	eventually(t, "the server is back", func() bool { return s.Away().IsZero() })
}

func TestEarlierStatements(t *testing.T) {
	t.Parallel()
	read := func(text string) (*Store, error) {
		queries, err := readQueries(fstest.MapFS{"sql/a.sql": {Data: []byte(text)}}, postgresDialect())
		if err != nil {
			return nil, err
		}
		s := &Store{queries: queries}
		s.earlier, err = takeEarlier(queries)
		return s, err
	}
	s := ok(read("-- name: a before 7\nSELECT 6\n-- name: a\nSELECT 9\n-- name: a before 4\nSELECT 3\n"))(t)
	for schema, want := range map[int64]string{3: "SELECT 3", 4: "SELECT 6", 6: "SELECT 6", 7: "SELECT 9"} {
		s.schema.Store(schema)
		if got, _ := s.text("a"); got != want {
			t.Errorf("schema %d: %s, want %s", schema, got, want)
		}
	}
	for _, wrong := range []string{"-- name: a before 7\nSELECT 6\n", "-- name: a\nSELECT 1\n-- name: a before x\nSELECT 6\n"} {
		if _, err := read(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
