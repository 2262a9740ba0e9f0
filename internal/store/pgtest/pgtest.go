// Package pgtest starts a PostgreSQL of their own for tests, also for those that root runs.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// patience is how long the server may take to start.
const patience = 20 * time.Second

// Start returns the connection string of a server that ends with the test, without a database's
// name. The server's data is not safe on the disk: it is for tests only.
func Start(t testing.TB) string {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir(): the server's user cannot enter that of root. The path of a socket has
	// at most 107 bytes.
	dir, err := os.MkdirTemp("/tmp", "pg") //nolint:usetesting // see above
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	attributes, err := anotherUser(dir)
	if err != nil {
		t.Fatal(err)
	}
	command := func(ctx context.Context, name string, args ...string) *exec.Cmd {
		c := exec.CommandContext(ctx, filepath.Join(bin, name), args...)
		c.Dir, c.Env, c.SysProcAttr = dir, []string{"LC_ALL=C", "PATH=/usr/bin:/bin", "TZ=UTC"}, attributes
		return c
	}
	data := filepath.Join(dir, "data")
	// Not the locale C: pg_trgm makes no trigrams of Japanese and Chinese with it.
	if out, err := command(t.Context(), "initdb", "-D", data, "-U", "agenthost", "-A", "trust", "--no-sync", "-E", "UTF8", "--lc-collate=C", "--lc-ctype=C.UTF-8").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	// The context of the test ends before its cleanup, and would kill the server in its work.
	server := command(context.WithoutCancel(t.Context()), "postgres", "-D", data, "-k", dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=100", "-c", "shared_buffers=32MB")
	server.Stdout, server.Stderr = log, log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := server.Wait(); err != nil {
			t.Errorf("postgres: %v", err)
		}
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		out, err := command(t.Context(), "pg_isready", "-h", dir, "-U", "agenthost", "-d", "postgres").CombinedOutput()
		if err == nil {
			return fmt.Sprintf("host=%s user=agenthost", dir)
		}
		if time.Since(begun) > patience {
			said, _ := os.ReadFile(log.Name()) // what it says helps, if it can be read
			t.Fatalf("postgres does not answer: %v, %s\n%s", err, out, said)
		}
	}
}

// TakeLocks ends the connections to a database that have an advisory lock.
func TakeLocks(t testing.TB, connection string) {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "psql"), connection, "-tAc", "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'").CombinedOutput()
	if err != nil || string(out) != "t\n" {
		t.Fatalf("%v: %s", err, out)
	}
}

// programs returns the folder of PostgreSQL's programs, which Debian does not have in PATH.
func programs() (string, error) {
	if dir := os.Getenv("PG_BINDIR"); dir != "" {
		return dir, nil
	}
	if found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); err == nil && len(found) > 0 {
		return filepath.Dir(slices.Max(found)), nil
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("PostgreSQL is missing: apt-get install postgresql, or set PG_BINDIR to the folder with initdb and postgres")
	}
	return filepath.Dir(path), nil
}
