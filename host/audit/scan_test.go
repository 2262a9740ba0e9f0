package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

func TestFilter(t *testing.T) {
	r := full()
	denied := full()
	denied.Outcome = string(abi.KindDenied)
	start := full()
	start.Event, start.Outcome, start.Requests = EventStart, "", nil
	swallowed := full() // full has a request that was refused
	clean := full()
	clean.Requests = clean.Requests[:1]
	for i, tt := range []struct {
		filter Filter
		record *Record
		want   bool
	}{
		{Filter{}, r, true},
		{Filter{}, start, false},
		{Filter{Starts: true}, start, true},
		{Filter{Starts: true, Outcome: Ok}, start, false},
		{Filter{Connection: "support"}, r, true},
		{Filter{Connection: "suppor"}, r, false},
		{Filter{Operation: "issues.list"}, r, true},
		{Filter{Operation: "issues.*"}, r, true},
		{Filter{Operation: "issues"}, r, false},
		{Filter{Operation: "issue.*"}, r, false},
		{Filter{Caller: "ada"}, r, true},
		{Filter{Caller: "grace"}, r, false},
		{Filter{Outcome: Ok}, r, true},
		{Filter{Outcome: Ok}, denied, false},
		{Filter{Denied: true}, denied, true},
		{Filter{Denied: true}, swallowed, true},
		{Filter{Denied: true}, clean, false},
		{Filter{Since: r.Time}, r, true},
		{Filter{Since: r.Time.Add(1)}, r, false},
		{Filter{Until: r.Time.Add(1)}, r, true},
		{Filter{Until: r.Time}, r, false},
		{Filter{Since: r.Time, Until: r.Time.Add(1)}, r, true},
		{Filter{Connection: "support", Caller: "grace"}, r, false},
	} {
		if got := tt.filter.Match(tt.record); got != tt.want {
			t.Errorf("%d: %+v: %v", i, tt.filter, got)
		}
	}
}

// trailOf is a trail of n records, in several files.
func trailOf(t *testing.T, n int) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	at := full().Time
	f := openFile(t, path, FileOptions{MaxSize: 3000, Keep: 1000, Now: func() time.Time { return at }})
	for i := range n {
		r := full()
		r.Caller, r.Time = strconv.Itoa(i), at
		if err := f.Write(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		at = at.Add(time.Hour)
	}
	if rotated, err := rotatedFiles(path); err != nil || len(rotated) < 3 {
		t.Fatal(rotated, err)
	}
	return path
}

func numbers(from, to int) string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, strconv.Itoa(i))
	}
	return strings.Join(all, " ")
}

func TestScanGoesThroughRotatedFiles(t *testing.T) {
	path := trailOf(t, 20)
	assertCallers(t, path, numbers(0, 20))
	hour := func(n int) time.Time { return full().Time.Add(time.Duration(n) * time.Hour) }
	for _, since := range []int{0, 7, 19} {
		until := min(20, since+5)
		var got []string
		for r, err := range Scan(path, Filter{Since: hour(since), Until: hour(until)}) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r.Caller)
		}
		if strings.Join(got, " ") != numbers(since, until) {
			t.Errorf("since %d until %d: %v", since, until, got)
		}
	}
	// A scan that is stopped stops.
	for _, err := range Scan(path, Filter{}) {
		if err != nil {
			t.Error(err)
		}
		break
	}
}

func TestLast(t *testing.T) {
	path := trailOf(t, 20)
	for _, n := range []int{1, 2, 5, 19, 20, 21, 1000} {
		var got []string
		for r, err := range Last(path, Filter{}, n) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r.Caller)
		}
		if strings.Join(got, " ") != numbers(max(0, 20-n), 20) {
			t.Errorf("the last %d: %v", n, got)
		}
	}
	var got []string
	for r, err := range Last(path, Filter{Caller: "3"}, 2) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Caller)
	}
	if len(got) != 1 || got[0] != "3" {
		t.Error(got)
	}
}

// What is no record is told of by its line, and holds nothing up.
func TestScanSkipsWhatIsNoRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	line := string(appendLine(nil, full()))
	text := line + "\n\n" + "{}\n" + "null\n" + "[]\n" + strings.Repeat("[", 200_000) + "\n" +
		`{"event":"call","time":"yesterday"}` + "\n" + "\x00\xff\x1b[31m\n" + strings.Repeat("x", 3*maxLine) + "\n" + line + strings.TrimSuffix(line, "}\n")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	assertCallers(t, path, "ada ! ! ! ! ! ! ! ada !")
	var bad int
	for _, err := range Last(path, Filter{}, 5) {
		var line *LineError
		if errors.As(err, &line) {
			bad++
			if line.File != path || line.Line < 4 || strings.ContainsAny(err.Error(), "\x00\x1b\n") {
				t.Error(err)
			}
		}
	}
	if bad != 8 {
		t.Errorf("%d bad lines", bad)
	}
}

func TestScanOfNothing(t *testing.T) {
	for _, records := range []func(string) error{
		func(path string) (failed error) {
			for _, err := range Scan(path, Filter{}) {
				failed = err
			}
			return failed
		},
		func(path string) (failed error) {
			for _, err := range Last(path, Filter{}, 1) {
				failed = err
			}
			return failed
		},
	} {
		for _, path := range []string{filepath.Join(t.TempDir(), "audit.jsonl"), filepath.Join(t.TempDir(), "missing", "audit.jsonl")} {
			if err := records(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

// Follow sees every record that is written after it began, through rotations, also where
// a line comes in two pieces.
func TestFollow(t *testing.T) {
	for _, before := range []bool{false, true} {
		t.Run(fmt.Sprint("a file is there ", before), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.jsonl")
			threeLines := 3*int64(len(appendLine(nil, full()))) + 200
			f := &File{path: path, options: FileOptions{MaxSize: threeLines, Keep: 1000, Now: time.Now}}
			if before {
				write(t, f, "old", "old", "old")
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			records := Follow(ctx, path, Filter{})
			const n = 20
			var got []string
			for i := range 3 {
				write(t, f, strconv.Itoa(i))
			}
			for r, err := range records {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, r.Caller)
				switch next := len(got) + 2; {
				case next < n-1:
					write(t, f, strconv.Itoa(next))
				case next == n-1: // the last one comes in pieces
					last := full()
					last.Caller = strconv.Itoa(next)
					line := appendLine(nil, last)
					file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
					if err != nil {
						t.Fatal(err)
					}
					_, err = file.Write(line[:50])
					time.AfterFunc(3*followEvery/2, func() {
						_, _ = file.Write(line[50:])
						_ = file.Close()
					})
					if err != nil {
						t.Fatal(err)
					}
				}
				if len(got) == n {
					cancel()
				}
			}
			if strings.Join(got, " ") != numbers(0, n) {
				t.Error(got)
			}
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func FuzzScan(f *testing.F) {
	f.Add(appendLine(nil, full()))
	f.Add(append(appendLine(nil, hostileRecord()), "{\n"...))
	f.Add([]byte("\n\x00{\"event\":\"call\"}\n"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "audit.jsonl")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		n := 0
		for r, err := range Scan(path, Filter{Starts: true}) {
			if fatal(err) {
				t.Fatal(err)
			}
			if n++; err == nil && len(appendLine(nil, r)) > maxLine {
				t.Error("a record is longer than a line may be")
			}
		}
		if n > len(data) {
			t.Errorf("%d records and problems in %d bytes", n, len(data))
		}
	})
}
