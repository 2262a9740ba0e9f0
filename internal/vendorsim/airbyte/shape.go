package airbyte

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// project keeps the selected fields of every record, or drops the excluded ones. Selection wins.
func project(result json.RawMessage, selected, excluded []string) json.RawMessage {
	if selected == nil && excluded == nil {
		return result
	}
	value := decode(result)
	each := func(record any) any {
		if selected != nil {
			kept := map[string]any{}
			for _, path := range selected {
				take(record, strings.Split(path, "."), kept)
			}
			return kept
		}
		for _, path := range excluded {
			drop(record, strings.Split(path, "."))
		}
		return record
	}
	if rows, ok := value.([]any); ok {
		for i := range rows {
			rows[i] = each(rows[i])
		}
	} else {
		value = each(value)
	}
	return contract.Encode(value)
}

// take copies the value at a path. It copies a list on the way as a whole.
func take(from any, path []string, into map[string]any) {
	record, ok := from.(map[string]any)
	if !ok {
		return
	}
	value, ok := record[path[0]]
	if !ok {
		return
	}
	inner, isObject := value.(map[string]any)
	if len(path) == 1 || !isObject {
		into[path[0]] = value
		return
	}
	kept, ok := into[path[0]].(map[string]any)
	if !ok {
		kept = map[string]any{}
		into[path[0]] = kept
	}
	take(inner, path[1:], kept)
}

func drop(from any, path []string) {
	record, ok := from.(map[string]any)
	if !ok {
		return
	}
	if len(path) == 1 {
		delete(record, path[0])
		return
	}
	drop(record[path[0]], path[1:])
}

// longText is the length from which a text in a list is shortened.
const longText = 200

func truncate(result json.RawMessage) json.RawMessage {
	rows, ok := decode(result).([]any)
	if !ok {
		return result
	}
	var shorten func(any) any
	shorten = func(v any) any {
		switch v := v.(type) {
		case string:
			if runes := []rune(v); len(runes) > longText {
				return string(runes[:longText]) + "... [truncated]"
			}
		case []any:
			for i := range v {
				v[i] = shorten(v[i])
			}
		case map[string]any:
			for name := range v {
				v[name] = shorten(v[name])
			}
		}
		return v
	}
	return contract.Encode(shorten(rows))
}

// decode reads JSON with its numbers as they are written.
func decode(raw json.RawMessage) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	_ = d.Decode(&v) // of a connector, and valid
	return v
}
