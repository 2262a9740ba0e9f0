package tool

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/portable"
	"github.com/agenthost/agenthost/pdk/abi"
)

// operation is one operation of a connection, ready to be called by a model.
type operation struct {
	connection *Connection
	op         *abi.Operation
	schemas    *schemas
	budget     int
	extras     extras
}

// perOperation is [FormOperations].
func perOperation(connections []Connection, options Options) (Set, error) {
	names := names(options.maxName(), func(yield func([]string) bool) {
		parts := make([]string, 3)
		for i := range connections {
			for _, op := range connections[i].Operations {
				parts[0], parts[1], parts[2] = connections[i].Name, op.Entity, op.Action
				if !yield(parts) {
					return
				}
			}
		}
	})
	// What does not depend on the connection is the same text in all its tools.
	type id struct {
		title string
		op    *abi.Operation
		asks  bool
	}
	type shared struct {
		Tool
		extras extras
	}
	known, schemas := make(map[id]*shared), new(schemas)
	operations, tools, set := make([]operation, len(names)), make([]Tool, len(names)), make(Set, 0, len(names))
	for i := range connections {
		c := &connections[i]
		for _, op := range c.Operations {
			o, t := &operations[len(set)], &tools[len(set)]
			*o = operation{connection: c, op: op, schemas: schemas, budget: options.Budget}
			at := id{c.Title, op, o.asks()}
			s := known[at]
			if s == nil {
				if err := o.checkParams(); err != nil {
					return nil, err
				}
				extras := extrasOf(op, propertyNames(schemas.of(op).JSON))
				s = &shared{Tool{Description: o.description(), Input: o.input(extras), Output: o.output(), Annotations: annotations(op)}, extras}
				known[at] = s
			}
			o.extras, *t = s.extras, s.Tool
			t.Name, t.Title, t.run = names[len(set)], o.title(), o.run
			t.connection, t.Entity, t.Action = c.Name, op.Entity, op.Action
			set = append(set, t)
		}
	}
	return set, nil
}

// annotations of operations: of one, or what holds for any of several.
func annotations(ops ...*abi.Operation) Annotations {
	a := Annotations{ReadOnly: true, Idempotent: true, OpenWorld: true}
	var removes bool
	for _, op := range ops {
		a.ReadOnly = a.ReadOnly && op.Effect == abi.EffectRead
		a.Idempotent = a.Idempotent && (op.Effect == abi.EffectRead || op.Idempotent)
		removes = removes || op.Effect == abi.EffectDelete
	}
	if a.ReadOnly || removes {
		a.Destructive = &removes
	}
	return a
}

func (o *operation) title() string {
	title := o.op.Title
	if title == "" {
		title = o.op.Entity + " " + o.op.Action
	}
	return title + " (" + o.connection.Name + ")"
}

// asks reports whether a person must approve each call.
func (o *operation) asks() bool { return slices.Contains(o.connection.Ask, o.op) }

func (o *operation) path() string { return pathOf(o.connection.Name, o.op) }

// description is the connector's own, and what the host knows of how to use it.
func (o *operation) description() string {
	var b strings.Builder
	switch o.op.Effect {
	case abi.EffectRead:
	case abi.EffectDelete:
		b.WriteString(" This removes data.")
	default:
		b.WriteString(" This changes data.")
	}
	if o.asks() {
		b.WriteString(" A person must approve each call.")
	}
	if o.op.Paginated {
		b.WriteString(" Returns one page. While meta.has_more is true, continue with cursor set to meta.next_cursor.")
	}
	if note := o.schemas.of(o.op).Note; note != "" {
		b.WriteString(" " + note)
	}
	said := o.connection.Title + ": " + strings.TrimRight(o.op.Description, ". \n")
	return portable.Clip(said, portable.MaxDescription-1-b.Len()) + "." + b.String()
}

// run takes the arguments of the operation's own tool.
func (o *operation) run(ctx context.Context, args json.RawMessage, c callOptions) (json.RawMessage, error) {
	want, params, err := o.extras.split(args)
	if err != nil {
		return nil, err
	}
	if params, err = o.schemas.of(o.op).Names.Restore(params); err != nil {
		return nil, err
	}
	return o.answer(ctx, want, params, c)
}
