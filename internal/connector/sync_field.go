package connector

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// fieldTypes are the types that a manifest can name.
var fieldTypes = []string{string(FieldText), string(FieldNumber), string(FieldTime), string(FieldBoolean), string(FieldAny)}

// fields finds the fields that searches know, and checks those that the manifest names.
func (r *syncReader) fields() error {
	r.s.Fields = make(map[string]FieldType)
	result, err := r.result(r.s.List)
	if err != nil {
		return err
	}
	declared := result != nil && len(result.Properties()) > 0
	if declared {
		declareFields(r.s.Fields, result.compiled)
	}
	if len(r.d.Fields) > maxSyncFields {
		return malformed(r.at+".fields", "has %d entries, the limit is %d", len(r.d.Fields), maxSyncFields)
	}
	if e := r.s.Each; e != nil && e.As != "" && r.s.Fields[e.As] == "" {
		r.s.Fields[e.As] = FieldText
	}
	for _, name := range slices.Sorted(maps.Keys(r.d.Fields)) {
		kind, key := r.d.Fields[name], memberPath(".fields", name)
		if !isField(name) {
			return malformed(r.at+key, "is no name of a field, such as title or account.name")
		}
		if !slices.Contains(fieldTypes, kind) {
			return malformed(r.at+key, "is %.64q; %s", kind, fault.Hint(kind, fieldTypes))
		}
		if r.s.Fields[name] == "" {
			if err := r.inResult(key, name, strings.Split(name, "."), r.s.List); err != nil {
				return err
			}
		}
		r.s.Fields[name] = FieldType(kind)
	}
	for _, of := range []struct {
		key   string
		names []string
		most  int
	}{{".text", r.d.Text, maxSyncText}, {".index", r.d.Index, maxSyncIndex}} {
		if len(of.names) > of.most {
			return malformed(r.at+of.key, "has %d entries, the limit is %d", len(of.names), of.most)
		}
		for i, name := range of.names {
			key := fmt.Sprintf("%s[%d]", of.key, i)
			switch kind := r.s.Fields[name]; {
			case !isField(name):
				return malformed(r.at+key, "is %.64q, which is no name of a field, such as title or account.name", name)
			case slices.Contains(of.names[:i], name):
				return malformed(r.at+key, "repeats %q", name)
			case kind == "" && of.key == ".text" && !declared:
				r.s.Fields[name] = FieldText
			case kind == "" && declared:
				if err := r.inResult(key, name, strings.Split(name, "."), r.s.List); err != nil {
					return err
				}
				return malformed(r.at+key, "is %q, and nobody says what is there; name it in fields", name)
			case kind == "":
				return malformed(r.at+key, "is %q, whose type nobody says; name it in fields", name)
			case of.key == ".index" && kind == FieldAny:
				return malformed(r.at+key, "is %q, an array or an object, and only single values are indexed", name)
			case of.key == ".text" && kind != FieldText && kind != FieldAny:
				return malformed(r.at+key, "is %q, which is a %s and has no words", name, kind)
			}
		}
	}
	r.s.Text, r.s.Index = r.d.Text, r.d.Index
	return nil
}

// isField reports whether a text is the name of a field.
func isField(name string) bool {
	parts := strings.Split(name, ".")
	return len(name) <= 200 && len(parts) <= maxSyncDepth && !slices.ContainsFunc(parts, func(part string) bool { return !fieldForm.MatchString(part) })
}

// declareFields adds the fields of a result: those of its objects first that are nearest to the top.
func declareFields(fields map[string]FieldType, result *jsonschema.Schema) {
	type level struct {
		prefix string
		at     *jsonschema.Schema
	}
	for levels, depth := []level{{"", resolve(result)}}, 0; len(levels) > 0 && depth < maxSyncDepth; depth++ {
		var below []level
		for _, l := range levels {
			for _, name := range properties(l.at) {
				if len(fields) == maxSyncFields {
					return
				}
				of := resolve(l.at.Properties[name])
				if name = l.prefix + name; isField(name) {
					fields[name] = fieldType(of)
					below = append(below, level{name + ".", of})
				}
			}
		}
		levels = below
	}
}

// fieldType is the type of what a schema permits.
func fieldType(s *jsonschema.Schema) FieldType {
	if s.Types == nil {
		return FieldAny
	}
	types := slices.DeleteFunc(s.Types.ToStrings(), func(name string) bool { return name == "null" })
	if len(types) == 0 || len(types) > 1 && !(len(types) == 2 && slices.Contains(types, "integer") && slices.Contains(types, "number")) {
		return FieldAny
	}
	switch types[0] {
	case "string":
		if s.Format != nil && (s.Format.Name == "date-time" || s.Format.Name == "date") {
			return FieldTime
		}
		return FieldText
	case "number", "integer":
		return FieldNumber
	case "boolean":
		return FieldBoolean
	}
	return FieldAny
}
