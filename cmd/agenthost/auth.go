package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

// authInfo is the output of auth -o json.
type authInfo struct {
	Connector string `json:"connector"`
	*abi.AuthSchema
	// Config are the values that a connection gives besides its credential.
	Config []abi.AuthField `json:"config,omitempty"`
	// Variables are the environment variables for a connection, by field.
	Variables map[string]string `json:"variables"`
	// Modes say what each mode needs.
	Modes authModes `json:"modes"`
}

func (a *app) authCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "auth CONNECTOR",
		Short: "Show which credentials a connector needs and where they go",
		Long: `Show which credentials a connector needs in each mode, how to configure them, where the
host puts them into requests, and the only origins that may receive them.

You can name a connection instead of a connector.`,
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
	shown := authInfo{Connector: info.Name, AuthSchema: info.Auth, Config: info.Manifest.Config, Variables: make(map[string]string), Modes: modesOf(info)}
	for _, field := range info.Manifest.Config {
		shown.Variables[field.Name] = connections.Variable(info.Name, field.Name)
	}
	for _, scheme := range info.Auth.Schemes {
		for _, field := range scheme.Fields {
			shown.Variables[field.Name] = connections.Variable(info.Name, field.Name)
		}
	}
	if done, err := a.json(shown); done {
		return err
	}
	if err := a.print("%s\nThe host keeps the credentials and calls the vendor.\n\n", a.heading("Mode direct")); err != nil {
		return err
	}
	if err := a.showConfig(info); err != nil {
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

// showConfig writes the values that a connection gives besides its credential.
func (a *app) showConfig(info *host.ConnectorInfo) error {
	if len(info.Manifest.Config) == 0 {
		return nil
	}
	if err := a.print("%s\nValues of a connection, under config. They are not secret.\n\n", a.heading("Config")); err != nil {
		return err
	}
	rows := make([][]string, len(info.Manifest.Config))
	for i, f := range info.Manifest.Config {
		values := cmp.Or(f.Pattern, f.Type)
		if len(f.Enum) > 0 {
			values = strings.Join(f.Enum, ", ")
		}
		rows[i] = []string{render.Visible(f.Name), yes(f.Required && f.Default == ""), render.Visible(f.Default), render.Visible(values), connections.Variable(info.Name, f.Name), render.Visible(cmp.Or(f.Description, f.Title))}
	}
	if err := render.Rows(a.stdout, a.style(render.Table), []string{"NAME", "NEEDED", "DEFAULT", "VALUES", "VARIABLE", "DESCRIPTION"}, rows); err != nil {
		return err
	}
	return a.print("\n")
}

func (a *app) showScheme(info *host.ConnectorInfo, scheme abi.AuthScheme) error {
	title := cmp.Or(scheme.Title, scheme.ID)
	if err := a.print("%s (%s)\n%s\n\n", a.heading(render.Visible(title)), scheme.Type, render.Visible(scheme.Description)); err != nil {
		return err
	}
	rows := make([][]string, len(scheme.Fields))
	for i, f := range scheme.Fields {
		rows[i] = []string{render.Visible(f.Name), yes(f.Required), yes(f.Secret), connections.Variable(info.Name, f.Name), render.Visible(f.Description)}
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

// destinations describes where a credential goes.
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
			lines = append(lines, [2]string{"log in with", "agenthost login CONNECTION"})
		}
	}
	for _, origin := range scheme.Origins {
		lines = append(lines, [2]string{"sent only to", render.Visible(origin)})
	}
	if o := scheme.OAuth2; o != nil && o.Server != nil {
		lines = append(lines, [2]string{"sent only to", render.Visible(o.Server.String())})
	}
	return lines
}

// snippet returns the part of agenthost.yaml for a connection.
func snippet(info *host.ConnectorInfo, scheme abi.AuthScheme) string {
	var b strings.Builder
	fmt.Fprintf(&b, "  connections:\n    %s:\n      connector: %s\n", info.Name, info.Name)
	for i, f := range info.Manifest.Config {
		if i == 0 {
			b.WriteString("      config:\n")
		}
		mark := ""
		if !f.Required || f.Default != "" {
			mark = "# optional: "
		}
		fmt.Fprintf(&b, "        %s%s: %s\n", mark, f.Name, strconv.Quote(cmp.Or(f.Default, "...")))
	}
	b.WriteString("      credentials:\n")
	for _, f := range scheme.Fields {
		mark := ""
		if !f.Required {
			mark = "# optional: "
		}
		fmt.Fprintf(&b, "        %s%s: env:%s\n", mark, f.Name, connections.Variable(info.Name, f.Name))
	}
	return render.VisibleLines(b.String())
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}

// authModes has the needs of each mode, with the field names of the Airbyte API.
type authModes struct {
	Direct directAuth  `json:"direct"`
	Hosted *hostedAuth `json:"hosted"` // null if the Airbyte API lacks the connector
}

type directAuth struct {
	Credentials []abi.AuthField `json:"credentials"`
	OAuth       bool            `json:"oauth"`
}

// hostedAuth has the fields for creating a connector in the Airbyte API.
type hostedAuth struct {
	ConnectorType     string          `json:"connector_type"`
	DefinitionID      string          `json:"definition_id"`
	Credentials       []abi.AuthField `json:"credentials"`
	ReplicationConfig []abi.AuthField `json:"replication_config"`
	// OAuth and OwnOAuth (with an OAuth client of your own) say whether the flow exists.
	OAuth    bool `json:"oauth"`
	OwnOAuth bool `json:"own_oauth"`
}

