package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"github.com/agenthost/agenthost/internal/fault"
	"iter"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/budget"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Names of the tools of [FormSearch].
const (
	SearchOperations  = "search_operations"
	DescribeOperation = "describe_operation"
	ExecuteOperation  = "execute_operation"
)

// searchSet is [FormSearch].
func searchSet(connections []Connection, budget int) (Set, error) {
	c, err := newCatalog(connections, budget)
	if err != nil {
		return nil, err
	}
	never := false
	own := Annotations{ReadOnly: true, Destructive: &never, Idempotent: true}
	return Set{
		{
			Name: SearchOperations, Title: "Search operations",
			Description: "Find operations by keywords. Connections: " + about(connections) + ". An operation of several connections is listed once, with their names: put any of them before the first dot. Then use " + DescribeOperation + " for its parameters, and " + ExecuteOperation + " to run it.",
			Input:       json.RawMessage(`{"type":"object","properties":{"query":{"type":"string","description":"Words such as: list urgent issues, create candidate. Empty lists everything."}}}`),
			Output: json.RawMessage(`{"type":"object","properties":{"operations":{"type":"array","items":{"type":"object","properties":{` +
				`"operation":{"type":"string"},"connections":{"type":"array","items":{"type":"string"}},"effect":{"type":"string"},"description":{"type":"string"}},"required":["operation","effect"]}},"found":{"type":"integer"},"note":{"type":"string"}},"required":["operations","found"]}`),
			Annotations: own, run: c.search,
		},
		{
			Name: DescribeOperation, Title: "Describe an operation",
			Description: "The parameters of an operation as a JSON Schema, with examples.",
			Input:       json.RawMessage(`{"type":"object","properties":{"operation":{"type":"string","description":"As ` + SearchOperations + ` names it: connection.entity.action."}},"required":["operation"]}`),
			Output:      json.RawMessage(`{"type":"object","properties":{"operation":{"type":"string"},"description":{"type":"string"},"effect":{"type":"string"},"params":{"type":"object"},"examples":{"type":"array","items":{"type":"object"}}},"required":["operation","description","effect","params"]}`),
			Annotations: own, run: c.describe,
		},
		{
			Name: ExecuteOperation, Title: "Execute an operation",
			Description: "Run an operation. First get its parameters with " + DescribeOperation + ". The result has data and meta. While meta.has_more is true, continue a list with params.cursor set to meta.next_cursor.",
			Input: withExtras(`"operation":{"type":"string","description":"As `+SearchOperations+` names it: connection.entity.action."},"params":{"type":"object","description":"The operation's parameters."}`,
				`["operation"]`),
			Output:      anyOutput,
			Annotations: annotations(c.operations()...), run: c.execute,
		},
	}, nil
}

// anyOutputText describes the answer of a tool that runs any operation.
const anyOutputText = `{"type":"object","properties":{"data":{},"meta":{"type":"object"},"left_out":` + leftOutSchema + `},"required":["data","meta"]}`

var anyOutput = json.RawMessage(anyOutputText)

// anyExtras are those of a tool that runs any operation.
var anyExtras = extrasOf(&abi.Operation{Effect: abi.EffectRead, Paginated: true}, nil)

// withExtras is the schema of a tool that takes params as a whole.
func withExtras(properties, required string) json.RawMessage {
	var b strings.Builder
	b.WriteString(`{"type":"object","properties":{` + properties)
	for _, x := range anyExtras {
		fmt.Fprintf(&b, `,%q:%s`, x.name, x.schema)
	}
	b.WriteString(`},"required":` + required + `}`)
	return json.RawMessage(b.String())
}

// about lists connections and what they lead to.
func about(connections []Connection) string {
	if len(connections) == 0 {
		return "none"
	}
	return listed(600, func(yield func(string) bool) {
		for i := range connections {
			if !yield(connections[i].Name + " (" + connections[i].Title + ")") {
				return
			}
		}
	})
}

// listed joins names and shortens the list to n bytes. It asks for no more names than that
// takes.
func listed(n int, names iter.Seq[string]) string {
	var b strings.Builder
	for name := range names {
		if b.Len() > 0 {
			b.WriteString(", ")
		}
		b.WriteString(name)
		if b.Len() > n {
			break
		}
	}
	return clip(b.String(), n)
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
			return nil, fault.Invalid(plain, "unknown parameter "+quote(plain), fault.Hint(plain, known))
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
			return "", fault.Invalid(name, "missing parameter "+quote(name), "add "+name)
		}
		return "", nil
	}
	if rawjson.KindOf(value) != rawjson.String {
		return "", fault.Invalid(name, "parameter "+quote(name)+" is not text", "use a string")
	}
	return rawjson.Unquote(value), nil
}

