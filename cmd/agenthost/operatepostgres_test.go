package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// operate runs a command of operators on the database, with the key of a folder, and returns its exit
// code and what it says.
func (s *servedProcess) operate(folder string, args ...string) (code int, said string) {
	s.t.Helper()
	args = append(args, "--data", folder)
	if s.database != "" {
		args = append(args, "--db", "env:"+databaseVariable)
	}
	c := exec.CommandContext(s.t.Context(), s.program, args...)
	c.Dir, c.Env = s.folder, s.env
	out, err := c.CombinedOutput()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		s.t.Fatal(err)
	}
	return c.ProcessState.ExitCode(), string(out)
}

// TestPostgresOperate: where no server runs, operators' commands open PostgreSQL themselves, from every
// folder that has the master key; a server that runs is asked over the socket in its own folder, and
// keeps the database from a command that has another one.
func TestPostgresOperate(t *testing.T) {
	onPostgres(t, testOperate)
}

func testOperate(t *testing.T, database string) {
	t.Helper()
	s := newServed(t, &owners{}, database)
	s.start()
	s.stop()
	key, err := os.ReadFile(filepath.Join(s.folder, "data", "master.key"))
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := filepath.Join(s.folder, "elsewhere")
	if err := errors.Join(os.Mkdir(elsewhere, 0o700), os.WriteFile(filepath.Join(elsewhere, "master.key"), key, 0o600)); err != nil {
		t.Fatal(err)
	}
	wants := func(folder string, code int, says []string, args ...string) {
		t.Helper()
		got, said := s.operate(folder, args...)
		for _, text := range append(says, "") {
			if got != code || !strings.Contains(said, text) {
				t.Errorf("%s in %s: %d, want %d and %q: %s", strings.Join(args, " "), folder, got, code, text, said)
			}
		}
	}
	wants("data", 0, nil, "workspace", "create", "here")
	wants("elsewhere", 0, []string{"here"}, "workspace", "list")
	wants("elsewhere", 0, nil, "workspace", "create", "there")
	wants("stranger", 2, []string{"no master key in the folder stranger"}, "workspace", "list")
	if _, err := os.Stat(filepath.Join(s.folder, "stranger")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a command without the key made a folder: %v", err)
	}

	s.start()
	wants("data", 0, []string{"here", "there"}, "workspace", "list")
	wants("data", 0, nil, "workspace", "create", "asked")
	wants("elsewhere", 5, []string{"another server uses the database", "use --server, or stop it"}, "workspace", "create", "refused")
	s.stop()

	wants("elsewhere", 0, []string{"asked"}, "workspace", "list")
	if _, said := s.operate("elsewhere", "workspace", "list"); strings.Contains(said, "refused") {
		t.Errorf("the refused command made a workspace: %s", said)
	}
}
