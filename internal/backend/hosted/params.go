package hosted

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/shape"
	"github.com/agenthost/agenthost/pdk/abi"
)

// serviceParams makes parameters fit for the Airbyte API's connector, and says which piece of
// its page they ask for.
func serviceParams(m *abi.Manifest, op *connector.Operation, params []byte) (backend.Slice, []byte, error) {
	if connector.IsContextStore(op.Action) {
		return backend.Slice{}, searchParams(params), nil
	}
	p, params, err := backend.SliceOf(op, params)
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
	values := make(map[string][]byte)
	for name, value := range rawjson.Members(params) {
		values[rawjson.Unquote(name)] = value
	}
	return backend.Members(params, func(name string, value []byte) (string, []byte, error) {
		alias, renamed := vendors[name]
		if !renamed {
			return name, value, nil
		}
		other, both := values[alias]
		switch {
		case !both:
			return alias, value, nil
		case bytes.Equal(other, value):
			return "", nil, nil
		}
		return "", nil, fault.Invalid(alias, fmt.Sprintf("%s and %s have different values, and are the same parameter", name, alias), "use one of them")
	})
}

// searchParams writes the fields of a search as the service documents them, as paths of
// keys: "user.name" becomes ["user","name"].
func searchParams(params []byte) []byte {
	changed, _ := backend.Members(params, func(name string, value []byte) (string, []byte, error) { // fails where the function does
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

// checkSearch refuses a search by both fields and meaning, or by neither.
func checkSearch(params []byte) error {
	_, byFields, _ := rawjson.Pointer(params, "/query")
	_, byMeaning, _ := rawjson.Pointer(params, "/semantic")
	switch {
	case byFields && byMeaning:
		return fault.Invalid("semantic", "a search takes either query or semantic, and not both", "leave one of them out")
	case !byFields && !byMeaning:
		return fault.Invalid("query", "missing parameter \"query\": a search needs query or semantic", "add query or semantic")
	}
	return nil
}

// semanticField is the field that a search by meaning is about, empty where it names none.
func semanticField(params []byte) string {
	field, _, _ := rawjson.Pointer(params, "/semantic/field")
	return airbyteapi.Text(field)
}

// parameters returns the parameters that the Airbyte API's connector has for an operation. They
// are not known where the manifest does not list the operation.
func parameters(m *abi.Manifest, op *abi.Operation) (names []string, known bool) {
	i := slices.IndexFunc(m.Airbyte.Operations, func(o abi.AirbyteOperation) bool { return o.Entity == op.Entity && o.Action == op.Action })
	if i < 0 {
		return nil, false
	}
	return m.Airbyte.Operations[i].Params, true
}

// supports reports whether a caller may use a parameter of an operation, where the Airbyte
// API's connector has those of names. The host itself keeps a limit (see [backend.Slice]).
func supports(op *abi.Operation, names []string, name string) bool {
	return slices.Contains(names, name) || name == "limit" && op.Paginated ||
		slices.ContainsFunc(names, func(vendors string) bool { return op.Aliases[vendors] == name })
}

// refuseIgnored refuses parameters that the Airbyte API's connector does not have. It would
// ignore them: a list would not be filtered, and a record would lack what it was to get.
func refuseIgnored(m *abi.Manifest, op *connector.Operation, params []byte) error {
	names, known := parameters(m, op.Operation)
	if !known {
		return nil
	}
	var ignored []string
	for raw := range rawjson.Members(params) {
		// A parameter that our connector does not have either is a mistake, of which the
		// schema knows more.
		if name := rawjson.Unquote(raw); !supports(op.Operation, names, name) && declares(op, name) {
			ignored = append(ignored, name)
		}
	}
	if len(ignored) == 0 {
		return nil
	}
	them := "it"
	if len(ignored) > 1 {
		them = "them"
	}
	return fault.Invalid(ignored[0], fmt.Sprintf("Airbyte's %s connector does not support %s for %s and would silently ignore %s", m.Title, strings.Join(ignored, ", "), op.Name(), them),
		"leave out what it does not support, or use a connection with mode: direct")
}

// declares reports whether an operation of the connector has a parameter.
func declares(op *connector.Operation, name string) bool {
	properties, _, _ := rawjson.Pointer(op.Params, "/properties")
	for raw := range rawjson.Members(properties) {
		if rawjson.Unquote(raw) == name {
			return true
		}
	}
	return false
}

// withoutLimit leaves out a limit that the Airbyte API's connector does not have.
func withoutLimit(m *abi.Manifest, op *connector.Operation, params []byte) ([]byte, error) {
	names, known := parameters(m, op.Operation)
	if _, limited, _ := rawjson.Pointer(params, "/limit"); !limited || !known || slices.Contains(names, "limit") {
		return params, nil
	}
	return backend.Members(params, func(name string, value []byte) (string, []byte, error) {
		if name == "limit" {
			name = ""
		}
		return name, value, nil
	})
}

// narrow returns an operation without the parameters that would be refused, and without the
// examples that have one.
func narrow(m *abi.Manifest, op *abi.Operation) *abi.Operation {
	names, known := parameters(m, op)
	if !known {
		return op
	}
	narrowed := *op
	narrowed.Params, _ = backend.Members(op.Params, func(name string, value []byte) (string, []byte, error) { // fails where the function does
		if name == "properties" {
			value, _ = backend.Members(value, func(name string, value []byte) (string, []byte, error) {
				if !supports(op, names, name) {
					name = ""
				}
				return name, value, nil
			})
		}
		return name, value, nil
	})
	narrowed.Examples = slices.DeleteFunc(slices.Clone(op.Examples), func(example abi.RawMessage) bool {
		for name := range rawjson.Members(example) {
			if !supports(op, names, rawjson.Unquote(name)) {
				return true
			}
		}
		return false
	})
	return &narrowed
}

// actionList is the action whose results are always records, one after the other.
const actionList = "list"

// serviceFields are the fields that the Airbyte API is asked to keep or to leave out, so
// that it hands over no more than is wanted. The host shapes the answer as every other
// one, so that what is asked for here may be too much and must never be too little: whole
// members of records, because what the service makes of a path within lists is not
// documented, and nothing where the records may be wrapped in something else, beside
// which the service would look for them.
func serviceFields(op *connector.Operation, envelope *abi.Envelope, call *backend.Call) (selected, excluded []string) {
	if connector.IsContextStore(op.Action) || envelope != nil && op.Action != actionList {
		return nil, nil
	}
	for _, path := range call.Select {
		names, err := shape.Names(path)
		if err != nil || !plainName(names[0]) {
			return nil, nil
		}
		if !slices.Contains(selected, names[0]) {
			selected = append(selected, names[0])
		}
	}
	for _, path := range call.Exclude {
		if names, err := shape.Names(path); err == nil && len(names) == 1 && plainName(names[0]) {
			excluded = append(excluded, names[0])
		}
	}
	return selected, excluded
}

// plainName reports whether a name is the same in the service's paths, which know no way
// to write a dot that is part of a name.
func plainName(name string) bool { return !strings.Contains(name, ".") }
