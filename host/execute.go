package host

import (
	"context"
	"time"

	"github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Execute runs one operation of a connection and returns its result: one page of a paginated
// operation. It skips a page without records that is not the last one, as long as the call may send
// requests and has half of its time left. The result has the cursor of the page after the last one
// that was read.
//
// # Errors
//
// Every error is an [*Error]. Those before the operation runs have RequestSent false:
//
//   - unknown_operation: the connection, entity or action does not exist
//   - denied: nobody has approved the connector, or the connection does not allow the
//     operation with any parameters
//   - invalid_params: the parameters do not fit the operation's schema
//   - denied: the connection does not allow the operation with these parameters, or a person
//     must approve the call and has not (with the code needs_approval), or refused it
//   - rate_limited: other calls left no memory for this one before its deadline, or its workspace
//     has as many calls as may run and wait
//   - auth_failed: a credential is missing, or the vendor does not know it
//   - denied, with [ErrClosed] in its chain: the host is closed
//
// and then what the vendor answered (permission_denied, not_found, conflict, rate_limited,
// vendor_error), what the host refused or stopped (denied, limit_exceeded, timeout), network,
// cancelled if the caller cancelled the call, or a Close that ran out of time did, and
// connector_fault.
func (h *Host) Execute(ctx context.Context, connection string, call Call) (*Result, error) {
	return h.execute(ctx, connection, call, runOptions{via: viaExecute})
}

// runOptions say how a call runs: recorded or profiled, and what its record says of that.
type runOptions struct {
	via audit.Via
	// check runs the operation that proves the credential, whether allow has it or not.
	check bool
	// copying says that the call is for copies of records: see [backend.CopyHost].
	copying bool
	// repair says that a model wrote the parameters. They are repaired before anything else
	// looks at them.
	repair  bool
	digest  bool      // of the records
	plan    *ask.Plan // what the call would send is written here, and nothing is sent
	tape    *Recording
	profile func(*FuelProfile)
}

// run is one call that is under way.
type run struct {
	watch watch
	entry *entry              // the call's record
	place backend.Reservation // of a call of its workspace
	room  backend.Reservation // of Options.HostBytes
	call  backend.Call
}

// execute runs a call, and records how it ends.
func (h *Host) execute(ctx context.Context, connection string, call Call, o runOptions) (result *Result, err error) {
	if err := h.gate.enter(); err != nil {
		return nil, err
	}
	defer h.gate.leave()
	r := &run{entry: h.trail.begin(o.via, connection, call)}
	defer func() { result, err = r.entry.end(ctx, result, err) }()
	defer func() {
		if p := recover(); p != nil {
			err = panicked(h.log, "running a call", p)
		}
	}()
	return h.perform(ctx, connection, call, o, r)
}

// perform takes the steps of a call: look up, decide, prepare, repair, validate, ask a person, admit,
// run, shape.
func (h *Host) perform(ctx context.Context, connection string, call Call, o runOptions, r *run) (result *Result, err error) {
	start := h.options.Now()
	if call.OnCompile != nil {
		ctx = catalog.WithOnCompile(ctx, call.OnCompile)
	}
	params, malformed := encode(call.Params)
	lookUp := h.lookUp
	if o.check {
		lookUp = h.lookUpCheck
	}
	c, err := lookUp(ctx, connection, call, &r.call)
	if c != nil {
		defer c.release()
	}
	r.entry.found(c, &r.call)
	r.entry.params(params)
	if err != nil {
		return nil, fault.Cancelled(ctx, err)
	}
	// A caller that may not run it learns only that, and nothing of its parameters.
	op := r.call.Operation
	if err := h.decide(ctx, call.Principal, c, op.Operation, o.check, r.entry); err != nil {
		return nil, err
	}
	if malformed != nil {
		return nil, malformed
	}
	if err := h.prepare(ctx, c); err != nil {
		return nil, err
	}
	// Compiling a module is not part of the time that a call may take. All other work on the
	// parameters is.
	ctx, cancel := c.deadline(ctx, call.Timeout, h.patience(c, call, o, op.Operation))
	defer cancel()
	r.watch.cancel = cancel
	h.gate.add(&r.watch)
	defer func() {
		h.gate.remove(&r.watch)
		err = fault.Cancelled(ctx, err)
	}()
	defer r.release()
	if err := h.reserve(ctx, c, params, o, r); err != nil {
		return nil, err
	}
	if o.repair {
		params = op.Repair(ctx, params)
		r.entry.params(params)
	}
	r.call = backend.Call{
		Operation: op, Params: params, Select: call.Select, Exclude: call.Exclude, Intent: call.Intent, Credentials: call.Credentials,
		Output: call.Output, Room: &r.room, OnRequest: call.OnRequest, Tape: o.tape, Profile: o.profile, Copying: o.copying,
	}
	if r.entry != nil {
		r.call.Observer = r.entry
	}
	if o.digest {
		r.call.Digest = &h.seed
	}
	if err := r.call.Validate(ctx, c.backend); err != nil {
		return nil, err
	}
	if d := c.Grant.Arguments(op.Operation, params); !d.Allowed && !o.check {
		r.entry.decided(d)
		return nil, d.Denied(c.Name, op.Operation)
	}
	if o.plan != nil {
		return h.show(ctx, c, call, r, o.plan)
	}
	if err := h.consent(ctx, c, call, o, r); err != nil {
		return nil, err
	}
	if result, err = c.run(ctx, r); err != nil {
		return nil, err
	}
	result.Stats.Duration = h.options.Now().Sub(start)
	return result, nil
}

// reserve waits until a call may be one more of its workspace, and has memory. One for copies takes no place
// among the calls: one that has a place may wait for it.
func (h *Host) reserve(ctx context.Context, c *connection, params []byte, o runOptions, r *run) error {
	if !o.copying {
		if err := c.Of.Admit(ctx, c.Name, &r.place); err != nil {
			return err
		}
	}
	return h.memory.Reserve(ctx, c.Of, c.Name, params, &r.room)
}

// release ends what reserve began.
func (r *run) release() {
	r.room.Release()
	r.place.Release()
}

// run waits for its turn and runs the operation.
func (c *connection) run(ctx context.Context, r *run) (*Result, error) {
	if !r.call.Copying {
		if err := c.admit(ctx); err != nil {
			return nil, err
		}
		defer c.leave()
	}
	if err := r.entry.start(ctx); err != nil {
		return nil, err
	}
	r.call.Budget = backend.NewBudget(&c.Limits, &r.room)
	return backend.Run(ctx, c.backend, &r.call)
}

// Refuse records a call that the caller's own code refused before Execute, for example because its
// parameters are malformed. It returns the error to answer: that of Execute if Execute would have
// refused the call before its parameters, such as denied, and else reason.
func (h *Host) Refuse(ctx context.Context, connection string, call Call, reason error) error {
	return h.refuse(ctx, viaExecute, connection, call, reason)
}

func (h *Host) refuse(ctx context.Context, via audit.Via, connection string, call Call, reason error) error {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return err
	}
	defer leave()
	e := h.trail.begin(via, connection, call)
	if params, err := encode(call.Params); err == nil {
		e.params(params)
	}
	var found backend.Call
	c, err := h.lookUp(ctx, connection, call, &found)
	if c != nil {
		defer c.release()
	}
	e.found(c, &found)
	if err == nil {
		err = h.decide(ctx, call.Principal, c, found.Operation.Operation, false, e)
	}
	if err == nil {
		err = reason
	}
	return e.endRefusal(ctx, err)
}

