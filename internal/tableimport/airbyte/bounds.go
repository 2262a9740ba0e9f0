package airbyte

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"github.com/agenthost/agenthost/internal/lazyregexp"
	"github.com/agenthost/agenthost/internal/tableimport"
)

// Bounds of what the documents do not bound. plugin test wants some: a model that repeats
// itself must not fill a request.
const (
	longestText  = "100000"
	longestFile  = "20000000" // in base64
	longestArray = "1000"
)

// bounded gives every text and array of a schema a largest size.
func bounded(v any) any {
	schema, ok := v.(tableimport.Map)
	if !ok {
		return v
	}
	for i, member := range schema {
		switch member.Key {
		case "items", "additionalProperties":
			schema[i].Value = bounded(member.Value)
		case "properties":
			properties, _ := member.Value.(tableimport.Map)
			for j := range properties {
				properties[j].Value = bounded(properties[j].Value)
			}
		case "anyOf", "oneOf", "allOf":
			choices, _ := member.Value.([]any)
			for j := range choices {
				choices[j] = bounded(choices[j])
			}
		}
	}
	types := schema.List("type")
	if kind := schema.Get("type"); types == nil {
		types = []any{kind}
	}
	for _, kind := range types {
		switch {
		case kind == "string" && !schema.Has("maxLength") && !schema.Has("enum") && !schema.Has("const") && !schema.Has("format") && !schema.Has("pattern"):
			schema.Set("maxLength", json.Number(longestText))
		case kind == "array" && !schema.Has("maxItems"):
			schema.Set("maxItems", json.Number(longestArray))
		}
	}
	return schema
}

// example makes a value of a schema that is valid, as small as it can be.
func example(schema tableimport.Map, name string, depth int) any {
	if v := schema.Get("default"); v != nil {
		return v
	}
	if list := schema.List("enum"); len(list) > 0 {
		return list[0]
	}
	if v := schema.Get("const"); v != nil {
		return v
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		if choice, ok := first(schema.List(key)).(tableimport.Map); ok && depth < maxNesting {
			return example(choice, name, depth+1)
		}
	}
	switch kindOf(schema) {
	case "integer", "number":
		if least, ok := schema.Get("minimum").(json.Number); ok {
			return least
		}
		if most, ok := schema.Get("maximum").(json.Number); ok && strings.HasPrefix(most.String(), "-") {
			return most
		}
		return json.Number("1")
	case "boolean":
		return true
	case "array":
		items, _ := schema.Get("items").(tableimport.Map)
		if least, ok := schema.Get("minItems").(json.Number); !ok || least == "0" || depth >= maxNesting {
			if depth > 0 {
				return []any{}
			}
		}
		return []any{example(items, name, depth+1)}
	case "object":
		m := tableimport.Map{}
		for _, required := range schema.List("required") {
			key, _ := required.(string)
			if property := schema.Map("properties").Map(key); depth < maxNesting {
				m.Set(key, example(property, key, depth+1))
			}
		}
		return m
	}
	switch schema.Text("format") {
	case "date":
		return "2026-01-31"
	case "date-time":
		return "2026-01-31T09:30:00Z"
	case "email":
		return "person@example.com"
	case "uri":
		return "https://example.com/"
	case "uuid":
		return "00000000-0000-4000-8000-000000000000"
	}
	return exampleText(schema, name)
}

// exampleText is a text that fits the length and, if it is a simple one, the pattern.
func exampleText(schema tableimport.Map, name string) string {
	text := strings.Trim(notInName.ReplaceAllString(strings.ToLower(name), "-"), "-") + "-1"
	if p := schema.Text("pattern"); p != "" {
		if fits, err := regexp.Compile(p); err == nil {
			for _, guess := range []string{text, "1", "1234567890", "abc", "A1", "2026-01-31"} {
				if fits.MatchString(guess) {
					return guess
				}
			}
		}
	}
	if most, ok := schema.Get("maxLength").(json.Number); ok {
		if n, err := most.Int64(); err == nil && n >= 0 && n < int64(len(text)) {
			text = text[:n]
		}
	}
	if least, ok := schema.Get("minLength").(json.Number); ok {
		if n, err := least.Int64(); err == nil && n < 1000 {
			for int64(len(text)) < n {
				text += "1"
			}
		}
	}
	return text
}

// examples are the parameters of a smallest call, if it needs some.
func (r *row) examples() []any {
	smallest := tableimport.Map{}
	for _, p := range r.params {
		if p.required && p.constant == nil && p.config == "" && p.send == nil && p.text == "" {
			smallest.Set(p.name, example(p.schema, p.name, 0))
		}
	}
	if len(smallest) == 0 {
		return nil
	}
	return []any{smallest}
}

// recordMember finds the members of records that a filter or a transform names.
var recordMember = lazyregexp.New(`record((?:\.[A-Za-z_]\w*)+)`)

// answers are examples of answers for plugin test, where it could not make up one: of records
// inside of other records, those that a filter lets through, and URLs that a page goes on with.
func (r *row) answers(rec *records, page tableimport.Map) []any {
	filter := r.source.Text("x-airbyte-record-filter")
	if filter == "" && !strings.Contains(rec.pointer, "/*") && !page.Has("cursor_names") && !page.Has("path") {
		return nil
	}
	var record any = tableimport.Map{{Key: "id", Value: "1"}}
	for _, m := range recordMember.FindAllStringSubmatch(filter, -1) {
		record = placed(record, strings.Split(m[1], ".")[1:], !strings.Contains(filter, "not "+m[0]))
	}
	segments := strings.Split(rec.pointer, "/")[1:]
	if rec.list && !strings.Contains(rec.pointer, "/*") {
		record = []any{record}
	}
	for i := len(segments) - 1; i >= 0; i-- {
		if segments[i] == "*" {
			record = []any{record}
		} else {
			record = tableimport.Map{{Key: segments[i], Value: record}}
		}
	}
	if whole, ok := record.(tableimport.Map); ok {
		for _, key := range []string{"cursor", "more"} {
			var value any = true
			if key == "cursor" {
				value = "next-1"
				if page.Text("by") == "url" {
					value = exampleURL(page)
				}
			}
			if pointer := page.Text(key); pointer != "" && !strings.Contains(pointer, "/0") {
				whole, _ = placed(whole, strings.Split(pointer, "/")[1:], value).(tableimport.Map)
			}
		}
		record = whole
	}
	return []any{record}
}

// exampleURL is a URL of the next page.
func exampleURL(page tableimport.Map) string {
	const at = "https://api.example.com"
	if path := page.Text("path"); path != "" {
		return at + strings.ReplaceAll(path, "{cursor}", "next-1")
	}
	names := page.List("cursor_names")
	if len(names) == 0 {
		names = []any{page.Text("cursor_name")}
	}
	query := url.Values{}
	for _, name := range names {
		text, _ := name.(string)
		query.Set(text, "next-1")
	}
	return at + "/?" + query.Encode()
}

// placed is a record with a member inside of it.
func placed(record any, path []string, value any) any {
	m, _ := record.(tableimport.Map)
	if len(path) == 1 {
		m.Set(path[0], value)
	} else {
		m.Set(path[0], placed(m.Get(path[0]), path[1:], value))
	}
	return m
}
