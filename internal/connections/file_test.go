package connections

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/hashicorp/go-hclog"
)

// watched is a file that a test edits, and what came of it.
type watched struct {
	*File
	t        *testing.T
	changes  <-chan Change
	reported []string
	log      strings.Builder
}

const first = `
plugins: ./plugins
connections:
  a: {connector: pylon}
  b: {connector: ashby}
`

// watch starts to watch a file. It looks every second, from the half second on.
func watch(t *testing.T, text string) *watched {
	t.Helper()
	w := &watched{t: t}
	path := filepath.Join(t.TempDir(), "agenthost.yaml")
	w.File = &File{Path: path, Every: time.Second, Report: func(err error) { w.reported = append(w.reported, err.Error()) }}
	w.write(text)
	var err error
	if w.Config, err = config.Load(path); err != nil {
		t.Fatal(err)
	}
	log := hclog.New(&hclog.LoggerOptions{Output: &w.log, DisableTime: true})
	check := func(name string, c *config.Connection) error {
		if c.Connector == "wrong" {
			return errors.New(name + " is wrong")
		}
		return nil
	}
	if err := w.Start(FileStart{Check: check, Seams: seams.Seams{}.WithDefaults(), Logger: log}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	if w.changes, err = w.Changes(ctx); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second / 2)
	return w
}

// write writes the file, with a time of its own.
func (w *watched) write(text string) {
	w.t.Helper()
	if err := os.WriteFile(w.Path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Chtimes(w.Path, time.Time{}, time.Now()); err != nil {
		w.t.Fatal(err)
	}
}

// change returns the names of the next change within some seconds, and "" without one.
func (w *watched) change(seconds int) string {
	w.t.Helper()
	defer synctest.Wait()
	select {
	case c := <-w.changes:
		if c.Workspace != "" || c.Everything {
			w.t.Errorf("change %+v", c)
		}
		return strings.Join(c.Names, " ")
	case <-time.After(time.Duration(seconds) * time.Second):
		return ""
	}
}

// revision returns the revision of a connection, and "" where there is none.
func (w *watched) revision(name string) string {
	w.t.Helper()
	c, revision, err := w.Get(w.t.Context(), Principal{}, name)
	if (err != nil) != errors.Is(err, ErrNone) || (err == nil) != (c.Connector != "") {
		w.t.Errorf("Get(%s) = %+v, %q, %v", name, c, revision, err)
	}
	return revision
}

func TestFileChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, first)
		a, b := w.revision("a"), w.revision("b")
		if got := w.change(10); got != "" || a == "" || b == "" {
			t.Fatalf("changed without an edit: %q; revisions %q, %q", got, a, b)
		}
		w.write("plugins: ./plugins\nconnections:\n  a: {connector: pylon, server: eu}\n  b: {connector: ashby}\n  c: {connector: pylon}\n")
		if got := w.change(1); got != "" {
			t.Errorf("%q changed before the file was the same twice", got)
		}
		if got := w.change(2); got != "a c" {
			t.Errorf("%q changed, want a and c", got)
		}
		if w.revision("a") == a || w.revision("b") != b || w.revision("c") == "" {
			t.Errorf("the revisions are %q, %q, %q", w.revision("a"), w.revision("b"), w.revision("c"))
		}
		w.write("plugins: ./plugins\nconnections:\n  a: {connector: pylon, server: eu}\n")
		if got := w.change(3); got != "b c" || w.revision("b") != "" {
			t.Errorf("%q changed, want b and c", got)
		}
		page, err := w.List(t.Context(), Principal{}, "", "")
		if err != nil || len(page.Connections) != 1 || page.Connections[0].Name != "a" || page.Connections[0].Revision != w.revision("a") {
			t.Errorf("%+v, %v", page, err)
		}
		for name, p := range map[string]Principal{"another workspace": {Workspace: "acme"}, "as a subject there": {Workspace: "acme", Subject: "alice"}} {
			page, _ := w.List(t.Context(), p, "", "")
			if _, _, err := w.Get(t.Context(), p, "a"); !errors.Is(err, ErrNone) || len(page.Connections) > 0 {
				t.Errorf("%s sees a: %v, %+v", name, err, page)
			}
		}
		if len(w.reported) > 0 || strings.Contains(w.log.String(), "restart") {
			t.Errorf("reported %q; logged %s", w.reported, w.log.String())
		}
	})
}

