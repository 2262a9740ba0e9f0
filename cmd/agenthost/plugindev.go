package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/devloop"
	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/conformance"
	"github.com/agenthost/agenthost/host/mcp"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/internal/modulebuild"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/hashicorp/go-hclog"
	"github.com/spf13/cobra"
)

// devFlags holds the flags of plugin dev.
type devFlags struct {
	http, recordings string
	exec             []string
	stdio, noTest    bool
}

func (a *app) pluginDevCommand() *cobra.Command {
	var f devFlags
	cmd := &cobra.Command{
		Use:   "dev [DIR]",
		Short: "Build, test and serve a connector anew after each edit",
		Long: `Watch the sources of a connector, and after each edit build it, put it into the place of the
build before, and run the recorded calls and the tests of agenthost plugin test on it. A build
that fails shows why, and the last good one stays. What a build reaches beyond the one before
is shown.

The connector is served over MCP: at --http, with a bearer token that is made for this run, or
with --stdio on standard input and output. With --http, each line of standard input is a call:
issues list -p limit=2. --exec makes a call after each build. Each call shows its requests and
its fuel.

The vendor is a stand-in on this machine, which answers as the recordings in DIR/recordings do.
The connector reaches nothing else, whatever it declares: its approval is for the stand-in, in
the memory of this process, and agenthost.lock has nothing of it. Credentials are made up, and
agenthost.yaml is not read.`,
		Example: `  agenthost plugin dev
  agenthost plugin dev notes --exec 'notes list -p limit=2'
  agenthost plugin dev notes.yaml --stdio`,
		Args: args(0, "DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			place := "."
			if len(args) > 0 {
				place = args[0]
			}
			return a.pluginDev(cmd.Context(), place, f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.http, "http", "127.0.0.1:0", "serve MCP over HTTP at this `address` of this machine")
	flags.BoolVar(&f.stdio, "stdio", false, "serve MCP on standard input and output instead")
	flags.StringArrayVar(&f.exec, "exec", nil, "`call` to make after each build, such as 'issues list -p limit=2' (repeatable)")
	flags.StringVar(&f.recordings, "recordings", "", "`folder` of recorded calls (default recordings beside the sources)")
	flags.BoolVar(&f.noTest, "no-test", false, "leave out the tests of agenthost plugin test")
	return cmd
}

// dev is one run of plugin dev.
type dev struct {
	app     *app // writes what is shown, in turns
	place   string
	flags   devFlags
	session *devloop.Session
	options conformance.Options
	report  func(error)
	calls   sync.Mutex // one call is shown at a time
}

func (a *app) pluginDev(ctx context.Context, place string, f devFlags) (err error) {
	if err := loopback(f.http); err != nil {
		return err
	}
	if _, err := modulebuild.Find(place); err != nil {
		return err
	}
	folder := place
	if info, err := os.Stat(place); err == nil && !info.IsDir() {
		folder = filepath.Dir(place)
	}
	f.recordings = cmp.Or(f.recordings, filepath.Join(folder, "recordings"))
	d, closeAll, err := a.startDev(ctx, place, f)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(ctx)
	var running sync.WaitGroup
	defer func() {
		end(nil)
		running.Wait()
		err = errors.Join(err, closeAll())
	}()
	server, err := mcp.New(ctx, d.session.Host(), mcp.Options{Logger: d.options.Logger.Named("mcp")})
	if err != nil {
		return err
	}
	defer server.Close()
	serve, err := d.server(ctx, server)
	if err != nil {
		return err
	}
	running.Go(func() { end(cmp.Or(serve(ctx), errServed)) })
	sources := devloop.Sources{Place: place}
	if folder != place {
		sources.Recordings = f.recordings
	}
	edits := make(chan struct{}, 1)
	running.Go(func() {
		end(sources.Watch(ctx, seams.Seams{}.WithDefaults().Sleep, func() {
			select {
			case edits <- struct{}{}:
			default:
			}
		}))
	})
	if !f.stdio {
		go d.lines(ctx) // a read of standard input has no end of its own
	}
	d.follow(ctx, edits)
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, errServed) {
		return cause
	}
	return nil
}

// errServed says that the client of --stdio is gone.
var errServed = errors.New("the client ended")

// loopback refuses an address that others than this machine reach.
func loopback(address string) error {
	name, _, err := net.SplitHostPort(address)
	if err == nil {
		if ip := net.ParseIP(name); name == "localhost" || ip != nil && ip.IsLoopback() {
			return nil
		}
	}
	return &usageError{message: fmt.Sprintf("--http is %q, but must be an address of this machine with a port", address), hint: "leave it out, or write 127.0.0.1:8080"}
}

// startDev starts what a run needs. It reads no configuration.
func (a *app) startDev(ctx context.Context, place string, f devFlags) (_ *dev, closeAll func() error, err error) {
	logger, err := a.logger()
	if err != nil {
		return nil, nil, err
	}
	shown := *a
	lines := &turns{w: a.stderr}
	shown.stderr, shown.stdout, shown.out = lines, lines, a.err
	if !f.stdio {
		shown.stdout, shown.out = a.stdout, a.out // where results go
	}
	cache, remove, err := catalog.CacheFolder(a.cacheFolder(&config.Config{}), logger)
	if err != nil {
		return nil, nil, err
	}
	d := &dev{app: &shown, report: shown.report, place: place, flags: f, options: conformance.Options{Cache: cache, CompileWorker: compileWorker(), Logger: hclog.NewNullLogger()}}
	if d.session, err = devloop.Start(ctx, devloop.Options{Cache: cache, CompileWorker: d.options.CompileWorker, Sink: d, Logger: logger, Now: a.now}); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return d, func() error {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		return errors.Join(d.session.Close(stopping), remove())
	}, nil
}

// turns writes what several goroutines write, one after the other.
type turns struct {
	mu sync.Mutex
	w  io.Writer
}

// Write implements io.Writer.
func (t *turns) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.w.Write(p)
}

