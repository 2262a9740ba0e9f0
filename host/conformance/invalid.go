package conformance

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/connector"
)

// invalidParams tries parameters that must not reach the connector, because the schema should
// refuse them.
func invalidParams(ctx context.Context, e *examination, c *Check) {
	e.each(func(op *connector.Operation) {
		cases := invalid(op)
		for _, what := range slices.Sorted(maps.Keys(cases)) {
			c.Cases++
			if op.Validate(ctx, cases[what]) == nil {
				c.problem("%s accepts %s: %s", op.Name(), what, short(cases[what]))
			}
		}
	})
}

// invalid makes parameters that an operation must refuse, by their mistake.
func invalid(op *connector.Operation) map[string]json.RawMessage {
	s := parseSchema(op.Params)
	whole, _ := (&filling{}).value(s, 0).(map[string]any)
	made := map[string]json.RawMessage{
		"an unknown parameter": marshal(with(whole, "zz_unknown", 1)),
		"no object":            json.RawMessage(`[]`),
		"no JSON":              json.RawMessage(`{"a":`),
		"a name twice":         json.RawMessage(`{"a":1,"a":2}`),
	}
	for _, name := range s.required() {
		made["no "+name] = marshal(without(whole, name))
	}
	for name, property := range s.properties() {
		if wrong, ok := wrongType(property); ok {
			made[name+" of a wrong type"] = marshal(with(whole, name, wrong))
		}
		if most := property.length("maxLength", 0); most > 0 && most < maxLength && property["enum"] == nil {
			made[name+" too long"] = marshal(with(whole, name, strings.Repeat("v", most+1)))
		}
		if most, ok := property["maximum"].(float64); ok {
			made[name+" too large"] = marshal(with(whole, name, most+1))
		}
		if least := property.length("minLength", 0); least > 0 && least < maxLength {
			made[name+" too short"] = marshal(with(whole, name, strings.Repeat("v", least-1)))
		}
		if property["enum"] != nil {
			made[name+" of no known value"] = marshal(with(whole, name, "zz-unknown"))
		}
	}
	return made
}

// wrongType makes a value of a type that a schema does not allow, if there is one.
func wrongType(s schema) (any, bool) {
	types := s.types()
	if len(types) == 0 {
		return nil, false
	}
	for _, candidate := range []struct {
		types []string
		value any
	}{
		{[]string{"array"}, []any{}}, {[]string{"integer", "number"}, 1}, {[]string{"string"}, "text"}, {[]string{"boolean"}, true}, {[]string{"object"}, map[string]any{}},
	} {
		if !slices.ContainsFunc(candidate.types, func(t string) bool { return slices.Contains(types, t) }) {
			return candidate.value, true
		}
	}
	return nil, false
}

func short(params json.RawMessage) string {
	const most = 80
	if len(params) > most {
		return strings.ToValidUTF8(string(params[:most]), "") + "..."
	}
	return string(params)
}
