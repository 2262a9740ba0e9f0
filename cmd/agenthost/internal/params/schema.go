// Package params turns what a person types on a command line into the parameters of
// an operation, with the types that its JSON Schema asks for.
//
// It decides only how to read text. Whether the parameters are right is for the host
// to say, in the same words to every caller.
package params

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// Param is one parameter as an operation's schema describes it.
type Param struct {
	Name        string
	Description string
	Required    bool
	// Types are JSON Schema's names of types; empty means any.
	Types []string
	// Format is a JSON Schema format such as date-time.
	Format string
	// Enum are the only values, as JSON.
	Enum []json.RawMessage
	// Items is the schema of an array's elements, nil if there is none.
	Items *Param
	// Min, Max and Default are as the schema has them, nil if it has none.
	Min, Max, Default json.RawMessage
	// Lengths and counts of elements are numbers, nil if the schema has none; Pattern is "" then.
	MinLength, MaxLength, MinItems, MaxItems json.RawMessage
	Pattern                                  string
	// Members are those of an object, in the order of the schema.
	Members []Param
}

// schema is the part of JSON Schema 2020-12 that matters for reading and describing.
type schema struct {
	Ref         string                     `json:"$ref"`
	Defs        map[string]json.RawMessage `json:"$defs"`
	Type        types                      `json:"type"`
	Description string                     `json:"description"`
	Format      string                     `json:"format"`
	Enum        []json.RawMessage          `json:"enum"`
	Properties  json.RawMessage            `json:"properties"`
	Required    []string                   `json:"required"`
	Items       json.RawMessage            `json:"items"`
	Minimum     json.RawMessage            `json:"minimum"`
	Maximum     json.RawMessage            `json:"maximum"`
	Default     json.RawMessage            `json:"default"`
	MinLength   json.RawMessage            `json:"minLength"`
	MaxLength   json.RawMessage            `json:"maxLength"`
	MinItems    json.RawMessage            `json:"minItems"`
	MaxItems    json.RawMessage            `json:"maxItems"`
	Pattern     string                     `json:"pattern"`
}

// types is a "type" keyword: one name or several.
type types []string

func (t *types) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		*t = types{rawjson.Unquote(b)}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(t))
}

// maxRefs bounds how far references are followed.
const maxRefs = 8

// maxDepth bounds how deep members of objects are described.
const maxDepth = 4

// Describe lists the parameters of an operation's schema, in its order.
func Describe(raw json.RawMessage) ([]Param, error) {
	var root schema
	if err := json.Unmarshal(raw, &root); err != nil {
		return nil, err
	}
	var list []Param
	for name, value := range rawjson.Members(root.Properties) {
		p := describe(value, root.Defs, 0)
		p.Name = rawjson.Unquote(name)
		p.Required = slices.Contains(root.Required, p.Name)
		list = append(list, p)
	}
	return list, nil
}

func describe(raw json.RawMessage, defs map[string]json.RawMessage, depth int) Param {
	var s schema
	if json.Unmarshal(raw, &s) != nil { // true and false are schemas too
		return Param{}
	}
	var p Param
	if name, ok := strings.CutPrefix(s.Ref, "#/$defs/"); ok && depth < maxRefs {
		p = describe(defs[name], defs, depth+1)
	}
	if len(s.Type) > 0 {
		p.Types = s.Type
	}
	if s.Description != "" {
		p.Description = s.Description
	}
	if s.Format != "" {
		p.Format = s.Format
	}
	if s.Enum != nil {
		p.Enum = s.Enum
	}
	if len(s.Items) > 0 && depth < maxRefs {
		items := describe(s.Items, defs, depth+1)
		p.Items = &items
	}
	if s.Minimum != nil {
		p.Min = s.Minimum
	}
	if s.Maximum != nil {
		p.Max = s.Maximum
	}
	if s.Default != nil {
		p.Default = s.Default
	}
	for _, number := range []struct{ to, from *json.RawMessage }{
		{&p.MinLength, &s.MinLength}, {&p.MaxLength, &s.MaxLength}, {&p.MinItems, &s.MinItems}, {&p.MaxItems, &s.MaxItems},
	} {
		if *number.from != nil {
			*number.to = *number.from
		}
	}
	if s.Pattern != "" {
		p.Pattern = s.Pattern
	}
	if len(s.Properties) > 0 && depth < maxDepth {
		p.Members = nil
		for name, value := range rawjson.Members(s.Properties) {
			m := describe(value, defs, depth+1)
			m.Name = rawjson.Unquote(name)
			m.Required = slices.Contains(s.Required, m.Name)
			p.Members = append(p.Members, m)
		}
	}
	return p
}

// Find returns the parameter of a name, or nil.
func Find(list []Param, name string) *Param {
	for i := range list {
		if list[i].Name == name {
			return &list[i]
		}
	}
	return nil
}

// Type says in a few words what a value looks like: string (date-time), array of string.
func (p Param) Type() string {
	if len(p.Types) == 0 {
		return "any"
	}
	text := strings.Join(p.Types, " or ")
	if p.Items != nil && slices.Contains(p.Types, "array") && len(p.Items.Types) > 0 {
		text = strings.Replace(text, "array", "array of "+strings.Join(p.Items.Types, " or "), 1)
	}
	if p.Format != "" {
		text += " (" + p.Format + ")"
	}
	return text
}

// Range says which values are allowed, and is empty if any is.
func (p Param) Range() string {
	enum := p.Enum
	if enum == nil && p.Items != nil {
		enum = p.Items.Enum
	}
	switch {
	case len(enum) > 0:
		words := make([]string, len(enum))
		for i, value := range enum {
			words[i] = Word(value)
		}
		return strings.Join(words, ", ")
	case p.Min != nil && p.Max != nil:
		return string(p.Min) + " to " + string(p.Max)
	case p.Min != nil:
		return "at least " + string(p.Min)
	case p.Max != nil:
		return "at most " + string(p.Max)
	}
	return ""
}

// Limits says what else bounds a value: its length, its number of elements, a pattern, a default.
func (p Param) Limits() []string {
	var list []string
	between := func(least, most json.RawMessage, what string) {
		switch {
		case least != nil && most != nil:
			list = append(list, string(least)+" to "+string(most)+" "+what)
		case least != nil:
			list = append(list, "at least "+string(least)+" "+what)
		case most != nil:
			list = append(list, "at most "+string(most)+" "+what)
		}
	}
	between(p.MinLength, p.MaxLength, "characters")
	between(p.MinItems, p.MaxItems, "elements")
	if p.Pattern != "" {
		list = append(list, "matches "+p.Pattern)
	}
	if p.Items != nil && p.Items.Pattern+string(p.Items.MinLength)+string(p.Items.MaxLength) != "" {
		for _, limit := range p.Items.Limits() {
			list = append(list, "each "+limit)
		}
	}
	if p.Default != nil {
		list = append(list, "default "+Word(p.Default))
	}
	return list
}

// Word is a JSON value as one types it: a string without its quotes.
func Word(value json.RawMessage) string {
	if rawjson.KindOf(value) == rawjson.String {
		return rawjson.Unquote(value)
	}
	return string(value)
}
