// Package compileworker runs a compiler in a process of its own, with a limit on time
// and on memory, so that a module which is made to be expensive costs the host no more
// than that. It is the one package of the host that starts a process: the child gets an
// empty environment, and so no credential.
//
// [Run] is the host's side and [Serve] that of the child. The module goes through the
// child's standard input; what is compiled goes into a folder that the last arguments
// name, with the limits; one line of JSON comes back on standard output.
package compileworker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Job is a module to compile.
type Job struct {
	// Command is the program and its first arguments.
	Command []string
	// Folder is where the child writes; it is the child's working directory too.
	Folder string
	// Timeout is wall time.
	Timeout time.Duration
	// Memory is in bytes.
	Memory int64
	// Build names what the compiled code is good for. A child that says something
	// else is another program than its parent.
	Build string
}

// answer is what the child says at the end.
type answer struct {
	Build string     `json:"build"`
	Error *abi.Error `json:"error,omitempty"`
}

const (
	// The answer is one line, an error in it a few hundred bytes.
	maxAnswer = 64 << 10
	// exitMemory is the exit code of a child that had its fill.
	exitMemory = 12
	// grace is how long a killed child may keep its pipes open.
	grace = 2 * time.Second
)

// Run compiles a module in a child process, and waits for its end.
//
// # Errors
//
// Every error is an [*abi.Error]:
//
//   - connector_fault: the child refused the module, crashed on it, or reached a limit
//   - internal: the command cannot be started, or is no compile worker of this build
//   - timeout: ctx ended
func Run(ctx context.Context, job Job, module []byte) error {
	if len(job.Command) == 0 {
		return misconfigured("the command is empty", nil)
	}
	limited, cancel := context.WithTimeout(ctx, job.Timeout)
	defer cancel()
	arguments := slices.Concat(job.Command[1:],
		[]string{job.Folder, strconv.FormatInt(job.Memory, 10), job.Timeout.String()})
	cmd := exec.CommandContext(limited, job.Command[0], arguments...) //nolint:gosec // the embedder's command, no guest's
	cmd.Dir = job.Folder
	cmd.Env = environment()
	cmd.Stdin = bytes.NewReader(module)
	var out, problems capped
	cmd.Stdout, cmd.Stderr = &out, &problems
	cmd.WaitDelay = grace
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err != nil && ctx.Err() != nil:
		return (&abi.Error{Kind: abi.KindTimeout, Message: "the call ended while its module was compiled", Retryable: true}).WithCause(context.Cause(ctx))
	case err != nil && limited.Err() != nil:
		return &abi.Error{
			Kind: abi.KindConnectorFault, Rule: "compile_timeout",
			Message: fmt.Sprintf("the module takes longer to compile than the limit of %v", job.Timeout),
			Hint:    "make its functions smaller; if the machine is only slow, raise the limit",
		}
	case errors.As(err, &exit):
		return job.blame(exit, problems.text())
	case err != nil:
		return misconfigured(err.Error(), err)
	}
	var a answer
	if out.over || json.Unmarshal(out.Bytes(), &a) != nil || a.Build == "" {
		return misconfigured(fmt.Sprintf("it answered %q", clip(out.text())), nil)
	}
	if a.Build != job.Build {
		return misconfigured("it is of another version than this program", nil)
	}
	if a.Error != nil {
		return a.Error
	}
	return nil
}

// blame says why a child did not live to answer.
func (job Job) blame(exit *exec.ExitError, problems string) error {
	if exit.ExitCode() == exitMemory || outOfMemory(problems) {
		return (&abi.Error{
			Kind: abi.KindConnectorFault, Rule: "compile_memory",
			Message: fmt.Sprintf("the module needs more memory to compile than the limit of %d MiB", job.Memory>>20),
			Hint:    "make its functions smaller, or raise the limit",
		}).WithCause(exit)
	}
	first, _, _ := strings.Cut(problems, "\n")
	return (&abi.Error{
		Kind: abi.KindConnectorFault, Rule: "compile_crash",
		Message: fmt.Sprintf("the compiler ended without an answer: %s", exit),
		Hint:    "the module may be made to crash compilers; the worker's last words: " + strconv.Quote(clip(first)),
	}).WithCause(exit)
}

// outOfMemory knows what Go's runtime says when it gets no more memory.
func outOfMemory(problems string) bool {
	for _, words := range []string{"out of memory", "cannot allocate memory", "failed to allocate"} {
		if strings.Contains(problems, words) {
			return true
		}
	}
	return false
}

func misconfigured(why string, cause error) error {
	return (&abi.Error{
		Kind: abi.KindInternal, Field: "compile_worker",
		Message: "the compile worker does not work: " + why,
		Hint:    "name a command that calls sandbox.ServeCompile and is built with this program",
	}).WithCause(cause)
}

// environment is what the child gets: nothing, but on Windows, where no process starts
// without one variable. The limits of Go's runtime are arguments.
func environment() []string {
	if root, ok := os.LookupEnv("SYSTEMROOT"); ok && runtime.GOOS == "windows" {
		return []string{"SYSTEMROOT=" + root}
	}
	return []string{}
}

func clip(s string) string {
	const most = 200
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// capped keeps the first bytes that are written to it, and takes the others as well, so
// that a child which writes too much ends by itself.
type capped struct {
	bytes.Buffer
	over bool
}

func (c *capped) Write(p []byte) (int, error) {
	keep := min(len(p), maxAnswer-c.Len())
	c.over = c.over || keep < len(p)
	c.Buffer.Write(p[:keep])
	return len(p), nil
}

func (c *capped) text() string { return strings.TrimSpace(c.String()) }
