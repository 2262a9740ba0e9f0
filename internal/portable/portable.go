// Package portable makes of a connector's JSON Schema one that the clients of language models
// take. Clients and providers refuse or misread parts of JSON Schema: references, combinators
// at the top, names with brackets, and more; [Rules] has each with its source. The portable
// schema says the same in the part that they have in common, and in descriptions. It accepts
// every value that the connector's schema accepts; the host goes on validating by that one.
package portable

import (
	"encoding/json"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// MaxDescription is the length of the longest description, in UTF-16 code units.
const MaxDescription = 1024

// Bounds of a portable schema, and of the work for it.
const (
	maxTitle = 120
	maxDepth = 10       // levels of a value that are described
	maxBytes = 24 << 10 // of a schema whose references are expanded
	most     = 96 << 10 // of any
	maxNodes = 1000
	maxWork  = 2 << 20 // bytes of schemas that are read for one level
	maxEnum  = 15_000  // bytes of the values of an enum
	maxExact = 1 << 53 // the largest integer that every client reads exactly
	maxSize  = 1 << 31
)

// Schema is what clients get in the place of a connector's schema.
type Schema struct {
	JSON  json.RawMessage
	Names *Names // nil if no parameter has an alias
	// Note says what holds for the parameters together, where only a description can say it.
	Note string
	// TooLarge means that the parameters have no room: JSON takes any object.
	TooLarge bool
}

// Params returns the portable schema of an operation's parameters, which is of type object.
// No parameter gets a reserved name as its alias. The work is bounded, and the same schema
// makes the same portable schema.
func Params(own json.RawMessage, reserved ...string) Schema {
	anchors, names := survey(own)
	alias := aliases(names, reserved)
	var out Schema
	for i, l := range levels {
		d := &deriver{level: l, root: own, anchors: anchors, legacy: legacy(own)}
		s := d.schema(own, place{depth: 1}).single()
		last := i == len(levels)-1
		if d.exhausted() && !last {
			continue
		}
		s.kinds = anObject
		r := &renderer{alias: alias}
		names := r.schema(s)
		out = Schema{JSON: r.out, Names: names, Note: Clip(strings.Join(s.notes, " "), MaxDescription/2)}
		if len(r.out) <= maxBytes {
			return out
		}
	}
	if len(out.JSON) > most {
		const note = "The schema of the parameters is too large to show."
		return Schema{JSON: json.RawMessage(`{"type":"object","description":"` + note + `"}`), Note: note, TooLarge: true}
	}
	return out
}

// legacy reports whether a schema is of a draft before 2019-09.
func legacy(own json.RawMessage) bool {
	dialect, _, _ := rawjson.Pointer(own, "/$schema")
	return strings.Contains(rawjson.Unquote(dialect), "json-schema.org/draft-0")
}
