package connector

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// unique is uniqueItems in linear time. The validator's own compares all elements with equal
// hashes, and ["a\u0004b"] has the hash of ["a","b"]: a list can have thousands of those.
type unique struct{}

// Validate implements [jsonschema.SchemaExt].
func (unique) Validate(ctx *jsonschema.ValidatorContext, value any) {
	list, ok := value.([]any)
	if !ok {
		return
	}
	seen := make(map[string]int, len(list))
	var key []byte
	for i, element := range list {
		key = appendCanonical(key[:0], element)
		if first, twice := seen[string(key)]; twice {
			ctx.AddError(&kind.UniqueItems{Duplicates: [2]int{first, i}})
			return
		}
		seen[string(key)] = i
	}
}

// appendCanonical appends a text that is the same for equal decoded values.
func appendCanonical(b []byte, value any) []byte {
	switch v := value.(type) {
	case string:
		return strconv.AppendQuote(b, v)
	case json.Number:
		return append(b, rawjson.CanonicalNumber(v.String())...)
	case bool:
		return strconv.AppendBool(b, v)
	case []any:
		b = append(b, '[')
		for _, element := range v {
			b = append(appendCanonical(b, element), ',')
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b = append(strconv.AppendQuote(b, name), ':')
			b = append(appendCanonical(b, v[name]), ',')
		}
		return append(b, '}')
	}
	return append(b, "null"...)
}
