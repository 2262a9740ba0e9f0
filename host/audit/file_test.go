package audit

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// writers are the processes of TestProcessesShareAFile: this program, run again.
const writerEnv = "AGENTHOST_AUDIT_TEST_WRITER"

func TestMain(m *testing.M) {
	flag.Parse()
	switch role := os.Getenv(writerEnv); {
	case strings.HasPrefix(role, "short "):
		os.Exit(writeShort(flag.Arg(0), role))
	case role == "full":
		os.Exit(fullDisk(flag.Arg(0)))
	case role != "":
		os.Exit(writeMany(flag.Arg(0), role))
	}
	os.Exit(m.Run())
}

const manyRecords = 400

func writeMany(path, name string) int {
	o := FileOptions{MaxSize: 32 << 10, Keep: 1000}
	if strings.HasSuffix(name, "!") {
		o.Every = time.Millisecond
	}
	f, err := Open(path, o)
	for i := 0; err == nil && i < manyRecords; i++ {
		r := read(name)
		r.ParamsBytes = i
		err = f.Write(context.Background(), r)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func child(t *testing.T, role, path string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, path)
	cmd.Env = append(os.Environ(), writerEnv+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}

func write(t *testing.T, f *File, callers ...string) {
	t.Helper()
	for _, caller := range callers {
		r := full()
		r.Caller = caller
		if err := f.Write(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
}

func openFile(t *testing.T, path string, o FileOptions) *File {
	t.Helper()
	f, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// callers are the callers of the records of a trail, in order. Bad lines are "!".
func callers(t *testing.T, path string) []string {
	t.Helper()
	var found []string
	for r, err := range Scan(path, Filter{}) {
		var bad *LineError
		switch {
		case errors.As(err, &bad):
			found = append(found, "!")
		case err != nil:
			t.Fatal(err)
		default:
			found = append(found, r.Caller)
		}
	}
	return found
}

func assertCallers(t *testing.T, path, want string) {
	t.Helper()
	if got := strings.Join(callers(t, path), " "); got != want {
		t.Errorf("the trail has %q, want %q", got, want)
	}
}

func TestFileRotatesAndKeepsAFew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	size := int64(len(appendLine(nil, full()))) + 10
	f := openFile(t, path, FileOptions{MaxSize: 2 * size, Keep: 2})
	for i := range 9 {
		write(t, f, strconv.Itoa(i))
	}
	assertCallers(t, path, "4 5 6 7 8") // two a file, and two rotated files
	rotated, err := rotatedFiles(path)
	if err != nil || len(rotated) != 2 {
		t.Fatal(rotated, err)
	}
	for _, name := range append(rotated, path) {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 || info.Size() > 2*size {
			t.Error(name, info, err)
		}
	}
	// What looks like a rotated file and is none stays.
	other := filepath.Join(filepath.Dir(path), "audit-of-last-year.jsonl")
	if err := os.WriteFile(other, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for i := range 9 {
		write(t, f, strconv.Itoa(i))
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
}

// A clock that stands still, or runs backwards, gives no two files one name.
func TestRotatedFilesHaveDifferentNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	at := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	f := openFile(t, path, FileOptions{MaxSize: 1, Keep: 100, Now: func() time.Time { return at }})
	for i := range 5 {
		write(t, f, strconv.Itoa(i))
	}
	assertCallers(t, path, "0 1 2 3 4")
}

func TestGoroutinesShareAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := openFile(t, path, FileOptions{MaxSize: 16 << 10, Keep: 1000})
	var group sync.WaitGroup
	for g := range 8 {
		group.Go(func() {
			for range 50 {
				r := full()
				r.Caller = strconv.Itoa(g)
				if err := f.Write(context.Background(), r); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if got := callers(t, path); len(got) != 8*50 || strings.Contains(strings.Join(got, ""), "!") {
		t.Errorf("%d records", len(got))
	}
}

// Several processes with one file lose no record and tear none, while all of them rotate.
func TestProcessesShareAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	var started []*exec.Cmd
	for _, name := range []string{"one", "two", "three waits!", "four waits!"} {
		cmd := child(t, name, path)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		started = append(started, cmd)
	}
	for _, cmd := range started {
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	seen := make(map[string]int)
	for r, err := range Scan(path, Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		seen[fmt.Sprint(r.Caller, " ", r.ParamsBytes)]++
	}
	if len(seen) != len(started)*manyRecords {
		t.Errorf("%d different records, want %d", len(seen), len(started)*manyRecords)
	}
	for key, n := range seen {
		if n != 1 {
			t.Errorf("%s is there %d times", key, n)
		}
	}
	rotated, err := rotatedFiles(path)
	if err != nil || len(rotated) < 10 {
		t.Fatal(len(rotated), err)
	}
	if !renamesOpenFiles {
		return
	}
	for _, name := range rotated {
		// No file is rotated before it is full, or twice.
		info, err := os.Stat(name)
		if err != nil || info.Size() < 24<<10 {
			t.Errorf("%s has %d bytes, %v", name, info.Size(), err)
		}
	}
}

func TestFileMovedOrRemovedIsMadeAnew(t *testing.T) {
	if !renamesOpenFiles {
		t.Skip("open files stay where they are")
	}
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	f := openFile(t, path, FileOptions{})
	write(t, f, "a")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write(t, f, "b")
	assertCallers(t, path, "b")
	assertCallers(t, path+".1", "a")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	write(t, f, "c")
	assertCallers(t, path, "c")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, f, "d")
	assertCallers(t, path, "c d")
}

// A line that a killed writer left begun is ended before the next one.
func TestTornLineHurtsNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.jsonl")
	line := string(appendLine(nil, full()))
	if err := os.WriteFile(path, []byte(line+line[:len(line)/2]), 0o600); err != nil {
		t.Fatal(err)
	}
	f := openFile(t, path, FileOptions{})
	write(t, f, "b", "c")
	assertCallers(t, path, "ada ! b c")
}

func TestFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "target")
	for _, step := range []error{
		os.WriteFile(target, nil, 0o600),
		os.Symlink(target, filepath.Join(dir, "link")),
		os.Mkdir(filepath.Join(dir, "folder"), 0o700),
		os.WriteFile(filepath.Join(dir, "open"), nil, 0o600),
		os.Chmod(filepath.Join(dir, "open"), 0o662), // whatever the umask
	} {
		if step != nil {
			t.Skip(step)
		}
	}
	for name, kind := range map[string]abi.Kind{
		"link": abi.KindInvalidParams, "folder": abi.KindInvalidParams, "open": abi.KindDenied,
		filepath.Join("missing", "audit.jsonl"): abi.KindInvalidParams, filepath.Join("target", "audit.jsonl"): abi.KindInvalidParams,
	} {
		_, err := Open(filepath.Join(dir, name), FileOptions{})
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != kind || e.Field != "audit.file" || e.Hint == "" {
			t.Errorf("%s: %+v", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a folder was made")
	}
}
