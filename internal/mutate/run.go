package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

type outcome string

const (
	invalid  outcome = "invalid" // it does not compile
	killed   outcome = "killed"
	survived outcome = "survived"
)

// runner runs tests against mutants. It may be used by several goroutines.
type runner struct {
	root    string                       // of the module
	scratch string                       // for files of its own
	callers func(folder string) []string // packages whose tests test a package, too
	log     func(format string, args ...any)

	mu     sync.Mutex
	suites map[string]func() (*suite, error)
}

// suite is the tests of a package as it is on disk.
type suite struct {
	binary string // empty if it has none
	times  map[string]time.Duration
}

// Bounds of a run of tests besides the time that it took without a mutant.
const (
	grace     = time.Minute
	slowdown  = 5
	maxMemory = 4 << 30 // bytes; a loop that never ends may collect something
)

// try runs the tests of the mutant's package, and if none fails those of its callers. By is
// the test that failed.
func (r *runner) try(ctx context.Context, m *mutant) (o outcome, by string, err error) {
	dir, err := os.MkdirTemp(r.scratch, "mutant-")
	if err != nil {
		return "", "", err
	}
	defer os.RemoveAll(dir)
	overlay, err := r.overlay(dir, m)
	if err != nil {
		return "", "", err
	}
	for i, folder := range append([]string{m.folder}, r.callers(m.folder)...) {
		tests, err := r.suiteOf(ctx, folder)
		if err != nil {
			return "", "", err
		}
		binary, output, err := r.compile(ctx, dir, folder, "-overlay", overlay)
		switch {
		case ctx.Err() != nil:
			return "", "", ctx.Err()
		case err != nil && i == 0:
			return invalid, firstError(output), nil
		case err != nil:
			return killed, folder + " does not compile", nil
		case binary == "":
			continue // it has no tests
		}
		for _, batch := range batches(tests.times) {
			if by := r.notice(ctx, binary, folder, batch, tests); by != "" {
				return killed, by, ctx.Err()
			}
		}
	}
	return survived, "", ctx.Err()
}

// notice runs a batch and returns what failed. A failure counts only where the code as it is
// passes: a test that fails now and then, or on a machine that is busy, has noticed nothing.
func (r *runner) notice(ctx context.Context, binary, folder string, batch []string, tests *suite) (by string) {
	for len(batch) > 0 {
		by, ok := r.run(ctx, binary, folder, batch, tests.times)
		if ok || ctx.Err() != nil {
			return ""
		}
		suspects := batch
		if _, named := tests.times[by]; named {
			suspects = []string{by}
		}
		if _, ok := r.run(ctx, tests.binary, folder, suspects, tests.times); ok {
			return by
		}
		r.log("%s: %s, without any change", folder, by)
		batch = slices.DeleteFunc(slices.Clone(batch), func(name string) bool { return slices.Contains(suspects, name) })
	}
	return ""
}

// overlay writes the changed file, and what makes the go command take it for the real one.
func (r *runner) overlay(dir string, m *mutant) (string, error) {
	original := filepath.Join(r.root, filepath.FromSlash(m.file))
	source, err := os.ReadFile(original)
	if err != nil {
		return "", err
	}
	changed := filepath.Join(dir, "changed.go")
	if err := os.WriteFile(changed, m.apply(source), 0o600); err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {original: changed}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}

// compile makes the binary of a package's tests; its name is empty if there are none.
func (r *runner) compile(ctx context.Context, dir, folder string, flags ...string) (binary string, output []byte, err error) {
	binary = filepath.Join(dir, strings.ReplaceAll(folder, "/", "-")+".test")
	args := append([]string{"test", "-c", "-p", "1", "-vet=off", "-o", binary}, flags...)
	build := exec.CommandContext(ctx, "go", append(args, "./"+folder)...)
	build.Dir = r.root
	if output, err = build.CombinedOutput(); err != nil {
		return "", output, err
	}
	if _, err := os.Stat(binary); errors.Is(err, fs.ErrNotExist) {
		return "", output, nil
	}
	return binary, output, err
}

// suiteOf returns the tests of a package, which it compiles and runs once.
func (r *runner) suiteOf(ctx context.Context, folder string) (*suite, error) {
	r.mu.Lock()
	measure := r.suites[folder]
	if measure == nil {
		measure = sync.OnceValues(func() (*suite, error) { return r.measure(ctx, folder) })
		r.suites[folder] = measure
	}
	r.mu.Unlock()
	return measure()
}

