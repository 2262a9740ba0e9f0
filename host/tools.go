package host

import (
	"context"

	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/pdk/abi"
)

// ToolOptions say which tools [Host.Tools] makes. The zero value makes tools of every
// connection, in the form that suits their number.
type ToolOptions struct {
	// Connections are the names of those to make tools of; none means all.
	Connections []string
	// Options are the form, the threshold between forms, and the budget of an answer.
	tool.Options
}

// Tools returns the operations that connections allow as tools for a language model.
// They are safe for concurrent use, and each call goes through [Host.Execute]: what a
// model asks for is validated and decided like every other call.
//
//	tools, err := h.Tools(ctx, host.ToolOptions{})
//	request.Tools = tools.OpenAIChat()          // or Anthropic(), Gemini(), ...
//	text, failed := tools.Answer(ctx, name, arguments)
//
// Tools are those of the connectors as they are now: call Tools again after a connector
// changed.
//
// # Errors
//
//   - unknown_operation: a connection that ToolOptions names does not exist
//   - invalid_params: an option is wrong
//   - connector_fault: a named connection's connector cannot be used
//
// A connection that ToolOptions does not name and that cannot be used makes no tools;
// the host's logger is told why.
func (h *Host) Tools(ctx context.Context, o ToolOptions) (tool.Set, error) {
	names := o.Connections
	if len(names) == 0 {
		all, err := h.Connections(ctx)
		if err != nil {
			return nil, err
		}
		for _, c := range all {
			names = append(names, c.Name)
		}
	}
	connections := make([]tool.Connection, 0, len(names))
	for _, name := range names {
		c, err := h.toolConnection(ctx, name)
		if err != nil {
			if len(o.Connections) > 0 {
				return nil, err
			}
			h.log.Warn("a connection makes no tools", "connection", name, "error", err)
			continue
		}
		connections = append(connections, c)
	}
	return tool.New(connections, o.Options)
}

// toolConnection is a connection with the operations that it allows.
func (h *Host) toolConnection(ctx context.Context, name string) (tool.Connection, error) {
	operations, err := h.Operations(ctx, name)
	if err != nil {
		return tool.Connection{}, err
	}
	c, err := h.connection(ctx, name)
	if err != nil {
		return tool.Connection{}, err
	}
	allowed := make([]abi.Operation, 0, len(operations))
	for _, op := range operations {
		if op.Allowed {
			allowed = append(allowed, op.Operation)
		}
	}
	if len(allowed) == 0 && len(operations) > 0 {
		h.log.Warn("a connection makes no tools: it may run nothing", "connection", name, "rule", operations[0].Rule)
	}
	return tool.Connection{
		Name: name, Title: c.connector.Manifest.Title, Description: c.connector.Manifest.Description, Operations: allowed,
		Execute: func(ctx context.Context, call tool.Call) (*tool.Page, error) { return h.page(ctx, name, call) },
	}, nil
}

// page runs an operation for a tool.
func (h *Host) page(ctx context.Context, connection string, call tool.Call) (*tool.Page, error) {
	result, err := h.Execute(ctx, connection, Call{
		Entity: call.Entity, Action: call.Action, Params: call.Params,
		Select: call.Select, Exclude: call.Exclude, Caller: call.Caller, OnRequest: call.OnRequest,
	})
	if err != nil {
		return nil, err
	}
	return &tool.Page{Data: result.Data, Meta: result.Meta, NextCursor: result.NextCursor}, nil
}
