// Command agenthost runs sandboxed connectors on behalf of AI agents and of people.
//
// Each command family has a file here. internal/params reads parameters from flags, and
// internal/render writes tables, JSON and YAML. The work itself is done by package host.
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
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, time.Now))
}

// run is main with arguments, streams and clock as parameters. It returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr *os.File, now clock) int {
	_ = forbidCore() // fails only if the limit is lower already, which is enough
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal cancels the work. A second one ends the process.
	context.AfterFunc(ctx, stop)

	a := &app{
		stdin:     stdin,
		stdout:    stdout,
		stderr:    stderr,
		out:       screenOf(stdout, os.LookupEnv),
		err:       screenOf(stderr, os.LookupEnv),
		lookupEnv: os.LookupEnv,
		now:       now,
	}
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	a.report(err)
	return exitCode(ctx, err)
}

// hurry makes garbage collection rarer, for a command that ends soon. Collection takes a
// sixth of the time until the first request. It does nothing if GOGC is set.
func (a *app) hurry() {
	if _, set := a.lookupEnv("GOGC"); !set {
		debug.SetGCPercent(400)
	}
}
