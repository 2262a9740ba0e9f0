package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/agenthost/agenthost/host/airbyte"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/host/egress"
	"github.com/agenthost/agenthost/host/sandbox"
	"github.com/agenthost/agenthost/host/shape"
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Execute runs one operation of a connection and returns its result: one page of a
// paginated operation.
//
// # Errors
//
// Every error is an [*Error]. Those before the sandbox starts have RequestSent false:
//
//   - unknown_operation: there is no such connection, entity or action
//   - invalid_params: the parameters do not fit the operation's schema
//   - denied: nobody has approved the connector; or the connection does not allow the
//     operation, or not with these parameters
//   - auth_failed: a credential is missing, or the vendor does not know it
//
// and then what the vendor answered (permission_denied, not_found, conflict,
// rate_limited, vendor_error), what the host refused or stopped (denied,
// limit_exceeded, timeout), network, and connector_fault.
func (h *Host) Execute(ctx context.Context, connection string, call Call) (*Result, error) {
	return h.execute(ctx, connection, call, live{})
}

// execute is Execute on a stage: live, or one where the call is recorded. However it ends,
// the audit trail has it.
func (h *Host) execute(ctx context.Context, connection string, call Call, on stage) (result *Result, err error) {
	e := h.trail.begin(on.via(), connection, call)
	defer func() { result, err = e.end(ctx, result, err) }()
	return h.perform(ctx, connection, call, on, e)
}

