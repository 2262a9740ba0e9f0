package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	asking "github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/askfolder"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

func (a *app) askCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ask",
		Short: "Answer calls that need a person's yes",
		Long: `Calls of operations in allow.ask of a connection need a person's yes, one by one. A call
that nobody has answered is an ask: it has the exact requests that would be sent. Approve
it, and the same call may be made once, until the ask expires. It may send only what you
saw: another request is refused.`,
	}
	cmd.AddCommand(a.askListCommand(), a.askShowCommand(), a.answerCommand("approve", "Approve a call, once", true), a.answerCommand("refuse", "Refuse a call", false))
	return cmd
}

func (a *app) askListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the asks",
		Args:  args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			folder, err := a.asks()
			if err != nil {
				return err
			}
			all, err := folder.List(cmd.Context())
			if err != nil {
				return err
			}
			if all == nil {
				all = []asking.Ask{}
			}
			if done, err := a.json(all); done {
				return err
			}
			if len(all) == 0 {
				a.say("note", "nobody asks for anything")
				return nil
			}
			p := &page{w: a.stdout, style: a.style(render.Table)}
			for _, one := range all {
				p.line("%s  %-8s  %s  %s %s.%s  %s", one.ID, one.State, one.Created.Local().Format(time.DateTime), one.Plan.Connection, one.Plan.Entity, one.Plan.Action, one.Caller)
			}
			return p.err
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func (a *app) askShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show what a call would send",
		Args:  args(1, "ID"),
		RunE: func(_ *cobra.Command, args []string) error {
			_, one, err := a.findAsk(args[0])
			if err != nil {
				return err
			}
			if done, err := a.json(one); done {
				return err
			}
			return a.showAsk(a.stdout, a.style(render.Table), &one)
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func (a *app) answerCommand(name, short string, approve bool) *cobra.Command {
	var digest string
	cmd := &cobra.Command{
		Use:   name + " ID",
		Short: short,
		Long: short + `: show the exact requests that it would send, and ask you. Without a terminal, --digest
names the plan that you saw, as agenthost ask show prints it.`,
		Args: args(1, "ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			folder, one, err := a.findAsk(args[0])
			if err != nil {
				return err
			}
			if one.State != asking.Pending {
				return &usageError{message: fmt.Sprintf("the ask %s is %s", one.ID, one.State), hint: "make the call again, which asks again"}
			}
			if digest == "" {
				if !a.interactive() {
					return &usageError{message: "cannot ask you without a terminal", hint: "read agenthost ask show " + one.ID + ", and add --digest with the digest that it prints"}
				}
				if err := a.showAsk(a.stderr, a.errorStyle(), &one); err != nil {
					return err
				}
				question := "Refuse this call?"
				if approve {
					question = "Approve this call, once?"
				}
				if agreed, err := a.ask(question); err != nil || !agreed {
					return err
				}
				digest = one.Digest
			}
			if one, err = folder.Decide(cmd.Context(), one.ID, digest, osUser(), approve); err != nil {
				return &usageError{message: err.Error(), hint: "see agenthost ask show " + args[0]}
			}
			a.say("note", fmt.Sprintf("%s: %s.%s on connection %s", one.State, one.Plan.Entity, one.Plan.Action, one.Plan.Connection))
			return nil
		},
	}
	cmd.Flags().StringVar(&digest, "digest", "", "the `digest` of the plan that you saw; asks nothing")
	return cmd
}

// asks returns the folder of the asks.
func (a *app) asks() (*askfolder.Folder, error) {
	c, _, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	return a.asksOf(c)
}

func (a *app) asksOf(c *config.Config) (*askfolder.Folder, error) {
	if c.Asks.Folder != "" {
		return askfolder.Open(c.Asks.Folder, a.now), nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return nil, &usageError{message: "cannot find a folder for asks: " + err.Error(), hint: "set HOME, or add asks: {folder: ...} to the configuration"}
	}
	return askfolder.Open(filepath.Join(dir, "agenthost", "asks"), a.now), nil
}

// findAsk returns an ask of any workspace.
func (a *app) findAsk(id string) (*askfolder.Folder, asking.Ask, error) {
	folder, err := a.asks()
	if err != nil {
		return nil, asking.Ask{}, err
	}
	one, err := folder.Get(id)
	if errors.Is(err, asking.ErrUnknown) {
		err = &usageError{message: fmt.Sprintf("there is no ask %.40q in %s", id, folder.Path()), hint: "agenthost ask list shows all"}
	}
	return folder, one, err
}

// showAsk writes an ask for a person.
func (a *app) showAsk(w io.Writer, style render.Options, one *asking.Ask) error {
	p := &page{w: w, style: style}
	p.line("ask %s of %s, until %s: %s", one.ID, one.Created.Local().Format(time.DateTime), one.Expires.Local().Format(time.DateTime), one.State)
	if one.By != "" {
		p.line("answered   by %s, %s", one.By, one.Answered.Local().Format(time.DateTime))
	}
	if one.Caller != "" {
		p.line("caller     %s", one.Caller)
	}
	if one.Intent != "" {
		p.line("reason     %s, says the caller", one.Intent)
	}
	p.plan(&one.Plan)
	return p.err
}

// confirmPlan asks the user at the terminal about the plan of a call.
func (a *app) confirmPlan(_ context.Context, plan *asking.Plan) (asking.Answer, error) {
	p := &page{w: a.stderr, style: a.errorStyle()}
	p.plan(plan)
	if p.err != nil {
		return asking.Answer{}, p.err
	}
	yes, err := a.ask("Send this?")
	if err != nil {
		err = &abi.Error{Kind: abi.KindInternal, Message: "the question cannot be written to the terminal"}
	}
	return asking.Answer{Approved: yes, By: osUser()}, err
}
