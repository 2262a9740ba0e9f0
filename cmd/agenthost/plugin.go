package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/sandbox/wasm"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

func (a *app) pluginCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Work with connector files",
		Args:  cobra.ArbitraryArgs,
		RunE:  showHelp,
	}
	cmd.AddCommand(a.inspectCommand(), a.approveCommand(), a.revokeCommand(), a.approvalsCommand(), a.pluginTestCommand(), a.pluginSchemaCommand())
	cmd.AddCommand(a.profileCommand(), a.pluginNewCommand(), a.pluginBuildCommand(), a.pluginTableCommand(), a.pluginImportCommand(), a.pluginListCommand(), a.pluginAddCommand(), a.pluginRemoveCommand())
	cmd.AddCommand(a.pluginDocsCommand(), a.pluginRecordCommand(), a.pluginDevCommand())
	cmd.AddCommand(a.pluginKeygenCommand(), a.pluginSignCommand())
	cmd.AddCommand(a.pluginPushCommand(), a.pluginInstallCommand(), a.pluginUpdateCommand(), a.pluginRollbackCommand(), a.pluginMirrorCommand(), a.pluginVerifyCommand())
	return cmd
}

// inspection is the output of plugin inspect -o json.
type inspection struct {
	File    string   `json:"file"`
	Bytes   int64    `json:"bytes"`
	Digest  string   `json:"digest"`
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Version string   `json:"version"`
	Imports []string `json:"imports"`
	Exports []string `json:"exports"`
	// Servers are where its requests go.
	Servers []abi.Server `json:"servers"`
	// Reach is every request that the connector may send.
	Reach []reach `json:"reach"`
	// Effects counts operations by effect. Changes names those that write or delete.
	Effects map[abi.Effect]int `json:"effects"`
	Changes []string           `json:"changes"`
	Auth    *abi.AuthSchema    `json:"auth"`
	// Sync are the entities of which copies can be kept for search, as in the manifest.
	Sync []abi.Sync `json:"sync,omitempty"`
	// Approval says whether it may run, and how it differs from the approved version.
	Approval inspectedApproval `json:"approval"`
}

// inspectedApproval is the approval in the output of plugin inspect -o json.
type inspectedApproval struct {
	Standing grant.Standing `json:"standing"`
	Allowed  bool           `json:"allowed"`
	Rule     string         `json:"rule"`
	// Version, By and At describe the approved version, if there is one.
	Version string `json:"version,omitempty"`
	By      string `json:"by,omitempty"`
	At      string `json:"at,omitempty"`
	// Wider is access beyond that version, Narrower is access that is gone.
	Wider    []string `json:"wider,omitempty"`
	Narrower []string `json:"narrower,omitempty"`
}

func (a *app) inspectCommand() *cobra.Command {
	full := false
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what a connector file can access and change",
		Long: `Show what a connector file can access and change, which credentials it needs and where it
sends them, whether it is approved, and how it differs from the approved version. To read
the manifest, agenthost runs the file in a sandbox without network or credentials.

Many requests are shown in groups of one server and the first part of the path, and many
changes by entity. --full shows each, and so does -o json.`,
		Args: args(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withReview(cmd.Context(), args[0], func(_ host.Options, r *host.Review) error {
				i, err := inspect(cmd.Context(), args[0], r)
				if err != nil {
					return err
				}
				if done, err := a.json(i); done {
					return err
				}
				return a.showInspection(i, r, full)
			})
		},
	}
	cmd.Flags().BoolVar(&full, "full", false, "show every request and every operation that changes something")
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func inspect(ctx context.Context, file string, r *host.Review) (*inspection, error) {
	data, err := readModule(ctx, file)
	if err != nil {
		return nil, err
	}
	module, err := wasm.Parse(data)
	if err != nil {
		return nil, err
	}
	m := r.Manifest
	i := &inspection{
		File: file, Bytes: int64(len(data)), Digest: r.Digest, Name: m.Name, Title: m.Title, Version: m.Version,
		Effects: make(map[abi.Effect]int), Servers: m.Servers, Reach: reachOf(r.Module.Reach), Auth: r.Auth, Sync: m.Sync,
		Approval: inspectedApproval{Standing: r.Standing, Allowed: r.Decision.Allowed, Rule: r.Decision.Rule, Wider: r.Wider, Narrower: r.Narrower},
	}
	if by := r.Judgement.Approval; by != nil {
		i.Approval.Version, i.Approval.By, i.Approval.At = by.Version, by.By, by.At.Format(time.RFC3339)
	}
	for _, in := range module.Imports() {
		i.Imports = append(i.Imports, fmt.Sprintf("%s.%s", in.Module, in.Name))
	}
	for _, out := range module.Exports() {
		i.Exports = append(i.Exports, out.Name)
	}
	for _, op := range m.Operations {
		i.Effects[op.Effect]++
		if op.Effect != abi.EffectRead {
			i.Changes = append(i.Changes, fmt.Sprintf("%s.%s (%s)", op.Entity, op.Action, op.Effect))
		}
	}
	return i, nil
}