var result = regexp.MustCompile(`--- (PASS|FAIL|SKIP): ([A-Za-z0-9_]+) \(([0-9.]+)s\)`)

// measure runs each test of a package. One that fails without any mutant is left out, since it would
// kill them all.
func (r *runner) measure(ctx context.Context, folder string) (*suite, error) {
	dir, err := os.MkdirTemp(r.scratch, "suite-")
	if err != nil {
		return nil, err
	}
	binary, output, err := r.compile(ctx, dir, folder)
	if err != nil {
		return nil, fmt.Errorf("%s does not compile: %s", folder, output)
	}
	tests := &suite{binary, make(map[string]time.Duration)}
	if binary == "" {
		return tests, nil
	}
	test := exec.CommandContext(ctx, binary, "-test.v", "-test.timeout=20m")
	test.Dir = filepath.Join(r.root, folder)
	text, _ := test.CombinedOutput() // the results say what failed
	for _, match := range result.FindAllSubmatch(text, -1) {
		name := string(match[2])
		if string(match[1]) == "FAIL" {
			r.log("%s: %s fails without any change, and is left out", folder, name)
			continue
		}
		seconds, _ := strconv.ParseFloat(string(match[3]), 64)
		tests.times[name] = time.Duration(seconds * float64(time.Second))
	}
	return tests, ctx.Err()
}

// batches are the names of tests, the fastest first: one binary runs a batch at a time, so that
// a mutant seldom lives to see the slow ones.
func batches(times map[string]time.Duration) [][]string {
	names := slices.SortedFunc(maps.Keys(times), func(a, b string) int {
		return cmp.Or(cmp.Compare(times[a], times[b]), strings.Compare(a, b))
	})
	var found [][]string
	limits := []time.Duration{time.Second, 10 * time.Second, time.Hour}
	for sum := time.Duration(0); len(names) > 0; limits = limits[1:] {
		n := 0
		for n < len(names) && (sum+times[names[n]] <= limits[0] || len(limits) == 1) {
			sum += times[names[n]]
			n++
		}
		if n > 0 {
			found, names = append(found, names[:n]), names[n:]
		}
	}
	return found
}

var failure = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)|^(panic: [^\n]{0,100})|^(fatal error: [^\n]{0,100})`)

// run reports whether tests pass, or what failed.
func (r *runner) run(ctx context.Context, binary, folder string, names []string, times map[string]time.Duration) (by string, ok bool) {
	allowed := grace
	for _, name := range names {
		allowed += slowdown * times[name]
	}
	ctx, cancel := context.WithTimeout(ctx, allowed+grace) // where the binary's own timeout does not end it
	defer cancel()
	test := exec.CommandContext(ctx, binary, "-test.failfast", "-test.timeout="+allowed.String(), "-test.run=^("+strings.Join(names, "|")+")$")
	test.Dir = filepath.Join(r.root, filepath.FromSlash(folder))
	test.WaitDelay = time.Second
	var output bytes.Buffer
	test.Stdout, test.Stderr = &output, &output
	if err := test.Start(); err != nil {
		return err.Error(), false
	}
	go watchMemory(ctx, test.Process.Pid, cancel)
	err := test.Wait()
	switch {
	case err == nil || errors.Is(err, exec.ErrWaitDelay):
		return "", true
	case ctx.Err() != nil:
		return "time or memory", false
	}
	if m := failure.FindStringSubmatch(output.String()); m != nil {
		return cmp.Or(m[1], m[2], m[3]), false
	}
	return err.Error(), false
}

// watchMemory ends a process that takes too much, on systems that say what it takes.
func watchMemory(ctx context.Context, pid int, end func()) {
	for ctx.Err() == nil {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		if err != nil {
			return
		}
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			if pages, _ := strconv.ParseInt(fields[1], 10, 64); pages*int64(os.Getpagesize()) > maxMemory {
				end()
			}
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// firstError is the first line that names a place.
func firstError(output []byte) string {
	for line := range strings.Lines(string(output)) {
		if strings.Contains(line, ".go:") {
			return strings.TrimSpace(line)
		}
	}
	return strings.TrimSpace(string(output))
}
