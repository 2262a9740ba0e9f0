package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func (a *app) approveCommand() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "approve FILE",
		Short: "Let a connector file be used, after a look at what it may reach",
		Long: `Print what a connector file may reach and change and where its credentials go, ask, and
record the answer in agenthost.lock: beside the configuration, where lock: in it says, or
without one in your configuration folder.

A connector that is not approved is described and never used: it gets no credential and
sends no request. The connectors that agenthost was built with need no approval.

An approval holds for the file, byte for byte, and for later versions that reach no
further, unless the configuration says updates: never. Approving another version puts its
reach in the place of the old one.`,
		Args: args(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withReview(cmd.Context(), args[0], func(o host.Options, r *host.Review) error {
				return a.approve(cmd.Context(), o, r, yes)
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask: somebody has looked already")
	return cmd
}

// withReview opens the host for a look at a file.
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
		return a.print("%s was built together with this agenthost, and needs no approval.\n", render.Visible(r.Name))
	case grant.StandingApproved:
		return a.print("%s %s is approved already, in %s.\n", render.Visible(r.Name), render.Visible(r.Module.Version), o.Lock)
	}
	if err := a.consentText(a.stdout, a.style(render.Table), r); err != nil {
		return err
	}
	if !yes {
		if !a.interactive() {
			return &usageError{message: "there is no terminal to ask at", hint: "look at what is printed above, and say --yes if you agree"}
		}
		if agreed, err := a.ask("Let it do this?"); err != nil || !agreed {
			if err == nil {
				err = notApproved(r)
			}
			return err
		}
	}
	return a.record(ctx, o, r)
}

// record writes an approval to the lock file. It is reached by a person's answer, or by
// plugin approve --yes, and by nothing else.
func (a *app) record(ctx context.Context, o host.Options, r *host.Review) error {
	if err := store(o, a).Approve(ctx, r.Module, osUser()); err != nil {
		return err
	}
	a.say("note", fmt.Sprintf("%s %s is approved, in %s", r.Name, r.Module.Version, o.Lock))
	return nil
}

// store is the lock file of the options, which processes of this user write in turns.
func store(o host.Options, a *app) *approval.Store {
	folder := o.Cache
	if folder == "" {
		if dir, err := os.UserCacheDir(); err == nil {
			folder = filepath.Join(dir, "agenthost")
		}
	}
	return approval.New(o.Lock, folder, a.now)
}

// consent asks the person at the terminal about a connector that is used for the first
// time, or that now reaches further. Without a terminal it does nothing, and the call is
// denied: no agent answers. What cannot be reviewed is no question: the call that follows
// fails by it, and is audited.
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
	agreed, err := a.ask("Let it do this, and remember?")
	if err != nil {
		return err
	}
	if !agreed {
		return notApproved(r)
	}
	return a.record(ctx, o, r)
}

func notApproved(r *host.Review) error {
	return &abi.Error{Kind: abi.KindDenied, Rule: grant.RuleApproval, Message: "the connector " + r.Name + " was not approved", Hint: "agenthost plugin inspect " + r.File + " says more of it"}
}

// interactive reports whether a person can be asked: both ends are a terminal.
func (a *app) interactive() bool {
	in, ok := a.stdin.(*os.File)
	return ok && a.err.terminal && term.IsTerminal(int(in.Fd()))
}

// ask asks a question whose answer is no unless somebody types yes.
func (a *app) ask(question string) (bool, error) {
	if _, err := fmt.Fprintf(a.stderr, "\n%s [y/N] ", question); err != nil {
		return false, err
	}
	answer, err := bufio.NewReader(a.stdin).ReadString('\n')
	if err != nil && answer == "" {
		return false, nil // the end of the input is no yes
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
		Short: "Take back what was approved of a connector",
		Long: `Take back what was approved of a connector. Programs that run notice with their next call.
The connectors that agenthost was built with need no approval, so that none of theirs can
be taken back; remove their file, or narrow what a connection allows.`,
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
				return &usageError{message: fmt.Sprintf("%s approves no connector %q", o.Lock, args[0]), hint: nearest.Hint(args[0], names)}
			}
			a.say("note", args[0]+" is no longer approved, in "+o.Lock)
			return nil
		},
	}
}

// approvalLine is an approval as plugin approvals -o json prints it.
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
		Short: "List what was approved, when and by whom",
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
				a.say("note", o.Lock+" approves no connector")
				return nil
			}
			return render.Rows(a.stdout, a.style(render.Table), []string{"NAME", "VERSION", "DIGEST", "APPROVED", "BY", "UPDATES"}, rows)
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}
