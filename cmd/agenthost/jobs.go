package main

import (
	"context"
	"net/http"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/adminclient"
	"github.com/spf13/cobra"
)

func (a *app) jobsCommand() *cobra.Command {
	return a.operatorGroup("jobs", "Show what a server did, or is doing, for its organizations",
		`Show the jobs of agenthost serve: deletions, and logins that end at their vendors. A job that failed
says why. The server forgets a job some time after it has ended.`,
		`  agenthost jobs list --state failed
  agenthost jobs show JOB`,
		func(f *operatorFlags) []*cobra.Command {
			commands := []*cobra.Command{a.jobsListCommand(f), a.jobsShowCommand(f)}
			for _, c := range commands {
				f.organizationFlag(c)
			}
			return commands
		})
}

func (a *app) jobsListCommand(f *operatorFlags) *cobra.Command {
	var state string
	cmd := a.tableOrJSON(&cobra.Command{
		Use:   "list",
		Short: "List the jobs of an organization, oldest first",
		Args:  args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.operate(cmd.Context(), f, func(ctx context.Context, c *adminclient.Client) error {
				organization, err := organizationOf(ctx, c, f)
				if err != nil {
					return err
				}
				var query [][2]string
				if state != "" {
					query = [][2]string{{"state", state}}
				}
				found, err := adminclient.All[adminapi.Job](ctx, c, adminapi.JobsPath, map[string]string{"organization_id": organization}, query...)
				if err != nil {
					return err
				}
				return showList(a, found, []string{"ID", "KIND", "STATE", "WORKSPACE", "CREATED", "ERROR"}, func(j *adminapi.Job) []string {
					return []string{j.ID, j.Kind, j.State, j.WorkspaceID, j.CreatedAt, j.Error}
				}, "there are no such jobs")
			})
		},
	})
	cmd.Flags().StringVar(&state, "state", "", "only jobs in this `state`: running, succeeded or failed")
	return cmd
}

func (a *app) jobsShowCommand(f *operatorFlags) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   "show JOB",
		Short: "Show a job, which its id names",
		Args:  args(1, "JOB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.operate(cmd.Context(), f, func(ctx context.Context, c *adminclient.Client) error {
				organization, err := organizationOf(ctx, c, f)
				if err != nil {
					return err
				}
				j, err := ask[adminapi.Job](ctx, c, http.MethodGet, adminapi.JobPath, map[string]string{"organization_id": organization, "job_id": args[0]}, nil)
				if err != nil {
					return err
				}
				if done, err := a.json(j); done {
					return err
				}
				p := &page{w: a.stdout, style: a.style(render.Table)}
				p.line("%s: %s", j.Kind, j.State)
				for _, field := range [][2]string{{"workspace", j.WorkspaceID}, {"asked for by", j.Actor}, {"created", j.CreatedAt}, {"ended", j.FinishedAt}, {"error", j.Error}} {
					if field[1] != "" {
						p.line("%s: %s", field[0], render.Visible(field[1]))
					}
				}
				return p.err
			})
		},
	})
}
