package compileworker_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/sandbox/compileworker"
	"github.com/agenthost/agenthost/pdk/abi"
	"go.uber.org/goleak"
)

const build = "this build"

// TestMain is the child too: the test binary starts itself with the way to behave.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "child" {
		child(os.Args[2], os.Args[3:])
		return
	}
	// Tests wait for children, and under the race detector each of these ends a second later.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

// child compiles in one of several ways.
func child(how string, arguments []string) {
	said := build
	compile := func(_ context.Context, module []byte, folder string) error {
		return os.WriteFile(filepath.Join(folder, "compiled"), bytes.ToUpper(module), 0o600)
	}
	switch how {
	case "well":
	case "refuses":
		compile = func(context.Context, []byte, string) error {
			return &abi.Error{Kind: abi.KindConnectorFault, Message: "no good", Hint: "make it better"}
		}
	case "forever":
		compile = func(context.Context, []byte, string) error { select {} }
	case "busy":
		compile = func(context.Context, []byte, string) error {
			for n := 0; ; n++ {
			}
		}
	case "eats slowly":
		compile = func(context.Context, []byte, string) error { return eat(1<<20, time.Millisecond) }
	case "eats at once":
		compile = func(context.Context, []byte, string) error { return eat(4<<30, 0) }
	case "fails":
		compile = func(context.Context, []byte, string) error { return errors.New("the disk is full") }
	case "panics":
		compile = func(context.Context, []byte, string) error { panic("a bug in the compiler") }
	case "exits":
		os.Exit(3)
	case "garbage":
		fmt.Println("hello, I am no compile worker")
		return
	case "flood":
		for range 10_000 {
			fmt.Println(strings.Repeat("x", 1000))
		}
		return
	case "nothing":
		return
	case "another build":
		said = "that build"
	case "surroundings":
		compile = func(_ context.Context, _ []byte, folder string) error {
			wd, _ := os.Getwd()
			text := fmt.Sprintf("env %q\nwd %s\n%s", os.Environ(), wd, openFiles())
			return os.WriteFile(filepath.Join(folder, "surroundings"), []byte(text), 0o600)
		}
	case "niceness":
		compile = func(_ context.Context, _ []byte, folder string) error {
			return os.WriteFile(filepath.Join(folder, "niceness"), []byte(niceness()), 0o600)
		}
	default:
		panic(how)
	}
	if err := compileworker.Serve(context.Background(), arguments, os.Stdin, os.Stdout, compileworker.Work{Build: said, Compile: compile, Exit: os.Exit, Check: func(ctx context.Context, declaration []byte) error {
		if string(declaration) == "a module" {
			return errors.New("a module came where a declaration was due")
		}
		return compile(ctx, declaration, ".")
	}}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// eat takes and uses memory for ever.
func eat(step int, pause time.Duration) error {
	var all [][]byte
	for {
		b := make([]byte, step)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		all = append(all, b)
		time.Sleep(pause)
		if len(all) > 1<<20 {
			return errors.New("that was all")
		}
	}
}

// openFiles are those of the process that lead to files, one a line.
func openFiles() string {
	var open []string
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, e := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + e.Name()); err == nil && filepath.IsAbs(target) && !strings.HasPrefix(target, "/proc/") {
			open = append(open, target)
		}
	}
	slices.Sort(open)
	return strings.Join(open, "\n")
}

func job(t *testing.T, how string) compileworker.Job {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return compileworker.Job{Command: []string{self, "child", how}, Folder: t.TempDir(), Timeout: time.Minute, Memory: 256 << 20, Build: build}
}

func TestRun(t *testing.T) {
	t.Parallel()
	j := job(t, "well")
	if err := compileworker.Run(t.Context(), j, []byte("a module")); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(j.Folder, "compiled"))
	if err != nil || string(data) != "A MODULE" {
		t.Errorf("it compiled %q, %v", data, err)
	}
}

// A child that checks a declaration has the limits of one that compiles, and its errors say what
// was too large.
// threat: E4
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		how     string
		timeout time.Duration
		rule    string
		says    string
	}{
		{"well", time.Minute, "", ""},
		{"refuses", time.Minute, "", "no good"},
		{"forever", 300 * time.Millisecond, "compile_timeout", "the declaration takes longer to check than the limit of 300ms"},
		{"eats at once", time.Minute, "compile_memory", "the declaration needs more memory to check than the limit of 256 MiB"},
		{"panics", time.Minute, "compile_crash", "without an answer"},
	} {
		t.Run(tt.how, func(t *testing.T) {
			t.Parallel()
			j := job(t, tt.how)
			j.Check, j.Timeout = true, tt.timeout
			err := compileworker.Run(t.Context(), j, []byte("a declaration"))
			if tt.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e, ok := errors.AsType[*abi.Error](err)
			if !ok || e.Kind != abi.KindConnectorFault || e.Rule != tt.rule || !strings.Contains(e.Message, tt.says) {
				t.Errorf("%#v", err)
			}
		})
	}
}

