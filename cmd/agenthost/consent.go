package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/pdk/abi"
)

// standings says in words what a connector is.
var standings = map[grant.Standing]string{
	grant.StandingFirstParty: "not needed: it was built together with this agenthost",
	grant.StandingVouched:    "not needed",
	grant.StandingApproved:   "approved",
	grant.StandingUpdate:     "another version is approved, and this one reaches no further",
	grant.StandingWider:      "another version is approved, and this one reaches further",
	grant.StandingNew:        "not approved",
}

// approvalText is the approval of a connector in one line.
func approvalText(r *host.Review) string {
	text := standings[r.Standing]
	if by := r.Approval; by != nil && r.Standing != grant.StandingFirstParty {
		text += fmt.Sprintf(" (%s, by %s, %s)", by.Version, by.By, by.At.Format("2006-01-02"))
	}
	return text
}

// consentText writes what a person must know to say yes or no: where a connector sends
// requests, which ones, where credentials go, and what it can change. Of a new version of
// an approved connector it says first what is different.
func (a *app) consentText(w io.Writer, style render.Options, r *host.Review) error {
	p := &page{w: w, style: style}
	p.line("The connector %s %s is %s.", r.Name, r.Module.Version, standings[r.Standing])
	p.line("%s", r.File)
	p.line("sha256:%s", r.Digest)
	if r.Approval != nil {
		p.difference(r)
	}
	p.heading("It sends requests to")
	for _, s := range r.Module.Reach.Servers {
		p.line("  %s", s.URL)
	}
	p.heading("Where your credentials go")
	for _, scheme := range r.Auth.Schemes {
		p.pairs(destinations(scheme))
	}
	p.heading("What it can change")
	p.changes(r.Module.Reach)
	p.heading("The requests that it may send, and no others")
	rows := make([][]string, 0, len(r.Manifest.Operations))
	for _, one := range reachOf(r.Manifest) {
		rows = append(rows, []string{render.Visible(one.Method), render.Visible(one.Path), render.Visible(one.Server), render.Visible(strings.Join(one.Operations, ", "))})
	}
	if p.err == nil {
		p.err = render.Rows(w, style, []string{"METHOD", "PATH", "SERVER", "FOR"}, rows)
	}
	return p.err
}

// page writes lines and keeps the first error.
type page struct {
	w     io.Writer
	style render.Options
	err   error
}

// line writes a line, of which nothing reaches a terminal as more than text.
func (p *page) line(format string, values ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintln(p.w, render.Visible(fmt.Sprintf(format, values...)))
	}
}

func (p *page) heading(text string) {
	if p.style.Color {
		text = render.Bold(text)
	}
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, "\n%s\n", text)
	}
}

func (p *page) pairs(lines [][2]string) {
	if p.err == nil {
		p.err = render.Pairs(p.w, p.style, lines)
	}
}

// difference says how a version differs from the approved one.
func (p *page) difference(r *host.Review) {
	p.heading(fmt.Sprintf("What it reaches beyond version %s, which %s approved on %s", render.Visible(r.Approval.Version), render.Visible(r.Approval.By), r.Approval.At.Format("2006-01-02")))
	p.list(r.Wider)
	p.heading("What it no longer reaches")
	p.list(r.Narrower)
}

func (p *page) list(lines []string) {
	if len(lines) == 0 {
		p.line("  nothing")
	}
	for _, l := range lines {
		p.line("  %s", l)
	}
}

// changes lists the operations that do not only read.
func (p *page) changes(reach grant.Reach) {
	names := make(map[abi.Effect][]string)
	for _, o := range reach.Operations {
		names[o.Effect] = append(names[o.Effect], o.Name)
	}
	if len(names[abi.EffectWrite])+len(names[abi.EffectDelete]) == 0 {
		p.line("  nothing: all its operations say that they only read")
		return
	}
	for _, kind := range []struct {
		effect abi.Effect
		verb   string
	}{{abi.EffectWrite, "writes"}, {abi.EffectDelete, "deletes"}} {
		if list := names[kind.effect]; len(list) > 0 {
			p.line("  %s: %s", kind.verb, strings.Join(list, ", "))
		}
	}
}
