package host

import (
	"context"
	"maps"
	"slices"

	"github.com/agenthost/agenthost/host/airbyte"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/pdk/abi"
)

// hostedEntity is what a record has in place of an entity where the Airbyte API itself is
// changed.
const hostedEntity = "hosted"

// beginHosted starts the record of a change of the Airbyte API.
func (t *trail) beginHosted(action string, at HostedAt) *entry {
	e := t.begin(audit.ViaHosted, at.Connection, Call{Entity: hostedEntity, Action: action})
	if e != nil {
		e.record.Mode, e.record.Connector = string(config.Hosted), audit.Clip(at.Connector)
	}
	return e
}

// hosted notes what a change turned out to be of.
func (e *entry) hosted(p *hostedPlace, effect abi.Effect) {
	if e == nil {
		return
	}
	e.record.Effect = effect
	if p.connector != nil {
		e.ran(p.connector, nil)
	}
}

// given notes what a new connector is given.
func (e *entry) given(n *NewHosted) {
	e.param("name", len(n.Name))
	for _, name := range slices.Sorted(maps.Keys(n.Replication)) {
		e.param(name, len(n.Replication[name]))
	}
}

// handed notes which credentials the Airbyte API is given. Their length is nobody's
// business.
func (e *entry) handed(credentials []airbyte.Credential) {
	for _, c := range credentials {
		e.param(c.Name, 0)
	}
}

func (e *entry) param(name string, bytes int) {
	if e != nil && len(e.record.Params) < audit.MaxParams {
		e.record.Params = append(e.record.Params, audit.Param{Name: audit.Clip(name), Bytes: bytes})
		e.record.ParamsBytes += bytes
	}
}

// endHosted writes the record of a change of the Airbyte API. Its error is the change's,
// or, where the record must be written and cannot be, that.
func (e *entry) endHosted(ctx context.Context, err error) error {
	e.ended(&Result{Stats: Stats{Requests: 1}}, err)
	return e.finish(ctx, err)
}
