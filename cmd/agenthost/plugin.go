package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/host/sandbox/wasm"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

func (a *app) pluginCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plugin",
		Short: "Work with connector files",
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cmd.Help()
			}
			return unknownCommand(cmd, args[0])
		},
	}
	cmd.AddCommand(a.inspectCommand(), a.approveCommand(), a.revokeCommand(), a.approvalsCommand(), a.pluginTestCommand(), a.pluginSchemaCommand())
	cmd.AddCommand(a.profileCommand())
	return cmd
}

// inspection is what plugin inspect -o json prints.
type inspection struct {
	File    string   `json:"file"`
	Bytes   int64    `json:"bytes"`
	Digest  string   `json:"digest"`
	Name    string   `json:"name"`
	Title   string   `json:"title"`
	Version string   `json:"version"`
	Imports []string `json:"imports"`
	Exports []string `json:"exports"`
	// Servers are the places where its requests go.
	Servers []abi.Server `json:"servers"`
	// Reach is every request that the connector may send.
	Reach []reach `json:"reach"`
	// Effects counts the operations, and Changes names those that do not only read.
	Effects map[abi.Effect]int `json:"effects"`
	Changes []string           `json:"changes"`
	Auth    *abi.AuthSchema    `json:"auth"`
	// Approval says whether it may be used, and how it differs from what was approved.
	Approval inspectedApproval `json:"approval"`
}

// inspectedApproval is the approval of a connector as plugin inspect -o json prints it.
type inspectedApproval struct {
	Standing grant.Standing `json:"standing"`
	Allowed  bool           `json:"allowed"`
	Rule     string         `json:"rule"`
	// Version, By and At are those of what was approved, if anything was.
	Version string `json:"version,omitempty"`
	By      string `json:"by,omitempty"`
	At      string `json:"at,omitempty"`
	// Wider is what is beyond that, and Narrower what is gone.
	Wider    []string `json:"wider,omitempty"`
	Narrower []string `json:"narrower,omitempty"`
}

// reach is a request that a connector may send.
type reach struct {
	Server string `json:"server"`
	Method string `json:"method"`
	Path   string `json:"path"`
	// Operations are those that may send it.
	Operations []string `json:"operations"`
}

func (a *app) inspectCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Say what a connector file may reach and change, and what it needs",
		Long: `Say what a connector file may reach and change, which credentials it needs and where
they go, whether it is approved, and how it differs from what was approved. The file is
run in a sandbox without network and credentials, to ask it for its manifest.`,
		Args: args(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withReview(cmd.Context(), args[0], func(_ host.Options, r *host.Review) error {
				i, err := inspect(args[0], r)
				if err != nil {
					return err
				}
				if done, err := a.json(i); done {
					return err
				}
				return a.showInspection(i, r)
			})
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func inspect(file string, r *host.Review) (*inspection, error) {
	data, err := os.ReadFile(file)
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
		Effects: make(map[abi.Effect]int), Servers: m.Servers, Reach: reachOf(m), Auth: r.Auth,
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

// reachOf lists the requests of all operations, each once.
func reachOf(m *abi.Manifest) []reach {
	byRequest := make(map[abi.RequestTemplate]*reach)
	var all []*reach
	for _, op := range m.Operations {
		for _, r := range op.Requests {
			known := byRequest[r]
			if known == nil {
				known = &reach{Server: r.Server, Method: r.Method, Path: r.Path}
				byRequest[r] = known
				all = append(all, known)
			}
			known.Operations = append(known.Operations, op.Entity+"."+op.Action)
		}
	}
	slices.SortFunc(all, func(a, b *reach) int {
		return cmp.Or(cmp.Compare(a.Server, b.Server), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	list := make([]reach, len(all))
	for i, r := range all {
		list[i] = *r
	}
	return list
}

// importLines lists imports by the module that they come from.
func importLines(imports []string) [][2]string {
	names := make(map[string][]string)
	var modules []string
	for _, in := range imports {
		at := strings.LastIndexByte(in, '.')
		module, name := in[:at], in[at+1:]
		if names[module] == nil {
			modules = append(modules, module)
		}
		names[module] = append(names[module], name)
	}
	slices.Sort(modules)
	lines := make([][2]string, len(modules))
	for i, module := range modules {
		lines[i] = [2]string{"imports", render.Visible(module + ": " + strings.Join(names[module], ", "))}
	}
	return lines
}

func (a *app) showInspection(i *inspection, r *host.Review) error {
	lines := [][2]string{
		{"connector", render.Visible(i.Title + " (" + i.Name + " " + i.Version + ")")},
		{"file", fmt.Sprintf("%s, %d bytes", i.File, i.Bytes)},
		{"digest", "sha256:" + i.Digest},
		{"approval", render.Visible(approvalText(r))},
		{"exports", render.Visible(strings.Join(i.Exports, ", "))},
		{"operations", fmt.Sprintf("%d that read, %d that write, %d that delete", i.Effects[abi.EffectRead], i.Effects[abi.EffectWrite], i.Effects[abi.EffectDelete])},
		{"can change", "nothing"},
	}
	if len(i.Changes) > 0 {
		lines[len(lines)-1][1] = render.Visible(strings.Join(i.Changes, ", "))
	}
	for _, server := range i.Servers {
		lines = append(lines, [2]string{"server", render.Visible(server.ID + ": " + server.URL)})
	}
	lines = append(lines, importLines(i.Imports)...)
	if err := render.Pairs(a.stdout, a.style(render.Table), lines); err != nil {
		return err
	}
	if len(r.Wider)+len(r.Narrower) > 0 {
		p := &page{w: a.stdout, style: a.style(render.Table)}
		if p.difference(r); p.err != nil {
			return p.err
		}
	}
	if err := a.print("\n%s\n", a.heading("Requests it may send, and no other")); err != nil {
		return err
	}
	rows := make([][]string, len(i.Reach))
	for n, r := range i.Reach {
		server := r.Server
		if server == "" {
			server = "(the connection's)"
		}
		rows[n] = []string{render.Visible(server), render.Visible(r.Method), render.Visible(r.Path), render.Visible(strings.Join(r.Operations, ", "))}
	}
	if err := render.Rows(a.stdout, a.style(render.Table), []string{"SERVER", "METHOD", "PATH", "OPERATIONS"}, rows); err != nil {
		return err
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
