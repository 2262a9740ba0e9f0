package params

import (
	"encoding/json"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// Paths lists the paths into a result that a typed one can become, by the schema of the result:
// the fields on the level of typed, each with a tab and its description behind it. An array stands
// for its elements. A typed path goes on at its last dot.
func Paths(result json.RawMessage, typed string) ([]string, error) {
	var root schema
	if err := json.Unmarshal(result, &root); err != nil {
		return nil, err
	}
	level, prefix := fields(result, root.Defs), ""
	for {
		name, rest, more := cutPath(typed)
		if !more {
			break
		}
		next, ok := level[name]
		if !ok {
			return nil, nil
		}
		level, prefix, typed = fields(next, root.Defs), prefix+typed[:len(typed)-len(rest)], rest
	}
	paths := make([]string, 0, len(level))
	for name, value := range level {
		about := describe(value, root.Defs, 0).Description
		paths = append(paths, prefix+pathEscaper.Replace(name)+"\t"+about)
	}
	return paths, nil
}

var pathEscaper = strings.NewReplacer(`\`, `\\`, `.`, `\.`)

// cutPath cuts a path behind its first name, which it returns without backslashes.
func cutPath(path string) (name, rest string, more bool) {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case c == '.':
			return b.String(), path[i+1:], true
		case c == '\\' && i+1 < len(path):
			i++
			b.WriteByte(path[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", path, false
}

// fields returns the schemas of an object's fields. It follows references and looks into arrays,
// up to maxRefs times.
func fields(raw json.RawMessage, defs map[string]json.RawMessage) map[string]json.RawMessage {
	for range maxRefs {
		var s schema
		if json.Unmarshal(raw, &s) != nil {
			return nil
		}
		name, isRef := strings.CutPrefix(s.Ref, "#/$defs/")
		switch {
		case len(s.Properties) > 0:
			found := make(map[string]json.RawMessage)
			for name, value := range rawjson.Members(s.Properties) {
				found[rawjson.Unquote(name)] = value
			}
			return found
		case isRef:
			raw = defs[name]
		case len(s.Items) > 0:
			raw = s.Items
		default:
			return nil
		}
	}
	return nil
}
