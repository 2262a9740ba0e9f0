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

// takenParams refuses parameters that the Airbyte API's connector does not have. It would
// drop them without a word: a list would not be filtered, and a record would lack what it
// was to get. Only limit is left out instead, because the host keeps it (see [part]).
func takenParams(m *abi.Manifest, op *connector.Operation, params []byte) ([]byte, error) {
	names, known := taken(m, op.Operation)
	if !known {
		return params, nil
	}
	var dropped []string
	limit := false
	for raw := range rawjson.Members(params) {
		switch name := rawjson.Unquote(raw); {
		case slices.Contains(names, name):
		case name == "limit" && op.Paginated:
			limit = true
		default:
			dropped = append(dropped, name)
		}
	}
	if len(dropped) > 0 {
		what := "no parameter "
		if len(dropped) > 1 {
			what = "no parameters "
		}
		return nil, invalid(dropped[0], fmt.Sprintf("in Airbyte, %s of %s has %s%s, which would be dropped without a word", op.Name(), m.Title, what, strings.Join(dropped, ", ")),
			"leave out what is missing there, or use a connection with mode: direct")
	}
	if !limit {
		return params, nil
	}
	return members(params, func(name string, value []byte) (string, []byte, error) {
		if name == "limit" {
			return "", nil, nil
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
	takes := func(name string) bool {
		if slices.Contains(names, name) || name == "limit" && op.Paginated {
			return true
		}
		return slices.ContainsFunc(names, func(vendors string) bool { return op.Aliases[vendors] == name })
	}
	shown := *op
	shown.Params, _ = members(op.Params, func(name string, value []byte) (string, []byte, error) { // fails where the function does
		if name == "properties" {
			value, _ = members(value, func(name string, value []byte) (string, []byte, error) {
				if !takes(name) {
					name = ""
				}
				return name, value, nil
			})
		}
		return name, value, nil
	})
	shown.Examples = slices.DeleteFunc(slices.Clone(op.Examples), func(example abi.RawMessage) bool {
		for name := range rawjson.Members(example) {
			if !takes(rawjson.Unquote(name)) {
				return true
			}
		}
		return false
	})
	return shown
}
