package conformance

import (
	"context"
	"encoding/json"
	"time"

	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Profile runs one operation of a module against the simulated vendor of [Run], and says where the
// module spends its fuel. Nil params are made up too.
//
// It returns the profile also if the operation fails. The profile is nil if the operation did not
// run:
//
//   - connector_fault: the module does not load, or its declaration is wrong
//   - unknown_operation: it has no such operation
//   - invalid_params: the parameters do not fit the operation's schema
func Profile(ctx context.Context, module []byte, o Options, entity, action string, params json.RawMessage) (*sandbox.Profile, error) {
	now := func() time.Time { return testTime }
	engine, done, err := newEngine(o, now) //nolint:contextcheck // done frees it even where ctx has ended
	if err != nil {
		return nil, err
	}
	defer done()
	o.loader = engine
	s, err := lookUp(ctx, &examination{options: o, wasm: module, report: &Report{Digest: sandbox.Digest(module)}, outputs: make(map[string][]byte)}, entity, action)
	if err != nil {
		return nil, err
	}
	if s.sending = params; params != nil {
		if err := s.Validate(ctx, params); err != nil {
			return nil, err
		}
	} else {
		s.params = valid(ctx, s.Operation)
		if _, ok := s.choose(ctx); !ok {
			return nil, &abi.Error{Kind: abi.KindInvalidParams, Message: s.Name() + " sent no request with generated parameters", Hint: "set parameters, or add an example to the operation"}
		}
	}
	s.discover(ctx)

	profiling, err := sandbox.NewEngine(sandbox.Config{Profile: true, Logger: o.Logger, Now: now, Random: new(unlike)})
	if err != nil {
		return nil, err
	}
	defer profiling.Close(context.WithoutCancel(ctx))
	m, err := profiling.Load(ctx, module)
	if err != nil {
		return nil, err
	}
	var profile *sandbox.Profile
	r := s.callIn(ctx, m, sandbox.Call{Input: s.input(s.sending), Limits: sandbox.DefaultLimits(), Profile: func(p *sandbox.Profile) { profile = p }}, s.good(s.body()))
	if failed := r.failed(); failed != nil {
		return profile, failed
	}
	return profile, nil
}

// lookUp loads the module and finds one of its operations.
func lookUp(ctx context.Context, e *examination, entity, action string) (*subject, error) {
	for _, step := range []func(context.Context, *examination, *Check){load, describe, declaration} {
		c := Check{Status: Pass}
		if step(ctx, e, &c); c.Status == Fail {
			return nil, &abi.Error{Kind: abi.KindConnectorFault, Message: c.Problems[0], Hint: "agenthost plugin test lists all problems of a connector"}
		}
	}
	op, err := e.connector.Operation(entity, action)
	if err != nil {
		return nil, err
	}
	e.reached = make(map[string]bool)
	return &subject{Operation: op, examination: e}, nil
}