// say writes a line, with control characters escaped.
func (d *dev) say(format string, values ...any) {
	_, _ = fmt.Fprintln(d.app.stderr, render.Visible(fmt.Sprintf(format, values...)))
}

// server returns what serves clients until its context ends.
func (d *dev) server(ctx context.Context, server *mcp.Server) (serve func(context.Context) error, err error) {
	if d.flags.stdio {
		in, out := d.app.stdin, d.app.stdout
		if t, ok := out.(*turns); ok {
			out = t.w
		}
		return func(ctx context.Context) error { return server.ServeStdio(ctx, in, out) }, nil
	}
	file := filepath.Join(d.session.Folder, "token")
	if err := makeToken(file); err != nil {
		return nil, err
	}
	token, err := readRegular(ctx, file, 1<<10)
	if err != nil {
		return nil, err
	}
	listener, err := mcp.Listen(ctx, d.flags.http)
	if err != nil {
		return nil, &usageError{message: fmt.Sprintf("cannot listen at %s: %v", d.flags.http, errors.Unwrap(err)), hint: "name a free address, such as --http 127.0.0.1:0"}
	}
	d.say("MCP at http://%s, bearer token in file:%s", listener.Addr(), file)
	options := mcp.HTTPOptions{Tokens: map[string]secret.Value{osUser(): secret.New(token)}}
	return func(ctx context.Context) error { return server.ServeHTTP(ctx, listener, options, time.Second) }, nil
}

// follow builds after each edit. An edit ends the build and the tests of the one before.
func (d *dev) follow(ctx context.Context, edits <-chan struct{}) {
	stop, done := func() {}, make(chan struct{})
	close(done)
	for {
		select {
		case <-ctx.Done():
			stop()
			<-done
			return
		case <-edits:
		}
		stop()
		<-done
		var working context.Context
		working, stop = context.WithCancel(ctx)
		done = make(chan struct{})
		go func() {
			defer close(done)
			d.cycle(working)
		}()
	}
}

// cycle builds, swaps and tests.
func (d *dev) cycle(ctx context.Context) {
	begun := d.app.now()
	took := func() string { return fmt.Sprintf("%.2f s", d.app.now().Sub(begun).Seconds()) }
	said := new(bytes.Buffer)
	b := modulebuild.Builder{
		Interpreter: interpreter, Environment: os.Environ(), Output: said,
		Sandbox: sandbox.Config{Cache: d.options.Cache, CompileWorker: d.options.CompileWorker, Logger: d.options.Logger},
	}
	result, err := b.Build(ctx, d.place, d.session.Next())
	built := took()
	var swap *devloop.Swap
	if err == nil {
		swap, err = d.session.Use(ctx, result)
	}
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		_, _ = fmt.Fprint(d.app.stderr, render.VisibleLines(said.String()))
		d.report(err)
		if name := d.session.Connection(); name != "" {
			d.say("the last good build of %s stays in use", name)
		}
		return
	}
	d.say("%s %s: built in %s, in use after %s, %d bytes", result.Manifest.Name, result.Manifest.Version, built, took(), len(result.Module))
	d.difference(swap)
	calls, err := d.session.StandIn.Load(ctx, d.flags.recordings)
	switch {
	case err != nil:
		d.report(err)
	case calls == 0 && swap.First:
		d.say("%s has no recordings, so the stand-in knows no answer", d.flags.recordings)
	}
	for _, line := range d.flags.exec {
		d.call(ctx, line)
	}
	d.test(ctx, result, calls)
	if ctx.Err() == nil {
		d.say("done after %s", took())
	}
}

// difference shows what a build reaches beyond the one before.
func (d *dev) difference(swap *devloop.Swap) {
	if len(swap.Wider) > 0 {
		d.say("It reaches further. Whoever approved the build before is asked again:")
	}
	for _, line := range swap.Wider {
		d.say("  + %s", line)
	}
	if len(swap.Narrower) > 0 {
		d.say("It no longer reaches:")
	}
	for _, line := range swap.Narrower {
		d.say("  - %s", line)
	}
}

