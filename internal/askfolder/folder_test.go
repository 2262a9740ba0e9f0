package askfolder

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/ask"
)

func plan(name string) ask.Plan {
	return ask.Plan{
		Connection: "lab", Entity: "accounts", Action: "create", Params: []byte(`{"name":"` + name + `"}`),
		Requests: []ask.Request{{Method: "POST", URL: "https://api.vendor.example/accounts", Header: [][2]string{{"Accept", "*/*"}}, Body: []byte("\xff\x00<" + name)}},
	}
}

// clock is a time that tests set.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(c.at.Load(), 0) }

func open(t *testing.T) (*Folder, *clock) {
	t.Helper()
	c := &clock{}
	c.at.Store(1_900_000_000)
	return Open(filepath.Join(t.TempDir(), "asks"), c.now), c
}

func propose(t *testing.T, f *Folder, name string) ask.Ask {
	t.Helper()
	p := plan(name)
	a, err := f.Propose(t.Context(), ask.Ask{Plan: p, Digest: p.Digest(), Created: f.now(), Expires: f.now().Add(time.Hour), State: ask.Approved, By: "nobody"})
	if err != nil || a.Digest != p.Digest() {
		t.Fatalf("%v, %v", a, err)
	}
	return a
}

// threat: A4
//
// An approval is for one ask, with what a person saw, once, and for its time.
func TestFolder(t *testing.T) {
	t.Parallel()
	f, clock := open(t)
	if all, err := f.List(t.Context()); err != nil || len(all) != 0 {
		t.Fatal(all, err)
	}
	a := propose(t, f, "a")
	if again := propose(t, f, "a"); again.ID != a.ID || a.State != ask.Pending || a.By != "" {
		t.Errorf("%v and %v", a, again)
	}
	b := propose(t, f, "b")
	use := func(a ask.Ask, want error) {
		t.Helper()
		if err := f.Use(t.Context(), "", a.ID, a.Digest); !errors.Is(err, want) {
			t.Errorf("used with %v, want %v", err, want)
		}
	}
	use(a, ask.ErrNotApproved)
	if _, err := f.Decide(t.Context(), a.ID, b.Digest, "eve", true); err == nil {
		t.Error("approved with another digest")
	}
	if got, err := f.Decide(t.Context(), a.ID, a.Digest, "ann", true); err != nil || got.State != ask.Approved || got.By != "ann" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := f.Decide(t.Context(), a.ID, a.Digest, "eve", false); err == nil {
		t.Error("decided twice")
	}
	if _, err := f.Decide(t.Context(), b.ID, b.Digest, "ann", false); err != nil {
		t.Error(err)
	}
	use(b, ask.ErrNotApproved)
	for _, wrong := range []struct{ workspace, id, digest string }{{"w", a.ID, a.Digest}, {"", a.ID, b.Digest}, {"", "../" + a.ID, a.Digest}, {"", "", a.Digest}, {"", "aaaaaaaaaa", a.Digest}} {
		if err := f.Use(t.Context(), wrong.workspace, wrong.id, wrong.digest); err == nil {
			t.Errorf("used %v", wrong)
		}
	}
	// Of many processes that use it at a time, one does.
	var used atomic.Int64
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if Open(f.path, clock.now).Use(t.Context(), "", a.ID, a.Digest) == nil {
				used.Add(1)
			}
		})
	}
	all.Wait()
	if used.Load() != 1 {
		t.Errorf("used %d times", used.Load())
	}
	if again := propose(t, f, "a"); again.ID == a.ID || again.State != ask.Pending {
		t.Errorf("an ask that was used is asked again: %v", again)
	}
	// What expired permits nothing, and goes a day later.
	c := propose(t, f, "c")
	if _, err := f.Decide(t.Context(), c.ID, c.Digest, "ann", true); err != nil {
		t.Error(err)
	}
	clock.at.Add(3601)
	use(c, ask.ErrNotApproved)
	if got, err := f.Get(c.ID); err != nil || got.State != ask.Expired {
		t.Errorf("%v, %v", got, err)
	}
	clock.at.Add(86400)
	if left, err := f.List(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("%v, %v", left, err)
	}
	if left, err := filepath.Glob(filepath.Join(f.path, "*")); err != nil || len(left) != 0 {
		t.Errorf("%q, %v", left, err)
	}
}

// threat: A4
//
// A plan that somebody changed on the disk is not the one that was asked about, and nobody believes a
// folder that others can write to.
func TestChangedFiles(t *testing.T) {
	t.Parallel()
	f, _ := open(t)
	a := propose(t, f, "a")
	if info, err := os.Stat(f.path); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	file := filepath.Join(f.path, a.ID+asked)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		changed := append([]byte(nil), data...)
		changed[i] ^= 1
		if err := os.WriteFile(file, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := f.Get(a.ID)
		if err == nil && got.Plan.Digest() != a.Digest {
			t.Fatalf("byte %d: %v", i, got)
		}
	}
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(f.path, 0o777); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Get(a.ID); err == nil {
		t.Errorf("%v was read from a folder that others can write to", got)
	}
}
