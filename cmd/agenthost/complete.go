package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/params"
	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// completionTimeout bounds how long a shell waits for suggestions. The first use of a
// connector compiles it, which takes longer than a user waits after pressing tab.
const completionTimeout = 5 * time.Second

// completeFrom opens the host and returns suggestions. After an error it returns
// nothing, because a shell cannot show the error.
func (a *app) completeFrom(ctx context.Context, words func(ctx context.Context, h *host.Host) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	var found []string
	a.logLevel = "off"
	err := a.open(ctx, func(h *host.Host) (err error) {
		found, err = words(ctx, h)
		return err
	})
	return suggested(found, err)
}

// suggested returns suggestions as a shell takes them.
func suggested(found []string, err error) ([]string, cobra.ShellCompDirective) {
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for i, word := range found {
		word, help, _ := strings.Cut(word, "\t")
		found[i] = strings.TrimSuffix(render.Visible(word)+"\t"+render.Visible(help), "\t")
	}
	slices.Sort(found)
	return slices.Compact(found), cobra.ShellCompDirectiveNoFileComp
}

// completeSubject completes the name of a connector or a connection.
func (a *app) completeSubject(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeFrom(cmd.Context(), subjectNames)
}

func (a *app) completeConnection(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeFrom(cmd.Context(), connectionNames)
}

// completeOperation completes CONNECTION ENTITY ACTION.
func (a *app) completeOperation(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.completeFrom(cmd.Context(), func(ctx context.Context, h *host.Host) ([]string, error) {
		if len(args) == 0 {
			return connectionNames(ctx, h)
		}
		operations, err := h.Operations(ctx, args[0])
		return operationWords(operations, args), err
	})
}

// completeCopied completes CONNECTION ENTITY of the commands about copies.
func (a *app) completeCopied(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.completeFrom(cmd.Context(), func(ctx context.Context, h *host.Host) ([]string, error) {
		if len(args) == 0 {
			return directNames(ctx, h)
		}
		operations, err := h.Operations(ctx, args[0])
		operations = slices.DeleteFunc(operations, func(op host.Operation) bool { return op.Action != airbyteapi.ActionSearch })
		return operationWords(operations, args[:1]), err
	})
}

// completeDirect completes the name of a connection that calls its vendor itself.
func (a *app) completeDirect(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeFrom(cmd.Context(), directNames)
}

// completeDescribe completes CONNECTOR ENTITY ACTION.
func (a *app) completeDescribe(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	return a.completeFrom(cmd.Context(), func(ctx context.Context, h *host.Host) ([]string, error) {
		if len(args) == 0 {
			return subjectNames(ctx, h)
		}
		s, err := subjectOf(ctx, h, args[0])
		if err != nil {
			return nil, err
		}
		return operationWords(s.operations, args), nil
	})
}

// completeParam completes -p: the name of a parameter, then its values if it is an
// enumeration.
func (a *app) completeParam(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) < 3 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	words, directive := a.completeFrom(cmd.Context(), func(ctx context.Context, h *host.Host) ([]string, error) {
		op, err := find(ctx, h, args[0], args[1], args[2])
		if err != nil || op == nil {
			return nil, err
		}
		schema, err := params.Describe(op.Params)
		if err != nil {
			return nil, err
		}
		return paramWords(schema, typed), nil
	})
	return words, directive | cobra.ShellCompDirectiveNoSpace
}

func paramWords(schema []params.Param, typed string) []string {
	var words []string
	if name, _, ok := strings.Cut(typed, "="); ok {
		p := params.Find(schema, name)
		if p == nil {
			return nil
		}
		values := p.Enum
		if values == nil && p.Items != nil {
			values = p.Items.Enum
		}
		for _, value := range values {
			words = append(words, name+"="+params.Word(value))
		}
		return words
	}
	for _, p := range schema {
		words = append(words, fmt.Sprintf("%s=\t%s", p.Name, p.Description))
	}
	return words
}

