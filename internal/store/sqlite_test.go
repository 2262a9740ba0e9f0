package store

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

func TestFilesAreTheUsersOwn(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no Unix permissions")
	}
	dir := filepath.Join(t.TempDir(), "made", "data")
	l := &lab{reopen: func(o Options) (*Store, error) { return OpenSQLite(context.Background(), dir, o) }}
	l.finish(t)
	l.connection(t, l.organization(t), "pylon")
	var files int
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		want := fs.FileMode(0o600)
		if e.IsDir() {
			want = 0o700
		} else {
			files++
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), want)
		}
		return nil
	})
	if err != nil || files < 3 { // the database, its log, its lock
		t.Errorf("%d files, %v", files, err)
	}
	open := t.TempDir()
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	if s, err := OpenSQLite(t.Context(), open, l.options(masterKeys(t, "first"))); err == nil {
		t.Error("a folder that others can write to is taken", s.Close())
	}
}

// TestCommitsAreOnDisk checks that what was committed outlives the power, after the steps of the schema, too.
func TestCommitsAreOnDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := &lab{reopen: func(o Options) (*Store, error) { return OpenSQLite(context.Background(), dir, o) }}
	l.finish(t)
	var synchronous int
	if err := l.writer.QueryRowContext(t.Context(), "PRAGMA synchronous").Scan(&synchronous); err != nil || synchronous != 2 {
		t.Errorf("synchronous is %d, %v; want 2, which is FULL", synchronous, err)
	}
}

// TestBackup writes a backup while the store is in use. It has no secret, and it opens nothing
// without the master key.
//
// threat: K3
func TestBackup(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	l := sqliteLab(t)
	p := l.organization(t)
	const canary = "canary-0123456789-abcdef"
	c := ok(l.CreateConnection(ctx, p, Connection{Name: "pylon"}, Credentials{map[string]secret.Value{"api_token": value(canary)}, origins}))(t)
	if _, err := l.PutToken(ctx, p, c, origins, value(canary), 0, Held{}); err != nil {
		t.Fatal(err)
	}
	_, password, err := l.CreateApplication(ctx, p.Organization, "agents", nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "backup")
	if err := l.Backup(ctx, file); err != nil {
		t.Fatal(err)
	}
	if err := l.Backup(ctx, file); err == nil {
		t.Error("a backup is written over a file")
	}
	if info, err := os.Stat(file); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	other := filepath.Join(dir, "other process")
	if err := BackupFolder(ctx, filepath.Dir(l.file), other); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, other, l.file, l.file + "-wal"} {
		content, err := os.ReadFile(path)
		if err != nil || len(content) == 0 {
			t.Errorf("%s: %d bytes, %v", path, len(content), err)
		}
		for _, s := range []string{canary, plain(password)} {
			if bytes.Contains(content, []byte(s)) {
				t.Errorf("%s has a secret", path)
			}
		}
	}
	l.connection(t, p, "after the backup")

	restored := filepath.Join(dir, "restored")
	if err := Restore(ctx, file, restored); err != nil {
		t.Fatal(err)
	}
	if err := Restore(ctx, file, restored); err == nil {
		t.Error("a backup is restored over a database")
	}
	if s, err := OpenSQLite(ctx, restored, Options{Masters: always(masterKeys(t, "another"))}); err == nil {
		t.Error("it opens without the master key", s.Close())
	} else if e, found := errors.AsType[*abi.Error](err); !found || e.Field != "master_key" {
		t.Errorf("%v", err)
	}
	s := ok(OpenSQLite(ctx, restored, Options{Masters: always(masterKeys(t, "first"))}))(t)
	if got, err := s.Credentials(ctx, p, c.ID, origins); err != nil || plain(got["api_token"]) != canary {
		t.Errorf("the restored credential: %v", err)
	}
	if got := ok(s.Connections(ctx, p, ConnectionFilter{}, Page{}))(t); len(got) != 1 {
		t.Errorf("the backup has %d connections, want 1", len(got))
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{text, dir, filepath.Join(dir, "missing")} {
		if err := Restore(ctx, bad, filepath.Join(dir, "empty")); err == nil {
			t.Errorf("%s is restored", bad)
		}
	}
}

// TestOutOfMemory has SQLite run out of memory in a query, which is a panic of its driver: the call
// fails, and the next one works.
func TestOutOfMemory(t *testing.T) {
	t.Parallel()
	l := sqliteLab(t)
	p := l.organization(t)
	l.Store.queries["test.memory"] = "SELECT length(group_concat(printf('%.*c', 900000, 'x'))) FROM (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900) SELECT i FROM n)"
	for range 3 {
		for what, f := range map[string]func() error{
			"read": func() error { _, err := readOne(t.Context(), l.Store, scanNumber, "test.memory"); return err },
			"write": func() error {
				return l.write(t.Context(), func(s session) error { _, err := s.exec("test.memory"); return err })
			},
		} {
			if err := f(); !errors.Is(err, errMemory) {
				t.Errorf("%s: %v", what, err)
			}
		}
	}
	l.connection(t, p, "after it")
	if got := ok(l.Connections(t.Context(), p, ConnectionFilter{}, Page{}))(t); len(got) != 1 {
		t.Errorf("%d connections", len(got))
	}
}

// TestStatements holds the files against the code: every statement is used, and none is missing.
func TestStatements(t *testing.T) {
	t.Parallel()
	queries := ok(readQueries(statements, sqliteDialect()))(t)
	var code strings.Builder
	for _, path := range ok(filepath.Glob("*.go"))(t) {
		if !strings.HasSuffix(path, "_test.go") {
			code.Write(ok(os.ReadFile(path))(t))
		}
	}
	for name := range queries {
		if !strings.Contains(code.String(), `"`+name+`"`) {
			t.Errorf("nothing uses %s", name)
		}
	}
	for text, want := range map[string]string{
		"SELECT 1":     "no name",
		"-- name: a\n": "no statement",
		"-- name: a\nSELECT 1\n-- name: a\nSELECT 2":    "two statements",
		"-- a comment\n-- name: a\nSELECT $1\n-- end\n": "",
		"-- name: a\n-- name: b\nSELECT 1 -- name: c\n": "no statement",
	} {
		got, err := readQueries(fstest.MapFS{"sql/a.sql": {Data: []byte(text)}}, sqliteDialect())
		if want == "" && (err != nil || got["a"] != "SELECT ?1") || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
