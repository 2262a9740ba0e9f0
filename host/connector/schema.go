package connector

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Schema is a compiled JSON Schema 2020-12. Formats are asserted, regular expressions
// are RE2, and nothing outside the schema is ever loaded.
type Schema struct {
	compiled *jsonschema.Schema
	deepest  int // how deep a value may nest
}

// noLoader refuses references that lead out of a schema: a manifest must not make the
// host read files.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema may not refer to %s, outside itself", url)
}

// CompileSchema reads a schema.
func CompileSchema(raw json.RawMessage) (*Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("is not JSON: %w", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(noLoader{})
	const name = "schema:params"
	if err := c.AddResource(name, doc); err != nil {
		return nil, fmt.Errorf("is no JSON Schema: %w", err)
	}
	compiled, err := c.Compile(name)
	if err != nil {
		return nil, fmt.Errorf("is no JSON Schema 2020-12: %w", err)
	}
	if paths(compiled, make(map[*jsonschema.Schema]int)) > maxPaths {
		return nil, fmt.Errorf("leads from its root to its parts on more than %d paths, so that checking a value would take too long", maxPaths)
	}
	most := deepest(compiled)
	if most < 1 {
		return nil, errors.New("leads back to itself on so many paths that checking any value would take too long")
	}
	return &Schema{compiled, most}, nil
}

// Properties returns the names of the schema's own properties, sorted.
func (s *Schema) Properties() []string { return properties(s.compiled) }

func properties(s *jsonschema.Schema) []string {
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Validate checks a JSON object. See [Operation.Validate] for the error.
func (s *Schema) Validate(params []byte) error {
	if rawjson.KindOf(params) != rawjson.Object {
		if err := rawjson.Check(params); err != nil {
			return invalid("params", fmt.Sprintf("params are not JSON: %v", err), `write a JSON object such as {"id": "..."}`)
		}
		return invalid("params", "params are not a JSON object", `write a JSON object such as {"id": "..."}`)
	}
	value, twice, err := rawjson.Decode(params)
	if err != nil {
		return invalid("params", fmt.Sprintf("params are not JSON: %v", err), "")
	}
	if twice != "" {
		// It would mean one thing here and another in a guest.
		return invalid(twice, fmt.Sprintf("parameter %q is given twice", twice), "give it once")
	}
	if d := depth(value); d > s.deepest {
		return invalid("params", fmt.Sprintf("params nest %d levels deep, and the schema of the operation leads back to itself so often that they are checked to %d", d, s.deepest), "nest them less")
	}
	if err = s.compiled.Validate(value); err == nil {
		return nil
	}
	var validation *jsonschema.ValidationError
	if !errors.As(err, &validation) {
		return invalid("params", err.Error(), "")
	}
	return s.explain(validation)
}

func invalid(field, message, hint string) *abi.Error {
	return &abi.Error{Kind: abi.KindInvalidParams, Field: field, Message: message, Hint: hint}
}

// maxProblems is how many problems one message lists.
const maxProblems = 8

// explain turns a tree of validation errors into one message that names every culprit.
func (s *Schema) explain(root *jsonschema.ValidationError) *abi.Error {
	var problems []problem
	s.collect(root, &problems)
	// Unknown names come first: a mistyped name is also a missing one, and saying
	// what was meant mends both. The rest is in order of the names, since the
	// validator's own order changes from run to run.
	slices.SortStableFunc(problems, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(a.field, b.field))
	})
	first := problems[0]
	var messages []string
	for i, p := range problems {
		if i == maxProblems {
			messages = append(messages, fmt.Sprintf("and %d more", len(problems)-i))
			break
		}
		messages = append(messages, p.message)
	}
	return invalid(first.field, strings.Join(messages, "; "), first.hint)
}

type problem struct {
	field, message, hint string
	rank                 int
}

// Ranks of problems in a message.
const (
	rankUnknown = iota
	rankMissing
	rankOther
)

