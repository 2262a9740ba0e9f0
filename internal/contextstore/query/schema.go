package query

import (
	"encoding/json"
	"slices"
	"strings"
)

// operandKind is what an operator takes.
type operandKind int

const (
	ofScalar     operandKind = iota // a field and a text, a number, true, false or null
	ofText                          // a field and a text
	ofList                          // a field and a list of scalars
	ofElement                       // a field and a condition on an element of its list
	ofCondition                     // a condition
	ofConditions                    // a list of conditions
)

// operators are those of a condition, in the order in which people read of them.
var operators = []struct {
	name    string
	operand operandKind
}{
	{"eq", ofScalar}, {"neq", ofScalar}, {"gt", ofScalar}, {"gte", ofScalar}, {"lt", ofScalar}, {"lte", ofScalar},
	{"in", ofList},
	{"startswith", ofText}, {"endswith", ofText}, {"contains", ofText},
	{"array_contains", ofScalar},
	{"fuzzy", ofText}, {"keyword", ofText},
	{"any", ofElement},
	{"not", ofCondition}, {"and", ofConditions}, {"or", ofConditions},
}

func operatorNames() []string {
	names := make([]string, len(operators))
	for i, o := range operators {
		names[i] = o.name
	}
	return names
}

type object = map[string]any

// Schema returns the JSON Schema of the parameters of a search by fields. It lists the fields, so
// that a mistyped one is an error and not an empty result. The caller may add parameters.
func Schema(fields []string) map[string]any {
	alternatives := strings.Join(fields, "|")
	// perField is an object with one member, which a field names.
	perField := func(value object) object {
		properties := make(object, len(fields))
		for _, f := range fields {
			properties[f] = value
		}
		return object{
			"type": "object", "minProperties": 1, "maxProperties": 1, "properties": properties,
			"patternProperties": object{"^(" + alternatives + `)\.`: value}, "additionalProperties": false,
		}
	}
	return schema(perField, object{
		"type": []string{"string", "array"}, "pattern": "^(" + alternatives + `)(\.[A-Za-z0-9_]+)*$`,
		"minItems": 1, "prefixItems": []object{{"enum": fields}}, "items": object{"type": "string", "minLength": 1},
	})
}

// Brief is a schema without the fields and the operators, which take most of the place of the other: [Parse] says what is wrong with
// them. The description of the filter has them.
func Brief(filter string) map[string]any {
	perField := func(value object) object {
		return object{"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": value}
	}
	brief := schema(perField, object{"type": []string{"string", "array"}, "minLength": 1, "minItems": 1, "items": object{"type": "string", "minLength": 1}})
	brief["$defs"] = object{"condition": object{"type": "object", "minProperties": 1, "description": filter}}
	return brief
}

// schema is the schema of a search. PerField is an object with one member, which a field names, and named is the name of a field.
func schema(perField func(value object) object, named object) object {
	scalar := object{"type": []string{"string", "number", "boolean", "null"}}
	condition := object{"$ref": "#/$defs/condition"}
	operands := map[operandKind]object{
		ofScalar:     {"$ref": "#/$defs/comparison"},
		ofText:       {"$ref": "#/$defs/text"},
		ofList:       perField(object{"type": "array", "items": scalar}),
		ofElement:    perField(object{"type": "object"}), // its fields are those of an element
		ofCondition:  condition,
		ofConditions: {"type": "array", "minItems": 1, "items": condition},
	}
	properties := object{}
	for _, o := range operators {
		properties[o.name] = operands[o.operand]
	}
	return object{
		"type": "object", "required": []string{"query"}, "additionalProperties": false,
		"properties": object{
			"query": object{
				"type": "object", "additionalProperties": false, "description": "What to find, and in which order.",
				"properties": object{
					"filter": condition,
					"sort": object{
						"type": "array", "description": "Fields, the most important one first.",
						"items": perField(object{"enum": []string{"asc", "desc"}}),
					},
				},
			},
			"limit":  object{"type": "integer", "minimum": 1, "description": "The most records of a page; the service's own limit is 1000."},
			"cursor": object{"type": "string", "minLength": 1, "description": "next_cursor of the page before."},
			"fields": object{
				"type": "array", "description": "The only fields to answer, as name or name.part; all where it is missing.",
				"items": named,
			},
		},
		"$defs": object{
			"comparison": perField(scalar),
			"text":       perField(object{"type": "string", "minLength": 1}),
			"condition": object{
				"type": "object", "minProperties": 1, "properties": properties, "additionalProperties": false,
			},
		},
	}
}

// AcceptLike adds to a schema the operator like, which [Parse] translates, for older clients.
func AcceptLike(schema map[string]any) {
	definitions, _ := schema["$defs"].(object)
	condition, _ := definitions["condition"].(object)
	if properties, ok := condition["properties"].(object); ok {
		properties["like"] = object{"$ref": "#/$defs/text"}
	}
}

// Example returns parameters of a search that everybody understands.
func Example(fields []string) json.RawMessage {
	field := fields[0]
	if i := slices.Index(fields, "name"); i >= 0 {
		field = fields[i]
	}
	raw, _ := json.Marshal(object{"query": object{"filter": object{"contains": object{field: "a"}}}, "limit": 10}) // texts always marshal
	return raw
}
