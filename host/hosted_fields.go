package host

import (
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/host/shape"
	"github.com/agenthost/agenthost/pdk/abi"
)

// actionList is the action whose results are always records, one after the other.
const actionList = "list"

// hostedFields are the fields that the Airbyte API is asked to keep or to leave out, so
// that it hands over no more than is wanted. The host shapes the answer as every other
// one, so that what is asked for here may be too much and must never be too little: whole
// members of records, because what the service makes of a path within lists is not
// documented, and nothing where the records may be wrapped in something else, beside
// which the service would look for them.
func hostedFields(op *connector.Operation, envelope *abi.Envelope, call Call) (selected, excluded []string) {
	if op.Action == abi.ActionContextStoreSearch || envelope != nil && op.Action != actionList {
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
