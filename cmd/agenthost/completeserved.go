package main

import (
	"context"

	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/adminclient"
	"github.com/agenthost/agenthost/internal/localsocket"
	"github.com/spf13/cobra"
)

// completeServed completes arguments that name what a server has, such as WORKSPACE. It asks only a server
// that runs: pressing tab opens no database.
func (a *app) completeServed(f *operatorFlags, names []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) >= len(names) || !a.serverRuns(cmd.Context(), f) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
		defer cancel()
		a.logLevel = "off"
		var found []string
		err := a.operate(ctx, f, func(ctx context.Context, c *adminclient.Client) (err error) {
			found, err = servedWords(ctx, c, f, names[len(args)], args)
			return err
		})
		return suggested(found, err)
	}
}

func (a *app) serverRuns(ctx context.Context, f *operatorFlags) bool {
	if elsewhere, _ := a.lookupEnv(serverVariable); f.server != "" || elsewhere != "" {
		return true
	}
	conn, err := localsocket.Dial(ctx, f.data)
	if err != nil {
		return false
	}
	_ = conn.Close() // it has only been seen that somebody listens
	return true
}

// servedWords suggests values of an argument, which help texts name.
func servedWords(ctx context.Context, c *adminclient.Client, f *operatorFlags, argument string, args []string) ([]string, error) {
	switch argument {
	case "ORG":
		return wordsOf(ctx, c, adminapi.OrganizationsPath, nil, func(o *adminapi.Organization) string { return o.Name })
	case "CONNECTOR":
		return wordsOf(ctx, c, adminapi.ServedPluginsPath, nil, func(p *adminapi.ServedPlugin) string {
			if !p.Installed {
				return "" // it is a file of the plugins folder
			}
			return p.Name + "\t" + p.Version
		})
	}
	organization, err := organizationOf(ctx, c, f)
	if err != nil {
		return nil, err
	}
	path := map[string]string{"organization_id": organization}
	switch argument {
	case "WORKSPACE":
		return wordsOf(ctx, c, adminapi.WorkspacesPath, path, func(w *adminapi.Workspace) string { return w.Name })
	case "JOB":
		return wordsOf(ctx, c, adminapi.JobsPath, path, func(j *adminapi.Job) string { return j.ID + "\t" + j.Kind + ", " + j.State })
	case "CONNECTION":
		if path, err = workspaceOf(ctx, c, f, args[0]); err != nil {
			return nil, err
		}
		return wordsOf(ctx, c, adminapi.ConnectionsPath, path, func(o *adminapi.Connection) string { return o.Name + "\t" + o.Connector })
	}
	return nil, nil
}

// wordsOf suggests a word for each member of a list, none where it is empty.
func wordsOf[T any](ctx context.Context, c *adminclient.Client, template string, path map[string]string, word func(*T) string) ([]string, error) {
	found, err := adminclient.All[T](ctx, c, template, path)
	var words []string
	for i := range found {
		if text := word(&found[i]); text != "" {
			words = append(words, text)
		}
	}
	return words, err
}
