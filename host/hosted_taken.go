package host

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// takenParams refuses parameters that the Airbyte API's connector does not have. It would
// drop them without a word: a list would not be filtered, and a record would lack what it
// was to get. Only limit is left out instead, because the host keeps it (see [part]).
func takenParams(m *abi.Manifest, op *connector.Operation, params []byte) ([]byte, error) {
	i := slices.IndexFunc(m.Airbyte.Operations, func(o abi.AirbyteOperation) bool { return o.Entity == op.Entity && o.Action == op.Action })
	if i < 0 {
		return params, nil
	}
	taken := m.Airbyte.Operations[i].Params
	var dropped []string
	limit := false
	for raw := range rawjson.Members(params) {
		switch name := rawjson.Unquote(raw); {
		case slices.Contains(taken, name):
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
