package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/pdk/abi"
)

// report writes an error to standard error: what happened, then what to do. Messages
// are lower-case and have no final stop. With -o json or ndjson a line of JSON
// follows, for programs.
func (a *app) report(err error) {
	if err == nil {
		return
	}
	var usage *usageError
	var configuration *config.Error
	var public *abi.Error
	switch {
	case errors.As(err, &usage):
		a.complain(usage.message, usage.hint)
		public = &abi.Error{Kind: abi.KindInvalidParams, Message: usage.message, Hint: usage.hint}
	case errors.As(err, &configuration):
		for _, p := range configuration.Problems {
			a.complain(p.String(), p.Hint)
		}
		errors.As(err, &public)
	case errors.As(err, &public):
		a.complain(public.Error(), public.Hint)
		a.details(public)
	default:
		a.complain(err.Error(), "")
		public = &abi.Error{Kind: abi.KindInternal, Message: err.Error()}
	}
	if a.format == string(render.JSON) || a.format == string(render.NDJSON) {
		a.reportJSON(public)
	}
}

// details writes what else there is to know about an error of a call.
func (a *app) details(e *abi.Error) {
	if e.Rule != "" {
		a.say("rule", e.Rule)
	}
	if e.RetryAfterMS > 0 {
		a.say("hint", "try again in "+e.RetryAfter().String())
	}
	if e.RequestID != "" {
		a.say("note", "the vendor's request id is "+e.RequestID)
	}
	if e.RequestSent && (e.Kind == abi.KindTimeout || e.Kind == abi.KindNetwork) {
		a.say("note", "a request may have reached the vendor, so that a change may have been made")
	}
}

func (a *app) complain(message, hint string) {
	a.say("error", message)
	if hint != "" {
		a.say("hint", hint)
	}
}

// say writes one line: agenthost: what: text. The text may come from a vendor or a
// connector, so that nothing in it reaches the terminal as more than text.
func (a *app) say(what, text string) {
	if what == "error" && a.err.color {
		what = render.Red(what)
	}
	for line := range strings.SplitSeq(text, "\n") {
		fmt.Fprintf(a.stderr, "agenthost: %s: %s\n", what, render.Visible(line))
	}
}

func (a *app) reportJSON(e *abi.Error) {
	w := render.New(a.stderr, render.Options{Format: render.NDJSON, Terminal: true})
	line, err := marshal(map[string]*abi.Error{"error": e})
	if err == nil {
		err = w.Record(line)
	}
	if err != nil {
		a.say("error", err.Error())
	}
}

// safeLog lets log lines through with everything made visible that is not plain text:
// a connector may log whatever it likes.
type safeLog struct{ w io.Writer }

func (l safeLog) Write(p []byte) (int, error) {
	for line := range strings.Lines(string(p)) {
		if _, err := io.WriteString(l.w, render.Visible(strings.TrimSuffix(line, "\n"))+"\n"); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}
