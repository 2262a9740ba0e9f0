package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/params"
	"github.com/agenthost/agenthost/cmd/agenthost/internal/render"
	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/backend/hosted"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/spf13/cobra"
)

func (a *app) describeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "describe CONNECTOR [ENTITY [ACTION]]",
		Short: "Show the operations of a connector",
		Long: `Show the operations of a connector: all of them, those of an entity, or one operation
with its parameters, its requests and an example.

You can name a connection instead of a connector. The output then marks the operations
that the connection does not allow.`,
		Example: `  agenthost describe pylon
  agenthost describe pylon issues list
  agenthost describe pylon issues list -o json`,
		Args:              args(1, "CONNECTOR", "ENTITY", "ACTION"),
		ValidArgsFunction: a.completeDescribe,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.open(cmd.Context(), func(h *host.Host) error {
				return a.describe(cmd.Context(), h, args)
			})
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func (a *app) describe(ctx context.Context, h *host.Host, args []string) error {
	s, err := subjectOf(ctx, h, args[0])
	if err != nil {
		return err
	}
	m := s.info.Manifest
	if len(args) == 1 {
		if done, err := a.json(m); done {
			return err
		}
		if err := a.print("%s %s: %s\n\n", a.heading(render.Visible(m.Title)), render.Visible(m.Version), render.Visible(m.Description)); err != nil {
			return err
		}
		if err := a.showConfig(s.info); err != nil {
			return err
		}
		return a.listOperations(s.operations)
	}
	chosen, err := s.entity(args[1])
	if err != nil {
		return err
	}
	if len(args) == 2 {
		if done, err := a.json(bare(chosen)); done {
			return err
		}
		return a.listOperations(chosen)
	}
	for _, op := range chosen {
		if op.Action == args[2] {
			if done, err := a.json(op.Operation); done {
				return err
			}
			return a.describeOperation(args[0], op)
		}
	}
	if (args[2] == airbyteapi.ActionSearch || args[2] == airbyteapi.ActionSQLQuery) && s.copied(args[1]) {
		return onlyHosted(ctx, h, m.Name, args[1], args[2])
	}
	var actions []string
	for _, op := range chosen {
		actions = append(actions, op.Action)
	}
	return unknownName("action", args[1]+" "+args[2], args[2], actions)
}

// subject is a connector, with the operations that a connection has if one was named.
type subject struct {
	info       *host.ConnectorInfo
	operations []host.Operation
}

// subjectOf finds a connection or a connector by name. A configured connection comes first.
func subjectOf(ctx context.Context, h *host.Host, name string) (*subject, error) {
	info, connection, err := connectorOf(ctx, h, name)
	if err != nil {
		return nil, err
	}
	if connection {
		operations, err := h.Operations(ctx, name)
		return &subject{info, operations}, err
	}
	s := &subject{info: info}
	for _, op := range info.Manifest.Operations {
		s.operations = append(s.operations, host.Operation{Operation: op, Allowed: true})
	}
	return s, nil
}

// connectorOf returns the connector of a configured connection, or else the connector of
// that name.
func connectorOf(ctx context.Context, h *host.Host, name string) (info *host.ConnectorInfo, connection bool, err error) {
	connections, err := h.Connections(ctx)
	if err != nil {
		return nil, false, err
	}
	for _, c := range connections {
		if c.Name == name && c.Source == "config" {
			info, err = h.Connector(ctx, c.Connector)
			return info, true, err
		}
	}
	info, err = h.Connector(ctx, name)
	return info, false, err
}

// copied reports whether the Airbyte API keeps copies of an entity's records.
func (s *subject) copied(entity string) bool {
	a := s.info.Manifest.Airbyte
	return a != nil && slices.ContainsFunc(a.ContextStore, func(e abi.SearchEntity) bool { return e.Entity == entity })
}

