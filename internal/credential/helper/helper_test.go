//go:build unix

package helper_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/credential/helper"
	"github.com/agenthost/agenthost/pdk/abi"
	"go.uber.org/goleak"
)

const canary = "canary-9f2c41d7e6"

// TestMain is also the helper of the tests: a program whose first argument is not a flag
// of go test.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "be" {
		be(os.Args[2], os.Args[3])
		return
	}
	goleak.VerifyTestMain(m)
}

func be(what, item string) {
	switch what {
	case "print":
		fmt.Println(canary + item)
	case "environment":
		dir, _ := os.Getwd()
		fmt.Print(strings.Join(os.Environ(), ","), " in ", dir)
	case "nothing":
		fmt.Println()
	case "much":
		for {
			if _, err := fmt.Print(canary); err != nil {
				return
			}
		}
	case "fail":
		fmt.Fprintln(os.Stderr, "the token is "+canary)
		fmt.Println(canary)
		os.Exit(3)
	case "hang", "leave":
		// The lock is held for as long as this process or its child lives.
		f, err := os.OpenFile(item, os.O_RDWR, 0)
		if err != nil || syscall.Flock(int(f.Fd()), syscall.LOCK_EX) != nil {
			os.Exit(4)
		}
		child := exec.Command(os.Args[0], "be", "sleep", "x")
		child.Stdout, child.ExtraFiles = os.Stdout, []*os.File{f}
		if child.Start() != nil {
			os.Exit(5)
		}
		_ = os.WriteFile(item+".started", nil, 0o600)
		if what == "hang" {
			time.Sleep(time.Hour)
		}
	case "sleep":
		time.Sleep(time.Hour)
	}
}

func source(what string) *helper.Source {
	command := helper.Command{Args: []string{os.Args[0], "be", what}, Env: []string{"LISTED", "ABSENT"}, Timeout: time.Minute}
	return helper.New(map[string]helper.Command{
		"it": command, "gone": {Args: []string{"/nowhere/at-all"}}, "unknown": {Args: []string{"no-such-program-anywhere"}}, "data": {Args: []string{"/etc/hosts"}},
	}, func(name string) (string, bool) { return "x", name != "ABSENT" })
}

func read(ctx context.Context, s *helper.Source, name string) (string, error) {
	v, err := s.Read(ctx, name)
	var got string
	_ = v.Reveal(func(b []byte) error { got = string(b); return nil })
	return got, err
}

func TestHelper(t *testing.T) {
	t.Parallel()
	if got, err := read(t.Context(), source("print"), "it:op://team/pylon"); err != nil || got != canary+"op://team/pylon" {
		t.Errorf("got %q, %v", got, err)
	}
	// No variable of this process, and no folder of its.
	if got, err := read(t.Context(), source("environment"), "it:x"); err != nil || got != "LISTED=x in /" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestHelperFails(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ what, name, message, hint string }{
		{"print", "ti:x", "there is no helper ti", "did you mean it?"},
		{"print", "gone:x", "is not there: at-all", "install it"},
		{"print", "unknown:x", "is not there: no-such-program-anywhere", "install it"},
		{"print", "data:x", "cannot be run", "make its program executable"},
		{"print", "it:-x", "exec: needs", "does not start with a dash"},
		{"nothing", "it:x", "printed nothing", "standard output"},
		{"much", "it:x", "printed more than 64 KiB", "only the secret"},
		{"fail", "it:x", "failed with exit status 3", "secrets.helpers.it.env"},
	} {
		_, err := source(test.what).Read(t.Context(), test.name)
		e, ok := errors.AsType[*abi.Error](err)
		if !ok || !strings.Contains(e.Message, test.message) || !strings.Contains(e.Hint, test.hint) {
			t.Errorf("%s %s: %#v", test.what, test.name, err)
		}
		for ; err != nil; err = errors.Unwrap(err) {
			if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), canary) {
				t.Errorf("%s: the error holds the secret: %v", test.what, err)
			}
		}
	}
}

// A helper dies with all that it started: at its deadline, when the call ends, and when
// it leaves a child behind that keeps its output open.
func TestHelperIsKilledWithItsChildren(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, what string
		timeout    time.Duration
		cancel     bool
	}{
		{"deadline", "hang", 300 * time.Millisecond, false},
		{"the call ends", "hang", time.Hour, true},
		{"left behind", "leave", time.Hour, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			lock := filepath.Join(t.TempDir(), "lock")
			if err := os.WriteFile(lock, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if test.cancel {
				go func() {
					for ctx.Err() == nil {
						if _, err := os.Stat(lock + ".started"); err == nil {
							cancel()
						}
						time.Sleep(time.Millisecond)
					}
				}()
			}
			s := helper.New(map[string]helper.Command{"it": {Args: []string{os.Args[0], "be", test.what}, Timeout: test.timeout}}, nil)
			_, err := s.Read(ctx, "it:"+lock)
			e, ok := errors.AsType[*abi.Error](err)
			kind := abi.KindTimeout
			if test.cancel {
				kind = abi.KindCancelled
			}
			if !ok || e.Hint == "" && !test.cancel || test.what == "hang" && e.Kind != kind {
				t.Errorf("got %#v", err)
			}
			f, err := os.OpenFile(lock, os.O_RDWR, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil { // waits for ever if one lives
				t.Error(err)
			}
		})
	}
}
