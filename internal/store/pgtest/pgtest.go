// Package pgtest starts a PostgreSQL of their own for tests and measurements, also for those that
// root runs.
package pgtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"testing"
	"time"
)

// patience is how long the server may take to start.
const patience = 20 * time.Second

// Start returns the connection string of a server that ends with the test, without a database's
// name. The server's data is not safe on the disk: it is for tests only.
func Start(t testing.TB) string {
	t.Helper()
	return StartServer(t).Connection()
}

// StartServer is [Start] for tests that halt the server, or that give it more arguments.
func StartServer(t testing.TB, arguments ...string) *Server {
	t.Helper()
	// The context of the test ends before its cleanup, and would kill the server in its work.
	s, err := Launch(context.WithoutCancel(t.Context()), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ErrMissing says that PostgreSQL is not installed.
var ErrMissing = errors.New("PostgreSQL is missing: apt-get install postgresql, or set PG_BINDIR to the folder with initdb and postgres")

// Launch is [Start] for other programs than tests: the server ends with Stop. The error is
// [ErrMissing] if there is no PostgreSQL.
func Launch(ctx context.Context, arguments ...string) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	// Not the folder of a test: the server's user cannot enter that of root. The path of a socket
	// has at most 107 bytes.
	dir, err := os.MkdirTemp("/tmp", "pg")
	if err != nil {
		return nil, err
	}
	s := &Server{bin: bin, dir: dir, arguments: arguments}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// Server is a PostgreSQL with its data, log and socket in a folder. One goroutine uses it.
type Server struct {
	bin, dir  string
	arguments []string
	user      *syscall.SysProcAttr
	process   *exec.Cmd // nil before it runs
	log       *os.File
}

func (s *Server) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, filepath.Join(s.bin, name), args...)
	c.Dir, c.Env, c.SysProcAttr = s.dir, []string{"LC_ALL=C", "PATH=/usr/bin:/bin", "TZ=UTC"}, s.user
	return c
}

// start starts the server, and waits until it answers.
func (s *Server) start(ctx context.Context) (err error) {
	if s.user, err = anotherUser(s.dir); err != nil {
		return err
	}
	data := filepath.Join(s.dir, "data")
	// Not the locale C: pg_trgm makes no trigrams of Japanese and Chinese with it.
	if out, err := s.command(ctx, "initdb", "-D", data, "-U", "agenthost", "-A", "trust", "--no-sync", "-E", "UTF8", "--lc-collate=C", "--lc-ctype=C.UTF-8").CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	if s.log, err = os.Create(filepath.Join(s.dir, "log")); err != nil {
		return err
	}
	return s.Resume(ctx)
}

// Connection returns the connection string, without a database's name.
func (s *Server) Connection() string { return fmt.Sprintf("host=%s user=agenthost", s.dir) }

// Create makes an empty database, and returns its connection string.
func (s *Server) Create(ctx context.Context, name string) (string, error) {
	if out, err := s.command(ctx, "createdb", "-h", s.dir, "-U", "agenthost", name).CombinedOutput(); err != nil {
		return "", fmt.Errorf("createdb: %w, %s", err, out)
	}
	return s.Connection() + " dbname=" + name, nil
}

// LogStatements is what a connection string has more for [Server.Statements].
const LogStatements = " options='-c log_statement=all'"

var logged = regexp.MustCompile(`(?m) \[(\d+)\] LOG: {2}(?:statement|execute [^:]*): (.*)$`)

// Statement is what a client sent over a connection.
type Statement struct{ Connection, FirstLine string }

// Statements returns what clients sent whose connection string has [LogStatements], those around
// transactions and those that only ask whether the server is there included.
func (s *Server) Statements() (sent []Statement, err error) {
	text, err := os.ReadFile(s.log.Name())
	for _, found := range logged.FindAllSubmatch(text, -1) {
		sent = append(sent, Statement{string(found[1]), string(found[2])})
	}
	return sent, err
}

// Socket returns the path of the socket, for a proxy in front of the server.
func (s *Server) Socket() string { return filepath.Join(s.dir, ".s.PGSQL.5432") }

// Halt ends the server, whose data stays for Resume.
func (s *Server) Halt() error {
	if s.process == nil {
		return nil
	}
	err := s.process.Process.Signal(os.Interrupt)
	if ended := s.process.Wait(); ended != nil {
		err = errors.Join(err, fmt.Errorf("postgres: %w", ended))
	}
	s.process = nil
	return err
}

// Resume starts the server after Halt, and waits until it answers.
func (s *Server) Resume(ctx context.Context) error {
	arguments := append([]string{"-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=100", "-c", "shared_buffers=32MB"}, s.arguments...)
	process := s.command(context.WithoutCancel(ctx), "postgres", arguments...)
	process.Stdout, process.Stderr = s.log, s.log
	if err := process.Start(); err != nil {
		return err
	}
	s.process = process
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		out, err := s.command(ctx, "pg_isready", "-h", s.dir, "-U", "agenthost", "-d", "postgres").CombinedOutput()
		if err == nil {
			return nil
		}
		if time.Since(begun) > patience {
			said, _ := os.ReadFile(s.log.Name()) // what it says helps, if it can be read
			return fmt.Errorf("postgres does not answer: %w, %s\n%s", err, out, said)
		}
	}
}

// Stop ends the server, and removes its folder.
func (s *Server) Stop() error {
	errs := []error{s.Halt()}
	if s.log != nil {
		errs = append(errs, s.log.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// EndConnections ends the connections to a database, as an operator may.
func EndConnections(t testing.TB, connection, database string) {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	query := "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '" + database + "' AND pid <> pg_backend_pid()"
	if out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "psql"), connection+" dbname=postgres", "-tAc", query).CombinedOutput(); err != nil {
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
		return "", ErrMissing
	}
	return filepath.Dir(path), nil
}