// onlyHosted is the error for an action on the context store outside a hosted connection.
func onlyHosted(ctx context.Context, h *host.Host, connector, entity, action string) error {
	hint := "add a connection of " + connector + " with mode: hosted"
	there, err := h.HostedConnections(ctx)
	if err != nil {
		return err
	}
	there = slices.DeleteFunc(there, func(c host.HostedConnection) bool { return c.Connector != connector })
	if len(there) > 0 {
		hint = "name a hosted connection of " + connector + ": " + hosted.Places(there)
	}
	return &abi.Error{
		Kind: abi.KindUnknownOperation, Field: "action",
		Message: entity + " " + action + " works only with hosted connections", Hint: hint,
	}
}

// entity returns the operations of an entity.
func (s *subject) entity(name string) ([]host.Operation, error) {
	var found []host.Operation
	var entities []string
	for _, op := range s.operations {
		entities = append(entities, op.Entity)
		if op.Entity == name {
			found = append(found, op)
		}
	}
	if len(found) == 0 {
		return nil, unknownName("entity", name, name, entities)
	}
	return found, nil
}

func unknownName(what, shown, name string, names []string) error {
	return &abi.Error{
		Kind: abi.KindUnknownOperation, Field: what,
		Message: fmt.Sprintf("there is no %s %s", what, shown), Hint: fault.Hint(name, names),
	}
}

func bare(operations []host.Operation) []abi.Operation {
	list := make([]abi.Operation, len(operations))
	for i, op := range operations {
		list[i] = op.Operation
	}
	return list
}

func (a *app) listOperations(operations []host.Operation) error {
	rows := make([][]string, len(operations))
	for i, op := range operations {
		effect := string(op.Effect)
		if !op.Allowed {
			effect += ", not allowed"
		}
		title := op.Title
		if title == "" {
			title, _, _ = strings.Cut(op.Description, ". ")
		}
		rows[i] = []string{render.Visible(op.Entity), render.Visible(op.Action), effect, render.Visible(title)}
	}
	return render.Rows(a.stdout, a.style(render.Table), []string{"ENTITY", "ACTION", "EFFECT", "WHAT IT DOES"}, rows)
}

func (a *app) describeOperation(subject string, op host.Operation) error {
	schema, err := params.Describe(op.Params)
	if err != nil {
		return fmt.Errorf("read the schema of the operation: %w", err)
	}
	facts := [][2]string{{"effect", string(op.Effect)}}
	if op.Idempotent {
		facts = append(facts, [2]string{"idempotent", "yes"})
	}
	if op.Permission != "" {
		facts = append(facts, [2]string{"permission", render.Visible(op.Permission)})
	}
	if op.Paginated {
		facts = append(facts, [2]string{"paginated", "yes; --all fetches all pages"})
	}
	if !op.Allowed {
		facts = append(facts, [2]string{"allowed", "no, because of " + render.Visible(op.Rule)})
	}
	if r := op.RateLimit; r != nil {
		facts = append(facts, [2]string{"rate limit", fmt.Sprintf("%d requests in %d s", r.Requests, r.PerSeconds)})
	}
	for _, r := range op.Requests {
		facts = append(facts, [2]string{"request", render.Visible(strings.TrimSpace(r.Method + " " + r.Path + " " + r.Server))})
		if r.File != nil {
			from := "allow.downloads"
			if len(r.File.Suffixes) > 0 {
				from = strings.Join(r.File.Suffixes, ", ")
			}
			facts = append(facts, [2]string{"file", render.Visible("named in the answer at " + r.File.Pointer + ", from " + from)})
		}
	}
	if err := a.print("%s\n%s\n\n", a.heading(render.Visible(op.Entity+" "+op.Action)), render.Visible(op.Description)); err != nil {
		return err
	}
	if err := render.Pairs(a.stdout, a.style(render.Table), facts); err != nil {
		return err
	}
	if len(schema) > 0 {
		if err := a.print("\n"); err != nil {
			return err
		}
		if err := render.Rows(a.stdout, a.style(render.Table), []string{"PARAMETER", "TYPE", "NEEDED", "VALUES", "DESCRIPTION"}, parameterRows(schema)); err != nil {
			return err
		}
	}
	if text := conditionsOf(&op); text != "" {
		if err := a.print("\n%s\n%s\n", a.heading("Filter"), render.Visible(text)); err != nil {
			return err
		}
	}
	command := slices.Concat([]string{"agenthost", "exec", subject, op.Entity, op.Action}, params.Example(schema, op.Examples))
	return a.print("\n%s\n  %s\n", a.heading("Example"), render.Visible(strings.Join(command, " ")))
}

