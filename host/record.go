package host

import (
	"context"
	"errors"

	"github.com/agenthost/agenthost/internal/backend/direct"
)

// Recording is one call: what a connector was asked, what it sent, what it got, and what it
// answered. It holds no credential.
type Recording = direct.Recording

// Difference is what a replay of a [Recording] did otherwise.
type Difference = direct.Difference

// FuelProfile says where a call spent its fuel, by function.
type FuelProfile = direct.Profile

// Record is [Host.Execute] that also returns a recording of the call, whether it succeeds or not.
// The connector's clock stands still, and its random bytes come from a seed in the recording, so
// that [Host.Replay] can repeat both.
//
// The recording is nil if the call failed before the connector started.
func (h *Host) Record(ctx context.Context, connection string, call Call) (*Result, *Recording, error) {
	tape := direct.NewRecording(h.options.Now())
	result, err := h.execute(ctx, connection, call, runOptions{via: viaRecord, tape: tape})
	if tape.Digest == "" {
		return nil, nil, err
	}
	if e, ok := errors.AsType[*Error](err); ok {
		tape.Error = e
	}
	return result, tape, err
}

// Replay runs a recorded call again, on the host's connector of that name, and returns the
// differences in its requests and its result. It sends nothing and needs no connection: the
// recording answers the requests. The module may be another build than the recorded one;
// [Recording.Digest] tells.
//
// # Errors
//
//   - unknown_operation: the host does not have the connector or the operation
//   - invalid_params: the recorded parameters do not fit the operation any more
func (h *Host) Replay(ctx context.Context, r *Recording) (differences []Difference, err error) {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	e := h.trail.begin(viaReplay, "", Call{Entity: r.Call.Entity, Action: r.Call.Action})
	defer func() { err = e.endReplay(ctx, err) }()
	file, err := h.catalog.Find(ctx, r.Connector)
	if err != nil {
		return nil, err
	}
	declared, err := file.Declared(ctx)
	if err != nil {
		return nil, err
	}
	e.of(declared.Manifest, declared.Digest)
	e.params(r.Call.Params)
	op, err := declared.Operation(r.Call.Entity, r.Call.Action)
	if err != nil {
		return nil, err
	}
	e.runs(op.Operation)
	again, err := h.runner.Replay(ctx, r, declared, op, file, e)
	if err != nil {
		return nil, err
	}
	var failed error
	if again.Error != nil {
		failed = again.Error
	}
	e.ended(&Result{Data: again.Data, Meta: again.Meta}, failed)
	return direct.Compare(r, again), nil
}

// Profile is [Host.Execute] that also says where the connector spent its fuel, by
// function. The fuel is what the call costs without a profile, count for count; the time
// is many times that, and the module is compiled anew. Functions have names where the
// module has a name section.
//
// The profile is nil if the call failed before the connector started.
func (h *Host) Profile(ctx context.Context, connection string, call Call) (*Result, *FuelProfile, error) {
	var profile *FuelProfile
	result, err := h.execute(ctx, connection, call, runOptions{via: viaProfile, profile: func(p *FuelProfile) { profile = p }})
	return result, profile, err
}
