package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// explanation is the output of explain -o json.
type explanation struct {
	Connection string         `json:"connection"`
	Operation  string         `json:"operation"`
	Effect     abi.Effect     `json:"effect"`
	Mode       config.Mode    `json:"mode"`
	Decision   grant.Decision `json:"decision"`
	Rulings    []ruling       `json:"rulings"`
	// Ask is the rule by which a person must approve each call.
	Ask string `json:"ask,omitempty"`
	// Arguments are the rules for arguments, in words.
	Arguments []string           `json:"arguments"`
	Requests  []explainedRequest `json:"requests"`
	Narrowed  []string           `json:"allow_requests,omitempty"`
	// Limits are a call's limits by configuration key. Sizes are in bytes.
	Limits map[string]any `json:"limits"`
	limits []limit        // in order
}

type ruling struct {
	Question string `json:"question"`
	grant.Decision
}

type explainedRequest struct {
	Method string `json:"method"`
	URL    string `json:"url"`
	// File says where a file comes from that the answer names.
	File string `json:"file,omitempty"`
}

type limit struct {
	name  string
	value any
}

func (a *app) explainCommand() *cobra.Command {
	var f execFlags
	cmd := &cobra.Command{
		Use:   "explain CONNECTION ENTITY ACTION",
		Short: "Show whether an operation may run, and what would permit it",
		Long: `Show whether a connection may run an operation. agenthost checks, in this order, the
approval of the connector, the operations that the connection allows, and its rules for
arguments. For each denial, the output has the smallest change that would permit the
call. It also lists the requests that the operation may send, and the limits of a call.

explain runs nothing, sends nothing and reads no secret. Without parameters it lists the
rules for arguments; with -p, --param-file or --params it applies them.`,
		Example: `  agenthost explain support issues create
  agenthost explain support issues create -p title=Hi -p body_html=Hi -p team_id=t1 -o json`,
		Args:              args(3, "CONNECTION", "ENTITY", "ACTION"),
		ValidArgsFunction: a.completeOperation,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.open(cmd.Context(), func(h *host.Host) error {
				return a.explain(cmd.Context(), h, args, f)
			})
		},
	}
	f.paramFlags(a, cmd)
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func (a *app) explain(ctx context.Context, h *host.Host, args []string, f execFlags) error {
	call := host.Call{Entity: args[1], Action: args[2]}
	if len(f.param) > 0 || len(f.paramFile) > 0 || f.params != "" {
		operation, err := find(ctx, h, args[0], args[1], args[2])
		if err != nil {
			return err
		}
		if operation != nil { // otherwise Explain returns the error
			if call.Params, err = a.readParams(operation, f); err != nil {
				return err
			}
		}
	}
	x, err := h.Explain(ctx, args[0], call)
	if err != nil {
		return err
	}
	e := explanationOf(x)
	if done, err := a.json(e); done {
		return err
	}
	return a.showExplanation(e)
}

func explanationOf(x *host.Explanation) *explanation {
	e := &explanation{
		Connection: x.Connection, Operation: x.Operation.Entity + "." + x.Operation.Action, Effect: x.Operation.Effect, Mode: x.Mode,
		Decision: x.Decision, Ask: x.Ask, Arguments: append([]string{}, x.Arguments...), Narrowed: x.Narrowed, Requests: []explainedRequest{},
	}
	for _, r := range x.Rulings {
		e.Rulings = append(e.Rulings, ruling(r))
	}
	for _, r := range x.Requests {
		e.Requests = append(e.Requests, explainedRequest(r))
	}
	l := x.Limits
	e.limits = []limit{
		{"timeout", l.Timeout.String()},
		{"requests", l.Requests},
		{"request_bytes", l.RequestBytes},
		{"response_bytes", l.ResponseBytes},
		{"download_bytes", l.DownloadBytes},
		{"output_bytes", l.OutputBytes},
		{"memory", l.Memory},
		{"fuel", l.Fuel},
		{"log_lines", l.LogLines},
		{"log_bytes", l.LogBytes},
		{"concurrency", l.Concurrency},
	}
	e.Limits = make(map[string]any)
	for _, l := range e.limits {
		e.Limits[l.name] = l.value
	}
	return e
}

func (a *app) showExplanation(e *explanation) error {
	p := &page{w: a.stdout, style: a.style(render.Table)}
	verb := "may"
	if !e.Decision.Allowed {
		verb = "may not"
	}
	p.line("%s %s run %s (effect: %s)", e.Connection, verb, e.Operation, e.Effect)
	p.line("")
	for _, r := range e.Rulings {
		p.ruling(r)
	}
	if e.Ask != "" {
		p.line("%-10s %-4s %s", "person", "asks", e.Ask)
		p.line("%15s each call waits for a person, who sees what it would send", "")
	}
	if len(e.Arguments) > 0 {
		p.heading("Rules for its arguments")
		for _, rule := range e.Arguments {
			p.line("  %s", rule)
		}
	}
	switch {
	case len(e.Requests) == 0 && e.Mode != config.Hosted:
		p.heading("Requests")
		p.line("  none: it is answered from copies of the records")
	case len(e.Requests) == 0:
		p.heading("Requests")
		p.line("  one request to the Airbyte API, which calls the vendor")
	default:
		p.heading("It may send only these requests")
		for _, r := range e.Requests {
			p.line("  %s %s", r.Method, r.URL)
			if r.File != "" {
				p.line("    and the file that its answer names, from %s", r.File)
			}
		}
		if len(e.Narrowed) > 0 {
			p.line("  and only if allow.requests permits them: %s", strings.Join(e.Narrowed, ", "))
		}
	}
	p.heading("Limits of a call")
	var lines [][2]string
	for _, l := range e.limits {
		lines = append(lines, [2]string{l.name, fmt.Sprint(l.value)})
	}
	p.pairs(lines)
	return p.err
}

// ruling writes a question and its answer. For a no, it adds what would permit the call.
func (p *page) ruling(r ruling) {
	answer := "yes"
	if !r.Allowed {
		answer = "no"
	}
	p.line("%-10s %-4s %s", r.Question, answer, r.Rule)
	if r.Why != "" {
		p.line("%15s %s", "", r.Why)
	}
	if !r.Allowed && r.Permit != "" {
		p.line("%15s to permit it: %s", "", r.Permit)
	}
}
