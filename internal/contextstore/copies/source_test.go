package copies_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/pdk/abi"
)

// login gives the connection another credential.
func (d *desk) login(reference string) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.c.Config.Credentials = map[string]string{"token": reference}
	d.used = d.copies.Decorate(&d.c, d)
	if err := d.c.SetGrant(d.used); err != nil {
		d.t.Fatal(err)
	}
}

// titles replaces what is at the vendor: another account has other issues.
func (d *desk) titles(titles ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.issues)
	for _, title := range titles {
		d.create(title)
	}
}

// connections are those that have copies.
func (d *desk) connections() []string {
	d.t.Helper()
	names, err := d.files.Connections(d.t.Context(), "w")
	if err != nil {
		d.t.Fatal(err)
	}
	return names
}

// TestAnotherAccount: what was copied of one account is never found when the connection has another one, and goes
// with the next pass.
func TestAnotherAccount(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 0, nil)
	d.titles("one of ours")
	d.sync("", copies.SyncOptions{})
	before := d.connections()
	d.login("env:THEIRS")
	d.titles("one of theirs")
	if found, meta := d.search(all); !slices.Equal(found, []string{"one of theirs"}) {
		t.Errorf("a search finds %q, %s", found, meta)
	}
	d.sync("issues", copies.SyncOptions{})
	if now := d.connections(); len(before) != 1 || len(now) != 1 || now[0] == before[0] {
		t.Errorf("the copies are of %q, and were of %q", now, before)
	}
	if removed, err := d.copies.Retain(t.Context(), "w", func(string) bool { return true }); err != nil || removed != nil {
		t.Errorf("removed %q, %v", removed, err)
	}
	if removed, err := d.copies.Retain(t.Context(), "w", func(name string) bool { return name != "support" }); err != nil || !slices.Equal(removed, []string{"support"}) {
		t.Errorf("removed %q, %v", removed, err)
	}
	if now := d.connections(); now != nil {
		t.Errorf("there are copies of %q", now)
	}
}

// TestAnotherAccountWhileCopying: a page that was asked for with one credential is not kept as one of another.
func TestAnotherAccountWhileCopying(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 0, nil)
	d.titles("ours 1", "ours 2", "ours 3")
	pages := 0
	d.after = func(op string) error {
		if pages++; op == "issues.list" && pages == 2 {
			d.login("env:THEIRS")
		}
		return nil
	}
	done := d.sync("issues", copies.SyncOptions{})
	if e, ok := errors.AsType[*abi.Error](done[0].Err); !ok || e.Kind != abi.KindConflict || done[0].Result.State.Count != 2 {
		t.Errorf("%+v", done)
	}
	d.after = nil
	d.titles("theirs")
	if found, _ := d.search(all); !slices.Equal(found, []string{"theirs"}) {
		t.Errorf("a search finds %q", found)
	}
}
