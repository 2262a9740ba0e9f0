package copies_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestWrites finds what calls wrote, without a pass.
func TestWrites(t *testing.T) {
	t.Parallel()
	lost := func(op string) error {
		if !strings.HasSuffix(op, ".list") && !strings.HasSuffix(op, ".get") {
			return &abi.Error{Kind: abi.KindTimeout, Message: "no answer", RequestSent: true}
		}
		return nil
	}
	for name, test := range map[string]struct {
		after          func(op string) error
		entity, action string
		params         string
		want           string // what issues or notes then have
	}{
		"an update":                {nil, "issues", "update", `{"id":"i002","title":"it works"}`, "login fails, it works, login fails"},
		"an update without answer": {lost, "issues", "update", `{"id":"i002","title":"it works"}`, "login fails, it works, login fails"},
		"a new one":                {nil, "issues", "create", `{"title":"new"}`, "login fails, login fails, login fails, new"},
		"a new one of nobody knows which id": {func(op string) error {
			if op == "issues.create" {
				return &abi.Error{Kind: abi.KindNetwork, Message: "no answer", RequestSent: true}
			}
			return nil
		}, "issues", "create", `{"title":"new"}`, "login fails, login fails, login fails, new"},
		"a deletion":                {nil, "issues", "delete", `{"id":"i002"}`, "login fails, login fails"},
		"a deletion without answer": {lost, "issues", "delete", `{"id":"i002"}`, "login fails, login fails"},
		"of what is gone":           {nil, "issues", "delete", `{"id":"i000"}`, "login fails, login fails, login fails"},
		"a list":                    {nil, "notes", "create", `{"issue_id":"i003","text":"hello"}`, "hello"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t, 3, nil)
			d.sync("", copies.SyncOptions{})
			d.clock.now = d.clock.now.Add(2 * time.Minute) // the vendor permits a pass again
			d.after = test.after
			_, _ = d.execute(t.Context(), false, test.entity, test.action, test.params)
			if err := d.copies.Settle(t.Context()); err != nil {
				t.Fatal(err)
			}
			d.after = nil
			got, _ := d.search(all)
			if test.entity == "notes" {
				notes := d.call("notes", "context_store_search", `{"query":{}}`)
				got = []string{"hello"}
				if string(notes.Data) != `[{"issue_id":"i003","id":"n0","text":"hello"}]` {
					t.Errorf("notes: %s", notes.Data)
				}
			}
			if strings.Join(got, ", ") != test.want {
				t.Errorf("found %q, want %s", got, test.want)
			}
		})
	}
}

// TestDeletionWithoutGet removes the copy of a record that no operation reads.
func TestDeletionWithoutGet(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 1, nil)
	d.notes["i001"] = []string{"hello"}
	d.sync("", copies.SyncOptions{})
	op, err := d.used.Operation("notes", "delete")
	if err != nil {
		t.Fatal(err)
	}
	there := d.notes["i001"]
	if _, err := backend.Run(t.Context(), d.used, &backend.Call{Operation: op, Params: []byte(`{"issue_id":"i001","id":"n0"}`), Credentials: map[string]secret.Value{"token": secret.New([]byte("x"))}}); err != nil {
		t.Fatal(err)
	}
	d.mu.Lock()
	d.notes["i001"] = there // what another account deleted has the same ids
	d.mu.Unlock()
	if err := d.copies.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := d.state("notes").Count
	d.call("notes", "delete", `{"issue_id":"i001","id":"n0"}`)
	if err := d.copies.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := d.state("notes").Count; before != 1 || after != 0 {
		t.Errorf("%d notes, and then %d", before, after)
	}
}

// TestRemovedWhileReading: a record that is read again makes no copies anew that were removed.
func TestRemovedWhileReading(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 1, nil)
	d.sync("issues", copies.SyncOptions{})
	d.after = func(op string) error {
		if op == "issues.get" {
			return d.copies.Remove(t.Context(), "w", "support")
		}
		return nil
	}
	d.call("issues", "update", `{"id":"i001","title":"new"}`)
	if err := d.copies.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d.state("issues").Count != 0 || d.holds("new") {
		t.Error("the removed copies are there")
	}
}

// TestNothingCopiedNothingRead: writes of entities without copies are not read again.
func TestNothingCopiedNothingRead(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 1, nil)
	d.call("issues", "update", `{"id":"i001","title":"new"}`)
	if err := d.copies.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(d.calls) != 1 || d.state("issues").Count != 0 {
		t.Errorf("the vendor got %q", d.calls)
	}
}

// TestOldPageLeavesNewerRecord is a regression test: a page that was asked for before a write, and came after the
// record had been read again, must not bring the old record back.
func TestOldPageLeavesNewerRecord(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ action, params, want string }{
		"an update":  {"update", `{"id":"i001","title":"newer"}`, "newer, login fails, login fails"},
		"a deletion": {"delete", `{"id":"i001"}`, "login fails, login fails"},
	} {
		for _, full := range []bool{true, false} {
			t.Run(fmt.Sprint(name, full), func(t *testing.T) {
				t.Parallel()
				d := newDesk(t, 3, nil)
				d.sync("issues", copies.SyncOptions{})
				written := false
				d.after = func(op string) error {
					if op == "issues.list" && !written { // the page is on its way
						written = true
						d.clock.now = d.clock.now.Add(time.Second)
						d.call("issues", test.action, test.params)
						return d.copies.Settle(t.Context())
					}
					return nil
				}
				if done := d.sync("issues", copies.SyncOptions{Full: full}); done[0].Err != nil || done[0].More || !written {
					t.Fatalf("%+v", done)
				}
				if titles, _ := d.search(all); strings.Join(titles, ", ") != test.want {
					t.Errorf("found %q, want %s", titles, test.want)
				}
			})
		}
	}
}
