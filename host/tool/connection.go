package tool

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// perConnection is [FormConnections].
func perConnection(connections []Connection, budget int) (Set, error) {
	parts := make([][]string, len(connections))
	for i := range connections {
		parts[i] = []string{connections[i].Name, "execute"}
	}
	set := make(Set, 0, len(connections))
	for i, name := range names(parts) {
		t, err := executeTool(name, &connections[i], budget)
		if err != nil {
			return nil, err
		}
		set = append(set, t)
	}
	return set, nil
}

// executeTool is the one tool of a connection.
func executeTool(name string, c *Connection, budget int) (*Tool, error) {
	operations := catalogOf([]Connection{*c}, budget)
	var ops []*abi.Operation
	for _, o := range operations.operations {
		ops = append(ops, o.op)
	}
	entities := operations.entities()
	known, err := json.Marshal(entities)
	if err != nil {
		return nil, err
	}
	if len(entities) == 0 {
		known = []byte(`[""]`) // a schema's enum may not be empty
	}
	properties := fmt.Sprintf(`"entity":{"type":"string","enum":%s},"action":{"type":"string"},"params":{"type":"object","description":"Parameters of the action, as the tool's description lists them."}`, known)
	return &Tool{
		Name: name, Title: c.Title + " (" + c.Name + ")", Description: c.overview(),
		Input: withExtras(properties, `["entity","action"]`), Output: anyOutput,
		Annotations: annotations(ops...),
		run: func(ctx context.Context, args json.RawMessage, options callOptions) (json.RawMessage, error) {
			return operations.executeEntity(ctx, args, options)
		},
	}, nil
}

func (c *catalog) executeEntity(ctx context.Context, args json.RawMessage, options callOptions) (json.RawMessage, error) {
	w, rest, err := anyExtras.split(args)
	if err != nil {
		return nil, err
	}
	members, err := strict(rest, append(anyExtras.names(), "entity", "action", "params")...)
	if err != nil {
		return nil, err
	}
	entity, err := text(members, "entity", true)
	if err != nil {
		return nil, err
	}
	action, err := text(members, "action", true)
	if err != nil {
		return nil, err
	}
	var actions []string
	for _, o := range c.operations {
		if o.op.Entity != entity {
			continue
		}
		if o.op.Action == action {
			return o.runAny(ctx, w, members["params"], options)
		}
		actions = append(actions, o.op.Action)
	}
	if len(actions) == 0 {
		return nil, &abi.Error{Kind: abi.KindUnknownOperation, Field: "entity", Message: "there is no entity " + quote(entity) + " among those that are allowed", Hint: nearest.Hint(entity, c.entities())}
	}
	return nil, &abi.Error{Kind: abi.KindUnknownOperation, Field: "action", Message: entity + " has no action " + quote(action) + " among those that are allowed", Hint: nearest.Hint(action, actions)}
}

// maxOverview is the length of the longest generated description, in bytes.
const maxOverview = 12_000

// overview describes a connection as its manifest does: every entity, its actions and
// their parameters, the required ones with a star.
func (c *Connection) overview() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\nEntities, their actions and parameters (* required; ! changes data):", c.Title, c.Description)
	var entities []string
	for i := range c.Operations {
		if !slices.Contains(entities, c.Operations[i].Entity) {
			entities = append(entities, c.Operations[i].Entity)
		}
	}
	for i, entity := range entities {
		line := "\n" + entity + ": "
		var actions []string
		for j := range c.Operations {
			if op := &c.Operations[j]; op.Entity == entity {
				actions = append(actions, signature(op))
			}
		}
		line += strings.Join(actions, ", ")
		if b.Len()+len(line) > maxOverview {
			fmt.Fprintf(&b, "\nand %d more entities: %s", len(entities)-i, clip(strings.Join(entities[i:], ", "), 1000))
			break
		}
		b.WriteString(line)
	}
	b.WriteString("\nLists answer one page; go on with params.cursor set to meta.next_cursor while meta.has_more.")
	return b.String()
}

// signature writes an action as in create!(title*, body_html*, tags).
func signature(op *abi.Operation) string {
	var required []string
	list, _, _ := rawjson.Pointer(op.Params, "/required")
	for name := range rawjson.Elements(list) {
		required = append(required, rawjson.Unquote(name))
	}
	names := propertyNames(op.Params)
	slices.SortStableFunc(names, func(a, b string) int {
		first, second := slices.Contains(required, a), slices.Contains(required, b)
		switch {
		case first == second:
			return 0
		case first:
			return -1
		}
		return 1
	})
	for i, name := range names {
		if slices.Contains(required, name) {
			names[i] += "*"
		}
	}
	mark := ""
	if op.Effect != abi.EffectRead {
		mark = "!"
	}
	return op.Action + mark + "(" + strings.Join(names, ", ") + ")"
}
