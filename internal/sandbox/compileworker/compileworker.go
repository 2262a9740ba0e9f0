// Package compileworker compiles modules, and checks declarations, in a process of its own with
// limits on time and memory, which also bound the cost of a hostile file. The child gets an empty
// environment, and so no credential.
//
// [Run] is the host's side and [Serve] the child's. The child reads the module or declaration from
// standard input, writes compiled code into a folder that its last arguments name, with the limits,
// and prints one line of JSON on standard output.
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

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Job is a module to compile, or a declaration to check.
type Job struct {
	// Command is the program and its first arguments.
	Command []string
	// Folder is where the child writes; it is the child's working directory too.
	Folder string
	// Timeout is wall time, ten times as long at the lowest priority.
	Timeout time.Duration
	// Memory is in bytes.
	Memory int64
	// Build names the build that can use the compiled code. A child with another one is
	// another program than its parent.
	Build string
	// Lowest runs the child at the lowest priority, which cannot be raised again.
	Lowest bool
	// Check says that the input is a declaration and not a module.
	Check bool
}

// patience multiplies the time of a child at the lowest priority, which hardly runs on a busy
// machine. On Linux its processor time is still limited as for others.
const patience = 10

// Arguments of a child after the limits.
const (
	lowestArgument = "lowest" // the lowest priority
	checkArgument  = "check"  // the input is a declaration
)

// answer is the child's answer.
type answer struct {
	Build string     `json:"build"`
	Error *abi.Error `json:"error,omitempty"`
}

const (
	// The answer is one line, an error in it a few hundred bytes.
	maxAnswer = 64 << 10
	// exitMemory is the exit code of a child that reached its limit of memory.
	exitMemory = 12
	// grace is how long a killed child may keep its pipes open.
	grace = 2 * time.Second
)

// Run does a job in a child process, and waits for its end, or kills it if ctx ends.
//
// # Errors
//
// Every error is an [*abi.Error]:
//
//   - connector_fault: the child refused the input, crashed on it, or reached a limit
//   - internal: the command cannot be started, or is not a compile worker of this build
//   - timeout: ctx ended
func Run(ctx context.Context, job Job, input []byte) error {
	if len(job.Command) == 0 {
		return misconfigured("the command is empty", nil)
	}
	arguments := slices.Concat(job.Command[1:],
		[]string{job.Folder, strconv.FormatInt(job.Memory, 10), job.Timeout.String()})
	if job.Lowest {
		arguments = append(arguments, lowestArgument)
	}
	if job.Check {
		arguments = append(arguments, checkArgument)
	}
	timeout := wall(job.Timeout, job.Lowest)
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(limited, job.Command[0], arguments...) //nolint:gosec // the embedder's command, no guest's
	cmd.Dir = job.Folder
	cmd.Env = environment()
	cmd.Stdin = bytes.NewReader(input)
	var out, problems capped
	cmd.Stdout, cmd.Stderr = &out, &problems
	cmd.WaitDelay = grace
	if job.Lowest {
		startLowest(cmd)
	}
	err := job.wait(ctx, cmd)
	var exit *exec.ExitError
	switch {
	case err != nil && ctx.Err() != nil:
		return fault.EndedWith(ctx, "the call ended while the compile worker ran")
	case err != nil && limited.Err() != nil:
		return &abi.Error{
			Kind: abi.KindConnectorFault, Rule: "compile_timeout",
			Message: fmt.Sprintf("%s takes longer to %s than the limit of %v", job.object(), job.verb(), timeout),
			Hint:    "make " + job.part() + " smaller; if the machine is only slow, raise the limit",
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
		return misconfigured("its version is not that of this program", nil)
	}
	if a.Error != nil {
		return a.Error
	}
	return nil
}

// wait runs a child until its end. It does not wait for a killed child of the lowest priority,
// which may take seconds to end on a busy machine.
func (job Job) wait(ctx context.Context, cmd *exec.Cmd) error {
	if !job.Lowest {
		return cmd.Run()
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// object, verb and part are words for a job in errors.
func (job Job) object() string { return job.word("the module", "the declaration") }
func (job Job) verb() string   { return job.word("compile", "check") }
func (job Job) part() string   { return job.word("its functions", "its schemas") }

func (job Job) word(compiling, checking string) string {
	if job.Check {
		return checking
	}
	return compiling
}

// wall is the wall time of a child.
func wall(timeout time.Duration, lowest bool) time.Duration {
	if lowest {
		return timeout * patience
	}
	return timeout
}

// blame says why a child did not answer.
func (job Job) blame(exit *exec.ExitError, problems string) error {
	if exit.ExitCode() == exitMemory || outOfMemory(problems) {
		return (&abi.Error{
			Kind: abi.KindConnectorFault, Rule: "compile_memory",
			Message: fmt.Sprintf("%s needs more memory to %s than the limit of %d MiB", job.object(), job.verb(), job.Memory>>20),
			Hint:    "make " + job.part() + " smaller, or raise the limit",
		}).WithCause(exit)
	}
	first, _, _ := strings.Cut(problems, "\n")
	return (&abi.Error{
		Kind: abi.KindConnectorFault, Rule: "compile_crash",
		Message: fmt.Sprintf("the compile worker ended without an answer: %s", exit),
		Hint:    job.object() + " may be made to crash it; its last words: " + strconv.Quote(clip(first)),
	}).WithCause(exit)
}

// outOfMemory recognises the messages of Go's runtime, and of its race detector's, without memory.
func outOfMemory(problems string) bool {
	for _, words := range []string{"out of memory", "cannot allocate memory", "failed to allocate", "Failed to mmap"} {
		if strings.Contains(problems, words) {
			return true
		}
	}
	return false
}

func misconfigured(why string, cause error) error {
	return (&abi.Error{
		Kind: abi.KindInternal, Field: "compile_worker",
		Message: "the compile worker failed: " + why,
		Hint:    "name a command that calls sandbox.ServeCompile and is built with this program",
	}).WithCause(cause)
}

// environment is the child's environment: empty, except for a variable that processes on Windows
// need. The limits of Go's runtime are arguments.
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

// capped keeps the first bytes, and discards the rest, so that a child that writes too much ends by
// itself.
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
