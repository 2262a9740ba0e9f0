package audit

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

var (
	shortRecords = flag.Int("records", 1500, "records of each process in TestTwoProcessesWithShortWrites")
	shortSeed    = flag.Uint64("seed", 0, "seed of the short writes; 0 takes one from the clock")
)

// writeShort writes records, some of which the disk takes a part of and no more, and prints
// those that were answered as written. Now and then the process ends in the middle of one.
func writeShort(path, role string) int {
	var name string
	var seed uint64
	var from, to int
	if _, err := fmt.Sscanf(role, "short %s %d %d %d", &name, &seed, &from, &to); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	random := rand.New(rand.NewPCG(seed, uint64(from)))
	f, err := Open(path, FileOptions{MaxSize: 256 << 10, Keep: 1_000_000})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	f.put = func(file *os.File, lines []byte) (int, error) {
		if random.IntN(10) > 0 {
			return file.Write(lines)
		}
		n, _ := file.Write(lines[:random.IntN(len(lines))])
		if random.IntN(20) == 0 {
			os.Exit(3) // killed
		}
		return n, syscall.ENOSPC
	}
	for i := from; i < to; i++ {
		r := full()
		r.Caller, r.ParamsBytes = name, i
		if random.IntN(2) == 0 {
			r.Event, r.Outcome = EventStart, ""
		}
		fmt.Printf("at %d\n", i)
		if f.Write(context.Background(), r) == nil {
			fmt.Printf("written %d\n", i)
		}
	}
	return 0
}

// TestTwoProcessesWithShortWrites: what one process is told was written is in the trail,
// whatever halves of lines the other one leaves, with no room or killed in the write.
func TestTwoProcessesWithShortWrites(t *testing.T) {
	t.Parallel()
	seed := *shortSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("-seed %d -records %d", seed, *shortRecords)
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	type answer struct {
		written map[string]bool
		killed  int
		err     error
	}
	answers := make(chan answer)
	for _, name := range []string{"one", "two"} {
		go func() {
			a := answer{written: make(map[string]bool)}
			for next := 0; next < *shortRecords && a.err == nil; {
				cmd := child(t, fmt.Sprintf("short %s %d %d %d", name, seed, next, *shortRecords), path)
				next, a.err = readShort(cmd, name, a.written)
				a.killed++
			}
			answers <- a
		}()
	}
	written, killed := make(map[string]bool), 0
	for range 2 {
		a := <-answers
		if a.err != nil {
			t.Fatal(a.err)
		}
		for key := range a.written {
			written[key] = true
		}
		killed += a.killed - 1
	}
	found, halves := make(map[string]bool), 0
	for r, err := range Scan(path, Filter{Starts: true}) {
		if err != nil {
			halves++
			continue
		}
		found[fmt.Sprint(r.Caller, " ", r.ParamsBytes)] = true
	}
	lost := 0
	for key := range written {
		if !found[key] {
			lost++
		}
	}
	t.Logf("%d records written, %d halves, %d processes killed", len(written), halves, killed)
	if lost > 0 || len(written) < *shortRecords || halves == 0 || killed == 0 {
		t.Errorf("%d of %d records that were written are not in the trail; %d halves, %d killed", lost, len(written), halves, killed)
	}
}

// readShort runs a writer to its end, and returns the record after the last one that it began.
func readShort(cmd *exec.Cmd, name string, written map[string]bool) (next int, err error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		what, number, _ := strings.Cut(lines.Text(), " ")
		if what == "written" {
			written[name+" "+number] = true
			continue
		}
		if _, err := fmt.Sscan(number, &next); err != nil {
			return 0, err
		}
	}
	if err := cmd.Wait(); err != nil && cmd.ProcessState.ExitCode() != 3 {
		return 0, err
	}
	return next + 1, nil
}

// TestHalfALineOfAnother: whatever somebody else leaves at the end of the file, the next
// record begins a line of its own, and an empty line is left by nobody who is locked out.
func TestHalfALineOfAnother(t *testing.T) {
	t.Parallel()
	for _, left := range []string{"half", `{"event":"call","ti`, "x\n", "\n", "half\nof another", "\x00"} {
		path := filepath.Join(t.TempDir(), "audit.jsonl")
		f := openFile(t, path, FileOptions{})
		for range 3 {
			write(t, f, "ada")
			other, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := other.WriteString(left); err != nil {
				t.Fatal(err)
			}
			if err := other.Close(); err != nil {
				t.Fatal(err)
			}
		}
		write(t, f, "bob")
		if got := strings.ReplaceAll(strings.Join(callers(t, path), " "), " !", ""); got != "ada ada ada bob" {
			t.Errorf("after %q: %s", left, got)
		}
	}
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := openFile(t, path, FileOptions{})
	write(t, f, "ada", "bob", "eve")
	if text, err := os.ReadFile(path); err != nil || excludes && (strings.Contains(string(text), "\n\n") || strings.HasPrefix(string(text), "\n")) {
		t.Errorf("empty lines in %q, %v", text, err)
	}
}
