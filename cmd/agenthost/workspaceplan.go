package main

import (
	"context"
	"net/http"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/adminclient"
	"github.com/spf13/cobra"
)

func (a *app) workspacePlansCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "plans WORKSPACE",
		Short: "List what calls of a workspace ask persons about",
		Args:  args(1, "WORKSPACE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inWorkspace(cmd.Context(), f, args[0], func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				found, err := adminclient.All[adminapi.Plan](ctx, c, adminapi.PlansPath, path)
				if err != nil {
					return err
				}
				return showList(a, found, []string{"ID", "STATE", "CONNECTION", "OPERATION", "EXPIRES"}, func(p *adminapi.Plan) []string {
					return []string{p.ID, p.State, p.Connection, p.Operation, p.ExpiresAt}
				}, "nobody asks for anything")
			})
		},
	})
}

func (a *app) workspacePlanCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "plan WORKSPACE PLAN",
		Short: "Show exactly what a call would send that waits for a person",
		Args:  args(2, "WORKSPACE", "PLAN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inWorkspace(cmd.Context(), f, args[0], func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				path["plan_id"] = args[1]
				plan, err := ask[adminapi.Plan](ctx, c, http.MethodGet, adminapi.PlanPath, path, nil)
				if err != nil {
					return err
				}
				if done, err := a.json(plan); done {
					return err
				}
				p := &page{w: a.stdout, style: a.style(render.Table)}
				p.line("%s, until %s", plan.State, plan.ExpiresAt)
				for line := range strings.SplitSeq(plan.Text, "\n") {
					p.line("%s", line)
				}
				return p.err
			})
		},
	})
}

// workspaceAnswerCommand approves or refuses a call, in the name of an operator.
func (a *app) workspaceAnswerCommand(f *operatorFlags, answer, short string) *cobra.Command {
	var digest string
	cmd := a.tableOrJSON(&cobra.Command{
		Use:   answer + " WORKSPACE PLAN",
		Short: short,
		Args:  args(2, "WORKSPACE", "PLAN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.inWorkspace(cmd.Context(), f, args[0], func(ctx context.Context, c *adminclient.Client, path map[string]string) error {
				path["plan_id"] = args[1]
				in := adminapi.PlanAnswer{Digest: digest, Answer: answer}
				if digest == "" {
					plan, err := ask[adminapi.Plan](ctx, c, http.MethodGet, adminapi.PlanPath, path, nil)
					if err != nil {
						return err
					}
					if !a.interactive() {
						return &usageError{message: "cannot ask you without a terminal", hint: "read agenthost workspace plan " + args[0] + " " + args[1] + ", and add --digest with the digest that it prints"}
					}
					for line := range strings.SplitSeq(plan.Text, "\n") {
						a.say("plan", line)
					}
					if agreed, err := a.ask(strings.ToUpper(answer[:1]) + answer[1:] + " this call?"); err != nil || !agreed {
						return err
					}
					in.Digest = plan.Digest
				}
				plan, err := ask[adminapi.Plan](ctx, c, http.MethodPost, adminapi.PlanAnswerPath, path, in)
				if err != nil {
					return err
				}
				return a.did(plan, "%s: %s on connection %s\n", plan.State, render.Visible(plan.Operation), render.Visible(plan.Connection))
			})
		},
	})
	cmd.Flags().StringVar(&digest, "digest", "", "the `digest` of the plan that you saw; asks nothing")
	return cmd
}
