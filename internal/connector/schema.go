package connector

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"github.com/agenthost/agenthost/internal/fault"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/agenthost/agenthost/internal/pattern"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Schema is a compiled JSON Schema 2020-12. It asserts formats, its regular expressions are RE2,
// and it loads no other schema.
type Schema struct {
	compiled *jsonschema.Schema
	flat     *flat // compiled, if that is simple; else nil
	deepest  int   // how deep a value may nest
	cost     cost  // of a part of a value
	patterns int   // the size of all patterns

	raw       json.RawMessage
	measuring *sync.Pool // of validators
}

// noLoader refuses references to other schemas: a manifest must not make the host read files.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, fmt.Errorf("a schema may not refer to %s, outside itself", url)
}

// CompileSchema reads a schema. It keeps raw.
func CompileSchema(raw json.RawMessage) (*Schema, error) {
	compiled, _, err := compileDocument(raw, nil)
	if err != nil {
		return nil, err
	}
	if paths(compiled, make(map[*jsonschema.Schema]int)) > maxPaths {
		return nil, fmt.Errorf("has more than %d paths from its root to its parts, so checking a value would take too long", maxPaths)
	}
	most, cost := deepest(compiled)
	if most < 1 {
		return nil, errors.New("refers to itself on so many paths that checking a value would take too long")
	}
	s := &Schema{compiled: compiled, flat: flatOf(compiled), deepest: most, cost: cost, raw: raw, measuring: new(sync.Pool)}
	each(compiled, func(part *jsonschema.Schema) { s.patterns += costOf(part).steps })
	return s, nil
}

// compileDocument returns the schema of a document, and its negation.
func compileDocument(raw json.RawMessage, m *meter) (schema, fails *jsonschema.Schema, err error) {
	document, twice, err := rawjson.Decode(raw)
	switch {
	case err != nil:
		return nil, nil, fmt.Errorf("is not JSON: %w", err)
	case twice != "":
		return nil, nil, fmt.Errorf("is not a JSON Schema: duplicate name %q", twice)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(noLoader{})
	size := 0
	c.UseRegexpEngine(func(expression string) (jsonschema.Regexp, error) {
		p, err := pattern.Compile(expression)
		if err != nil {
			return nil, err
		}
		if size += p.Size; size > maxPatternSize {
			return nil, fmt.Errorf("the patterns of the schema compile to more than %d steps; use fewer repetitions", maxPatternSize)
		}
		return &measured{p, m}, nil
	})
	const name, not = "schema:params", "schema:not"
	if err := c.AddResource(name, document); err != nil {
		return nil, nil, fmt.Errorf("is not a JSON Schema: %w", err)
	}
	if schema, err = c.Compile(name); err != nil {
		return nil, nil, fmt.Errorf("is not a JSON Schema 2020-12: %w", err)
	}
	if m != nil {
		if err := c.AddResource(not, map[string]any{"not": map[string]any{"$ref": name}}); err != nil {
			return nil, nil, err
		}
		if fails, err = c.Compile(not); err != nil {
			return nil, nil, err
		}
	}
	each(schema, func(part *jsonschema.Schema) {
		if part.UniqueItems {
			part.UniqueItems = false
			part.Extensions = append(part.Extensions, unique{})
		}
		if part.Format != nil && part.Format.Name == "regex" {
			part.Format = &jsonschema.Format{Name: "regex", Validate: isPattern}
		}
	})
	return schema, fails, nil
}

// isPattern is the format regex: a pattern within our bounds.
func isPattern(value any) error {
	text, ok := value.(string)
	if !ok {
		return nil
	}
	_, err := pattern.Compile(text)
	return err
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
func (s *Schema) Validate(ctx context.Context, params []byte) error {
	if s.flat.accepts(params) {
		return nil
	}
	object := rawjson.KindOf(params) == rawjson.Object
	switch err := rawjson.Check(params); {
	case err != nil && object:
		return fault.Invalid("params", fmt.Sprintf("params are not JSON: %v", err), "")
	case err != nil:
		return fault.Invalid("params", fmt.Sprintf("params are not JSON: %v", err), `write a JSON object such as {"id": "..."}`)
	case !object:
		return fault.Invalid("params", "params are not a JSON object", `write a JSON object such as {"id": "..."}`)
	}
	return s.validate(ctx, params)
}

func (s *Schema) validate(ctx context.Context, params []byte) error {
	value, twice, err := rawjson.Decode(params)
	if err != nil {
		at := longest(params)
		return fault.Invalid(at, fmt.Sprintf("cannot read params: %v; the largest is %q", err, at), "send less in one call")
	}
	if twice != "" {
		// A guest could read it differently.
		return fault.Invalid(twice, fmt.Sprintf("parameter %q occurs twice", clip(twice)), "remove one of them")
	}
	if err := tooLong(s.compiled, value, nil); err != nil {
		return err
	}
	levels, parts := extent(value)
	if levels > s.deepest {
		return fault.Invalid("params", fmt.Sprintf("params nest %d levels deep, but the recursive schema of the operation permits only %d", levels, s.deepest), "nest them less")
	}
	if err := s.tooMuch(parts); err != nil {
		return err
	}
	if parts*s.cost.checks <= lightChecks && len(params)*s.cost.steps <= lightSteps {
		err = s.compiled.Validate(value)
	} else {
		err = s.measure(ctx, value)
	}
	var validation *jsonschema.ValidationError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &validation):
		return s.explain(validation)
	case ctx.Err() != nil:
		e := fault.EndedWith(ctx, "the call ended during the check of its parameters")
		e.Hint, e.Retryable = "send less in one call, or raise the timeout", false
		return e
	}
	return fault.Invalid("params", err.Error(), "")
}

