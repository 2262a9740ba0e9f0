package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
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
	cmd.AddCommand(a.inspectCommand(), a.pluginTestCommand(), a.pluginSchemaCommand())
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
they go. The file is run in a sandbox without network and credentials, to ask it for
its manifest.`,
		Args: args(1, "FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := a.options()
			if err != nil {
				return err
			}
			h, err := host.Open(cmd.Context(), o)
			if err != nil {
				return err
			}
			defer h.Close(cmd.Context())
			info, err := h.Inspect(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if info.Err != nil {
				return info.Err
			}
			i, err := inspect(args[0], info)
			if err != nil {
				return err
			}
			if done, err := a.json(i); done {
				return err
			}
			return a.showInspection(i)
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func inspect(file string, info *host.ConnectorInfo) (*inspection, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	module, err := wasm.Parse(data)
	if err != nil {
		return nil, err
	}
	m := info.Manifest
	i := &inspection{
		File: file, Bytes: int64(len(data)), Digest: info.Digest, Name: m.Name, Title: m.Title, Version: m.Version,
		Effects: make(map[abi.Effect]int), Servers: m.Servers, Reach: reachOf(m), Auth: info.Auth,
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

func (a *app) showInspection(i *inspection) error {
	lines := [][2]string{
		{"connector", render.Visible(i.Title + " (" + i.Name + " " + i.Version + ")")},
		{"file", fmt.Sprintf("%s, %d bytes", i.File, i.Bytes)},
		{"digest", "sha256:" + i.Digest},
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
