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
	"github.com/spf13/cobra"
)

// completionTimeout is how long a shell waits for words. A first use of a connector
// compiles it, which takes longer than anybody presses tab for.
const completionTimeout = 5 * time.Second

// completeFrom opens the host and offers words. An error offers none: a shell has no
// place for it.
func (a *app) completeFrom(ctx context.Context, words func(ctx context.Context, h *host.Host) ([]string, error)) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(ctx, completionTimeout)
	defer cancel()
	var found []string
	a.logLevel = "off"
	err := a.open(ctx, func(h *host.Host) (err error) {
		found, err = words(ctx, h)
		return err
	})
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

// completeSubject completes CONNECTOR where a connection may be named as well.
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

// completeParam completes -p: the name of a parameter, then its values where they are
// few.
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

// operationWords are the entities after one word and the actions after two.
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
