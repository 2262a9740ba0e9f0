package tool

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/budget"
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Names of the tools of [FormSearch].
const (
	SearchOperations  = "search_operations"
	DescribeOperation = "describe_operation"
	ExecuteOperation  = "execute_operation"
)

// catalog are the operations of all connections, by path.
type catalog struct {
	operations []*operation
	budget     int
}

func catalogOf(connections []Connection, budget int) *catalog {
	c := &catalog{budget: budget}
	for i := range connections {
		connection := &connections[i]
		for j := range connection.Operations {
			c.operations = append(c.operations, newOperation(connection, &connection.Operations[j], budget))
		}
	}
	return c
}

// find returns the operation of a path such as support.issues.list.
func (c *catalog) find(path string) (*operation, error) {
	if i := slices.IndexFunc(c.operations, func(o *operation) bool { return o.path() == path }); i >= 0 {
		return c.operations[i], nil
	}
	paths := make([]string, len(c.operations))
	var without []string // a connection, it would be one of these
	for i, o := range c.operations {
		paths[i] = o.path()
		if o.op.Entity+"."+o.op.Action == path {
			without = append(without, o.path())
		}
	}
	hint := nearest.Hint(path, paths)
	if len(without) > 0 {
		hint = "name the connection too: " + clip(strings.Join(without, ", "), 300)
	}
	return nil, &abi.Error{
		Kind: abi.KindUnknownOperation, Field: "operation", Message: "there is no operation " + quote(path) + " among those that are allowed",
		Hint: SearchOperations + " finds operations; " + hint,
	}
}

// searchSet is [FormSearch].
func searchSet(connections []Connection, budget int) (Set, error) {
	c := catalogOf(connections, budget)
	var ops []*abi.Operation
	for _, o := range c.operations {
		if _, err := o.input(nil); err != nil {
			return nil, err
		}
		ops = append(ops, o.op)
	}
	never := false
	own := Annotations{ReadOnly: true, Destructive: &never, Idempotent: true}
	return Set{
		{
			Name: SearchOperations, Title: "Search operations",
			Description: "Find operations by what they do or what they are about. Connections: " + about(connections) + ". An operation that several connections have is listed once, with all of them: any of their names may stand before the first dot. Then " + DescribeOperation + " says how to use one, and " + ExecuteOperation + " runs it.",
			Input:       json.RawMessage(`{"type":"object","properties":{"query":{"type":"string","description":"Words such as: list urgent issues, create candidate. Empty lists everything."}},"additionalProperties":false}`),
			Output: json.RawMessage(`{"type":"object","properties":{"operations":{"type":"array","items":{"type":"object","properties":{` +
				`"operation":{"type":"string"},"connections":{"type":"array","items":{"type":"string"}},"effect":{"type":"string"},"description":{"type":"string"}},"required":["operation","effect"]}},"found":{"type":"integer"},"note":{"type":"string"}},"required":["operations","found"]}`),
			Annotations: own, run: c.search,
		},
		{
			Name: DescribeOperation, Title: "Describe an operation",
			Description: "The parameters of an operation as a JSON Schema, with examples.",
			Input:       json.RawMessage(`{"type":"object","properties":{"operation":{"type":"string","description":"As ` + SearchOperations + ` names it: connection.entity.action."}},"required":["operation"],"additionalProperties":false}`),
			Output:      json.RawMessage(`{"type":"object","properties":{"operation":{"type":"string"},"description":{"type":"string"},"effect":{"type":"string"},"params":{"type":"object"},"examples":{"type":"array"}},"required":["operation","description","effect","params"]}`),
			Annotations: own, run: c.describe,
		},
		{
			Name: ExecuteOperation, Title: "Execute an operation",
			Description: "Run an operation. Look at its parameters with " + DescribeOperation + " before. The answer has data and meta; a list goes on with params.cursor set to meta.next_cursor while meta.has_more.",
			Input: withExtras(`"operation":{"type":"string","description":"As `+SearchOperations+` names it: connection.entity.action."},"params":{"type":"object","description":"The operation's parameters."}`,
				`["operation"]`),
			Output:      anyOutput,
			Annotations: annotations(ops...), run: c.execute,
		},
	}, nil
}

// anyOutputText describes the answer of a tool that runs any operation.
const anyOutputText = `{"type":"object","properties":{"data":{},"meta":{"type":"object"},"left_out":` + leftOutSchema + `},"required":["data","meta"]}`

var anyOutput = json.RawMessage(anyOutputText)

// anyExtras are those of a tool that runs any operation.
var anyExtras = extrasOf(&abi.Operation{Effect: abi.EffectRead, Paginated: true})

