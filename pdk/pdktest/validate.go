package pdktest

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/agenthost/agenthost/pdk/abi"
)

// schema is the part of JSON Schema 2020-12 that package pdk writes. A real host has a complete
// validator; this one saves connectors a dependency.
type schema struct {
	Ref                  string             `json:"$ref"`
	Defs                 map[string]*schema `json:"$defs"`
	Type                 types              `json:"type"`
	Format               string             `json:"format"`
	Pattern              string             `json:"pattern"`
	Enum                 []string           `json:"enum"`
	Properties           map[string]*schema `json:"properties"`
	Required             []string           `json:"required"`
	AdditionalProperties *members           `json:"additionalProperties"`
	Items                *schema            `json:"items"`
	MinLength            *int64             `json:"minLength"`
	MaxLength            *int64             `json:"maxLength"`
	MinItems             *int64             `json:"minItems"`
	MaxItems             *int64             `json:"maxItems"`
	MinProperties        *int64             `json:"minProperties"`
	MaxProperties        *int64             `json:"maxProperties"`
	Minimum              *json.Number       `json:"minimum"`
	Maximum              *json.Number       `json:"maximum"`
}

// types is a "type" keyword: one name or several.
type types []string

func (t *types) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(t))
	}
	*t = types{""}
	return json.Unmarshal(b, &(*t)[0])
}

// members is an "additionalProperties" keyword: a boolean, or a schema.
type members struct {
	none bool
	like *schema
}

func (m *members) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '{' {
		return json.Unmarshal(b, &m.like)
	}
	var allowed bool
	err := json.Unmarshal(b, &allowed)
	m.none = !allowed
	return err
}

// validateParams checks params against an operation's schema and returns an error
// of kind invalid_params that names the field, or nil.
func validateParams(params, value []byte) *abi.Error {
	var root schema
	if err := json.Unmarshal(params, &root); err != nil {
		return &abi.Error{Kind: abi.KindInternal, Message: "the schema of the parameters: " + err.Error()}
	}
	var v any
	if err := decode(string(value), &v); err != nil {
		return &abi.Error{Kind: abi.KindInvalidParams, Message: "the parameters are not JSON: " + err.Error()}
	}
	if field, problem := root.validate(&root, "", v); problem != "" {
		return &abi.Error{Kind: abi.KindInvalidParams, Field: field, Message: strings.TrimSpace(field + " " + problem)}
	}
	return nil
}

// validate returns the path and the problem of the first wrong value.
func (s *schema) validate(root *schema, at string, v any) (field, problem string) {
	if s.Ref != "" {
		target := root.Defs[strings.TrimPrefix(s.Ref, "#/$defs/")]
		if target == nil {
			return at, "has a schema that points nowhere: " + s.Ref
		}
		return target.validate(root, at, v)
	}
	switch v := v.(type) {
	case string:
		return at, s.validateString(v)
	case bool:
		return at, s.is("boolean")
	case json.Number:
		return at, s.validateNumber(v)
	case []any:
		return s.validateArray(root, at, v)
	case map[string]any:
		return s.validateObject(root, at, v)
	}
	return at, s.is("null")
}

func (s *schema) is(types ...string) string {
	for _, t := range types {
		if slices.Contains(s.Type, t) {
			return ""
		}
	}
	return "is of type " + types[0] + ", not " + strings.Join(s.Type, " or ")
}

func (s *schema) validateString(v string) string {
	n := int64(utf8.RuneCountInString(v))
	switch {
	case s.is("string") != "":
		return s.is("string")
	case s.Enum != nil && !slices.Contains(s.Enum, v):
		return "is none of " + strings.Join(s.Enum, ", ")
	case s.MinLength != nil && n < *s.MinLength:
		return fmt.Sprintf("is shorter than %d characters", *s.MinLength)
	case s.MaxLength != nil && n > *s.MaxLength:
		return fmt.Sprintf("is longer than %d characters", *s.MaxLength)
	}
	if s.Pattern != "" {
		if re, err := regexp.Compile(s.Pattern); err != nil || !re.MatchString(v) {
			return "does not match " + s.Pattern
		}
	}
	if s.Format == "date-time" {
		if _, err := time.Parse(time.RFC3339, v); err != nil {
			return "is not an RFC 3339 time"
		}
	}
	return ""
}

func (s *schema) validateNumber(v json.Number) string {
	if problem := s.is("number", "integer"); problem != "" {
		return problem
	}
	if _, err := v.Int64(); err != nil && !slices.Contains(s.Type, "number") {
		return "is not an integer"
	}
	f, err := v.Float64()
	if err != nil {
		return "is out of range"
	}
	if s.Minimum != nil {
		if lo, err := s.Minimum.Float64(); err != nil || f < lo {
			return "is less than " + s.Minimum.String()
		}
	}
	if s.Maximum != nil {
		if hi, err := s.Maximum.Float64(); err != nil || f > hi {
			return "is more than " + s.Maximum.String()
		}
	}
	return ""
}

func (s *schema) validateArray(root *schema, at string, v []any) (field, problem string) {
	n := int64(len(v))
	switch {
	case s.is("array") != "":
		return at, s.is("array")
	case s.MinItems != nil && n < *s.MinItems:
		return at, fmt.Sprintf("has less than %d elements", *s.MinItems)
	case s.MaxItems != nil && n > *s.MaxItems:
		return at, fmt.Sprintf("has more than %d elements", *s.MaxItems)
	case s.Items == nil:
		return "", ""
	}
	for i, e := range v {
		if field, problem = s.Items.validate(root, fmt.Sprintf("%s[%d]", at, i), e); problem != "" {
			return field, problem
		}
	}
	return "", ""
}

func (s *schema) validateObject(root *schema, at string, v map[string]any) (field, problem string) {
	n := int64(len(v))
	switch {
	case s.is("object") != "":
		return at, s.is("object")
	case s.MinProperties != nil && n < *s.MinProperties:
		return at, fmt.Sprintf("has less than %d members", *s.MinProperties)
	case s.MaxProperties != nil && n > *s.MaxProperties:
		return at, fmt.Sprintf("has more than %d members", *s.MaxProperties)
	}
	inner := func(name string) string {
		if at == "" {
			return name
		}
		return at + "." + name
	}
	for _, name := range s.Required {
		if _, ok := v[name]; !ok {
			return inner(name), "is missing"
		}
	}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		property, ok := s.Properties[name]
		if !ok {
			switch {
			case s.AdditionalProperties == nil:
				continue
			case s.AdditionalProperties.none:
				return inner(name), "is unknown"
			case s.AdditionalProperties.like == nil:
				continue
			}
			property = s.AdditionalProperties.like
		}
		if field, problem = property.validate(root, inner(name), v[name]); problem != "" {
			return field, problem
		}
	}
	return "", ""
}