func (h *Host) perform(ctx context.Context, connection string, call Call, on stage, e *entry) (*Result, error) {
	start := h.options.Now()
	c, op, err := h.look(ctx, connection, call)
	e.found(c, op)
	if err != nil {
		return nil, err
	}
	params, err := validate(c, op, call)
	e.params(params)
	if err != nil {
		return nil, err
	}
	// A path that cannot be is found before a write is made, not after.
	fields, err := shape.New(call.Select, call.Exclude)
	if err != nil {
		return nil, err
	}
	d, err := h.decide(ctx, c, op, params)
	e.decided(d)
	if err != nil {
		return nil, err
	}
	if !d.Allowed {
		return nil, d.Denied(c.name, op.Operation)
	}
	ctx, cancel := c.deadline(ctx, call)
	defer cancel()
	leave, err := c.admit(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := e.start(ctx); err != nil {
		return nil, err
	}
	result, err := h.run(ctx, c, op, call, params, on, e)
	if err != nil {
		return nil, err
	}
	on.keep(result)
	if result.Data, err = fields.Apply(result.Data); err != nil {
		// The call was made, whatever becomes of its answer.
		return nil, sent(err, result.Stats.Requests > 0)
	}
	result.Stats.Duration = h.options.Now().Sub(start)
	return result, nil
}

// look finds what a call names.
func (h *Host) look(ctx context.Context, connection string, call Call) (*connection, *connector.Operation, error) {
	c, err := h.connection(ctx, connection)
	if err != nil {
		return nil, nil, err
	}
	op, err := c.operation(call.Entity, call.Action)
	return c, op, err
}

// validate returns the parameters as JSON that fits the operation's schema, and that the
// mode takes.
func validate(c *connection, op *connector.Operation, call Call) ([]byte, error) {
	if len(call.Select) > 0 && len(call.Exclude) > 0 {
		return nil, invalid("select", "select and exclude are both set", "use one of them")
	}
	if utf8.RuneCountInString(call.Intent) > airbyte.MaxIntent {
		return nil, invalid("intent", fmt.Sprintf("the intent is longer than %d characters", airbyte.MaxIntent), "say it in a sentence")
	}
	params, err := encode(call.Params)
	if err != nil {
		return nil, err
	}
	if err := c.refuseDropped(op, params); err != nil {
		return params, err
	}
	return params, op.Validate(params)
}

// maxParams is the size of the largest parameters, in bytes. Files travel in them.
const maxParams = 32 << 20

func encode(params any) ([]byte, error) {
	var data []byte
	switch p := params.(type) {
	case nil:
		return []byte("{}"), nil
	case json.RawMessage:
		data = p
	case []byte:
		data = p
	default:
		var buffer bytes.Buffer
		encoder := json.NewEncoder(&buffer)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(params); err != nil {
			return nil, (invalid("params", fmt.Sprintf("params of type %T do not marshal to JSON", params), "pass host.Params, a struct or a json.RawMessage")).WithCause(err)
		}
		data = rawjson.Trim(buffer.Bytes())
	}
	if len(data) > maxParams {
		return nil, invalid("params", fmt.Sprintf("params are %d bytes long, the limit is %d", len(data), maxParams), "send less in one call")
	}
	if len(rawjson.Trim(data)) == 0 || string(rawjson.Trim(data)) == "null" {
		return []byte("{}"), nil
	}
	return data, nil
}

// deadline bounds a call by the connection's limit and the caller's.
func (c *connection) deadline(ctx context.Context, call Call) (context.Context, context.CancelFunc) {
	timeout := c.limits.Timeout
	if call.Timeout > 0 {
		timeout = min(timeout, call.Timeout)
	}
	return context.WithTimeout(ctx, timeout)
}

// run runs an operation where the connection's mode says: the only step that depends on it.
func (h *Host) run(ctx context.Context, c *connection, op *connector.Operation, call Call, params []byte, on stage, e *entry) (*Result, error) {
	if c.isHosted() {
		return h.runHosted(ctx, c, op, call, params, on, e)
	}
	return h.runDirect(ctx, c, op, call, params, on, e)
}

// runDirect runs an operation in a sandbox. The guest's requests go out through egress,
// which knows what the operation declared and adds the credential.
func (h *Host) runDirect(ctx context.Context, c *connection, op *connector.Operation, call Call, params []byte, on stage, e *entry) (*Result, error) {
	client, err := h.egress(ctx, c)
	if err != nil {
		return nil, err
	}
	release := c.file.hold(ctx)
	defer release()
	module, err := on.module(ctx, c.file)
	if err != nil {
		return nil, err
	}
	input := guestInput(abi.Call{Entity: op.Entity, Action: op.Action, Params: params, Server: c.server.ID}, c.connector.Digest)
	t := &traffic{
		client: client,
		renew:  c.renew,
		entry:  e,
		now:    h.options.Now,
		scope: egress.Scope{
			Requests: op.Requests,
			Grant:    c.grant,
			Retry:    op.Safe(),
			Reads:    op.Effect == abi.EffectRead,
			Rate:     c.rate(op),
			Budget:   egress.NewBudget(c.limits.Requests, c.limits.RequestBytes, c.limits.ResponseBytes),
			Attempt:  e.attempts(call),
		},
	}
	began := h.options.Now()
	guest := sandbox.Call{
		Export: abi.ExportExecute,
		Input:  input,
		Send:   t.send,
		Limits: sandboxLimits(c.limits),
		Logger: h.log.Named("connector").With("connection", c.name, "operation", op.Name()),
	}
	on.watch(&guest)
	outcome, err := module.Run(ctx, guest)
	e.outcome(outcome)
	if err != nil {
		return nil, sent(err, t.sent)
	}
	ran := h.options.Now().Sub(began)
	if outcome.Err != nil {
		return nil, sent(public(outcome.Err), t.sent)
	}
	result, err := assemble(op, outcome)
	if err != nil {
		return nil, sent(err, t.sent)
	}
	result.Stats = t.stats()
	result.Stats.Guest = max(0, ran-t.waited)
	result.Stats.Fuel, result.Stats.GuestMemory = outcome.Fuel, outcome.Memory
	return result, nil
}

func sandboxLimits(l config.Limits) sandbox.Limits {
	return sandbox.Limits{Memory: l.Memory, Fuel: l.Fuel, OutputBytes: l.OutputBytes, LogLines: l.LogLines, LogBytes: l.LogBytes}
}

// stage is where a call runs: what module, who watches it run, and who keeps its result.
type stage interface {
	via() audit.Via
	module(ctx context.Context, file *pluginFile) (*sandbox.Module, error)
	watch(call *sandbox.Call)
	keep(result *Result)
}

// live is the stage of every call that is not recorded or profiled.
type live struct{}

func (live) via() audit.Via { return audit.ViaExecute }

func (live) module(ctx context.Context, file *pluginFile) (*sandbox.Module, error) {
	return file.load(ctx)
}

func (live) watch(*sandbox.Call) {}

func (live) keep(*Result) {}

// traffic sends the requests of one call and keeps count of them.
type traffic struct {
	client *egress.Client
	renew  func(ctx context.Context, refused *egress.Client) (*egress.Client, error)
	entry  *entry
	scope  egress.Scope
	now    func() time.Time
	waited time.Duration
	sent   bool // a request may have reached the vendor
}

func (t *traffic) send(ctx context.Context, req *abi.Request, body []byte) (*sandbox.Response, error) {
	start := t.now()
	resp, err := t.deliver(ctx, req, body)
	t.waited += t.now().Sub(start)
	if err != nil {
		var e *Error
		t.sent = t.sent || (errors.As(err, &e) && e.RequestSent)
		t.entry.refused(req, start, err)
		return nil, err
	}
	t.sent = true
	return &sandbox.Response{Status: resp.Status, Header: resp.Header, Body: resp.Body}, nil
}

// sent sets RequestSent of an error to what the host itself knows: what a guest says of
// it does not count.
func sent(err error, reached bool) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	c := e.WithCause(e.Unwrap())
	c.RequestSent = reached
	return c
}