// withExtras is the schema of a tool that takes params as a whole.
func withExtras(properties, required string) json.RawMessage {
	var b strings.Builder
	b.WriteString(`{"type":"object","properties":{` + properties)
	for _, x := range anyExtras {
		fmt.Fprintf(&b, `,%q:%s`, x.name, x.schema)
	}
	b.WriteString(`},"required":` + required + `,"additionalProperties":false}`)
	return json.RawMessage(b.String())
}

// about lists connections and what they lead to.
func about(connections []Connection) string {
	var parts []string
	for _, c := range connections {
		parts = append(parts, c.Name+" ("+c.Title+")")
	}
	if len(parts) == 0 {
		return "none"
	}
	return clip(strings.Join(parts, ", "), 600)
}

// clip shortens a text to at most n bytes, at a word's end where there is one.
func clip(text string, n int) string {
	if len(text) <= n {
		return text
	}
	text = strings.ToValidUTF8(text[:n-len("...")], "")
	if space := strings.LastIndexByte(text, ' '); space > n/2 {
		text = text[:space]
	}
	return text + "..."
}

// strict reads an object whose members are exactly some of those named: no other, and
// none in another case.
func strict(args json.RawMessage, known ...string) (map[string]json.RawMessage, error) {
	members := make(map[string]json.RawMessage)
	for name, value := range rawjson.Members(args) {
		plain := rawjson.Unquote(name)
		if !slices.Contains(known, plain) {
			return nil, invalid(plain, "unknown parameter "+quote(plain), nearest.Hint(plain, known))
		}
		members[plain] = value
	}
	return members, nil
}

// text reads a member that is a string, or missing.
func text(members map[string]json.RawMessage, name string, required bool) (string, error) {
	value, found := members[name]
	if !found || rawjson.KindOf(value) == rawjson.Null {
		if required {
			return "", invalid(name, "missing parameter "+quote(name), "give "+name)
		}
		return "", nil
	}
	if rawjson.KindOf(value) != rawjson.String {
		return "", invalid(name, "parameter "+quote(name)+" is no text", "give a string")
	}
	return rawjson.Unquote(value), nil
}

func (c *catalog) describe(_ context.Context, args json.RawMessage, _ callOptions) (json.RawMessage, error) {
	members, err := strict(args, "operation")
	if err != nil {
		return nil, err
	}
	path, err := text(members, "operation", true)
	if err != nil {
		return nil, err
	}
	o, err := c.find(path)
	if err != nil {
		return nil, err
	}
	params, err := o.input(nil)
	if err != nil {
		return nil, err
	}
	return encode(struct {
		Operation   string            `json:"operation"`
		Description string            `json:"description"`
		Effect      abi.Effect        `json:"effect"`
		Params      json.RawMessage   `json:"params"`
		Examples    []json.RawMessage `json:"examples,omitempty"`
	}{o.path(), o.description(), o.op.Effect, params, o.op.Examples})
}

func (c *catalog) execute(ctx context.Context, args json.RawMessage, options callOptions) (json.RawMessage, error) {
	w, rest, err := anyExtras.split(args)
	if err != nil {
		return nil, err
	}
	members, err := strict(rest, append(anyExtras.names(), "operation", "params")...)
	if err != nil {
		return nil, err
	}
	path, err := text(members, "operation", true)
	if err != nil {
		return nil, err
	}
	o, err := c.find(path)
	if err != nil {
		return nil, err
	}
	return o.runAny(ctx, w, members["params"], options)
}

func (x extras) names() []string {
	names := make([]string, len(x))
	for i, e := range x {
		names[i] = e.name
	}
	return names
}

// runAny runs an operation for a tool that takes params as a whole.
func (o *operation) runAny(ctx context.Context, w want, params json.RawMessage, c callOptions) (json.RawMessage, error) {
	switch rawjson.KindOf(params) {
	case rawjson.Object:
	case rawjson.Invalid, rawjson.Null:
		params = json.RawMessage("{}")
	case rawjson.String:
		// Some models write an object inside a string.
		inner := json.RawMessage(rawjson.Unquote(params))
		if rawjson.Check(inner) != nil || rawjson.KindOf(inner) != rawjson.Object {
			return nil, invalid("params", "params is no object", `give an object such as {"id": "..."}`)
		}
		params = inner
	default:
		return nil, invalid("params", "params is no object", `give an object such as {"id": "..."}`)
	}
	w.allPages = w.allPages && o.op.Paginated && o.resumable()
	anyway := *o
	anyway.extras = anyExtras
	return anyway.answer(ctx, w, params, c)
}

func encode(v any) (json.RawMessage, error) {
	out, err := json.Marshal(v)
	if err != nil {
		return nil, &abi.Error{Kind: abi.KindInternal, Message: "the answer does not marshal to JSON"}
	}
	return budget.Escape(out), nil
}

func (c *catalog) entities() []string {
	var names []string
	for _, o := range c.operations {
		names = append(names, o.op.Entity)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
