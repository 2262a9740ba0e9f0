// Command agenthost runs sandboxed connectors on behalf of AI agents and of people.
//
// It wires the packages of host together and holds no logic of its own. Each command
// is a file here; what is written to a terminal goes through internal/render.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"
)

func main() {
	// Where the limit is lower already, it cannot be set, and need not be.
	_ = forbidCore()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main with its surroundings as arguments. It returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr *os.File) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal ends the work in good order, a second one the process.
	context.AfterFunc(ctx, stop)

	a := &app{
		stdin:     stdin,
		stdout:    stdout,
		stderr:    stderr,
		out:       screenOf(stdout, os.LookupEnv),
		err:       screenOf(stderr, os.LookupEnv),
		lookupEnv: os.LookupEnv,
		now:       time.Now,
	}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	a.report(err)
	return exitCode(ctx, err)
}

// hurry lets garbage lie while a command starts that ends soon: collecting it is a sixth
// of the time until the first request is sent. GOGC, where it is set, says otherwise.
func (a *app) hurry() {
	if _, set := a.lookupEnv("GOGC"); !set {
		debug.SetGCPercent(400)
	}
}