// completeParamFile completes the name of a parameter for --param-file. The shell completes the
// file.
func (a *app) completeParamFile(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if strings.Contains(typed, "=") {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return a.completeParam(cmd, args, typed)
}

// completeFieldPaths completes the last path of a list, such as id,assignee.email, from the
// schema of the operation's result.
func (a *app) completeFieldPaths(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	if len(args) < 3 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	words, directive := a.completeFrom(cmd.Context(), func(ctx context.Context, h *host.Host) ([]string, error) {
		op, err := find(ctx, h, args[0], args[1], args[2])
		if err != nil || op == nil || len(op.Result) == 0 {
			return nil, err
		}
		at := strings.LastIndexByte(typed, ',') + 1
		paths, err := params.Paths(op.Result, typed[at:])
		for i := range paths {
			paths[i] = typed[:at] + paths[i]
		}
		return paths, err
	})
	return words, directive | cobra.ShellCompDirectiveNoSpace
}

// operationWords returns entities after one argument, and actions after two.
func operationWords(operations []host.Operation, args []string) []string {
	var words []string
	for _, op := range operations {
		switch {
		case len(args) == 1:
			words = append(words, op.Entity)
		case len(args) == 2 && op.Entity == args[1]:
			words = append(words, op.Action+"\t"+op.Title)
		}
	}
	return words
}

func subjectNames(ctx context.Context, h *host.Host) ([]string, error) {
	connectors, err := connectorNames(ctx, h)
	if err != nil {
		return nil, err
	}
	connections, err := connectionNames(ctx, h)
	return append(connectors, connections...), err
}

func connectorNames(ctx context.Context, h *host.Host) ([]string, error) {
	list, err := h.Connectors(ctx)
	var names []string
	for _, c := range list {
		if c.Err == nil {
			names = append(names, c.Name)
		}
	}
	return names, err
}

func connectionNames(ctx context.Context, h *host.Host) ([]string, error) {
	list, err := h.Connections(ctx)
	var names []string
	for _, c := range list {
		names = append(names, c.Name+"\t"+c.Connector)
	}
	return names, err
}

// directNames suggests connections that call their vendors themselves.
func directNames(ctx context.Context, h *host.Host) ([]string, error) {
	list, err := h.Connections(ctx)
	var names []string
	for _, c := range list {
		if c.Mode == config.Direct {
			names = append(names, c.Name+"\t"+c.Connector)
		}
	}
	return names, err
}

// completeHosted completes CONNECTION|CONNECTOR of the hosted commands: hosted connections,
// and connectors that Airbyte also has. It suggests no ids, because that would need a
// request to the Airbyte API.
func (a *app) completeHosted(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeFrom(cmd.Context(), hostable)
}

// hostable suggests hosted connections, and connectors that Airbyte also has.
func hostable(ctx context.Context, h *host.Host) ([]string, error) {
	hosted, err := h.HostedConnections(ctx)
	if err != nil {
		return nil, err
	}
	words := hostedWords(hosted)
	connectors, err := h.Connectors(ctx)
	for _, c := range connectors {
		if c.Err == nil && c.Manifest.Airbyte != nil && c.Manifest.Airbyte.DefinitionID != "" && !named(hosted, c.Name) {
			words = append(words, c.Name+"\t"+c.Manifest.Title)
		}
	}
	return words, err
}

// hostedWords suggests hosted connections, each with its connector.
func hostedWords(hosted []host.HostedConnection) []string {
	var words []string
	for _, c := range hosted {
		words = append(words, c.Name+"\t"+c.Connector)
	}
	return words
}

// completePlace completes a flag from the settings of the hosted connections.
func (a *app) completePlace(words func([]host.HostedConnection) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.completeFrom(cmd.Context(), func(ctx context.Context, h *host.Host) ([]string, error) {
			hosted, err := h.HostedConnections(ctx)
			return words(hosted), err
		})
	}
}

// completePlaces completes the flags for a place in the Airbyte API.
func (a *app) completePlaces(cmd *cobra.Command) {
	workspaces := a.completePlace(settingOf(func(c host.HostedConnection) string { return c.Workspace }))
	for flag, complete := range map[string]cobra.CompletionFunc{
		"workspace": workspaces, "customer-name": workspaces, "external-user-id": workspaces,
		"organization": a.completePlace(settingOf(func(c host.HostedConnection) string { return c.Organization })),
		"account":      a.completePlace(hostedWords),
	} {
		_ = cmd.RegisterFlagCompletionFunc(flag, complete)
	}
}

// settingOf suggests the values that hosted connections have for a setting.
func settingOf(setting func(host.HostedConnection) string) func([]host.HostedConnection) []string {
	return func(hosted []host.HostedConnection) []string {
		var words []string
		for _, c := range hosted {
			if word := setting(c); word != "" {
				words = append(words, word)
			}
		}
		return words
	}
}

// completeFields completes field=value. The fields come from the auth schema of the
// connector in the first argument, the values from the caller.
func (a *app) completeFields(fields func(*abi.AuthSchema) []abi.AuthField, values ...string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		words, directive := a.completeFrom(cmd.Context(), func(ctx context.Context, h *host.Host) ([]string, error) {
			name := args[0]
			hosted, err := h.HostedConnections(ctx)
			if err != nil {
				return nil, err
			}
			if i := slices.IndexFunc(hosted, func(c host.HostedConnection) bool { return c.Name == name }); i >= 0 {
				name = hosted[i].Connector
			}
			c, err := h.Connector(ctx, name)
			if err != nil {
				return nil, err
			}
			return fieldWords(fields(c.Auth), values, typed), nil
		})
		return words, directive | cobra.ShellCompDirectiveNoSpace
	}
}

func fieldWords(fields []abi.AuthField, values []string, typed string) []string {
	name, _, named := strings.Cut(typed, "=")
	var words []string
	for _, f := range fields {
		switch {
		case !named:
			words = append(words, f.Name+"=\t"+f.Description)
		case f.Name == name:
			for _, value := range values {
				words = append(words, name+"="+value)
			}
		}
	}
	return words
}

// handedFields returns the credential fields that the Airbyte API accepts.
func handedFields(s *abi.AuthSchema) []abi.AuthField {
	var fields []abi.AuthField
	for i := range s.Schemes {
		if !s.Schemes[i].DirectOnly {
			fields = append(fields, s.Schemes[i].Fields...)
		}
	}
	return fields
}

func replicationFields(s *abi.AuthSchema) []abi.AuthField { return s.Replication }

// references are the prefixes of references to secrets.
var references = []string{
	"env:", "file:", "keyring:", "age:", "exec:", "vault:",
}
