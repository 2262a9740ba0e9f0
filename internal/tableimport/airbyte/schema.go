package airbyte

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/tableimport"
)

const (
	// maxNesting is how deep a schema is read, and maxParts how many parts it may have with its
	// references written out.
	maxNesting = 24
	maxParts   = 20_000
)

// keywords are those of JSON Schema that a table has. The others say nothing of which values
// are valid.
var keywords = []string{
	"type", "title", "description", "format", "pattern", "default", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
	"minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "required",
	"items", "properties", "additionalProperties", "anyOf", "oneOf", "allOf",
}

// formats are those whose values the document's vendor reads as JSON Schema defines them.
var formats = []string{"date", "date-time", "email", "uri", "uuid"}

// resolve follows references to other schemas of the document.
func (im *importer) resolve(v any) tableimport.Map {
	m, _ := v.(tableimport.Map)
	for range maxNesting {
		name, ok := strings.CutPrefix(m.Text("$ref"), "#/components/schemas/")
		if !ok {
			return m
		}
		m = im.schemas.Map(name)
	}
	return nil
}

// schema is a schema of the document with its references written out.
func (im *importer) schema(v any) (tableimport.Map, error) {
	parts := 0
	return im.copySchema(v, 0, &parts)
}

func (im *importer) copySchema(v any, depth int, parts *int) (tableimport.Map, error) {
	switch *parts++; {
	case depth > maxNesting:
		return nil, errors.New("a schema refers to itself, or nests too deeply")
	case *parts > maxParts:
		return nil, errors.New("a schema is too large with its references written out")
	}
	source := im.resolve(v)
	to := tableimport.Map{}
	for _, member := range source {
		if !slices.Contains(keywords, member.Key) {
			continue
		}
		var err error
		value := member.Value
		switch member.Key {
		case "items", "additionalProperties":
			if _, ok := value.(tableimport.Map); ok {
				value, err = im.copySchema(value, depth+1, parts)
			}
		case "properties":
			value, err = im.copySchemas(value, depth, parts)
		case "anyOf", "oneOf", "allOf":
			var list []any
			for _, choice := range source.List(member.Key) {
				copied, wrong := im.copySchema(choice, depth+1, parts)
				if wrong != nil {
					return nil, wrong
				}
				list = append(list, copied)
			}
			value = list
		case "description", "title":
			text, _ := value.(string)
			value = paragraph(text, "")
		case "format":
			if text, _ := value.(string); !slices.Contains(formats, text) {
				continue
			}
		case "default":
			if isTemplate(value) {
				continue
			}
		case "required", "enum", "type":
			// Some say required: true of a property, as the first drafts of JSON Schema did.
			if _, isList := value.([]any); !isList && member.Key != "type" {
				continue
			}
		}
		if err != nil {
			return nil, err
		}
		if text, isText := value.(string); member.Key != "default" && member.Key != "const" && isText && text == "" {
			continue
		}
		to.Set(member.Key, value)
	}
	if kind := source.Text("type"); source.Bool("nullable") && kind != "" {
		to.Set("type", []any{kind, "null"})
	}
	if len(to) == 0 && source.Has("$ref") {
		return nil, errors.New("a schema refers to nothing")
	}
	return to, nil
}

func (im *importer) copySchemas(v any, depth int, parts *int) (any, error) {
	properties := tableimport.Map{}
	m, _ := v.(tableimport.Map)
	for _, p := range m {
		copied, err := im.copySchema(p.Value, depth+1, parts)
		if err != nil {
			return nil, err
		}
		properties.Set(p.Key, copied)
	}
	return properties, nil
}

// isTemplate reports whether a default is a program, which nobody runs.
func isTemplate(v any) bool {
	text, _ := v.(string)
	return strings.Contains(text, "{{")
}

// isEmpty reports whether a default says nothing, which the vendor does not take for a value.
func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return strings.TrimSpace(v) == ""
	case []any:
		return len(v) == 0
	case tableimport.Map:
		return len(v) == 0
	}
	return false
}

// besides are keywords that stand beside the place of a parameter; with others, the schema has
// a key of its own.
var besides = []string{
	"type", "title", "description", "format", "pattern", "default", "enum", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems",
	"uniqueItems", "items", "properties", "additionalProperties", "anyOf",
}

// parameter is a row's parameter: where it goes, and its schema.
type parameter struct {
	name        string
	in, as      string
	required    bool
	send        any // nil for nothing
	constant    any
	text        string // of other parameters
	config      string
	images      tableimport.Map
	style       string
	description string
	schema      tableimport.Map
	extra       tableimport.Map // whole, base64 and so on
}

// member writes the parameter.
func (p *parameter) member() tableimport.Member {
	var m tableimport.Map
	m.Set("in", p.in)
	if p.as != p.name {
		m.Add("as", p.as)
	}
	if p.constant != nil {
		m.Set("const", p.constant)
		return tableimport.Member{Key: p.name, Value: m}
	}
	if p.text != "" {
		m.Set("text", p.text)
		return tableimport.Member{Key: p.name, Value: m}
	}
	m.Add("required", p.required && p.in != "path")
	if p.send != nil {
		m.Set("send", p.send)
	}
	m.Add("config", p.config)
	m.Add("map", p.images)
	m.Add("style", p.style)
	for _, extra := range p.extra {
		m.Set(extra.Key, extra.Value)
	}
	schema := slices.Clone(p.schema)
	if schema, _ = bounded(schema).(tableimport.Map); p.extra.Bool("base64") {
		schema.Set("maxLength", json.Number(longestFile))
	}
	if p.description == "" && schema.Text("description") == "" {
		p.description = "What the vendor calls " + p.name + "."
	}
	if p.description != "" {
		schema.Set("description", p.description)
	}
	if p.send != nil && !sameJSON(schema.Get("default"), p.send) || p.send == nil && isEmpty(schema.Get("default")) {
		schema.Remove("default")
	}
	// A person reads a description last.
	if text := schema.Text("description"); text != "" {
		schema.Remove("description")
		if len(text) < fewest {
			text = "What the vendor calls " + p.name + ": " + text
		}
		schema.Set("description", shorten(text, most))
	}
	if slices.ContainsFunc(schema, func(k tableimport.Member) bool { return !slices.Contains(besides, k.Key) }) {
		m.Set("schema", schema)
	} else {
		m = append(m, schema...)
	}
	return tableimport.Member{Key: p.name, Value: m}
}

func sameJSON(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return bytes.Equal(x, y)
}

// fewest and most are the lengths of descriptions that plugin test takes, in bytes.
const (
	fewest = 4
	most   = 1000
)

// shorten cuts a text behind its last sentence that fits, or behind a word.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	text = strings.ToValidUTF8(text[:most-4], "")
	if end := strings.LastIndex(text, ". "); end > most/2 {
		return text[:end+1]
	}
	if end := strings.LastIndexByte(text, ' '); end > most/2 {
		text = text[:end]
	}
	return text + " ..."
}