// test runs the recorded calls and the conformance tests.
func (d *dev) test(ctx context.Context, r *modulebuild.Result, calls int) {
	report := &conformance.Report{Passed: true, Operations: len(r.Manifest.Operations)}
	var err error
	if !d.flags.noTest {
		if report, err = conformance.Run(ctx, r.Module, d.options); err != nil {
			d.failed(ctx, err)
			return
		}
	}
	if calls > 0 {
		if err := d.app.testRecordings(ctx, r.File, d.flags.recordings, d.options, report); err != nil {
			d.failed(ctx, err)
			return
		}
	}
	for _, c := range report.Checks {
		if c.Status != conformance.Fail {
			continue
		}
		d.say("%s failed: %s", c.ID, c.Title)
		for _, problem := range c.Problems {
			d.say("  %s", problem)
		}
		if c.More > 0 {
			d.say("  and %d more", c.More)
		}
	}
	d.say("tests: %d of %d checks pass, %d of %d operations", len(report.Checks)-report.Failed(), len(report.Checks), report.Operations-len(report.Failing), report.Operations)
}

func (d *dev) failed(ctx context.Context, err error) {
	if ctx.Err() == nil {
		d.report(err)
	}
}

// maxLine is how long a line of standard input is.
const maxLine = 1 << 20

// lines makes a call of each line of standard input.
func (d *dev) lines(ctx context.Context) {
	scanner := bufio.NewScanner(d.app.stdin)
	scanner.Buffer(nil, maxLine)
	for scanner.Scan() {
		if line := strings.TrimSpace(scanner.Text()); line != "" && ctx.Err() == nil {
			d.call(ctx, line)
		}
	}
}

// call makes a call of a line: ENTITY ACTION, and flags of agenthost exec.
func (d *dev) call(ctx context.Context, line string) {
	d.calls.Lock()
	defer d.calls.Unlock()
	name := d.session.Connection()
	if name == "" {
		d.say("there is no build yet")
		return
	}
	words, err := shellWords(line)
	if err == nil {
		err = d.app.callOf(ctx, d.session.Host(), name, words)
	}
	if err != nil && ctx.Err() == nil {
		d.report(err)
	}
}

// callOf runs an operation as agenthost exec does, on a vendor that nobody uses.
func (a *app) callOf(ctx context.Context, h *host.Host, connection string, words []string) error {
	one, f := *a, execFlags{yes: true}
	cmd := &cobra.Command{Use: "ENTITY ACTION"}
	f.paramFlags(&one, cmd)
	cmd.Flags().BoolVar(&f.all, "all", false, "")
	cmd.Flags().IntVar(&f.limit, "limit", 0, "")
	cmd.Flags().BoolVar(&f.plan, "plan", false, "")
	cmd.Flags().StringSliceVar(&f.selected, "select", nil, "")
	cmd.Flags().StringVarP(&one.format, "output", "o", "", "")
	if err := cmd.ParseFlags(words); err != nil {
		return &usageError{message: err.Error(), hint: "write a call such as: issues list -p limit=2"}
	}
	words = cmd.Flags().Args()
	if len(words) != 2 {
		return &usageError{message: fmt.Sprintf("a call has an entity and an action, and this one %d words", len(words)), hint: "write a call such as: issues list -p limit=2"}
	}
	if err := f.check(cmd); err != nil {
		return err
	}
	return one.exec(ctx, h, append([]string{connection}, words...), f)
}

// shellWords splits a line as a shell does, without variables and patterns.
func shellWords(line string) (words []string, err error) {
	var word strings.Builder
	started, quote := false, rune(0)
	for at, runes := 0, []rune(line); at < len(runes); at++ {
		switch c := runes[at]; {
		case c == '\\' && quote != '\'' && at+1 < len(runes):
			at++
			word.WriteRune(runes[at])
			started = true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, started = c, true
		case quote == 0 && (c == ' ' || c == '\t'):
			if started {
				words = append(words, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteRune(c)
			started = true
		}
	}
	if quote != 0 {
		return nil, &usageError{message: "a quote is not closed", hint: "close it"}
	}
	if started {
		words = append(words, word.String())
	}
	return words, nil
}

// Write implements audit.Sink: it shows a call with its requests and its fuel.
func (d *dev) Write(_ context.Context, r *audit.Record) error {
	if r.Event != audit.EventCall {
		return nil
	}
	d.say("%s: %s, %d requests, %d units of fuel, %s", r.Operation(), r.Outcome, len(r.Requests)+r.MoreRequests, r.Fuel, duration(r.Duration))
	for _, q := range r.Requests {
		what := fmt.Sprint(q.Status)
		if q.Status == 0 {
			what = string(q.Kind)
		}
		d.say("  %s %s%s: %s", q.Method, q.Origin, q.Template, what)
	}
	return nil
}
