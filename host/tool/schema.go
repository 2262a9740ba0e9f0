package tool

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/agenthost/agenthost/host/budget"
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
const cursorSchema = `{"type":"string","description":"Where to go on: meta.next_cursor of the answer before."}`

// input is the operation's own schema with the cursor of long answers and the additional
// properties, and otherwise byte for byte as the connector has it.
func (o *operation) input(x extras) (json.RawMessage, error) {
	if rawjson.KindOf(o.op.Params) != rawjson.Object {
		return nil, &abi.Error{Kind: abi.KindConnectorFault, Field: o.path(), Message: fmt.Sprintf("the parameters of %s have no JSON Schema", o.path()), Hint: "the connector's author has to mend this"}
	}
	properties := []byte{'{'}
	own, _, _ := rawjson.Pointer(o.op.Params, "/properties")
	for name, value := range rawjson.Members(own) {
		properties = append(append(append(append(properties, name...), ':'), value...), ',')
	}
	add := func(name, schema string) {
		properties = append(budget.AppendText(properties, name), ':')
		properties = append(append(properties, schema...), ',')
	}
	if o.resumable() && !slices.Contains(propertyNames(o.op.Params), abiCursor) {
		add(abiCursor, cursorSchema)
	}
	for _, extra := range x {
		add(extra.name, extra.schema)
	}
	properties = closed(properties, '}')
	out := []byte(`{"type":"object","properties":`)
	out = append(out, properties...)
	for name, value := range rawjson.Members(o.op.Params) {
		switch rawjson.Unquote(name) {
		case "type", "properties":
			continue
		}
		out = append(append(append(append(out, ','), name...), ':'), value...)
	}
	return budget.Escape(append(out, '}')), nil
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
const leftOutSchema = `{"type":"object","description":"What the answer had no room for, and how to get it.","properties":{` +
	`"records":{"type":"integer"},"shortened_text":{"type":"array","items":{"type":"string"}},"text_length":{"type":"integer"},` +
	`"shortened_arrays":{"type":"array","items":{"type":"string"}},"dropped_fields":{"type":"array","items":{"type":"string"}},"note":{"type":"string"}},"required":["note"]}`

// output describes what the tool answers: data and meta. The connector's own schema of a
// record is part of it, without what a selected or shortened record need not fulfil.
func (o *operation) output() json.RawMessage {
	record := relaxed(o.op.Result)
	data := "{}"
	switch {
	case o.op.Paginated:
		data = fmt.Sprintf(`{"type":"array","items":%s}`, record)
	case len(o.op.Result) > 0:
		data = fmt.Sprintf(`{"anyOf":[%s,{"type":"array","items":%s}]}`, record, record)
	}
	meta := `{"type":"object"}`
	if o.op.Paginated {
		meta = `{"type":"object","properties":{"next_cursor":{"type":["string","null"]},"has_more":{"type":"boolean"}},"required":["next_cursor","has_more"]}`
	}
	return budget.Escape(fmt.Appendf(nil, `{"type":"object","properties":{"data":%s,"meta":%s,"left_out":%s},"required":["data","meta"]}`, data, meta, leftOutSchema))
}

// relaxed keeps of a schema what describes a value: types, names and descriptions.
// Required fields may be unselected, long text loses its format, and references would
// point elsewhere in the schema around it.
func relaxed(schema json.RawMessage) json.RawMessage {
	var node struct {
		Type        json.RawMessage            `json:"type,omitempty"`
		Title       string                     `json:"title,omitempty"`
		Description string                     `json:"description,omitempty"`
		Properties  map[string]json.RawMessage `json:"properties,omitempty"`
		Items       json.RawMessage            `json:"items,omitempty"`
	}
	if rawjson.KindOf(schema) != rawjson.Object || json.Unmarshal(schema, &node) != nil {
		return json.RawMessage("{}")
	}
	for name, property := range node.Properties {
		node.Properties[name] = relaxed(property)
	}
	if node.Items != nil {
		node.Items = relaxed(node.Items)
	}
	out, err := json.Marshal(node)
	if err != nil {
		return json.RawMessage("{}")
	}
	return out
}
