package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	asking "github.com/agenthost/agenthost/host/ask"
)

// plan shows what a call would send.
func (a *app) plan(ctx context.Context, h *host.Host, connection string, call host.Call) error {
	plan, err := h.Plan(ctx, connection, call)
	if err != nil {
		return err
	}
	shown := struct {
		*asking.Plan
		Digest string `json:"digest"`
	}{plan, plan.Digest()}
	if done, err := a.json(shown); done {
		return err
	}
	p := &page{w: a.stdout, style: a.style(render.Table)}
	p.plan(plan)
	return p.err
}

// plan writes a plan: for a person, who decides on it. Every text is escaped.
func (p *page) plan(plan *asking.Plan) {
	p.line("%s would run %s.%s (effect: %s) of %s %s, mode %s", plan.Connection, plan.Entity, plan.Action, plan.Effect, plan.Connector, plan.Version, plan.Mode)
	if plan.Workspace != "" {
		p.line("workspace  %s", plan.Workspace)
	}
	p.line("module     %s", plan.Module)
	p.line("digest     %s", plan.Digest())
	p.heading("Parameters")
	p.text(plan.Params)
	for i, r := range plan.Requests {
		p.heading(fmt.Sprintf("Request %d", i+1))
		p.line("  %s %s", r.Method, r.URL)
		for _, h := range r.Header {
			p.line("  %s: %s", h[0], h[1])
		}
		for _, c := range r.Credential {
			p.line("  + the credential, in %s %s: %s", c.In, c.Name, c.Value)
		}
		if len(r.Body) > 0 {
			p.heading(fmt.Sprintf("Its body, %d bytes", len(r.Body)))
			p.text(r.Body)
		}
	}
	p.line("")
	switch {
	case len(plan.Requests) == 0:
		p.line("It would send nothing.")
	case plan.More:
		p.line("The operation may ask for more after the answer. What that is, nobody knows yet: it is not part of the plan.")
	}
	if len(plan.Credentials) > 0 {
		p.line("The call brings its own %s.", strings.Join(plan.Credentials, ", "))
	}
}

// text writes text on lines of its own, JSON with indents, and says of anything else what it is.
func (p *page) text(data []byte) {
	var indented bytes.Buffer
	switch {
	case json.Indent(&indented, data, "", "  ") == nil:
		data = indented.Bytes()
	case !utf8.Valid(data):
		p.line("  %d bytes that are no text; -o json has them", len(data))
		return
	}
	for line := range strings.SplitSeq(string(data), "\n") {
		p.line("  %s", line)
	}
}
