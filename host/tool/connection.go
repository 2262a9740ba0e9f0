package tool

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/portable"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// perConnection is [FormConnections].
func perConnection(connections []Connection, o Options) (Set, error) {
	names := names(o.maxName(), func(yield func([]string) bool) {
		for i := range connections {
			if !yield([]string{connections[i].Name, "execute"}) {
				return
			}
		}
	})
	// What does not depend on the connection's name is the same text in several tools.
	type id struct {
		title, description string
		list               listID
	}
	known, schemas := make(map[id]*Tool), new(schemas)
	set := make(Set, 0, len(connections))
	for i := range connections {
		c := &connections[i]
		at := id{c.Title, c.Description, listOf(c)}
		shared := known[at]
		if shared == nil || len(c.Ask) > 0 {
			var err error
			if shared, err = executeTool(c, schemas); err != nil {
				return nil, err
			}
			if len(c.Ask) == 0 {
				known[at] = shared
			}
		}
		t := *shared
		t.Name, t.Title, t.connection = names[i], c.Title+" ("+c.Name+")", c.Name
		t.run = func(ctx context.Context, args json.RawMessage, options callOptions) (json.RawMessage, error) {
			return c.executeEntity(ctx, args, schemas, o.Budget, options)
		}
		set = append(set, &t)
	}
	return set, nil
}

// maxEntities is the largest number of values of an enum.
const maxEntities = 250

// executeTool is the one tool of a connection, as far as its name does not matter.
func executeTool(c *Connection, schemas *schemas) (*Tool, error) {
	entity := `{"type":"string"}`
	if entities := c.entities(); len(entities) > 0 && len(entities) <= maxEntities {
		known, err := json.Marshal(entities)
		if err != nil {
			return nil, err
		}
		entity = fmt.Sprintf(`{"type":"string","enum":%s}`, known)
	}
	for _, op := range c.Operations {
		if err := (&operation{connection: c, op: op}).checkParams(); err != nil {
			return nil, err
		}
	}
	properties := fmt.Sprintf(`"entity":%s,"action":{"type":"string"},"params":{"type":"object","description":"Parameters of the action."},`+
		`"describe":{"type":"boolean","description":"Return the JSON Schema of the action's parameters, and run nothing."}`, entity)
	return &Tool{
		Description: c.overview(schemas),
		Input:       withExtras(properties, `["entity","action"]`), Output: anyOutput,
		Annotations: annotations(c.Operations...),
	}, nil
}

func (c *Connection) executeEntity(ctx context.Context, args json.RawMessage, schemas *schemas, budget int, options callOptions) (json.RawMessage, error) {
	w, rest, err := anyExtras.split(args)
	if err != nil {
		return nil, err
	}
	members, err := strict(rest, append(anyExtras.names(), "entity", "action", "params", "describe")...)
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
	describe, given := false, members["describe"]
	if kind := rawjson.KindOf(given); kind != rawjson.Invalid && kind != rawjson.Null && !truth(given, &describe) {
		return nil, fault.Invalid("describe", "describe must be true or false", "set it to true or false, or omit it")
	}
	options.aim.Described = describe
	options.aim.Entity, options.aim.Action, options.aim.Params = entity, action, members["params"]
	var actions []string
	for _, op := range c.Operations {
		if op.Entity != entity {
			continue
		}
		if op.Action == action {
			o := &operation{connection: c, op: op, schemas: schemas, budget: budget, extras: anyExtras}
			if describe {
				text, err := o.describe()
				return json.RawMessage(`{"data":` + string(text) + `,"meta":{}}`), err
			}
			return o.runAny(ctx, w, members["params"], options)
		}
		actions = append(actions, op.Action)
	}
	if len(actions) == 0 {
		return nil, &abi.Error{Kind: abi.KindUnknownOperation, Field: "entity", Message: "there is no allowed entity " + quote(entity), Hint: fault.Hint(entity, c.entities())}
	}
	return nil, &abi.Error{Kind: abi.KindUnknownOperation, Field: "action", Message: entity + " has no allowed action " + quote(action), Hint: fault.Hint(action, actions)}
}

func (c *Connection) entities() []string { return entitiesOf(c.Operations) }

// entitiesOf returns the entities of operations, in alphabetical order.
func entitiesOf(ops []*abi.Operation) []string {
	var names []string
	for _, op := range ops {
		names = append(names, op.Entity)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// maxSigned is the largest number of operations whose parameters a description may have room
// for.
const maxSigned = 40

// overview describes a connection: every entity and its actions, with their parameters if there
// is room, the required ones with a star.
func (c *Connection) overview(schemas *schemas) string {
	const end = "\nA list returns one page. While meta.has_more is true, continue with params.cursor set to meta.next_cursor."
	said := c.Title + ": " + portable.Clip(c.Description, portable.MaxDescription/4)
	if len(c.Ask) > 0 {
		said += c.asking()
	}
	if len(c.Operations) <= maxSigned {
		list := c.listed(func(op *abi.Operation) string { return signature(op, schemas.of(op).JSON) })
		if text := said + "\nEntities, their actions and parameters (* required; ! changes data):" + list + end; len(text) <= portable.MaxDescription {
			return text
		}
	}
	list := c.listed(marked)
	said += "\nSet describe to true for the parameters of an action. Entities and their actions (! changes data):"
	if room := portable.MaxDescription - len(said) - len(end); len(list) > room {
		const more = "\n... and more; a wrong action gets those of its entity."
		list = list[:max(strings.LastIndexByte(list[:max(room-len(more), 0)], '\n'), 0)] + more
	}
	return portable.Clip(said+list+end, portable.MaxDescription)
}

// asking names the operations whose every call a person must approve, as far as there is room.
func (c *Connection) asking() string {
	const most = 20
	var names []string
	for i, op := range c.Ask {
		if i == most {
			names = append(names, "and more")
			break
		}
		names = append(names, op.Entity+" "+op.Action)
	}
	return "\nA person must approve each call of: " + strings.Join(names, ", ") + "."
}

// listed writes a line for each entity, with its actions.
func (c *Connection) listed(action func(*abi.Operation) string) string {
	var entities []string
	lines := make(map[string]string)
	for _, op := range c.Operations {
		if lines[op.Entity] == "" {
			entities = append(entities, op.Entity)
			lines[op.Entity] = "\n" + op.Entity + ": " + action(op)
		} else {
			lines[op.Entity] += ", " + action(op)
		}
	}
	var b strings.Builder
	for _, entity := range entities {
		b.WriteString(lines[entity])
	}
	return b.String()
}

// marked is the name of an action, with a mark if it changes data.
func marked(op *abi.Operation) string {
	if op.Effect != abi.EffectRead {
		return op.Action + "!"
	}
	return op.Action
}

// signature writes an action as in create!(title*, body_html*, tags).
func signature(op *abi.Operation, schema json.RawMessage) string {
	var required []string
	list, _, _ := rawjson.Pointer(schema, "/required")
	for name := range rawjson.Elements(list) {
		required = append(required, rawjson.Unquote(name))
	}
	names := propertyNames(schema)
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
	return marked(op) + "(" + strings.Join(names, ", ") + ")"
}
