package connector

import (
	"bytes"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// flat is a simple schema, as most are: an object whose members are texts, integers and booleans.
// It checks params without decoding them. It accepts only what the validator accepts, which
// checks the rest: wrong params, and some good ones.
type flat struct {
	members  map[string]member
	required uint64 // the bits of the required members
}

// member is the schema of one member.
type member struct {
	bit         uint64
	kind        rawjson.Kind
	least, most int64     // of an integer, or of the length of a text in characters
	pattern     *measured // of a text; nil if there is none
	choices     []string  // the permitted texts; nil permits all
}

const mostMembers = 64

// flatOf returns a simple schema, nil for another one. It leaves out members that are not simple,
// so that the validator checks params with them.
func flatOf(s *jsonschema.Schema) *flat {
	if !isType(s, "object") || len(s.Properties) > mostMembers || asksElse(s, "Types", "Properties", "Required", "AdditionalProperties") {
		// AdditionalProperties is about members without a bit.
		return nil
	}
	f := &flat{members: make(map[string]member, len(s.Properties))}
	for name, property := range s.Properties {
		if m, ok := memberOf(property); ok {
			m.bit = 1 << len(f.members)
			f.members[name] = m
		}
	}
	for _, name := range s.Required {
		m, ok := f.members[name]
		if !ok {
			return nil // params need it
		}
		f.required |= m.bit
	}
	return f
}

func memberOf(s *jsonschema.Schema) (m member, ok bool) {
	switch {
	case isType(s, "string"):
		m = member{kind: rawjson.String, least: 0, most: math.MaxInt64}
		if s.Pattern != nil {
			if m.pattern, ok = s.Pattern.(*measured); !ok {
				return member{}, false
			}
		}
		if s.MinLength != nil {
			m.least = int64(*s.MinLength)
		}
		if s.MaxLength != nil {
			m.most = int64(*s.MaxLength)
		}
		if s.Enum != nil {
			m.choices = []string{}
			for _, value := range s.Enum.Values {
				if text, ok := value.(string); ok {
					m.choices = append(m.choices, text)
				}
			}
		}
		return m, !asksElse(s, "Types", "MinLength", "MaxLength", "Pattern", "Enum")
	case isType(s, "integer"):
		m = member{kind: rawjson.Number, least: math.MinInt64, most: math.MaxInt64}
		return m, bound(s.Minimum, &m.least) && bound(s.Maximum, &m.most) && !asksElse(s, "Types", "Minimum", "Maximum")
	case isType(s, "boolean"):
		return member{kind: rawjson.Bool}, !asksElse(s, "Types")
	}
	return member{}, false
}

// bound sets a bound of an integer if a schema has one, and reports whether it could.
func bound(of *big.Rat, into *int64) bool {
	if of == nil {
		return true
	}
	if !of.IsInt() || !of.Num().IsInt64() {
		return false
	}
	*into = of.Num().Int64()
	return true
}

// isType reports whether a schema of the current draft has exactly this type.
func isType(s *jsonschema.Schema, name string) bool {
	return s.DraftVersion == 2020 && s.Types != nil && slices.Equal(s.Types.ToStrings(), []string{name})
}

// silent are the fields of a schema that demand nothing: notes for people, and the compiler's
// own.
var silent = []string{
	"DraftVersion", "Location", "ID", "Anchor", "Title", "Description", "Default", "Comment", "ReadOnly", "WriteOnly", "Examples", "Deprecated",
	"up", "resource", "dynamicAnchors", "allPropsEvaluated", "allItemsEvaluated", "numItemsEvaluated",
}

// asksElse reports whether a schema has demands besides its known fields. It checks all fields,
// so that a new keyword counts as a demand.
func asksElse(s *jsonschema.Schema, known ...string) bool {
	fields := reflect.ValueOf(s).Elem()
	for i := range fields.NumField() {
		name, field := fields.Type().Field(i).Name, fields.Field(i)
		if slices.Contains(known, name) || slices.Contains(silent, name) || field.IsZero() {
			continue
		}
		if kind := field.Kind(); (kind == reflect.Slice || kind == reflect.Map) && field.Len() == 0 {
			continue
		}
		return true
	}
	return false
}

// accepts reports whether params, an object, are surely valid. A nil flat is never sure.
func (f *flat) accepts(params []byte) bool {
	// Without escapes, and in UTF-8, a text is the bytes between its quotes.
	if f == nil || rawjson.KindOf(params) != rawjson.Object || bytes.IndexByte(params, '\\') >= 0 || !utf8.Valid(params) || !rawjson.Valid(params) {
		return false
	}
	given := uint64(0)
	for name, value := range rawjson.Members(params) {
		m, ok := f.members[string(name[1:len(name)-1])]
		if !ok || given&m.bit != 0 || !m.accepts(value) {
			return false
		}
		given |= m.bit
	}
	return given&f.required == f.required
}

func (m *member) accepts(value []byte) bool {
	if rawjson.KindOf(value) != m.kind {
		return false
	}
	switch m.kind {
	case rawjson.String:
		return m.acceptsText(value[1 : len(value)-1])
	case rawjson.Number:
		// 1.0 and 1e2 are integers too; the validator checks them.
		n, err := strconv.ParseInt(string(value), 10, 64)
		return err == nil && n >= m.least && n <= m.most
	}
	return true
}

func (m *member) acceptsText(text []byte) bool {
	if n := int64(utf8.RuneCount(text)); n < m.least || n > m.most {
		return false
	}
	if m.choices != nil && !slices.ContainsFunc(m.choices, func(choice string) bool { return choice == string(text) }) {
		return false
	}
	return m.pattern == nil || len(text)*m.pattern.Size <= lightSteps && m.pattern.Regexp.Match(text)
}
