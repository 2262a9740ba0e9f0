package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/adminclient"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

func (a *app) pluginAddCommand() *cobra.Command {
	var f operatorFlags
	var yes bool
	cmd := &cobra.Command{
		Use:   "add FILE",
		Short: "Add a connector to all nodes of a server",
		Long: `Add a connector to a server: the file goes into the server's database, and every node takes it up. The
server runs the file in a sandbox, without network or credentials, to read what it declares. The command
shows what the connector can access and change, or how that differs from the version that is there, and
asks: your answer approves this file, on all nodes.

A connector that is in the plugins folder of the server cannot be added.`,
		Example: `  agenthost plugin add notes.wasm --data /var/lib/agenthost/data
  agenthost plugin add notes.wasm --server https://agents.example.com --yes`,
		Args:              args(1, "FILE"),
		ValidArgsFunction: cobra.FixedCompletions([]string{"wasm"}, cobra.ShellCompDirectiveFilterFileExt),
		RunE: func(cmd *cobra.Command, args []string) error {
			module, err := readModule(cmd.Context(), args[0])
			if err != nil {
				return &usageError{message: err.Error(), hint: "name a .wasm file"}
			}
			return a.operate(cmd.Context(), &f, func(ctx context.Context, c *adminclient.Client) error {
				return a.addPlugin(ctx, c, args[0], module, yes)
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "approve without asking")
	f.add(cmd.Flags())
	return cmd
}

func (a *app) addPlugin(ctx context.Context, c *adminclient.Client, file string, module []byte, yes bool) error {
	upload := func(query [][2]string) (*adminapi.VettedPlugin, error) {
		v := new(adminapi.VettedPlugin)
		return v, c.Upload(ctx, adminapi.ServedPluginsPath, query, adminapi.MediaModule, module, v)
	}
	vetted, err := upload(nil)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(module); hex.EncodeToString(sum[:]) != vetted.Digest {
		return errors.New("the server answers for another file")
	}
	r, err := vettedReview(vetted, file)
	if err != nil {
		return err
	}
	if r.Standing != grant.StandingApproved { // the same file again repairs what is there
		if err := a.consentText(a.stdout, a.style(render.Table), r); err != nil {
			return err
		}
		if err := a.agree(r, yes); err != nil {
			return err
		}
	}
	if _, err := upload([][2]string{{"consent", vetted.Consent}}); err != nil {
		return err
	}
	return a.print("added: the connector %s %s\n", render.Visible(r.Name), render.Visible(r.Module.Version))
}

// vettedReview is what a person decides on: what the server found in a file.
func vettedReview(v *adminapi.VettedPlugin, file string) (*host.Review, error) {
	r := &host.Review{ConnectorInfo: host.ConnectorInfo{Name: v.Name, File: file, Digest: v.Digest, Manifest: new(abi.Manifest), Auth: new(abi.AuthSchema)}}
	if err := errors.Join(json.Unmarshal(v.Manifest, r.Manifest), json.Unmarshal(v.Auth, r.Auth)); err != nil {
		return nil, fmt.Errorf("the server's answer cannot be read: %w", err)
	}
	r.Module = grant.Module{Name: v.Name, Version: v.Version, Digest: v.Digest, Reach: grant.ReachOf(r.Manifest, r.Auth)}
	approved := new(approval.File)
	if v.Approved != "" {
		var err error
		if approved, err = approval.Parse("the server's approval of "+v.Name, []byte(v.Approved)); err != nil {
			return nil, err
		}
	}
	r.Judgement = approved.Judge(r.Module, grant.UpdatesNever)
	return r, nil
}

// agree asks a person to approve what is shown, unless yes says so.
func (a *app) agree(r *host.Review, yes bool) error {
	if yes {
		return nil
	}
	if !a.interactive() {
		return &usageError{message: "cannot ask for approval without a terminal", hint: "read the output above, and add --yes if you agree"}
	}
	agreed, err := a.ask("Approve this access?")
	if err == nil && !agreed {
		err = notApproved(r)
	}
	return err
}

func (a *app) pluginRemoveCommand() *cobra.Command {
	var f operatorFlags
	var yes bool
	cmd := &cobra.Command{
		Use:   "remove CONNECTOR",
		Short: "Remove a connector from all nodes of a server",
		Long: `Remove a connector that operators added to a server, from all of its nodes. Calls that run end. The
connections to it stay, with their credentials, and fail until the connector is added again. On a
terminal, agenthost asks first.`,
		Args:              args(1, "CONNECTOR"),
		ValidArgsFunction: a.completeServed(&f, []string{"CONNECTOR"}),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.operate(cmd.Context(), &f, func(ctx context.Context, c *adminclient.Client) error {
				if !yes {
					if err := a.confirm("Remove the connector " + args[0] + "? Its connections fail from now on."); err != nil {
						return err
					}
				}
				if err := c.Do(ctx, http.MethodDelete, adminapi.ServedPluginPath, map[string]string{"connector_name": args[0]}, nil, nil, nil); err != nil {
					return err
				}
				return a.print("removed: the connector %s\n", render.Visible(args[0]))
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "remove without asking")
	f.add(cmd.Flags())
	return cmd
}
