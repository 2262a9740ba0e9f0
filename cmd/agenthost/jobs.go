package main

import (
	"context"
	"net/http"
	"strconv"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/adminclient"
	"github.com/spf13/cobra"
)

func (a *app) jobsCommand() *cobra.Command {
	return a.operatorGroup("jobs", "Show what a server did, or is to do, for its organizations",
		`Show the jobs of agenthost serve: deletions, and logins that end at their vendors. A server does them,
so they wait while none runs. A job that fails is tried again for about a day. Then it is parked with
its error, and so is one that is hopeless. It is forgotten a week after it was asked for.`,
		`  agenthost jobs list --state parked
  agenthost jobs show JOB
  agenthost jobs retry JOB`,
		func(f *operatorFlags) []*cobra.Command {
			commands := []*cobra.Command{
				a.jobsListCommand(f), a.jobsShowCommand(f),
				a.jobCommand(f, "retry", "Try a job now that waits or is parked", http.MethodPost, &adminapi.JobAction{Action: "retry"}),
				a.jobCommand(f, "cancel", "End a job that waits or is parked, without doing it", http.MethodPost, &adminapi.JobAction{Action: "cancel"}),
			}
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
	cmd.Flags().StringVar(&state, "state", "", "only jobs in this `state`: waiting, running, succeeded, parked or cancelled")
	return cmd
}

func (a *app) jobsShowCommand(f *operatorFlags) *cobra.Command {
	return a.jobCommand(f, "show", "Show a job, which its id names", http.MethodGet, nil)
}

// jobCommand returns a command that asks something of a job, and shows the job.
func (a *app) jobCommand(f *operatorFlags, name, short, method string, body any) *cobra.Command {
	return a.tableOrJSON(&cobra.Command{
		Use:   name + " JOB",
		Short: short,
		Args:  args(1, "JOB"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.operate(cmd.Context(), f, func(ctx context.Context, c *adminclient.Client) error {
				organization, err := organizationOf(ctx, c, f)
				if err != nil {
					return err
				}
				j, err := ask[adminapi.Job](ctx, c, method, adminapi.JobPath, map[string]string{"organization_id": organization, "job_id": args[0]}, body)
				if err != nil {
					return err
				}
				if done, err := a.json(j); done {
					return err
				}
				return a.showJob(j)
			})
		},
	})
}

func (a *app) showJob(j *adminapi.Job) error {
	p := &page{w: a.stdout, style: a.style(render.Table)}
	p.line("%s: %s", j.Kind, j.State)
	attempts := ""
	if j.Attempts > 0 {
		attempts = strconv.Itoa(j.Attempts)
	}
	for _, field := range [][2]string{
		{"workspace", j.WorkspaceID}, {"about", j.Object}, {"asked for by", j.Actor}, {"created", j.CreatedAt},
		{"attempts", attempts}, {"error", j.Error}, {"next attempt", j.NextAt}, {"ended", j.FinishedAt},
	} {
		if field[1] != "" {
			p.line("%s: %s", field[0], render.Visible(field[1]))
		}
	}
	return p.err
}