// lookUp finds what a call names, and sets the operation of found. The caller releases the
// connection that it returns, which may be there although the operation is not.
func (h *Host) lookUp(ctx context.Context, connection string, call Call, found *backend.Call) (*connection, error) {
	c, err := h.hold(ctx, call.Principal, connection)
	if err != nil {
		return nil, err
	}
	found.Operation, err = c.backend.Operation(call.Entity, call.Action)
	return c, err
}

// lookUpCheck is lookUp for the operation that proves the connection's credential.
func (h *Host) lookUpCheck(ctx context.Context, connection string, call Call, found *backend.Call) (*connection, error) {
	c, err := h.hold(ctx, call.Principal, connection)
	if err != nil {
		return nil, err
	}
	ref := c.backend.Check()
	if ref == nil {
		return c, &Error{Kind: abi.KindUnknownOperation, Field: "check", Message: c.Connector.Manifest.Name + " declares no operation that checks a credential", Hint: "run one of its read operations: " + fault.Choices(c.reads())}
	}
	found.Operation, err = c.backend.Operation(ref.Entity, ref.Action)
	return c, err
}

// prepare loads what the connection's calls need.
func (h *Host) prepare(ctx context.Context, c *connection) error {
	if c.backend.Ready() {
		return nil
	}
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return fault.Cancelled(ctx, c.backend.Prepare(ctx))
}

