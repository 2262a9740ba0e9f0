package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/hashicorp/go-hclog"
)

// database takes records, or fails.
type database struct {
	mu      sync.Mutex
	fails   error
	refuses string // the id of a record
	got     []string
	calls   int
	lost    int
	// meanwhile happens once while records are delivered.
	meanwhile func()
}

func (d *database) deliver(_ context.Context, records []store.AuditRecord) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls++
	if f := d.meanwhile; f != nil {
		d.meanwhile = nil
		f()
	}
	if d.fails != nil {
		return d.fails
	}
	for _, r := range records {
		if r.ID == d.refuses {
			return fault.Invalid("audit", "the record is no JSON", "write another one")
		}
	}
	for _, r := range records {
		if !slices.Contains(d.got, r.ID) {
			d.got = append(d.got, r.ID)
		}
	}
	return nil
}

func (d *database) away(err error) { d.mu.Lock(); defer d.mu.Unlock(); d.fails = err }

func (d *database) has() []string { d.mu.Lock(); defer d.mu.Unlock(); return slices.Clone(d.got) }

func (d *database) open(t *testing.T, folder string, most int64) *Spool {
	t.Helper()
	s, err := Open(t.Context(), Options{Folder: folder, Deliver: d.deliver, Bytes: most, Log: hclog.NewNullLogger(), Lost: func(n int, _ error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.lost += n
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func record(id string) store.AuditRecord {
	return store.AuditRecord{ID: id, Event: "call", Scope: store.Scope{Organization: "o", Workspace: "w"}, Record: []byte(`{"note":"<a> & \"b\"\u2028"}`)}
}

func add(t *testing.T, s *Spool, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if err := s.Add(record(id)); err != nil {
			t.Fatal(err)
		}
	}
}

func files(t *testing.T, folder string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "*"+nameSuffix+"*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func want(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("the database has %q, want %q", got, want)
	}
}

// Records go to the database in their order after a second, and their file goes. Those that come while
// others are delivered wait for the next time.
func TestDelivered(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var d database
		s := d.open(t, folder, 0)
		add(t, s, "1", "2", "3")
		want(t, d.has(), nil)
		time.Sleep(every)
		synctest.Wait()
		want(t, d.has(), []string{"1", "2", "3"})
		if left := files(t, folder); len(left) != 0 {
			t.Errorf("left: %q", left)
		}
		d.meanwhile = func() { add(t, s, "5") }
		add(t, s, "4")
		time.Sleep(every)
		synctest.Wait()
		want(t, d.has(), []string{"1", "2", "3", "4"})
		s.Close()
		want(t, d.has(), []string{"1", "2", "3", "4", "5"})
		if err := s.Add(record("6")); !errors.Is(err, errClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// While the database is away, records wait, and the next process delivers those of one that ended.
func TestAway(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var d database
		d.away(errors.New("no connection"))
		s := d.open(t, folder, 0)
		add(t, s, "1", "2")
		time.Sleep(time.Minute)
		add(t, s, "3")
		if err := s.AddSynced(record("4")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		s.Close()
		d.away(nil)
		s = d.open(t, folder, 0)
		add(t, s, "5")
		time.Sleep(every)
		synctest.Wait()
		want(t, d.has(), []string{"1", "2", "3", "4", "5"})
		if left := files(t, folder); len(left) != 0 || d.lost != 0 || s.bytes != 0 {
			t.Errorf("left: %q, %d bytes; lost: %d", left, s.bytes, d.lost)
		}
	})
}

// The text of a record is the same after it was in a file.
func TestTextStays(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var got []store.AuditRecord
	o := Options{Folder: folder, Log: hclog.NewNullLogger(), Deliver: func(context.Context, []store.AuditRecord) error { return errors.New("away") }}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	add(t, s, "1")
	s.Close()
	o.Deliver = func(_ context.Context, r []store.AuditRecord) error { got = append(got, r...); return nil }
	if s, err = Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if len(got) != 1 || fmt.Sprintf("%q", got[0]) != fmt.Sprintf("%q", record("1")) {
		t.Errorf("got %q", got)
	}
}

// A file that a loss of power damaged, or that somebody changed, holds up nothing.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	good := func(id string) string {
		b, err := encode(record(id))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want []string
		lost int
	}{
		"half a line":     {good("1") + good("2")[:20], 0o600, []string{"1", "9"}, 0},
		"zeros":           {good("1") + strings.Repeat("\x00", 40) + "\n" + good("2"), 0o600, []string{"1", "2", "9"}, 1},
		"no record":       {"{}\n" + good("2"), 0o600, []string{"2", "9"}, 1},
		"others write it": {good("1"), 0o666, []string{"9"}, 1},
		"empty":           {"", 0o600, []string{"9"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			path := filepath.Join(folder, "spool-000000000007.jsonl")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			var d database
			s := d.open(t, folder, 0)
			add(t, s, "9")
			s.Close()
			want(t, d.has(), c.want)
			if d.lost != c.lost {
				t.Errorf("lost %d, want %d", d.lost, c.lost)
			}
		})
	}
}

// A record that the database refuses is lost, and the others of its batch are not.
func TestRefusedRecord(t *testing.T) {
	t.Parallel()
	d := database{refuses: "2"}
	s := d.open(t, t.TempDir(), 0)
	add(t, s, "1", "2", "3")
	s.Close()
	want(t, d.has(), []string{"1", "3"})
	if d.lost != 1 {
		t.Errorf("lost %d", d.lost)
	}
}

// What waits is bounded, on the disk and in memory, and there is room again when the database is back.
func TestFull(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var d database
		d.away(errors.New("no connection"))
		const most = 3 * segmentBytes
		s := d.open(t, folder, most)
		large := record("")
		large.Record = []byte(`"` + strings.Repeat("x", 1<<19) + `"`)
		var err error
		n := 0
		for ; err == nil; n++ {
			large.ID = fmt.Sprintf("%03d", n)
			err = s.Add(large)
			time.Sleep(every) // it is tried all the time
		}
		if !errors.Is(err, errFull) || n < most/(1<<19)-1 {
			t.Errorf("record %d: %v", n, err)
		}
		s.mu.Lock()
		for i, g := range s.waiting[1:] {
			if g.records != nil {
				t.Errorf("file %d is in memory, too", i+1)
			}
		}
		s.mu.Unlock()
		d.away(nil)
		time.Sleep(every)
		synctest.Wait()
		if got := d.has(); len(got) != n-1 || !slices.IsSorted(got) {
			t.Errorf("%d records of %d: %q", len(got), n-1, got)
		}
		add(t, s, "next")
	})
}

