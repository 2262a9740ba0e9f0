package main

import (
	"context"
	"strings"

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

// plan writes a plan, for a person who decides on it.
func (p *page) plan(plan *asking.Plan) {
	for line := range strings.SplitSeq(strings.TrimSuffix(plan.Text(), "\n"), "\n") {
		p.line("%s", line)
	}
}
