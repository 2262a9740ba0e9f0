package main

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func (a *app) approveCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "approve FILE",
		Short: "Approve the access of a third-party connector",
		Long: `Show what a connector file can access and change and where it sends credentials, and ask
for your approval. agenthost stores approvals in agenthost.lock: in the file that lock: in
the configuration names, next to the configuration, or in your configuration folder.

You can inspect a third-party connector, but it will not run until you approve its access.
The connectors that come with agenthost need no approval.

An approval covers this exact file, and later versions that need no further access, unless
the configuration says updates: never. Approving another version replaces the approval.`,
		Args: args(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withReview(cmd.Context(), args[0], func(o host.Options, r *host.Review) error {
				return a.approve(cmd.Context(), o, r, yes)
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "approve without asking")
	return cmd
}

// withReview opens the host and reviews a file.
func (a *app) withReview(ctx context.Context, file string, use func(host.Options, *host.Review) error) error {
	o, err := a.options()
	if err != nil {
		return err
	}
	h, err := host.Open(ctx, o)
	if err != nil {
		return err
	}
	defer h.Close(context.WithoutCancel(ctx))
	if _, err := os.Stat(file); err != nil {
		return &usageError{message: err.Error(), hint: "name a .wasm file"}
	}
	r, err := h.Review(ctx, file)
	if err != nil {
		return err
	}
	return use(o, r)
}

func (a *app) approve(ctx context.Context, o host.Options, r *host.Review, yes bool) error {
	switch r.Standing {
	case grant.StandingFirstParty:
		return a.print("%s comes with agenthost and needs no approval.\n", render.Visible(r.Name))
	case grant.StandingApproved:
		return a.print("%s %s is already approved in %s.\n", render.Visible(r.Name), render.Visible(r.Module.Version), o.Lock)
	}
	if err := a.consentText(a.stdout, a.style(render.Table), r); err != nil {
		return err
	}
	if err := a.agree(r, yes); err != nil {
		return err
	}
	return a.record(ctx, o, r)
}

// record writes an approval to the lock file. Only a person's answer or plugin approve --yes
// leads here.
func (a *app) record(ctx context.Context, o host.Options, r *host.Review) error {
	if err := store(o, a).Approve(ctx, r.Module, osUser()); err != nil {
		return err
	}
	a.say("note", fmt.Sprintf("approved %s %s in %s", r.Name, r.Module.Version, o.Lock))
	return nil
}

// store returns the lock file of the options. Processes of one user take turns to write it.
func store(o host.Options, a *app) *approval.Store {
	return approval.New(o.Lock, cmp.Or(o.Cache, catalog.DefaultCache()), a.now)
}

// consent asks the user at the terminal to approve a connector that is new, or that now
// needs further access. Without a terminal it asks nothing and the host denies the call, so
// that no agent can approve. If the review fails, the call that follows fails for the same
// reason, and the audit file records it.
func (a *app) consent(ctx context.Context, h *host.Host, connection string) error {
	if !a.interactive() {
		return nil
	}
	if r, err := h.ReviewConnection(ctx, connection); err == nil && !r.Decision.Allowed {
		return a.askAndRecord(ctx, r)
	}
	return nil
}

func (a *app) askAndRecord(ctx context.Context, r *host.Review) error {
	o, err := a.options()
	if err != nil {
		return err
	}
	if err := a.consentText(a.stderr, a.errorStyle(), r); err != nil {
		return err
	}
	agreed, err := a.ask("Approve this access and remember it?")
	if err != nil {
		return err
	}
	if !agreed {
		return notApproved(r)
	}
	return a.record(ctx, o, r)
}

func notApproved(r *host.Review) error {
	return &abi.Error{Kind: abi.KindDenied, Rule: grant.RuleApproval, Message: "you did not approve the connector " + r.Name, Hint: "see its access with agenthost plugin inspect " + r.File}
}

// confirm asks the user at the terminal whether to do what cannot be undone. Without a terminal
// it asks nothing and agrees: allow: of the connection decides.
func (a *app) confirm(question string) error {
	if !a.interactive() {
		return nil
	}
	agreed, err := a.ask(render.Visible(question))
	if err == nil && !agreed {
		err = &abi.Error{Kind: abi.KindDenied, Rule: "a person's answer", Message: "you did not confirm the deletion", Hint: "answer y, or add --yes to skip the question"}
	}
	return err
}

// interactive reports whether standard input and standard error are a terminal.
func (a *app) interactive() bool { return a.err.terminal && a.typed() }

// typed reports whether standard input is a terminal.
func (a *app) typed() bool {
	in, ok := a.stdin.(*os.File)
	return ok && term.IsTerminal(int(in.Fd()))
}

// ask asks a question. Any answer but y or yes means no.
func (a *app) ask(question string) (bool, error) {
	if _, err := fmt.Fprintf(a.stderr, "\n%s [y/N] ", question); err != nil {
		return false, err
	}
	answer, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil && answer == "" {
		return false, nil // end of input
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}

func (a *app) revokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke NAME",
		Short: "Revoke the approval of a connector",
		Long: `Revoke the approval of a connector. Running agenthost processes notice at the next call.

Connectors that come with agenthost need no approval, so you cannot revoke one. To limit
them, remove their file or narrow allow: of the connection.`,
		Args: args(1, "NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := a.options()
			if err != nil {
				return err
			}
			s := store(o, a)
			revoked, err := s.Revoke(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if !revoked {
				f, err := s.Load()
				if err != nil {
					return err
				}
				var names []string
				for i := range f.Approvals {
					names = append(names, f.Approvals[i].Name)
				}
				return &usageError{message: fmt.Sprintf("%s has no approval for connector %q", o.Lock, args[0]), hint: fault.Hint(args[0], names)}
			}
			a.say("note", "revoked the approval of "+args[0]+" in "+o.Lock)
			return nil
		},
	}
}

// approvalLine is an approval in the output of plugin approvals -o json.
type approvalLine struct {
	Name    string         `json:"name"`
	Version string         `json:"version"`
	Digest  string         `json:"digest"`
	At      string         `json:"approved_at"`
	By      string         `json:"approved_by"`
	Updates []grant.Update `json:"updates,omitempty"`
	Reach   grant.Reach    `json:"reach"`
}

func (a *app) approvalsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "approvals",
		Short: "List approvals: what, when and by whom",
		Args:  args(0),
		RunE: func(*cobra.Command, []string) error {
			o, err := a.options()
			if err != nil {
				return err
			}
			f, err := store(o, a).Load()
			if err != nil {
				return err
			}
			lines := []approvalLine{}
			var rows [][]string
			for i := range f.Approvals {
				one := &f.Approvals[i]
				at := one.At.Format("2006-01-02T15:04:05Z07:00")
				lines = append(lines, approvalLine{one.Name, one.Version, one.Digest, at, one.By, one.Updates, one.Reach})
				rows = append(rows, []string{one.Name, one.Version, shortDigest(one.Digest), at, render.Visible(one.By), fmt.Sprint(len(one.Updates))})
			}
			if done, err := a.json(lines); done {
				return err
			}
			if len(rows) == 0 {
				a.say("note", o.Lock+" has no approvals")
				return nil
			}
			return render.Rows(a.stdout, a.style(render.Table), []string{"NAME", "VERSION", "DIGEST", "APPROVED", "BY", "UPDATES"}, rows)
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

// standings describes each standing in words.
var standings = map[grant.Standing]string{
	grant.StandingFirstParty: "not needed: it comes with agenthost",
	grant.StandingVouched:    "not needed",
	grant.StandingApproved:   "approved",
	grant.StandingUpdate:     "another version is approved, and this one needs no further access",
	grant.StandingWider:      "another version is approved, and this one needs further access",
	grant.StandingNew:        "not approved",
}

// approvalText describes the approval of a connector in one line.
func approvalText(r *host.Review) string {
	text := standings[r.Standing]
	if by := r.Approval; by != nil && r.Standing != grant.StandingFirstParty {
		text += fmt.Sprintf(" (%s, by %s, %s)", by.Version, by.By, by.At.Format("2006-01-02"))
	}
	return text
}

// consentText writes what a person needs to decide: where a connector sends requests, which
// ones, where credentials go, and what it can change. For a new version of an approved
// connector, the differences come first.
func (a *app) consentText(w io.Writer, style render.Options, r *host.Review) error {
	p := &page{w: w, style: style}
	p.line("Connector %s %s: %s.", r.Name, r.Module.Version, standings[r.Standing])
	p.line("%s", r.File)
	p.line("sha256:%s", r.Digest)
	if r.Approval != nil {
		p.difference(r)
	}
	p.heading("It sends requests to")
	for _, s := range r.Module.Reach.Servers {
		p.line("  %s", s.URL)
		for _, fact := range s.Facts {
			p.line("    %s", fact)
		}
	}
	p.heading("Where your credentials go")
	for _, scheme := range r.Auth.Schemes {
		p.pairs(destinations(scheme))
	}
	p.heading("What it can change")
	p.changes(r.Module.Reach)
	requests := reachOf(r.Module.Reach)
	p.requests(requests, r.Manifest.Servers, false)
	p.rawQueries(requests)
	p.files(requests)
	return p.err
}

// page writes lines and keeps the first error of the writer.
type page struct {
	w     io.Writer
	style render.Options
	err   error
}

// line writes a line, with control characters escaped.
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

// difference writes how the access of a version differs from the approved one.
func (p *page) difference(r *host.Review) {
	p.heading(fmt.Sprintf("Access beyond version %s, which %s approved on %s", render.Visible(r.Approval.Version), render.Visible(r.Approval.By), r.Approval.At.Format("2006-01-02")))
	p.list(r.Wider)
	p.heading("Access that it no longer needs")
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
	lines := changeLines(reach)
	if len(lines) == 0 {
		p.line("  nothing: it declares that all its operations only read")
	}
	for _, line := range lines {
		p.line("  %s: %s", line[0], line[1])
	}
}