// maxProblems is how many problems one message lists.
const maxProblems = 8

// explain turns a tree of validation errors into one message about every wrong parameter.
func (s *Schema) explain(root *jsonschema.ValidationError) *abi.Error {
	var problems []problem
	s.collect(root, &problems)
	// Unknown names come first: a mistyped name is also a missing one, and the suggestion
	// helps with both. The rest is sorted, since the validator's order is random.
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
	return fault.Invalid(first.field, strings.Join(messages, "; "), first.hint())
}

type problem struct {
	field, message string
	hint           func() string
	rank           int
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
		// Their causes are alternatives, not problems.
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
			*into = append(*into, problem{join(at, clip(name)), fmt.Sprintf("unknown parameter %q%s", clip(name), within), func() string { return fault.Hint(name, valid) }, rankUnknown})
		}
	case *kind.Required:
		for _, name := range k.Missing {
			*into = append(*into, problem{join(at, name), fmt.Sprintf("missing parameter %q%s", name, within), says("give " + join(at, name)), rankMissing})
		}
	case *kind.Type:
		want := strings.Join(k.Want, " or ")
		*into = append(*into, problem{at, fmt.Sprintf("parameter %q is of type %s, want %s", at, k.Got, want), says("give a value of type " + want), rankOther})
	case *kind.Enum:
		got := fmt.Sprint(k.Got)
		*into = append(*into, problem{at, fmt.Sprintf("parameter %q has the unknown value %q", at, clip(got)), func() string {
			var choices []string
			for _, w := range k.Want {
				choices = append(choices, fmt.Sprint(w))
			}
			return fault.Hint(got, choices)
		}, rankOther})
	case *kind.Format:
		*into = append(*into, problem{at, fmt.Sprintf("parameter %q is no %s", at, k.Want), says(formatHint(k.Want)), rankOther})
	default:
		if bound := boundOf(e.ErrorKind); bound != "" {
			*into = append(*into, problem{at, fmt.Sprintf("parameter %q %s", at, bound), says(""), rankOther})
			return
		}
		text := e.ErrorKind.LocalizedString(message.NewPrinter(language.English))
		*into = append(*into, problem{at, fmt.Sprintf("parameter %q: %s", at, clip(text)), says(""), rankOther})
	}
}

// boundOf says which bound of a number, a text or a list a value passes, and is empty for other problems.
func boundOf(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Minimum:
		return fmt.Sprintf("is %s, must be at least %s", number(k.Got), number(k.Want))
	case *kind.Maximum:
		return fmt.Sprintf("is %s, must be at most %s", number(k.Got), number(k.Want))
	case *kind.ExclusiveMinimum:
		return fmt.Sprintf("is %s, must be more than %s", number(k.Got), number(k.Want))
	case *kind.ExclusiveMaximum:
		return fmt.Sprintf("is %s, must be less than %s", number(k.Got), number(k.Want))
	case *kind.MinLength:
		return fmt.Sprintf("has %d characters, must have at least %d", k.Got, k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("has %d elements, must have at least %d", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("has %d elements, must have at most %d", k.Got, k.Want)
	}
	return ""
}

// number writes a number as people do, and a long one in short.
func number(n *big.Rat) string {
	f, _ := n.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
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

// At follows a path of names through properties and the items of lists, and returns the schema
// at its end. If there is none, it returns nil and the known names at that place.
func (s *Schema) At(path []string) (*Schema, []string) {
	at := resolve(s.compiled)
	for _, name := range path {
		for range maxPaths { // there are lists of lists, and recursive schemas
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
	return &Schema{compiled: at, deepest: s.deepest}, nil
}

// CanBe reports whether the schema permits a value that is not a list, itself or as an element of
// its lists.
func (s *Schema) CanBe(value any) bool {
	text, err := json.Marshal(value)
	if err != nil {
		return false
	}
	decoded, _, err := rawjson.Decode(text)
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

// inside returns the schema of a property or, if there is none, of an element.
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

// elements returns the schema of a list's elements, nil if there is none.
func elements(s *jsonschema.Schema) *jsonschema.Schema {
	if items, ok := s.Items.(*jsonschema.Schema); ok {
		return items
	}
	return s.Items2020
}

// resolve follows references, but not forever.
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

func says(hint string) func() string { return func() string { return hint } }

// clip shortens an untrusted text.
func clip(s string) string {
	const most = 60
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

func formatHint(format string) string {
	return map[string]string{
		"date-time": "write an RFC 3339 time such as 2026-01-31T09:00:00Z",
		"date":      "write a date such as 2026-01-31",
		"email":     "write an address such as ada@example.com",
		"uri":       "write a URL such as https://example.com/x",
	}[format]
}
