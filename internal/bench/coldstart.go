package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// smallProgram is what a cold start is compared with: a Go program that starts, decodes a
// document for some milliseconds, and ends. Like a cold start it needs a process and a
// processor, but no code of agenthost.
const smallProgram = `package main

import (
	"encoding/json"
	"strings"
)

func main() {
	document := []byte("[" + strings.Repeat("{\"id\":\"i\",\"text\":\"a line of text in an answer\",\"n\":1},", 10000) + "0]")
	var v any
	if err := json.Unmarshal(document, &v); err != nil {
		panic(err)
	}
}
`

// coldStart measures the time from the command's start to the first request that a vendor sees,
// with a compiled module.
func (b *bench) coldStart(ctx context.Context) error {
	first := row{Name: "cold start, to the first request", Base: "a small Go program", Worse: higher, Unit: "ms", Goal: seenGoal(50)}
	whole := row{Name: "cold start, whole", Base: "a small Go program", Worse: higher, Unit: "ms"}
	if !b.wants(first.Name, whole.Name) {
		return nil
	}
	if _, err := os.Stat(b.agenthost); err != nil {
		return fmt.Errorf("%w; make build builds it", err)
	}
	dir := filepath.Join(b.lab.dir, "coldstart")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	program, err := buildProgram(ctx, dir)
	if err != nil {
		return err
	}
	run, toFirst, stop, err := b.startCommand(ctx, dir)
	if err != nil {
		return err
	}
	defer stop()
	compiling := time.Now()
	if err := run(ctx); err != nil {
		return err
	}
	notCached := time.Since(compiling)
	got, err := compare(ctx, b.pace, one,
		side{call: func(ctx context.Context) error { return exec.CommandContext(ctx, program).Run() }},
		side{call: run, clock: toFirst})
	if err != nil {
		return err
	}
	first.Seen, whole.Seen = 1e3*got.median(clockOf(1)), 1e3*got.median(timeOf(1))
	b.add(first.with(got.runs(func(t []figures) float64 { return t[1].Clock / t[0].Time })))
	b.add(whole.with(got.runs(timeRatio(1))))
	t := b.out.table("cold start", "to the first request", "whole", "a small Go program", "not compiled before, whole")
	t.line("agenthost exec", ms(got.median(clockOf(1))), ms(got.median(timeOf(1))), ms(got.median(timeOf(0))), ms(notCached.Seconds()))
	if err := t.end(); err != nil {
		return err
	}
	m, err := b.startMCP(ctx, filepath.Join(dir, "agenthost.yaml"))
	if err != nil {
		return err
	}
	t = b.out.table("start with nothing compiled", "initialize", "tools/list", "a call at once")
	t.line("agenthost mcp", ms(m.initialize.Seconds()), ms(m.list.Seconds()), ms(m.call.Seconds()))
	return t.end()
}

func buildProgram(ctx context.Context, dir string) (string, error) {
	program := filepath.Join(dir, "small")
	if err := os.WriteFile(program+".go", []byte(smallProgram), 0o600); err != nil {
		return "", err
	}
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", program, program+".go").CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return program, nil
}

// startCommand returns a call that runs the command once, and the sum of its runs' times to
// their first request.
func (b *bench) startCommand(ctx context.Context, dir string) (run func(context.Context) error, toFirst func() time.Duration, stop func(), err error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, nil, err
	}
	arrived := make(chan time.Time, 100)
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived <- time.Now()
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"data":{"id":"x","name":"y"},"request_id":"r"}`))
	})}
	go func() { _ = server.Serve(l) }()
	config := filepath.Join(dir, "agenthost.yaml")
	text := "connections:\n  lab:\n    connector: pylon\n    server: http://" + l.Addr().String() + "\n    credentials: {api_token: env:TOKEN}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		_ = server.Close()
		return nil, nil, nil, err
	}
	var sum time.Duration
	run = func(ctx context.Context) error {
		cmd := exec.CommandContext(ctx, b.agenthost, "exec", "lab", "me", "get", "--plugins", b.plugins, "--config", config, "-o", "json")
		cmd.Env = []string{"TOKEN=" + token, "XDG_CACHE_HOME=" + filepath.Join(dir, "cache"), "HOME=" + dir}
		start := time.Now()
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s", err, out)
		}
		select {
		case at := <-arrived:
			sum += at.Sub(start)
			return nil
		default:
			return errors.New("the command sent no request")
		}
	}
	return run, func() time.Duration { return sum }, func() { _ = server.Close() }, nil
}
