package main

import (
	"context"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// completeHosted completes CONNECTION|CONNECTOR of the hosted commands: hosted connections,
// and the connectors that Airbyte has as well. Ids are in the Airbyte API, which nobody asks
// for the sake of a word.
func (a *app) completeHosted(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return a.completeFrom(cmd.Context(), hostable)
}

// hostable are the words for what the hosted commands are about.
func hostable(ctx context.Context, h *host.Host) ([]string, error) {
	hosted := h.HostedConnections()
	words := hostedWords(hosted)
	connectors, err := h.Connectors(ctx)
	for _, c := range connectors {
		if c.Err == nil && c.Manifest.Airbyte != nil && c.Manifest.Airbyte.DefinitionID != "" && !named(hosted, c.Name) {
			words = append(words, c.Name+"\t"+c.Manifest.Title)
		}
	}
	return words, err
}

// hostedWords are hosted connections, each with its connector.
func hostedWords(hosted []host.HostedConnection) []string {
	var words []string
	for _, c := range hosted {
		words = append(words, c.Name+"\t"+c.Connector)
	}
	return words
}

// completePlace completes a flag with what the hosted connections have.
func (a *app) completePlace(words func([]host.HostedConnection) []string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.completeFrom(cmd.Context(), func(_ context.Context, h *host.Host) ([]string, error) {
			return words(h.HostedConnections()), nil
		})
	}
}

// completePlaces completes the flags that say where something is.
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

// settingOf returns words for a flag that names one setting of a hosted connection.
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

// completeFields completes field=value with the fields of the auth schema that the
// connector of the first argument has. After the field it offers values, if there are any
// to know.
func (a *app) completeFields(fields func(*abi.AuthSchema) []abi.AuthField, values ...string) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		words, directive := a.completeFrom(cmd.Context(), func(ctx context.Context, h *host.Host) ([]string, error) {
			name, hosted := args[0], h.HostedConnections()
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

// handedFields are the credentials that the Airbyte API takes.
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

// references are how a reference to a secret starts.
var references = []string{
	secret.SchemeEnv + ":", secret.SchemeFile + ":", secret.SchemeKeyring + ":", secret.SchemeAge + ":", secret.SchemeExec + ":", secret.SchemeVault + ":",
}
