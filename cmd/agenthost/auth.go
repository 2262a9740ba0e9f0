package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// authInfo is what auth -o json prints.
type authInfo struct {
	Connector string `json:"connector"`
	*abi.AuthSchema
	// Variables are the environment variables that make a connection, by field.
	Variables map[string]string `json:"variables"`
	// Modes say what each mode needs.
	Modes authModes `json:"modes"`
}

func (a *app) authCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "auth CONNECTOR",
		Short: "Say what credentials a connector needs, and where they go",
		Long: `Say what credentials a connector needs in each mode, how to configure them, where the host
puts them into requests, and to which origins alone they may be sent.

In the place of a connector, a connection may be named.`,
		Args:              args(1, "CONNECTOR"),
		ValidArgsFunction: a.completeSubject,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.open(cmd.Context(), func(h *host.Host) error {
				info, _, err := connectorOf(cmd.Context(), h, args[0])
				if err != nil {
					return err
				}
				return a.showAuth(info)
			})
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func (a *app) showAuth(info *host.ConnectorInfo) error {
	shown := authInfo{Connector: info.Name, AuthSchema: info.Auth, Variables: make(map[string]string), Modes: modesOf(info)}
	for _, scheme := range info.Auth.Schemes {
		for _, field := range scheme.Fields {
			shown.Variables[field.Name] = host.CredentialVariable(info.Name, field.Name)
		}
	}
	if done, err := a.json(shown); done {
		return err
	}
	if err := a.print("%s\nThe host calls the vendor with credentials that it keeps.\n\n", a.heading("Mode direct")); err != nil {
		return err
	}
	for _, scheme := range info.Auth.Schemes {
		if err := a.showScheme(info, scheme); err != nil {
			return err
		}
	}
	if !shown.Modes.Direct.OAuth {
		if err := a.print("OAuth is not available for this connector.\n"); err != nil {
			return err
		}
	}
	return errors.Join(a.print("\n"), a.showHostedAuth(shown.Modes.Hosted))
}

func (a *app) showScheme(info *host.ConnectorInfo, scheme abi.AuthScheme) error {
	title := scheme.Title
	if title == "" {
		title = scheme.ID
	}
	if err := a.print("%s (%s)\n%s\n\n", a.heading(render.Visible(title)), scheme.Type, render.Visible(scheme.Description)); err != nil {
		return err
	}
	rows := make([][]string, len(scheme.Fields))
	for i, f := range scheme.Fields {
		rows[i] = []string{render.Visible(f.Name), yes(f.Required), yes(f.Secret), host.CredentialVariable(info.Name, f.Name), render.Visible(f.Description)}
	}
	if err := render.Rows(a.stdout, a.style(render.Table), []string{"FIELD", "NEEDED", "SECRET", "VARIABLE", "DESCRIPTION"}, rows); err != nil {
		return err
	}
	if err := a.print("\n"); err != nil {
		return err
	}
	if err := render.Pairs(a.stdout, a.style(render.Table), destinations(scheme)); err != nil {
		return err
	}
	return a.print("\n%s\n%s\n", a.heading("Configuration"), snippet(info, scheme))
}

// destinations says where a credential goes.
func destinations(scheme abi.AuthScheme) [][2]string {
	var lines [][2]string
	for _, in := range scheme.Inject {
		lines = append(lines, [2]string{"goes into", render.Visible(fmt.Sprintf("%s %s: %s", in.In, in.Name, in.Value))})
	}
	if b := scheme.Basic; b != nil {
		lines = append(lines, [2]string{"goes into", render.Visible(fmt.Sprintf("basic authentication, user name %q and password %q", b.Username, b.Password))})
	}
	if o := scheme.OAuth2; o != nil {
		lines = append(lines, [2]string{"token from", render.Visible(o.TokenURL + " (" + o.Grant + ")")})
		if o.RevokeURL != "" {
			lines = append(lines, [2]string{"revoked at", render.Visible(o.RevokeURL)})
		}
		if o.AuthorizeURL != "" {
			lines = append(lines, [2]string{"a person logs in with", "agenthost login CONNECTION"})
		}
	}
	for _, origin := range scheme.Origins {
		lines = append(lines, [2]string{"sent only to", render.Visible(origin)})
	}
	return lines
}

// snippet is a piece of agenthost.yaml that makes a connection.
func snippet(info *host.ConnectorInfo, scheme abi.AuthScheme) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  connections:\n    %s:\n      connector: %s\n      credentials:\n", info.Name, info.Name)
	for _, f := range scheme.Fields {
		mark := ""
		if !f.Required {
			mark = "# optional: "
		}
		fmt.Fprintf(&b, "        %s%s: env:%s\n", mark, f.Name, strings.TrimPrefix(host.CredentialVariable(info.Name, f.Name), host.EnvPrefix))
	}
	return render.VisibleLines(b.String())
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