// importLines groups imports by module.
func importLines(imports []string) [][2]string {
	names := make(map[string][]string)
	var modules []string
	for _, in := range imports {
		at := strings.LastIndexByte(in, '.')
		module, name := in[:at], in[at+1:]
		if names[module] == nil {
			modules = append(modules, module)
		}
		if !slices.Contains(names[module], name) { // compilers import some twice
			names[module] = append(names[module], name)
		}
	}
	slices.Sort(modules)
	lines := make([][2]string, len(modules))
	for i, module := range modules {
		lines[i] = [2]string{"imports", render.Visible(module + ": " + strings.Join(names[module], ", "))}
	}
	return lines
}

func (a *app) showInspection(i *inspection, r *host.Review, full bool) error {
	lines := [][2]string{
		{"connector", render.Visible(i.Title + " (" + i.Name + " " + i.Version + ")")},
		{"file", fmt.Sprintf("%s, %d bytes", i.File, i.Bytes)},
		{"digest", "sha256:" + i.Digest},
		{"approval", render.Visible(approvalText(r))},
		{"exports", render.Visible(strings.Join(i.Exports, ", "))},
		{"operations", fmt.Sprintf("%d read, %d write, %d delete", i.Effects[abi.EffectRead], i.Effects[abi.EffectWrite], i.Effects[abi.EffectDelete])},
	}
	switch {
	case len(i.Changes) == 0:
		lines = append(lines, [2]string{"can change", "nothing"})
	case full || len(i.Changes) <= mostChanges:
		lines = append(lines, [2]string{"can change", render.Visible(strings.Join(i.Changes, ", "))})
	default:
		lines = append(lines, changeLines(r.Module.Reach)...)
	}
	lines = append(lines, copyLines(i.Sync, full)...)
	for _, server := range r.Module.Reach.Servers {
		text := strings.Join(append([]string{server.ID + ": " + server.URL}, server.Facts...), "; ")
		lines = append(lines, [2]string{"server", render.Visible(text)})
	}
	lines = append(lines, importLines(i.Imports)...)
	if err := render.Pairs(a.stdout, a.style(render.Table), lines); err != nil {
		return err
	}
	p := &page{w: a.stdout, style: a.style(render.Table)}
	if len(r.Wider)+len(r.Narrower) > 0 {
		p.difference(r)
	}
	p.requests(i.Reach, i.Servers, full)
	p.rawQueries(i.Reach)
	p.files(i.Reach)
	if p.err != nil {
		return p.err
	}
	for _, scheme := range i.Auth.Schemes {
		if err := a.print("\n%s\n", a.heading(render.Visible("Credential "+scheme.ID+" ("+string(scheme.Type)+")"))); err != nil {
			return err
		}
		if err := render.Pairs(a.stdout, a.style(render.Table), destinations(scheme)); err != nil {
			return err
		}
	}
	return nil
}