// modesOf collects the needs of each mode from the schemes.
func modesOf(info *host.ConnectorInfo) authModes {
	var m authModes
	hosted := hostedAuth{Credentials: append([]abi.AuthField{}, handedFields(info.Auth)...), ReplicationConfig: info.Auth.Replication}
	if hosted.ReplicationConfig == nil {
		hosted.ReplicationConfig = []abi.AuthField{}
	}
	for _, scheme := range info.Auth.Schemes {
		m.Direct.Credentials = append(m.Direct.Credentials, scheme.Fields...)
		if scheme.Type == abi.AuthOAuth2 {
			m.Direct.OAuth = true
		}
		if !scheme.DirectOnly {
			hosted.OAuth = hosted.OAuth || scheme.Type == abi.AuthOAuth2
		}
	}
	hosted.OwnOAuth = hosted.OAuth
	if airbyte := info.Manifest.Airbyte; airbyte != nil && airbyte.DefinitionID != "" {
		hosted.ConnectorType, hosted.DefinitionID = airbyte.ConnectorType, airbyte.DefinitionID
		m.Hosted = &hosted
	}
	return m
}

// showHostedAuth writes the needs of hosted mode.
func (a *app) showHostedAuth(h *hostedAuth) error {
	if h == nil {
		return a.print("%s\nThe Airbyte API does not support this connector.\n", a.heading("Mode hosted"))
	}
	if err := a.print("%s\nThe Airbyte API keeps the credential for its connector %s. Send it with agenthost hosted create.\n\n", a.heading("Mode hosted"), render.Visible(h.ConnectorType)); err != nil {
		return err
	}
	var rows [][]string
	add := func(where string, fields []abi.AuthField) {
		for _, f := range fields {
			rows = append(rows, []string{where, render.Visible(f.Name), yes(f.Required), yes(f.Secret), render.Visible(f.Format), render.Visible(f.Description)})
		}
	}
	add("credentials", h.Credentials)
	add("replication_config", h.ReplicationConfig)
	if err := render.Rows(a.stdout, a.style(render.Table), []string{"WHERE", "FIELD", "NEEDED", "SECRET", "FORMAT", "DESCRIPTION"}, rows); err != nil {
		return err
	}
	if len(h.ReplicationConfig) == 0 {
		if err := a.print("There is no replication_config.\n"); err != nil {
			return err
		}
	}
	if !h.OAuth {
		return a.print("OAuth is not available for this connector, with or without your own OAuth client.\n")
	}
	return nil
}

func (a *app) loginCommand() *cobra.Command {
	var port int
	cmd := &cobra.Command{
		Use:   "login CONNECTION",
		Short: "Log in to a vendor with a browser",
		Long: `Log in to a vendor that uses OAuth 2.0. The command prints an address. Open it in a browser
on this machine. The command waits up to five minutes for the vendor's response on
127.0.0.1, and stores the tokens encrypted. It does not start a browser.`,
		Args:              args(1, "CONNECTION"),
		ValidArgsFunction: a.completeConnection,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := a.withTimeout(cmd.Context())
			defer cancel()
			return a.open(ctx, func(h *host.Host) error {
				err := h.Login(ctx, args[0], host.Login{Port: port, Show: a.showAddress})
				if err != nil {
					return err
				}
				a.say("note", "logged in to "+args[0]+"; test it with agenthost check "+args[0])
				a.remarkKept(args[0], "if this is another account than before")
				return nil
			})
		},
	}
	cmd.Flags().IntVar(&port, "port", 0, "`port` on 127.0.0.1 for the response, if the vendor requires a registered one (default: a free port)")
	return cmd
}

// showAddress prints an address on its own line, so that programs can read it.
func (a *app) showAddress(address string) {
	a.say("note", "open this address in a browser on this machine:")
	if err := a.print("%s\n", address); err != nil {
		a.say("error", fmt.Sprintf("cannot print the address: %v", err))
	}
}

func (a *app) logoutCommand() *cobra.Command {
	var local bool
	cmd := &cobra.Command{
		Use:   "logout CONNECTION",
		Short: "Log out from a vendor",
		Long: `Log out from a vendor. If the connector declares how, agenthost revokes the token at the
vendor and checks that the vendor no longer accepts it. Then it deletes the login here.`,
		Args:              args(1, "CONNECTION"),
		ValidArgsFunction: a.completeConnection,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, cancel := a.withTimeout(cmd.Context())
			defer cancel()
			return a.open(ctx, func(h *host.Host) error { return a.logout(ctx, h, args[0], local) })
		},
	}
	cmd.Flags().BoolVar(&local, "local", false, "delete the login here, without telling the vendor")
	return cmd
}

func (a *app) logout(ctx context.Context, h *host.Host, name string, local bool) error {
	ended, err := h.Logout(ctx, name, local)
	if err != nil {
		return err
	}
	switch {
	case !ended.Was:
		a.say("note", name+" was not logged in")
	case ended.Vendor:
		a.say("note", "logged out from "+name+"; the vendor no longer accepts the token")
	default:
		a.say("note", "deleted the login of "+name+" here; the vendor does not know, so revoke the access in its settings")
	}
	a.remarkKept(name, "to remove them")
	return nil
}

// remarkKept says that a login takes no copies with it: nobody can tell whether the next one is of the same account.
func (a *app) remarkKept(name, when string) {
	if c, _, err := a.loadConfig(); err == nil && c.ContextStore.Folder != "" {
		a.say("note", "copies of its records stay; "+when+", run agenthost sync remove "+name)
	}
}