// maxQuery is the length of the longest query, in bytes: each word of it is looked for in
// every name.
const maxQuery = 1000

func (c *catalog) search(_ context.Context, args json.RawMessage, options callOptions) (json.RawMessage, error) {
	options.aim.reached = true // there is no call of an operation to refuse
	members, err := strict(args, "query")
	if err != nil {
		return nil, err
	}
	query, err := text(members, "query", false)
	if err != nil {
		return nil, err
	}
	if len(query) > maxQuery {
		return nil, fault.Invalid("query", fmt.Sprintf("the query has %d bytes, but the limit is %d", len(query), maxQuery), "use a few keywords")
	}
	found := c.match(query)
	shown, length := found, 60 // a list of everything says little of each
	if strings.TrimSpace(query) != "" {
		shown, length = near(found), 200
	}
	type line struct {
		Operation   string     `json:"operation"`
		Connections []string   `json:"connections,omitempty"` // where there are several
		Effect      abi.Effect `json:"effect"`
		Description string     `json:"description,omitempty"`
	}
	short, left := budget.FitRecords(len(shown), func(i, elements int) []byte {
		h := shown[i]
		l := line{Operation: h.path(), Effect: h.kind.op.Effect, Description: clip(h.kind.op.Description, length)}
		if names := h.connections(elements); len(names) > 1 {
			l.Connections = names
		}
		text, failed := encode(l)
		err = errors.Join(err, failed)
		return text
	}, c.budget-400)
	if err != nil {
		return nil, err
	}
	note := ""
	switch more := len(found) - len(shown) + left.Records; {
	case len(found) == 0 && len(c.connectors) > 0:
		note = "nothing matches; entities: " + clip(strings.Join(c.entities(), ", "), 300)
	case more > 0:
		note = fmt.Sprintf("%d more match; use more or other words", more)
	}
	return encode(struct {
		Operations json.RawMessage `json:"operations"`
		Found      int             `json:"found"`
		Note       string          `json:"note,omitempty"`
	}{short, len(found), note})
}

func (c *catalog) describe(_ context.Context, args json.RawMessage, options callOptions) (json.RawMessage, error) {
	options.aim.Described = true
	members, err := strict(args, "operation")
	if err != nil {
		return nil, err
	}
	path, err := text(members, "operation", true)
	if err != nil {
		return nil, err
	}
	options.aim.path(path)
	o, err := c.find(path)
	if err != nil {
		return nil, err
	}
	return o.describe()
}

// maxExamples is the size of the examples that a description has room for, in bytes.
const maxExamples = 32 << 10

// describe is the answer that says how to call the operation.
func (o *operation) describe() (json.RawMessage, error) {
	examples, size := o.op.Examples, 0
	for i, example := range examples {
		if size += len(example); size > maxExamples {
			examples = examples[:i]
			break
		}
	}
	return encode(struct {
		Operation   string            `json:"operation"`
		Description string            `json:"description"`
		Effect      abi.Effect        `json:"effect"`
		Params      json.RawMessage   `json:"params"`
		Examples    []json.RawMessage `json:"examples,omitempty"`
	}{o.path(), o.description(), o.op.Effect, o.input(nil), examples})
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
	options.aim.path(path)
	options.aim.Params = members["params"]
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

// runAny runs an operation for a tool that takes params as a whole, with [anyExtras].
func (o *operation) runAny(ctx context.Context, w want, params json.RawMessage, c callOptions) (json.RawMessage, error) {
	switch rawjson.KindOf(params) {
	case rawjson.Object:
	case rawjson.Invalid, rawjson.Null:
		params = json.RawMessage("{}")
	case rawjson.String:
		// Some models write an object inside a string.
		inner := json.RawMessage(rawjson.Unquote(params))
		if rawjson.Check(inner) != nil || rawjson.KindOf(inner) != rawjson.Object {
			return nil, fault.Invalid("params", "params is not an object", `use an object such as {"id": "..."}`)
		}
		params = inner
	default:
		return nil, fault.Invalid("params", "params is not an object", `use an object such as {"id": "..."}`)
	}
	params, err := o.schemas.of(o.op).Names.Restore(params)
	if err != nil {
		return nil, err
	}
	w.allPages = w.allPages && o.op.Paginated && o.resumable()
	return o.answer(ctx, w, params, c)
}

func encode(v any) (json.RawMessage, error) {
	out, err := json.Marshal(v)
	if err != nil {
		return nil, &abi.Error{Kind: abi.KindInternal, Message: "the result cannot be encoded as JSON"}
	}
	return budget.Escape(out), nil
}