func (s *Schema) collect(e *jsonschema.ValidationError, into *[]problem) {
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Not:
		// The causes of these are alternatives, not problems.
	default:
		if len(e.Causes) > 0 {
			for _, cause := range e.Causes {
				s.collect(cause, into)
			}
			return
		}
	}
	at := strings.Join(e.InstanceLocation, ".")
	within := ""
	if at != "" {
		within = " in " + at
	}
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		valid := s.propertiesAt(e.InstanceLocation)
		for _, name := range k.Properties {
			*into = append(*into, problem{join(at, name), fmt.Sprintf("unknown parameter %q%s", name, within), nearest.Hint(name, valid), rankUnknown})
		}
	case *kind.Required:
		for _, name := range k.Missing {
			*into = append(*into, problem{join(at, name), fmt.Sprintf("missing parameter %q%s", name, within), "give " + join(at, name), rankMissing})
		}
	case *kind.Type:
		want := strings.Join(k.Want, " or ")
		*into = append(*into, problem{at, fmt.Sprintf("parameter %q is of type %s, want %s", at, k.Got, want), "give a value of type " + want, rankOther})
	case *kind.Enum:
		var choices []string
		for _, w := range k.Want {
			choices = append(choices, fmt.Sprint(w))
		}
		got := fmt.Sprint(k.Got)
		*into = append(*into, problem{at, fmt.Sprintf("parameter %q has the unknown value %s", at, quoteShort(got)), nearest.Hint(got, choices), rankOther})
	case *kind.Format:
		*into = append(*into, problem{at, fmt.Sprintf("parameter %q is no %s", at, k.Want), formatHint(k.Want), rankOther})
	default:
		text := e.ErrorKind.LocalizedString(message.NewPrinter(language.English))
		*into = append(*into, problem{at, fmt.Sprintf("parameter %q: %s", at, text), "", rankOther})
	}
}

// propertiesAt follows an instance location through the schema as far as plain
// properties and items lead.
func (s *Schema) propertiesAt(location []string) []string {
	at := resolve(s.compiled)
	for _, token := range location {
		if at = inside(at, token); at == nil {
			return nil
		}
	}
	return properties(at)
}

// At follows a path of names through properties, and through the items of lists on the
// way, and returns the schema that it leads to. Where it leads nowhere it returns nil
// and the names that there are at that place.
func (s *Schema) At(path []string) (*Schema, []string) {
	at := resolve(s.compiled)
	for _, name := range path {
		for range maxPaths { // a list may be of lists, and a schema of itself
			items := elements(at)
			if items == nil || len(at.Properties) > 0 {
				break
			}
			at = resolve(items)
		}
		next := at.Properties[name]
		if next == nil {
			return nil, properties(at)
		}
		at = resolve(next)
	}
	return &Schema{at, s.deepest}, nil
}

// CanBe reports whether a value that is no list is one that the schema lets stand, by
// itself or as an element of its lists.
func (s *Schema) CanBe(value any) bool {
	text, err := json.Marshal(value)
	if err != nil {
		return false
	}
	decoded, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return false
	}
	at := s.compiled
	for range maxPaths {
		if at.Validate(decoded) == nil {
			return true
		}
		next := elements(at)
		if next == nil {
			return false
		}
		at = resolve(next)
	}
	return false
}

// inside returns the schema of a property or, failing that, of an element.
func inside(s *jsonschema.Schema, name string) *jsonschema.Schema {
	next := s.Properties[name]
	if next == nil {
		next = elements(s)
	}
	if next == nil {
		return nil
	}
	return resolve(next)
}

// elements returns the schema of a list's elements, nil where there is none.
func elements(s *jsonschema.Schema) *jsonschema.Schema {
	if items, ok := s.Items.(*jsonschema.Schema); ok {
		return items
	}
	return s.Items2020
}

// resolve follows references, and gives up on one that leads to itself.
func resolve(s *jsonschema.Schema) *jsonschema.Schema {
	for range maxPaths {
		if s.Ref == nil {
			break
		}
		s = s.Ref
	}
	return s
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

func quoteShort(s string) string {
	const most = 60
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return fmt.Sprintf("%q", s)
}

func formatHint(format string) string {
	switch format {
	case "date-time":
		return "write an RFC 3339 time such as 2026-01-31T09:00:00Z"
	case "date":
		return "write a date such as 2026-01-31"
	case "email":
		return "write an address such as ada@example.com"
	case "uri":
		return "write a URL such as https://example.com/x"
	}
	return ""
}
