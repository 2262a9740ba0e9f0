package tool

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/agenthost/agenthost/internal/budget"
	"github.com/agenthost/agenthost/internal/portable"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// propertyNames returns the names of a schema's own properties.
func propertyNames(schema json.RawMessage) []string {
	properties, found, _ := rawjson.Pointer(schema, "/properties")
	if !found {
		return nil
	}
	var names []string
	for name := range rawjson.Members(properties) {
		names = append(names, rawjson.Unquote(name))
	}
	return names
}

// cursorSchema is for operations that have no pages of their own, whose answers may be
// too long all the same.
const cursorSchema = `{"type":"string","description":"Where to continue: meta.next_cursor of the previous result."}`

// schemas has what is advertised of operations. Each is derived when it is first needed, and
// shared by the connections that have the operation.
type schemas struct {
	mu    sync.Mutex
	known map[*abi.Operation]*portable.Schema
}

// of returns the portable schema of an operation's parameters.
func (s *schemas) of(op *abi.Operation) *portable.Schema {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.known[op]; known != nil {
		return known
	}
	derived := portable.Params(op.Params, reserved...)
	if s.known == nil {
		s.known = make(map[*abi.Operation]*portable.Schema)
	}
	s.known[op] = &derived
	return &derived
}

// checkParams refuses parameters without a schema.
func (o *operation) checkParams() error {
	if rawjson.KindOf(o.op.Params) != rawjson.Object {
		return &abi.Error{Kind: abi.KindConnectorFault, Field: o.path(), Message: fmt.Sprintf("the parameters of %s have no JSON Schema", o.path()), Hint: "the connector's author must fix this"}
	}
	return nil
}

// input is the portable schema with the cursor of long answers and the additional properties.
func (o *operation) input(x extras) json.RawMessage {
	properties := []byte{'{'}
	of := o.schemas.of(o.op).JSON
	own, _, _ := rawjson.Pointer(of, "/properties")
	for name, value := range rawjson.Members(own) {
		properties = append(append(append(append(properties, name...), ':'), value...), ',')
	}
	add := func(name, schema string) {
		properties = append(budget.AppendText(properties, name), ':')
		properties = append(append(properties, schema...), ',')
	}
	if o.resumable() && !slices.Contains(propertyNames(of), abiCursor) {
		add(abiCursor, cursorSchema)
	}
	for _, extra := range x {
		add(extra.name, extra.schema)
	}
	properties = closed(properties, '}')
	out := []byte(`{"type":"object","properties":`)
	out = append(out, properties...)
	for name, value := range rawjson.Members(of) {
		switch rawjson.Unquote(name) {
		case "type", "properties":
			continue
		}
		out = append(append(append(append(out, ','), name...), ':'), value...)
	}
	return append(out, '}')
}

// closed puts the bracket in the place of the comma after the last member.
func closed(out []byte, bracket byte) []byte {
	if last := len(out) - 1; out[last] == ',' {
		out[last] = bracket
		return out
	}
	return append(out, bracket)
}

// resumable says whether the operation may be called again to get the rest of an answer.
func (o *operation) resumable() bool { return o.op.Effect == abi.EffectRead }

// leftOutSchema describes left_out of every answer.
const leftOutSchema = `{"type":"object","description":"What the result had no room for, and how to get it.","properties":{` +
	`"records":{"type":"integer"},"shortened_text":{"type":"array","items":{"type":"string"}},"text_length":{"type":"integer"},` +
	`"shortened_arrays":{"type":"array","items":{"type":"string"}},"dropped_fields":{"type":"array","items":{"type":"string"}},"note":{"type":"string"}},"required":["note"]}`

// output describes what the tool answers: data and meta. The fields of records, which Result of
// the operation may have, are not in it: they would double the size of all tools, and a client that
// checks answers would lose one because its vendor changed a field.
func (o *operation) output() json.RawMessage {
	data, meta := "{}", `{"type":"object"}`
	if o.op.Paginated {
		data = `{"type":"array","items":{}}`
		meta = `{"type":"object","properties":{"next_cursor":{"anyOf":[{"type":"string"},{"type":"null"}]},"has_more":{"type":"boolean"}},"required":["next_cursor","has_more"]}`
	}
	return fmt.Appendf(nil, `{"type":"object","properties":{"data":%s,"meta":%s,"left_out":%s},"required":["data","meta"]}`, data, meta, leftOutSchema)
}