func (t *traffic) stats() Stats {
	requests, out, in := t.scope.Budget.Used()
	return Stats{Vendor: t.waited, Requests: requests, BytesSent: out, BytesReceived: in}
}

// Operation is an operation as a connection sees it.
type Operation struct {
	abi.Operation
	// Allowed says whether the connection may run it, by Rule.
	Allowed bool
	Rule    string
}

// Operations returns all operations of a connection: those of its connector, in its order,
// and in mode hosted the searches of the context store. There Params lack what Airbyte's
// connector does not have.
func (h *Host) Operations(ctx context.Context, connection string) ([]Operation, error) {
	c, err := h.connection(ctx, connection)
	if err != nil {
		return nil, err
	}
	approved, err := h.approved(ctx, c)
	if err != nil {
		return nil, err
	}
	all := c.operations()
	operations := make([]Operation, 0, len(all))
	for _, op := range all {
		d := approved
		if d.Allowed {
			d = c.grant.Operation(op)
		}
		operations = append(operations, Operation{Operation: c.shown(op), Allowed: d.Allowed, Rule: d.Rule})
	}
	return operations, nil
}

// Check proves that a connection works: it runs the operation that the connector
// declares for that, whatever the connection allows, and returns its result.
func (h *Host) Check(ctx context.Context, connection string) (result *Result, err error) {
	e := h.trail.begin(audit.ViaCheck, connection, Call{})
	defer func() { result, err = e.end(ctx, result, err) }()
	return h.check(ctx, connection, e)
}

func (h *Host) check(ctx context.Context, connection string, e *entry) (*Result, error) {
	start := h.options.Now()
	c, err := h.connection(ctx, connection)
	if err != nil {
		return nil, err
	}
	e.found(c, nil)
	ref := checkOperation(c.connector.Manifest, c.config.Mode)
	if ref == nil {
		return nil, &Error{Kind: abi.KindUnknownOperation, Field: "check", Message: c.connector.Manifest.Name + " declares no operation that checks a credential", Hint: "run one of its read operations: " + nearest.List(c.reads())}
	}
	op, err := c.connector.Operation(ref.Entity, ref.Action)
	if err != nil {
		return nil, err
	}
	e.found(c, op)
	if d, err := h.approved(ctx, c); err != nil {
		return nil, err
	} else if !d.Allowed {
		e.decided(d)
		return nil, d.Denied(c.name, op.Operation)
	}
	ctx, cancel := c.deadline(ctx, Call{})
	defer cancel()
	leave, err := c.admit(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if err := e.start(ctx); err != nil {
		return nil, err
	}
	result, err := h.run(ctx, c, op, Call{}, []byte("{}"), live{}, e)
	if err != nil {
		return nil, err
	}
	result.Stats.Duration = h.options.Now().Sub(start)
	return result, nil
}

func (c *connection) reads() []string {
	var names []string
	for i := range c.connector.Manifest.Operations {
		if op := &c.connector.Manifest.Operations[i]; op.Effect == abi.EffectRead {
			names = append(names, op.Entity+"."+op.Action)
		}
	}
	return names
}