// Two processes do not use one folder.
func TestOneProcess(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var d database
	s := d.open(t, folder, 0)
	synctest.Test(t, func(t *testing.T) {
		if _, err := Open(t.Context(), Options{Folder: folder, Deliver: d.deliver}); err == nil || fault.Of(err).Field != "data" {
			t.Errorf("error %v", err)
		}
	})
	s.Close()
	d.open(t, folder, 0)
}

// A disk without room is an error, and the records before it are delivered.
func TestDiskFails(t *testing.T) {
	t.Parallel()
	var d database
	folder := t.TempDir()
	s := d.open(t, folder, 0)
	add(t, s, "1")
	s.mu.Lock()
	err := s.current.file.Close()
	s.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Add(record("2")); err == nil {
		t.Error("a record was taken that is nowhere")
	}
	add(t, s, "3")
	s.Close()
	want(t, d.has(), []string{"1", "3"})
}

func BenchmarkAdd(b *testing.B) {
	s, err := Open(b.Context(), Options{Folder: b.TempDir(), Deliver: func(context.Context, []store.AuditRecord) error { return nil }, Log: hclog.NewNullLogger()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	r := record("0198c0de-0000-7000-8000-000000000000")
	r.Record = []byte(`{"text":"` + strings.Repeat("x", 900) + `"}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Add(r); err != nil {
			b.Fatal(err)
		}
	}
}