// conditionsOf is how the schema of a search describes its filter, "" for other operations.
func conditionsOf(op *host.Operation) string {
	var schema struct {
		Defs map[string]struct {
			Description string `json:"description"`
		} `json:"$defs"`
	}
	if op.Action != airbyteapi.ActionSearch || json.Unmarshal(op.Params, &schema) != nil {
		return ""
	}
	return schema.Defs["condition"].Description
}

func parameterRows(schema []params.Param) [][]string {
	rows := make([][]string, len(schema))
	for i, p := range schema {
		needed := ""
		if p.Required {
			needed = "yes"
		}
		rows[i] = []string{render.Visible(p.Name), render.Visible(p.Type()), needed, render.Visible(p.Range()), render.Visible(p.Description)}
	}
	return rows
}

// connectorLine is a connector in the output of connectors -o json.
type connectorLine struct {
	Name       string `json:"name"`
	Title      string `json:"title,omitempty"`
	Version    string `json:"version,omitempty"`
	Operations int    `json:"operations"`
	File       string `json:"file"`
	Digest     string `json:"digest,omitempty"`
	// Approval says whether a person approved the connector.
	Approval grant.Standing `json:"approval,omitempty"`
	// Problem says why the file is unusable.
	Problem *abi.Error `json:"problem,omitempty"`
}

func (a *app) connectorsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "connectors",
		Short: "List the connectors in the folder",
		Long: `List the connectors in the folder, and the files there that are unusable.

To add a connector, put its .wasm file into the folder.`,
		Args: args(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.open(cmd.Context(), func(h *host.Host) error {
				list, err := h.Connectors(cmd.Context())
				if err != nil {
					return err
				}
				return a.listConnectors(cmd.Context(), h, list)
			})
		},
	}
	a.formatFlag(cmd, "`format`: table or json", string(render.Table), string(render.JSON))
	return cmd
}

func (a *app) listConnectors(ctx context.Context, h *host.Host, list []host.ConnectorInfo) error {
	lines := make([]connectorLine, len(list))
	for i := range list {
		lines[i] = lineOf(&list[i])
		if lines[i].Problem != nil {
			continue
		}
		r, err := h.Review(ctx, list[i].File)
		if err != nil {
			return err
		}
		lines[i].Approval = r.Standing
	}
	if done, err := a.json(lines); done {
		return err
	}
	if len(lines) == 0 {
		a.say("note", "the folder has no connectors")
		return nil
	}
	rows := make([][]string, len(lines))
	for i, l := range lines {
		operations, state := fmt.Sprint(l.Operations), "ok"
		switch l.Approval {
		case grant.StandingNew:
			state = "not approved"
		case grant.StandingWider:
			state = "reaches more than was approved"
		}
		if l.Problem != nil {
			operations, state = "", l.Problem.Message
		}
		rows[i] = []string{render.Visible(l.Name), render.Visible(l.Version), operations, l.File, shortDigest(l.Digest), render.Visible(state)}
	}
	return render.Rows(a.stdout, a.style(render.Table), []string{"NAME", "VERSION", "OPERATIONS", "FILE", "DIGEST", "STATE"}, rows)
}

func lineOf(info *host.ConnectorInfo) connectorLine {
	l := connectorLine{Name: info.Name, File: info.File, Digest: info.Digest}
	if info.Err != nil {
		if !errors.As(info.Err, &l.Problem) {
			l.Problem = &abi.Error{Kind: abi.KindInternal, Message: info.Err.Error()}
		}
		return l
	}
	l.Title, l.Version, l.Operations = info.Manifest.Title, info.Manifest.Version, len(info.Manifest.Operations)
	return l
}

// shortDigest shortens a digest for a table.
func shortDigest(digest string) string { return digest[:min(len(digest), 12)] }
