package host

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// taken are the parameters that the Airbyte API's connector has for an operation. It is not
// known where the manifest does not list the operation.
func taken(m *abi.Manifest, op *abi.Operation) (names []string, known bool) {
	i := slices.IndexFunc(m.Airbyte.Operations, func(o abi.AirbyteOperation) bool { return o.Entity == op.Entity && o.Action == op.Action })
	if i < 0 {
		return nil, false
	}
	return m.Airbyte.Operations[i].Params, true
}

// takes reports whether the Airbyte API's connector has a parameter, of which it knows
// names. The host keeps limit where the connector does not (see [part]).
func takes(op *abi.Operation, names []string, name string) bool {
	return slices.Contains(names, name) || name == "limit" && op.Paginated ||
		slices.ContainsFunc(names, func(vendors string) bool { return op.Aliases[vendors] == name })
}

// refuseDropped refuses parameters of a hosted connection's operation that the Airbyte
// API's connector does not have. It would drop them without a word: a list would not be
// filtered, and a record would lack what it was to get.
func (c *connection) refuseDropped(op *connector.Operation, params []byte) error {
	if !c.isHosted() {
		return nil
	}
	names, known := taken(c.connector.Manifest, op.Operation)
	if !known {
		return nil
	}
	var dropped []string
	for raw := range rawjson.Members(params) {
		// What is not ours either is a mistake, of which the schema knows more.
		if name := rawjson.Unquote(raw); !takes(op.Operation, names, name) && declares(op, name) {
			dropped = append(dropped, name)
		}
	}
	if len(dropped) == 0 {
		return nil
	}
	what := "no parameter "
	if len(dropped) > 1 {
		what = "no parameters "
	}
	return invalid(dropped[0], fmt.Sprintf("in Airbyte, %s of %s has %s%s, which would be dropped without a word", op.Name(), c.connector.Manifest.Title, what, strings.Join(dropped, ", ")),
		"leave out what is missing there, or use a connection with mode: direct")
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
	names, known := taken(m, op.Operation)
	if _, limited, _ := rawjson.Pointer(params, "/limit"); !limited || !known || slices.Contains(names, "limit") {
		return params, nil
	}
	return members(params, func(name string, value []byte) (string, []byte, error) {
		if name == "limit" {
			name = ""
		}
		return name, value, nil
	})
}

// shown is an operation as callers of a connection are shown it: without the parameters
// that would be refused, and the examples that have one.
func (c *connection) shown(op *abi.Operation) abi.Operation {
	if !c.isHosted() {
		return *op
	}
	names, known := taken(c.connector.Manifest, op)
	if !known {
		return *op
	}
	shown := *op
	shown.Params, _ = members(op.Params, func(name string, value []byte) (string, []byte, error) { // fails where the function does
		if name == "properties" {
			value, _ = members(value, func(name string, value []byte) (string, []byte, error) {
				if !takes(op, names, name) {
					name = ""
				}
				return name, value, nil
			})
		}
		return name, value, nil
	})
	shown.Examples = slices.DeleteFunc(slices.Clone(op.Examples), func(example abi.RawMessage) bool {
		for name := range rawjson.Members(example) {
			if !takes(op, names, rawjson.Unquote(name)) {
				return true
			}
		}
		return false
	})
	return shown
}
