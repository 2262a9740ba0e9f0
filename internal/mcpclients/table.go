package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

type row struct {
	client
	transport
	version      string
	tools, calls int
	results      []result
	broken       error
	log          string
}

type result struct {
	scenario, note string
	err            error
}

func (r *row) judge(ctx context.Context, scenarios []scenario, lines []said) {
	for _, line := range lines {
		if line.Version != "" {
			r.version = line.Version
		}
		if line.Names != nil {
			r.tools = len(line.Names)
		}
		if line.Text != "" || line.Ended != "" {
			r.calls++
		}
	}
	for _, s := range scenarios {
		res := result{scenario: s.Name}
		switch got, ok := find(lines, s.Name); {
		case !ok:
			res.err = errors.New("the client did not get that far")
		case got.Error != "":
			res.err = errors.New(got.Error)
		default:
			res.err = s.check(ctx, got)
			if got.Ended == "close" {
				res.note = " on close"
			}
		}
		r.results = append(r.results, res)
	}
}

func (r row) failed() bool {
	for _, res := range r.results {
		if res.err != nil {
			return true
		}
	}
	return r.broken != nil
}

const columns = "%-27s %-8s %-5s %5v %5v  %s\n"

func header() string {
	return fmt.Sprintf(columns, "client", "version", "over", "tools", "calls", "scenarios")
}

// String is a line of the table, and below it what failed.
func (r row) String() string {
	var line, below strings.Builder
	for _, res := range r.results {
		word := res.scenario + " ok" + res.note
		if res.err != nil {
			word = res.scenario + " FAILED"
			_, _ = fmt.Fprintf(&below, "    %s: %v\n", res.scenario, res.err)
		}
		_, _ = fmt.Fprintf(&line, "%s, ", word)
	}
	if r.broken != nil {
		_, _ = fmt.Fprintf(&below, "    %v\n", r.broken)
	}
	if r.failed() && r.log != "" {
		_, _ = fmt.Fprintf(&below, "    what it wrote to standard error ends with:\n%s\n", indented(r.log))
	}
	return fmt.Sprintf(columns, r.pkg, r.version, r.transport, r.tools, r.calls, strings.TrimSuffix(line.String(), ", ")) + below.String()
}

func indented(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	lines = lines[max(0, len(lines)-25):]
	return "      " + strings.Join(lines, "\n      ")
}
