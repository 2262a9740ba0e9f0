package copies_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestUnkeepable leaves out records that cannot be kept: the pass goes on, and status and answers say so.
func TestUnkeepable(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 5, nil)
	large := func(id string, n int) {
		one := d.issues[id]
		one.title, one.updated = "login "+strings.Repeat("x", n), d.clock.Now()
		d.issues[id] = one
	}
	large("i002", contextstore.MostRecordBytes)
	later := func() {
		if err := d.clock.Sleep(t.Context(), time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	long := "i006" + strings.Repeat("x", 512)
	d.issues[long] = issue{"login with a long key", "open", d.clock.Now()}
	expect := func(records int, left string, note bool) {
		t.Helper()
		if done := d.sync("issues", copies.SyncOptions{}); done[0].Err != nil || done[0].More {
			t.Fatalf("%+v", done)
		}
		titles, meta := d.search(all)
		if len(titles) != records || strings.Contains(meta, "cannot be kept") != note {
			t.Errorf("%d records, %s", len(titles), meta)
		}
		status, err := d.copies.Status(t.Context(), "w", "support")
		if err != nil || fmt.Sprintf("%q", status[0].LeftOut) != left || status[0].LeftMore {
			t.Errorf("left out %q, %v", status[0].LeftOut, err)
		}
	}
	expect(4, fmt.Sprintf("%q", []string{"i002", long}), true)

	// A record that became too large is not found as it was, and one that may be kept again is found.
	later()
	large("i003", contextstore.MostRecordBytes)
	large("i002", 1)
	expect(4, fmt.Sprintf("%q", []string{long, "i003"}), true)

	// So does one that a call made too large.
	d.call("issues", "update", `{"id":"i004","title":"`+strings.Repeat("x", contextstore.MostRecordBytes)+`"}`)
	if err := d.copies.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if titles, _ := d.search(all); len(titles) != 3 {
		t.Errorf("%d records", len(titles))
	}
	later()
	delete(d.issues, long)
	large("i003", 1)
	large("i004", 1)
	if done := d.sync("issues", copies.SyncOptions{Full: true}); done[0].Err != nil {
		t.Fatalf("%+v", done)
	}
	expect(5, `[]`, false)
}

// TestLongPage keeps a list without pages that has more records than a step may.
func TestLongPage(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 1, nil)
	for range contextstore.MostRecords + 1 {
		d.notes["i001"] = append(d.notes["i001"], "word")
	}
	done := d.sync("notes", copies.SyncOptions{})
	if done[0].Err != nil || done[0].Result.State.Count != contextstore.MostRecords+1 {
		t.Fatalf("%+v", done)
	}
}

// TestFarFuture finds what changes beside a record whose time is far ahead.
func TestFarFuture(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 2, nil)
	d.issues["i001"] = issue{"login in a hundred years", "open", d.clock.Now().AddDate(100, 0, 0)}
	for range 2 {
		if done := d.sync("issues", copies.SyncOptions{}); done[0].Err != nil {
			t.Fatalf("%+v", done)
		}
		if err := d.clock.Sleep(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		d.create("login fails")
	}
	done := d.sync("issues", copies.SyncOptions{})
	if done[0].Err != nil || done[0].Result.Full || done[0].Result.State.Count != 4 {
		t.Errorf("%+v", done)
	}
}

// TestCircle ends a pass over a list whose pages lead to each other.
func TestCircle(t *testing.T) {
	t.Parallel()
	for _, length := range []int{2, 3, 7} {
		d := newDesk(t, 1, nil)
		d.circle = length
		done := d.sync("issues", copies.SyncOptions{})
		if done[0].Err == nil || !strings.Contains(done[0].Err.Error(), "issues.list has no end") || done[0].Result.Pages > 4*length {
			t.Errorf("%d: %+v", length, done)
		}
	}
}

// TestFirstCopyFails: a search of what nobody could copy is an error, and not an empty answer.
func TestFirstCopyFails(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 1, nil)
	d.before = func(string) error {
		return &abi.Error{Kind: abi.KindNetwork, Message: "the vendor refuses connections", Retryable: true}
	}
	if r, err := d.execute(t.Context(), false, "issues", "context_store_search", `{"query":{}}`); err == nil || !strings.Contains(err.Error(), "refuses") {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestTooManyCopies: a connection has as many copies as it may have. Searches and the status say that records are missing, also
// where a pass was complete before, and until there is room.
func TestTooManyCopies(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 3, nil)
	d.files.Bound(4, 1<<20)
	d.sync("issues", copies.SyncOptions{})
	expect := func(records int, over bool) {
		t.Helper()
		titles, meta := d.search(all)
		if len(titles) != records || strings.Contains(meta, `"complete":false`) != over || strings.Contains(meta, "as many copies as it may have") != over {
			t.Errorf("%d records, %s", len(titles), meta)
		}
		status, err := d.copies.Status(t.Context(), "w", "support")
		if err != nil || status[0].Over != over || (status[0].Err != nil) != over || status[0].State.Bytes == 0 {
			t.Errorf("%+v, %v", status[0], err)
		}
	}
	expect(3, false)
	if err := d.clock.Sleep(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		d.create("login fails")
	}
	done := d.sync("issues", copies.SyncOptions{})
	var e *abi.Error
	if !errors.As(done[0].Err, &e) || e.Kind != abi.KindLimitExceeded || done[0].More || done[0].Next.Before(d.clock.Now().Add(time.Hour)) {
		t.Errorf("%+v", done[0])
	}
	expect(4, true)
	if before := len(d.calls); len(d.sync("issues", copies.SyncOptions{DueOnly: true})) != 1 || len(d.calls) != before {
		t.Error("the pass is tried again at once")
	}
	d.files.Bound(6, 1<<20)
	d.sync("issues", copies.SyncOptions{})
	expect(6, false)
}