// deadline bounds a call by the connection's limit, with the time for a person's answer, and by the
// caller's.
func (c *connection) deadline(ctx context.Context, callers, patience time.Duration) (context.Context, context.CancelFunc) {
	timeout := c.Limits.Timeout + patience
	if callers != 0 { // one that is over already included
		timeout = min(timeout, callers)
	}
	return context.WithTimeout(ctx, timeout)
}

// Operation is an operation as a connection sees it.
type Operation struct {
	abi.Operation
	// Allowed says whether the connection may run it, by Rule.
	Allowed bool
	Rule    string
	// Ask is the rule by which a person must approve each call; empty if nobody must.
	Ask string
}

// Operation returns one operation of a connection, as Operations shows it.
func (h *Host) Operation(ctx context.Context, connection, entity, action string) (*Operation, error) {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var found backend.Call
	c, err := h.lookUp(ctx, connection, Call{Entity: entity, Action: action}, &found)
	if c != nil {
		defer c.release()
	}
	if err != nil {
		return nil, err
	}
	approved, err := h.approved(ctx, c)
	if err != nil {
		return nil, err
	}
	shown := c.permitted(found.Operation.Operation, approved)
	return &shown, nil
}

// Operations returns all operations of a connection: those of its connector, in its order, and the
// searches in copies of records, in mode hosted or with [Options.Copies]. In mode hosted, Params lack the parameters that
// Airbyte's connector does not have.
func (h *Host) Operations(ctx context.Context, name string) ([]Operation, error) {
	return withConnection(ctx, h, name, func(ctx context.Context, c *connection) ([]Operation, error) {
		approved, err := h.approved(ctx, c)
		if err != nil {
			return nil, err
		}
		all := c.backend.Operations()
		operations := make([]Operation, len(all))
		for i, op := range all {
			operations[i] = c.permitted(op, approved)
		}
		return operations, nil
	})
}

// permitted is an operation as callers see it, with the decision on it.
func (c *connection) permitted(op *abi.Operation, approved grant.Decision) Operation {
	d := approved
	if d.Allowed {
		d = c.Grant.Operation(op)
	}
	shown := Operation{Operation: *c.backend.View(op), Allowed: d.Allowed, Rule: d.Rule}
	if d.Allowed {
		shown.Ask, _ = c.Grant.Asks(op)
	}
	return shown
}

// Check tests a connection: it runs the operation that the connector declares for that, even if the
// connection does not allow it, and returns its result.
func (h *Host) Check(ctx context.Context, connection string) (*Result, error) {
	return h.execute(ctx, connection, Call{}, runOptions{via: viaCheck, check: true})
}

// CheckOperation returns the operation that [Host.Check] runs, or nil if the connector has none. A
// hosted connection may have a different one, because the Airbyte API's connector lacks some of our
// operations.
func (h *Host) CheckOperation(ctx context.Context, name string) (*abi.OperationRef, error) {
	return withConnection(ctx, h, name, func(_ context.Context, c *connection) (*abi.OperationRef, error) {
		return c.backend.Check(), nil
	})
}

func (c *connection) reads() []string {
	var names []string
	for i := range c.Connector.Manifest.Operations {
		if op := &c.Connector.Manifest.Operations[i]; op.Effect == abi.EffectRead {
			names = append(names, op.Entity+"."+op.Action)
		}
	}
	return names
}
