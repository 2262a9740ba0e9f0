package tool

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// operation is one operation of a connection, ready to be called by a model.
type operation struct {
	connection *Connection
	op         *abi.Operation
	budget     int
	extras     extras
}

func newOperation(c *Connection, op *abi.Operation, budget int) *operation {
	return &operation{connection: c, op: op, budget: budget, extras: extrasOf(op)}
}

// perOperation is [FormOperations].
func perOperation(connections []Connection, budget int) (Set, error) {
	var operations []*operation
	var parts [][]string
	for i := range connections {
		c := &connections[i]
		for j := range c.Operations {
			op := &c.Operations[j]
			operations = append(operations, newOperation(c, op, budget))
			parts = append(parts, []string{c.Name, op.Entity, op.Action})
		}
	}
	set := make(Set, 0, len(operations))
	for i, name := range names(parts) {
		o := operations[i]
		input, err := o.input(o.extras)
		if err != nil {
			return nil, err
		}
		set = append(set, &Tool{
			Name: name, Title: o.title(), Description: o.description(), Input: input, Output: o.output(),
			Annotations: annotations(o.op), run: o.run,
		})
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

// path is what the other forms call the operation.
func (o *operation) path() string {
	return o.connection.Name + "." + o.op.Entity + "." + o.op.Action
}

// description is the connector's own, and what the host knows of how to use it.
func (o *operation) description() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s", o.connection.Title, strings.TrimRight(o.op.Description, ". \n"))
	b.WriteByte('.')
	switch o.op.Effect {
	case abi.EffectRead:
	case abi.EffectDelete:
		b.WriteString(" This removes data.")
	default:
		b.WriteString(" This changes data.")
	}
	if o.op.Paginated {
		b.WriteString(" Answers one page; go on with cursor set to meta.next_cursor while meta.has_more.")
	}
	return b.String()
}

// run takes the arguments of the operation's own tool.
func (o *operation) run(ctx context.Context, args json.RawMessage, c callOptions) (json.RawMessage, error) {
	want, params, err := o.extras.split(args)
	if err != nil {
		return nil, err
	}
	return o.answer(ctx, want, params, c)
}