// Whatever a child does, the parent gets an error that says which limit it was.
func TestBadChildren(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		how     string
		timeout time.Duration
		kind    abi.Kind
		rule    string
		says    string
	}{
		{how: "refuses", kind: abi.KindConnectorFault, says: "no good"},
		{how: "forever", timeout: 300 * time.Millisecond, kind: abi.KindConnectorFault, rule: "compile_timeout", says: "the limit of 300ms"},
		{how: "busy", timeout: 300 * time.Millisecond, kind: abi.KindConnectorFault, rule: "compile_timeout", says: "the limit of 300ms"},
		{how: "eats slowly", kind: abi.KindConnectorFault, rule: "compile_memory", says: "the limit of 256 MiB"},
		{how: "eats at once", kind: abi.KindConnectorFault, rule: "compile_memory", says: "the limit of 256 MiB"},
		{how: "panics", kind: abi.KindConnectorFault, rule: "compile_crash", says: "without an answer"},
		{how: "exits", kind: abi.KindConnectorFault, rule: "compile_crash", says: "exit status 3"},
		{how: "fails", kind: abi.KindConnectorFault, rule: "compile_crash", says: "exit status 1"},
		{how: "garbage", kind: abi.KindInternal, says: "hello, I am no compile worker"},
		{how: "flood", kind: abi.KindInternal, says: "xxx..."},
		{how: "nothing", kind: abi.KindInternal, says: "compile worker failed"},
		{how: "another build", kind: abi.KindInternal, says: "not that of this program"},
	} {
		t.Run(tt.how, func(t *testing.T) {
			t.Parallel()
			j := job(t, tt.how)
			if tt.timeout > 0 {
				j.Timeout = tt.timeout
			}
			err := compileworker.Run(t.Context(), j, []byte("a module"))
			var e *abi.Error
			if !errors.As(err, &e) || e.Kind != tt.kind || e.Rule != tt.rule || !strings.Contains(e.Message, tt.says) || e.Hint == "" {
				t.Errorf("%#v, want %s by %q that says %q", err, tt.kind, tt.rule, tt.says)
			}
			if len(e.Error()) > 1000 || len(e.Hint) > 1000 {
				t.Errorf("the error is %d bytes long", len(e.Error())+len(e.Hint))
			}
		})
	}
}

// The caller's own end is no fault of the module.
func TestCancel(t *testing.T) {
	t.Parallel()
	for _, lowest := range []bool{false, true} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		t.Cleanup(cancel)
		j := job(t, "forever")
		j.Lowest = lowest
		err := compileworker.Run(ctx, j, []byte("a module"))
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindTimeout || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("lowest %v: %#v, want a timeout", lowest, err)
		}
	}
}

func TestBadCommands(t *testing.T) {
	for name, command := range map[string][]string{"none": nil, "missing": {filepath.Join(t.TempDir(), "missing")}, "relative": {"./missing"}} {
		j := job(t, "well")
		j.Command = command
		err := compileworker.Run(t.Context(), j, nil)
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindInternal || e.Field != "compile_worker" {
			t.Errorf("%s: %#v", name, err)
		}
	}
}

// A child has no environment and none of its parent's files.
// threat: C1, E4
func TestSurroundings(t *testing.T) {
	t.Setenv("AGENTHOST_PYLON_API_TOKEN", "CANARY")
	secret, err := os.Create(filepath.Join(t.TempDir(), "open"))
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Close()
	j := job(t, "surroundings")
	if err := compileworker.Run(t.Context(), j, nil); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(j.Folder, "surroundings"))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(data); !strings.HasPrefix(got, fmt.Sprintf("env []\nwd %s\n", j.Folder)) || strings.Contains(got, secret.Name()) {
		t.Errorf("a child has\n%s", got)
	}
}

func TestServeRefusesBadArguments(t *testing.T) {
	for _, arguments := range [][]string{nil, {"folder"}, {"folder", "x", "1s"}, {"folder", "0", "1s"}, {"folder", "1", "-1s"}, {"folder", "1", "soon"}, {"a", "1", "1s", "b"}, {"a", "1", "1s", "lowest", "b"}, {"a", "1", "lowest"}} {
		err := compileworker.Serve(t.Context(), arguments, strings.NewReader(""), io.Discard, compileworker.Work{})
		if err == nil || !strings.Contains(err.Error(), "compile worker") {
			t.Errorf("%q: %v", arguments, err)
		}
	}
}