// A file that is being written is not read.
func TestFileIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, first)
		for _, part := range []string{"conn", "connections:\n  a: {conn", "connections:\n  a: {connector: py", "connections:\n  a: {connector: pylon}\n"} {
			w.write(part)
			if got := w.change(1); got != "" || len(w.reported) > 0 {
				t.Errorf("%q: changed %q, reported %q", part, got, w.reported)
			}
		}
		if got := w.change(2); got != "b" || len(w.reported) > 0 {
			t.Errorf("%q changed, reported %q", got, w.reported)
		}
	})
}

// A wrong file changes nothing and is reported once.
func TestFileIsWrong(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"no YAML":             {"connections: {a: [", "not valid YAML"},
		"an unknown key":      {"connections: {a: {connector: pylon}}\nconections: {}\n", "conections"},
		"a wrong connection":  {"connections: {a: {connector: wrong}, z: {connector: pylon}}\n", "a is wrong"},
		"no connector":        {"connections: {a: {server: eu}}\n", "needs a connector"},
		"removed, and a file": {"", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := watch(t, first)
				a := w.revision("a")
				for range 3 {
					if test.text == "" {
						os.Remove(w.Path)
					} else {
						w.write(test.text)
					}
					if got := w.change(5); got != "" || w.revision("a") != a || w.revision("b") == "" || w.revision("z") != "" {
						t.Errorf("%q changed", got)
					}
				}
				if len(w.reported) != 1 || !strings.Contains(w.reported[0], test.want) {
					t.Errorf("reported %q, want one with %q", w.reported, test.want)
				}
				w.Reload()
				synctest.Wait()
				if len(w.reported) != 2 || w.reported[1] != w.reported[0] {
					t.Errorf("reported %q to somebody who asked, want it again", w.reported)
				}
				w.write(strings.Replace(first, "a: {connector: pylon}", "a: {connector: pylon, server: us}", 1))
				if got := w.change(5); got != "a" || len(w.reported) != 2 {
					t.Errorf("%q changed after a good file, reported %q", got, w.reported)
				}
			})
		})
	}
}

// Reload does not wait until the file has stayed the same.
func TestFileReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, first)
		w.write("connections:\n  a: {connector: pylon}\n")
		start := time.Now()
		w.Reload()
		w.Reload()
		if got := w.change(1); got != "b" || time.Since(start) > 0 {
			t.Errorf("%q changed after %s", got, time.Since(start))
		}
		if got := w.change(5); got != "" {
			t.Errorf("%q changed again", got)
		}
	})
}

// The files of certificates that connections name may have changed when the file has not.
func TestReloadReadsCertificatesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, "connections:\n  a: {connector: pylon, tls: {ca_file: ca.pem}}\n  b: {connector: ashby}\n")
		for range 2 {
			a, b := w.revision("a"), w.revision("b")
			w.Reload()
			if got := w.change(1); got != "a" || w.revision("a") == a || w.revision("b") != b {
				t.Errorf("%q changed, want a", got)
			}
		}
	})
}

// Keys that a restart needs are named in one line.
func TestFileNeedsRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(t, first)
		w.write(first + "mcp: {budget: 3000}\nlimits: {host_bytes: 9MB}\nsecrets: {cache: 1m}\n")
		if got := w.change(5); got != "" {
			t.Errorf("%q changed", got)
		}
		if log := w.log.String(); strings.Count(log, "restart") != 1 || !strings.Contains(log, `keys="limits, secrets, mcp"`) {
			t.Errorf("logged %s", log)
		}
		w.log.Reset()
		w.write("plugins: ./plugins\n")
		if got := w.change(5); got != "a b" || !strings.Contains(w.log.String(), "keys=environment") {
			t.Errorf("%q changed; logged %s", got, w.log.String())
		}
	})
}

// What was edited between reading the configuration and opening the host is not lost.
func TestFileIsEditedBeforeTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "agenthost.yaml")
		if err := os.WriteFile(path, []byte("connections: {b: {connector: pylon}}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		f := &File{Path: path, Every: time.Second, Config: &config.Config{Connections: map[string]config.Connection{"a": {Connector: "pylon", Mode: config.Direct}}}}
		if err := f.Start(FileStart{Check: func(string, *config.Connection) error { return nil }, Seams: seams.Seams{}.WithDefaults(), Logger: hclog.NewNullLogger()}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		changes, err := f.Changes(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if c := <-changes; strings.Join(c.Names, " ") != "a b" {
			t.Errorf("%+v", c)
		}
		cancel()
		if _, open := <-changes; open {
			t.Error("a change after the end")
		}
	})
}
