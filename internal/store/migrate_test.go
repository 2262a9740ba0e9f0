package store

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"path"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/agenthost/agenthost/internal/contextstore"
)

//go:embed testdata
var testdata embed.FS

// testReleasedSchemas brings a database of every schema that was released, with rows in it, to the
// newest one. A new schema adds a file to testdata/released.
func testReleasedSchemas(t *testing.T, open func(t testing.TB) *lab) {
	released := ok(fs.Glob(migrations, "schema/*.sql"))(t)
	for i, newest := range released {
		t.Run(path.Base(newest), func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			l := open(t)
			old := fstest.MapFS{}
			for _, step := range released[:i+1] {
				old[step] = &fstest.MapFile{Data: ok(migrations.ReadFile(step))(t)}
			}
			l.empty(t)
			if err := l.migrate(ctx, old, true); err != nil {
				t.Fatal(err)
			}
			rows := ok(fs.ReadFile(testdata, "testdata/released/"+path.Base(newest)))(t)
			if _, err := l.writer.ExecContext(ctx, string(rows)); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l.Store = ok(l.reopen(l.options(masterKeys(t, "first"))))(t)
			p := Scope{Organization: "01900000-0000-7000-8000-000000000001"}
			c := ok(l.Connection(ctx, p, "01900000-0000-7000-8000-000000000004"))(t)
			if c.Name != "pylon" || c.Config["region"] != "eu" || len(c.Entities) != 1 || c.Inactive {
				t.Errorf("%+v", c)
			}
			w := ok(l.WorkspaceByName(ctx, p, "Acme"))(t)
			if w.ID != c.Workspace {
				t.Errorf("%+v", w)
			}
			if got := ok(l.Audit(ctx, p, Page{}))(t); len(got) != 1 {
				t.Errorf("%+v", got)
			}
			if next := ok(l.UpdateConnection(ctx, p, c, nil))(t); next.Revision != 8 {
				t.Errorf("revision %d after 7", next.Revision)
			}
		})
	}
}

// testEarlyDatabase brings a database to the newest schema that a server made before a column was in
// 0001.sql, and before steps could wait.
func testEarlyDatabase(t *testing.T, l *lab) {
	ctx := t.Context()
	const column = "	start TEXT NOT NULL,\n"
	step := string(ok(migrations.ReadFile("schema/0001.sql"))(t))
	if strings.Count(step, column) != 1 {
		t.Fatal("0001.sql has another column start")
	}
	l.empty(t)
	for _, text := range []string{
		"CREATE TABLE migration (version BIGINT PRIMARY KEY, applied BIGINT NOT NULL) /*strict*/",
		strings.Replace(step, column, "", 1),
		"INSERT INTO migration (version, applied) VALUES (1, 1)",
		string(ok(fs.ReadFile(testdata, "testdata/released/0001.sql"))(t)),
	} {
		if _, err := l.writer.ExecContext(ctx, l.dialect.words.Replace(text)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time, nothing is missing
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l.Store = ok(l.reopen(l.options(masterKeys(t, "first"))))(t)
	}
	p := Scope{Organization: "01900000-0000-7000-8000-000000000001"}
	w := Write{Scope: p, Connection: "c", Caller: "a", Key: "k", Hash: []byte("h"), Start: "s"}
	ok(l.BeginWrite(ctx, w, AuditRecord{ID: "s", Event: "start", Scope: p, Record: []byte("{}")}))(t)
	if prior := ok(l.PriorWrite(ctx, w))(t); prior == nil || prior.State != WriteRunning {
		t.Errorf("%+v", prior)
	}
}

// digests are the SHA-256 of the steps of the schema.
var digests = map[string]string{
	"0001.sql": "4902d0c1210b896d8735e9c4d19f9907e08eb0ce2cb0236cb6abd84363566196", // changes until v0.1.0 is released
	"0002.sql": "c22012ff475a84a5f4515e0efff3f232b12520a75cfccca95b1654e7ea65364a",
	"0003.sql": "b48c1cc1b90e1624b4024b01f0494480c2fabafd149084b1e41797db1543c027", // with the tables of copies in place of {copies}
	"0004.sql": "f9f7640a7f7a28004134925c235349e2d1bc5701a35785bec191eeb4c4ba5c72",
}

// TestReleasedSchemasDoNotChange: a database of a release has the steps of that release, and gets
// none of them twice.
func TestReleasedSchemasDoNotChange(t *testing.T) {
	t.Parallel()
	for _, step := range ok(fs.Glob(migrations, "schema/*.sql"))(t) {
		text := strings.NewReplacer("{copies}", contextstore.PostgresSchema(), "{copies bytes}", contextstore.PostgresBytes).Replace(string(ok(migrations.ReadFile(step))(t)))
		sum := sha256.Sum256([]byte(text))
		if got := hex.EncodeToString(sum[:]); got != digests[path.Base(step)] {
			t.Errorf("%s has the SHA-256 %s: a step that was released never changes, so add a step; write down that of a new one", step, got)
		}
	}
}

// empty removes all tables.
func (l *lab) empty(t testing.TB) {
	t.Helper()
	statements := []string{"DROP SCHEMA public CASCADE", "CREATE SCHEMA public"}
	if l.file != "" {
		l.Store.queries["test.tables"] = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
		statements = []string{"PRAGMA foreign_keys=0"}
		for _, name := range ok(many(session{context.Background(), l.Store, l.writer, nil}, scanText, "test.tables"))(t) {
			statements = append(statements, "DROP TABLE "+name)
		}
		statements = append(statements, "PRAGMA foreign_keys=1")
	}
	for _, s := range statements {
		if _, err := l.writer.ExecContext(t.Context(), s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}
