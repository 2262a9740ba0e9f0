package audit

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

const every = 10 * time.Millisecond

// read is the record of a read that went well, and may wait.
func read(caller string) *Record {
	r := full()
	r.Caller, r.Requests, r.MoreRequests = caller, r.Requests[:1], 0
	return r
}

func writeAll(t *testing.T, f *File, records ...*Record) {
	t.Helper()
	for _, r := range records {
		if err := f.Write(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

// later lets a file write what waits.
func later() {
	time.Sleep(every)
	synctest.Wait()
}

func TestReadsThatFollowEachOtherWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		f := openFile(t, path, FileOptions{Every: every})
		writeAll(t, f, read("a"))
		assertCallers(t, path, "a") // nobody came before
		writeAll(t, f, read("b"), read("c"))
		assertCallers(t, path, "a")
		later()
		assertCallers(t, path, "a b c")
		writeAll(t, f, read("d")) // they were written just now
		assertCallers(t, path, "a b c")
		later()
		assertCallers(t, path, "a b c d")
		time.Sleep(every)
		writeAll(t, f, read("e"))
		assertCallers(t, path, "a b c d e")
		writeAll(t, f, read("f"))
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		assertCallers(t, path, "a b c d e f")
		// A call that ends after the host was closed is on record nevertheless.
		writeAll(t, f, read("g"), read("h"))
		assertCallers(t, path, "a b c d e f g h")
	})
}

func TestWhatMattersDoesNotWait(t *testing.T) {
	for name, change := range map[string]func(*Record){
		"denied":             func(r *Record) { r.Outcome = string(abi.KindDenied) },
		"failed":             func(r *Record) { r.Outcome = string(abi.KindVendorError) },
		"write":              func(r *Record) { r.Effect = abi.EffectWrite },
		"delete":             func(r *Record) { r.Effect = abi.EffectDelete },
		"no such operation":  func(r *Record) { r.Effect = "" },
		"start":              func(r *Record) { r.Event, r.Outcome = EventStart, "" },
		"refused in passing": func(r *Record) { r.Requests = full().Requests },
		"requests not shown": func(r *Record) { r.MoreRequests = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			f := openFile(t, path, FileOptions{Every: time.Hour})
			r := read("c")
			change(r)
			writeAll(t, f, read("a"), read("b"), r, read("d"))
			if text, err := os.ReadFile(path); err != nil || strings.Count(string(text), "\n") != 3 || !strings.Contains(string(text), `"caller":"c"`) {
				t.Errorf("the file has, %v:\n%s", err, text)
			}
		})
	}
}

func TestWaitingIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := openFile(t, path, FileOptions{Every: time.Hour, MaxSize: 100_000, Keep: 100})
	const n = 1000
	for i := range n {
		writeAll(t, f, read(strconv.Itoa(i)))
	}
	if got := len(callers(t, path)); got < n-maxWaiting || got == n {
		t.Errorf("%d of %d records are in the file", got, n)
	}
	huge := read("huge")
	for range maxParams {
		huge.Params = append(huge.Params, Param{Name: strings.Repeat("\x00", maxName)})
	}
	for range 3 {
		writeAll(t, f, huge)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for i, caller := range callers(t, path) {
		if want := strconv.Itoa(i); caller != want && (i < n || caller != "huge") {
			t.Fatalf("record %d is of %s", i, caller)
		}
	}
	rotated, err := rotatedFiles(path)
	if err != nil || len(rotated) < 5 {
		t.Fatal(rotated, err)
	}
	for _, name := range rotated {
		if info, err := os.Stat(name); err != nil || info.Size() > 100_000 {
			t.Error(name, info.Size(), err)
		}
	}
}

// What waits has no caller any more who could be told that it is lost.
func TestLostRecordsAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "trail")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		var lost []int
		path := filepath.Join(dir, "audit.jsonl")
		f := openFile(t, path, FileOptions{Every: every, Lost: func(n int, err error) {
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Error(err)
			}
			lost = append(lost, n)
		}})
		writeAll(t, f, read("a"), read("b"), read("c"))
		if err := os.RemoveAll(dir); err != nil {
			t.Skip("a file that is open cannot be removed here:", err)
		}
		later()
		if len(lost) != 1 || lost[0] != 2 {
			t.Errorf("lost %v, want the 2 that waited", lost)
		}
		writeAll(t, f, read("d"))
		if err := f.Write(t.Context(), full()); err == nil {
			t.Error("a record that was not written is no error")
		}
		if len(lost) != 2 || lost[1] != 1 {
			t.Errorf("lost %v, want the one that waited", lost)
		}
		writeAll(t, f, read("e"))
		if err := f.Close(); err == nil || len(lost) != 2 {
			t.Errorf("Close returns %v, lost %v", err, lost)
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		writeAll(t, f, read("f"))
		assertCallers(t, path, "f")
	})
}

func TestManyGoroutinesWait(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := openFile(t, path, FileOptions{Every: time.Millisecond, MaxSize: 50_000, Keep: 1000})
	var group sync.WaitGroup
	for g := range 4 {
		group.Go(func() {
			for i := range 200 {
				r := read(strconv.Itoa(1000*g + i))
				if i%50 == 0 {
					r.Effect = abi.EffectWrite
				}
				if err := f.Write(context.Background(), r); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]bool)
	for _, caller := range callers(t, path) {
		seen[caller] = true
	}
	if len(seen) != 800 || seen["!"] {
		t.Errorf("%d different records, want 800", len(seen))
	}
}
