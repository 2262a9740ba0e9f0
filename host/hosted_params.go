package host

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// hostedParams makes parameters fit for the Airbyte API's connector, and says which part of
// its page they ask for.
func hostedParams(m *abi.Manifest, op *connector.Operation, params []byte) (part, []byte, error) {
	if op.Action == abi.ActionContextStoreSearch {
		return part{}, searchParams(params), nil
	}
	p, params, err := partOf(op, params)
	if err != nil {
		return p, nil, err
	}
	if params, err = vendorsNames(op, params); err != nil {
		return p, nil, err
	}
	params, err = withoutLimit(m, op, params)
	return p, params, err
}

// vendorsNames gives parameters the names that the Airbyte API's connector has for them.
// It has the vendor's, where ours has a uniform name as well: what a direct connection
// leaves to its connector.
func vendorsNames(op *connector.Operation, params []byte) ([]byte, error) {
	if len(op.Aliases) == 0 {
		return params, nil
	}
	vendors := make(map[string]string, len(op.Aliases)) // by the uniform name
	for alias, name := range op.Aliases {
		vendors[name] = alias
	}
	given := make(map[string][]byte)
	for name, value := range rawjson.Members(params) {
		given[rawjson.Unquote(name)] = value
	}
	return members(params, func(name string, value []byte) (string, []byte, error) {
		alias, renamed := vendors[name]
		if !renamed {
			return name, value, nil
		}
		other, both := given[alias]
		switch {
		case !both:
			return alias, value, nil
		case bytes.Equal(other, value):
			return "", nil, nil
		}
		return "", nil, invalid(alias, fmt.Sprintf("%s and %s have different values, and are the same parameter", name, alias), "give one of them")
	})
}

// searchParams writes the fields of a search as the service documents them, as paths of
// keys: "user.name" becomes ["user","name"].
func searchParams(params []byte) []byte {
	changed, _ := members(params, func(name string, value []byte) (string, []byte, error) { // fails where the function does
		if name != "fields" {
			return name, value, nil
		}
		var paths []any
		for field := range rawjson.Elements(value) {
			if rawjson.KindOf(field) == rawjson.String {
				paths = append(paths, strings.Split(rawjson.Unquote(field), "."))
			} else {
				paths = append(paths, json.RawMessage(field))
			}
		}
		value, err := json.Marshal(paths)
		return name, value, err
	})
	return changed
}

// members writes an object anew, with what change makes of each member; a member without
// a name is dropped.
func members(object []byte, change func(name string, value []byte) (string, []byte, error)) ([]byte, error) {
	b := []byte{'{'}
	for raw, value := range rawjson.Members(object) {
		name, value, err := change(rawjson.Unquote(raw), value)
		if err != nil {
			return nil, err
		}
		if name == "" {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		quoted, _ := json.Marshal(name) // a string always marshals
		b = append(append(append(b, quoted...), ':'), value...)
	}
	return append(b, '}'), nil
}
