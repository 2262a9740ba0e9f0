// Package helper reads secrets from programs that the operator configured: the command
// of a password manager, or a script of one's own.
//
// A helper gets the item of the reference as its last argument and answers on its standard
// output. It has no standard input but that of its [Command], only the environment variables that
// it lists, and not the working folder of the host. At its timeout it is killed, with its children. Its
// standard error is discarded, because helpers may print secrets there.
package helper

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/source"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// DefaultTimeout is the timeout of a helper whose command has none.
const DefaultTimeout = 10 * time.Second

// Command is a helper.
type Command struct {
	// Args are the program, an absolute path or a name that PATH finds, and its first
	// arguments. The item follows them.
	Args []string
	// Env names the environment variables that the helper gets.
	Env []string
	// Input is its standard input; nil is none.
	Input []byte
	// Timeout is how long it may take; 0 means [DefaultTimeout].
	Timeout time.Duration
}

// Source reads references such as exec:op:ITEM, where op names a command. It may be used by
// several goroutines.
type Source struct {
	commands  map[string]Command
	lookupEnv func(string) (string, bool)
}

// New returns a Source of the commands, by name. A nil lookupEnv means os.LookupEnv.
func New(commands map[string]Command, lookupEnv func(string) (string, bool)) *Source {
	if lookupEnv == nil {
		lookupEnv = os.LookupEnv
	}
	return &Source{commands, lookupEnv}
}

var _ secret.Source = (*Source)(nil)

// Read runs the helper that name begins with and returns its output, without one line break
// at the end.
//
// # Errors
//
// An *[abi.Error]: auth_failed if there is no such helper, it cannot be started, it
// fails, or it prints nothing or too much; timeout if it does not end in time.
func (s *Source) Read(ctx context.Context, name string) (secret.Value, error) {
	ref, err := secret.ParseRef("exec:" + name)
	if err != nil {
		return secret.Value{}, err
	}
	helper, item, _ := strings.Cut(name, ":")
	command, ok := s.commands[helper]
	if !ok || len(command.Args) == 0 {
		hint := fault.Hint(helper, slices.Collect(maps.Keys(s.commands)))
		if hint == "" {
			hint = "add secrets: {helpers: {" + helper + ": [PROGRAM, ARGUMENT]}} to agenthost.yaml"
		}
		return secret.Value{}, source.Missing(ref, "there is no helper "+helper, hint, fault.ErrConfiguration)
	}
	out, err := s.run(ctx, command, item)
	defer clear(out)
	if err != nil {
		return secret.Value{}, explain(ctx, ref, helper, command, err)
	}
	value := secret.New(source.TrimLineBreak(out))
	if value.IsZero() {
		return secret.Value{}, source.Missing(ref, "the helper "+helper+" printed nothing", "check that the item exists, and that the helper prints it to standard output", nil)
	}
	return value, nil
}

// errTooMuch ends a helper that prints too much for a secret.
var errTooMuch = errors.New("helper prints too much")

// Failed reports whether an error of [Source.Read] is that of a helper that ended with a failure.
func Failed(err error) bool {
	_, failed := errors.AsType[*exec.ExitError](err)
	return failed
}

// run returns a helper's output. The caller clears it.
func (s *Source) run(ctx context.Context, command Command, item string) ([]byte, error) {
	timeout := command.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, command.Args[0], append(slices.Clone(command.Args[1:]), item)...) //nolint:gosec // the operator's command, with an item of the operator's
	cmd.Env = s.environment(command)
	// The root of the file system, so that a helper finds no file by chance.
	cmd.Dir = filepath.VolumeName(os.TempDir()) + string(filepath.Separator)
	out := &bounded{stop: cancel}
	cmd.Stdout = out
	if command.Input != nil {
		cmd.Stdin = bytes.NewReader(command.Input)
	}
	cmd.WaitDelay = time.Second
	ownGroup(cmd)
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		// It ended, and something that it started holds its output open.
		_ = killGroup(cmd) // which may be gone by now
	}
	switch {
	case out.over:
		err = errTooMuch
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	return out.b.Bytes(), err
}

// environment is a helper's environment. It is never nil, which would mean ours.
func (s *Source) environment(command Command) []string {
	env := []string{}
	names := command.Env
	if runtime.GOOS == "windows" { // where no process starts without it
		names = append([]string{"SYSTEMROOT"}, names...)
	}
	for _, name := range names {
		if value, ok := s.lookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func explain(ctx context.Context, ref secret.Ref, helper string, command Command, err error) error {
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return fault.EndedWith(ctx, "the call ended while the helper "+helper+" ran")
	case errors.Is(err, context.DeadlineExceeded):
		return &abi.Error{
			Kind: abi.KindTimeout, Retryable: true, Field: "secrets.helpers." + helper,
			Message: fmt.Sprintf("the helper %s did not end in time and was killed", helper),
			Hint:    "check that it asks no question, or raise timeout:",
		}
	case errors.Is(err, errTooMuch):
		return source.Missing(ref, fmt.Sprintf("the helper %s printed more than %d KiB", helper, source.MaxSize>>10), "make it print only the secret", nil)
	case errors.As(err, &exit):
		return source.Missing(ref, fmt.Sprintf("the helper %s failed with %s", helper, exit.ProcessState),
			"run its command yourself to see why; agenthost gives it only the variables that secrets.helpers."+helper+".env lists", exit)
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, fs.ErrNotExist):
		return source.Missing(ref, "the program of the helper "+helper+" is not there: "+filepath.Base(command.Args[0]), "install it, or set its full path", err)
	}
	return source.Missing(ref, "the helper "+helper+" cannot be run", "make its program executable", err)
}

// bounded keeps output up to the size of a secret, and stops a helper that prints more.
type bounded struct {
	b    bytes.Buffer
	over bool
	stop func()
}

func (w *bounded) Write(p []byte) (int, error) {
	if w.over || w.b.Len()+len(p) > source.MaxSize {
		w.over = true
		w.stop()
		return len(p), nil
	}
	return w.b.Write(p)
}
