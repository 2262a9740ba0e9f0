package conformance

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/connector"
)

// filling says how to make a value of a schema.
type filling struct {
	// least leaves out optional values.
	least bool
	// largest goes to the limits; odd makes texts of characters that need escaping.
	largest, odd bool
	// step is the time between one value and the next: operations want the start before the
	// end, and only the names of parameters tell them apart.
	step  time.Duration
	times int
	// made counts values, long texts as several, up to about maxValues.
	made int
}

// valid makes parameters that fit an operation's schema: first its examples, which are the
// likeliest to make sense, then the fewest, all, and odd ones. It leaves out those that the schema
// refuses by keywords that this package does not know.
func valid(ctx context.Context, op *connector.Operation) []json.RawMessage {
	s := parseSchema(op.Params)
	candidates := slices.Clone(op.Examples)
	for _, f := range []filling{
		{least: true, step: time.Hour}, {step: time.Hour}, {step: -time.Hour}, {largest: true, step: time.Hour}, {odd: true, step: -time.Hour},
	} {
		candidates = append(candidates, marshal(f.value(s, 0)))
	}
	return fitting(ctx, op, candidates)
}

// singles are the required parameters with one of the others, for operations that want
// one of several.
func singles(ctx context.Context, op *connector.Operation) []json.RawMessage {
	s := parseSchema(op.Params)
	least, _ := (&filling{least: true}).value(s, 0).(map[string]any)
	properties := s.properties()
	var candidates []json.RawMessage
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		candidates = append(candidates, marshal(with(least, name, (&filling{}).value(properties[name], 1))))
	}
	return fitting(ctx, op, candidates)
}

func fitting(ctx context.Context, op *connector.Operation, candidates []json.RawMessage) []json.RawMessage {
	var fit []json.RawMessage
	for _, candidate := range candidates {
		same := func(f json.RawMessage) bool { return string(f) == string(candidate) }
		if op.Validate(ctx, candidate) == nil && !slices.ContainsFunc(fit, same) {
			fit = append(fit, candidate)
		}
	}
	return fit
}

// maxValueDepth bounds values of schemas that refer to themselves, maxMade the length
// of texts and lists.
const (
	maxValueDepth = 8
	maxMade       = 2000
	maxValues     = 20_000
)

// value makes a value that fits.
func (f *filling) value(s schema, depth int) any {
	if f.made++; f.made > maxValues {
		return nil
	}
	if list, ok := s["enum"].([]any); ok && len(list) > 0 {
		if f.largest {
			return list[len(list)-1]
		}
		return list[0]
	}
	if c, ok := s["const"]; ok {
		return c
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		if list, ok := s[key].([]any); ok && len(list) > 0 && s.kind() == "" {
			if first, ok := list[0].(map[string]any); ok {
				return f.value(first, depth+1)
			}
		}
	}
	switch s.kind() {
	case "object":
		return f.object(s, depth)
	case "array":
		return f.array(s, depth)
	case "integer", "number":
		if f.largest {
			return s.number("maximum", 1_000_000)
		}
		return s.number("minimum", max(1, s.number("exclusiveMinimum", 0)+1))
	case "boolean":
		return !f.odd
	case "null":
		return nil
	}
	return f.text(s)
}

func (f *filling) object(s schema, depth int) any {
	value := make(map[string]any)
	required := s.required()
	properties := s.properties()
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		property := properties[name]
		if slices.Contains(required, name) || (!f.least && depth < maxValueDepth && property["truncated"] != true) {
			value[name] = f.value(property, depth+1)
		}
	}
	return value
}

func (f *filling) array(s schema, depth int) any {
	items, _ := s["items"].(map[string]any)
	n := max(1, s.length("minItems", 0))
	if f.largest {
		n = max(n, min(3, s.length("maxItems", 3)))
	}
	list := []any{}
	for range n {
		if depth < maxValueDepth && f.made < maxValues {
			list = append(list, f.value(items, depth+1))
		}
	}
	return list
}

// text makes a string of the required format and length.
func (f *filling) text(s schema) string {
	switch s["format"] {
	case "date-time", "date":
		at := testTime.Add(time.Duration(f.times) * f.step)
		f.times++
		if s["format"] == "date" {
			return at.AddDate(0, 0, int(f.step.Hours())*f.times).Format(time.DateOnly)
		}
		return at.Format("2006-01-02T15:04:05Z")
	case "email":
		return "ada@example.com"
	case "uri", "url":
		return "https://example.com/x"
	case "uuid":
		return "7f3c1a52-9d1e-4b6e-8a43-5d2b60c1f0aa"
	}
	if s["contentEncoding"] == "base64" {
		return "aGVsbG8="
	}
	text := "value"
	if f.odd && s["pattern"] == nil {
		text = "a/../b?c#d&e=%2F \"\\\u00fc\u2028\U0001f600{x}"
	}
	most := s.length("maxLength", maxMade)
	if f.largest && s["pattern"] == nil {
		text = strings.Repeat("v", min(most, maxMade))
	}
	if least := s.length("minLength", 0); len([]rune(text)) < least {
		text = strings.Repeat("v", least)
	}
	f.made += len(text) / 64
	if runes := []rune(text); len(runes) > most {
		text = string(runes[:most])
	}
	return text
}

func with(value map[string]any, name string, v any) map[string]any {
	changed := maps.Clone(value)
	if changed == nil {
		changed = make(map[string]any)
	}
	changed[name] = v
	return changed
}

func without(value map[string]any, name string) map[string]any {
	changed := maps.Clone(value)
	delete(changed, name)
	return changed
}

func marshal(v any) json.RawMessage {
	data, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage("null")
	}
	return data
}
