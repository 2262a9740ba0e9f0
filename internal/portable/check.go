package portable

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// allowed are the keywords that a portable schema has.
var allowed = []string{
	"type", "title", "description", "anyOf", "enum", "format", "pattern", "minLength", "maxLength", "minimum", "maximum",
	"properties", "required", "additionalProperties", "items", "minItems", "maxItems", "x-mcp-header",
}

// Check returns what clients would refuse or misread in a schema, a line for each thing, with
// its place. It is for schemas of parameters and of results; names matter only in the former.
func Check(schema json.RawMessage, names bool) []string {
	c := &checker{names: names}
	c.schema(schema, "", 1)
	root := make(keywords)
	for name, value := range rawjson.Members(schema) {
		root[rawjson.Unquote(name)] = value
	}
	if root.text("type") != "object" {
		c.say("", "the type is not object")
	}
	return c.found
}

type checker struct {
	names bool
	found []string
}

func (c *checker) say(at, format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf("%s: %s", first(at, "/"), fmt.Sprintf(format, args...)))
}

func (c *checker) schema(schema []byte, at string, depth int) {
	if rawjson.KindOf(schema) != rawjson.Object {
		c.say(at, "the schema is no object")
		return
	}
	k := make(keywords)
	for name, value := range rawjson.Members(schema) {
		keyword := rawjson.Unquote(name)
		k[keyword] = value
		if !slices.Contains(allowed, keyword) {
			c.say(at, "the keyword %s", keyword)
		}
	}
	if n := length(k.text("description")); n > MaxDescription {
		c.say(at, "the description has %d characters", n)
	}
	if depth > maxDepth+4 {
		c.say(at, "the schema is too deep")
	}
	kind := kindOf(k.text("type"))
	switch {
	case kind != 0 && k["anyOf"] != nil:
		c.say(at, "both type and anyOf")
	case kind == 0 && k["anyOf"] == nil && c.names && !strings.HasSuffix(at, "/items"):
		c.say(at, "no type")
	case kind == 0 && k["type"] != nil:
		c.say(at, "the type %s", k["type"])
	}
	if kind == anArray && k["items"] == nil {
		c.say(at, "an array without items")
	}
	c.values(k, kind, at)
	c.parts(k, at, depth)
}

// values looks at the keywords that limit a value.
func (c *checker) values(k keywords, kind kinds, at string) {
	if k["enum"] != nil {
		known := make(map[string]bool)
		for value := range rawjson.Elements(k["enum"]) {
			text := rawjson.Unquote(value)
			if rawjson.KindOf(value) != rawjson.String || text == "" || known[text] {
				c.say(at, "the value %s in an enum", value)
			}
			known[text] = true
		}
		if kind != aString || len(known) == 0 || len(known) > maxChoices {
			c.say(at, "an enum with %d values of type %s", len(known), k["type"])
		}
	}
	if format := k.text("format"); format != "" && format != "date-time" {
		c.say(at, "the format %s", format)
	}
	if pattern := k.text("pattern"); pattern != "" && !portablePattern(pattern) {
		c.say(at, "the pattern %s", pattern)
	}
	for _, name := range []string{"minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems"} {
		if _, exact := integer(k[name]); k[name] != nil && !exact {
			c.say(at, "%s is %s", name, k[name])
		}
	}
}

// parts looks at the schemas inside one.
func (c *checker) parts(k keywords, at string, depth int) {
	known, folded := make(map[string]bool), make(map[string]bool)
	for name, value := range rawjson.Members(k["properties"]) {
		name := rawjson.Unquote(name)
		if c.names && folded[strings.ToLower(name)] {
			c.say(at, "the name %q, which differs from another one only in case", name)
		}
		known[name], folded[strings.ToLower(name)] = true, true
		if c.names && !portableName(name) {
			c.say(at, "the name %q", name)
		}
		c.schema(value, at+"/"+name, depth+1)
	}
	for name := range rawjson.Elements(k["required"]) {
		if name := rawjson.Unquote(name); !known[name] {
			c.say(at, "%s is required, and no property", name)
		}
	}
	for part := range rawjson.Elements(k["anyOf"]) {
		if at == "" {
			c.say(at, "anyOf at the top")
		}
		c.schema(part, at+"/anyOf", depth)
	}
	for _, name := range []string{"items", "additionalProperties"} {
		if k[name] != nil {
			c.schema(k[name], at+"/"+name, depth+1)
		}
	}
}
