package direct

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/recording"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Recording is one call.
type Recording = recording.Recording

// Difference is what a replay did otherwise.
type Difference = recording.Difference

// NewRecording returns a recording of a call that is about to run, with a seed of its own.
func NewRecording(at time.Time) *Recording {
	seed := make([]byte, 32)
	_, _ = cryptorand.Read(seed) // never fails, by its documentation
	return &Recording{Version: recording.Version, At: at.UTC().Truncate(time.Millisecond), Seed: seed}
}

// Compare returns what is different in another recording of the same call.
func Compare(want, got *Recording) []Difference { return recording.Compare(want, got) }

// module returns the module of a call: that of the host, or for a recording or a profile one
// in an engine of its own.
func (b *Backend) module(ctx context.Context, call *backend.Call) (*sandbox.Module, func(), error) {
	if call.Tape == nil && call.Profile == nil {
		return b.c.File.Acquire(ctx)
	}
	config := b.runner.options.Modules
	if call.Tape != nil {
		var err error
		if config, err = b.runner.repeatable(call.Tape); err != nil {
			return nil, nil, err
		}
	}
	if call.Profile != nil {
		// A module is compiled for a profile in this process, and not kept. The worker, with
		// its limits, compiles it before.
		config = sandbox.Config{Profile: true, Logger: config.Logger, Now: config.Now}
	}
	module, closeEngine, err := b.runner.load(ctx, b.c.File, config)
	if err == nil && call.Tape != nil {
		call.Tape.Connector, call.Tape.Digest = b.c.Connector.Manifest.Name, b.c.Connector.Digest
		call.Tape.Call = recording.Call{Entity: call.Operation.Entity, Action: call.Operation.Action, Params: recording.Body(call.Params), Server: b.c.Server.ID, Config: b.c.Values.JSON()}
	}
	return module, closeEngine, err
}

// repeatable configures an engine with the clock and the random numbers of a recording.
func (r *Runner) repeatable(tape *recording.Recording) (sandbox.Config, error) {
	config := r.options.Modules
	if len(tape.Seed) != 32 {
		return config, fault.Invalid("recording.seed", fmt.Sprintf("the recording's seed is %d bytes long, want 32", len(tape.Seed)), "")
	}
	at := tape.At
	config.Now = func() time.Time { return at }
	config.Random = rand.NewChaCha8([32]byte(tape.Seed))
	return config, nil
}

// load loads a module into an engine of its own, which the returned function closes.
func (r *Runner) load(ctx context.Context, file backend.File, config sandbox.Config) (*sandbox.Module, func(), error) {
	// The host compiles it, as for every call; the cache then has it.
	_, release, err := file.Acquire(ctx)
	if err != nil {
		return nil, nil, err
	}
	release()
	data, err := file.Bytes(ctx)
	if err != nil {
		return nil, nil, err
	}
	engine, err := sandbox.NewEngine(config)
	if err != nil {
		return nil, nil, err
	}
	closeEngine := func() { _ = engine.Close(context.WithoutCancel(ctx)) } // no call runs then
	module, err := engine.Load(ctx, data)
	if err != nil {
		closeEngine()
		return nil, nil, err
	}
	return module, closeEngine, nil
}

// recorder notes what a module asks for, and what it is answered.
type recorder struct {
	tape  *recording.Recording
	ask   sandbox.Send
	pause sandbox.Sleep
}

func (r recorder) send(ctx context.Context, req *abi.Request, body []byte) (*sandbox.Response, error) {
	exchange := recording.Exchange{SleptMS: r.tape.SleptMS, Request: *req, Body: slices.Clone(body)}
	r.tape.SleptMS = 0
	resp, err := r.ask(ctx, req, body)
	if e, ok := errors.AsType[*abi.Error](err); ok {
		exchange.Error = e
	}
	if err == nil {
		exchange.Response = &recording.Response{Status: resp.Status, Header: resp.Header, Body: resp.Body}
	}
	r.tape.Exchanges = append(r.tape.Exchanges, exchange)
	return resp, err
}

func (r recorder) sleep(ctx context.Context, d time.Duration) error {
	r.tape.SleptMS += d.Milliseconds()
	return r.pause(ctx, d)
}

// Replay runs a recorded call of an operation again on its connector's module, and returns the new recording.
// It sends nothing: requests are answered from the recording. Limits are those of a
// connection that sets none.
func (r *Runner) Replay(ctx context.Context, tape *recording.Recording, c *connector.Connector, op *connector.Operation, file backend.File, observer backend.Observer) (*recording.Recording, error) {
	again := &recording.Recording{Version: recording.Version, At: tape.At, Seed: tape.Seed, Connector: c.Manifest.Name, Digest: c.Digest, Call: tape.Call}
	config, err := r.repeatable(tape)
	if err != nil {
		return nil, err
	}
	module, closeEngine, err := r.load(ctx, file, config)
	if err != nil {
		return nil, err
	}
	defer closeEngine()
	limits := backend.DefaultLimits()
	ctx, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	if err := op.Validate(ctx, tape.Call.Params); err != nil {
		return nil, err
	}
	p := player{recorded: tape.Exchanges}
	rec := recorder{again, p.send, p.sleep}
	outcome, err := module.Run(ctx, sandbox.Call{
		Export: hostfunc.ExportExecute, Input: backend.Input(tape.Call.ABI(), c.Digest), Send: rec.send, Sleep: rec.sleep, Limits: backend.SandboxLimits(limits),
		Logger: func() hclog.Logger { return r.options.Logger.Named("connector").With("operation", op.Name()) },
	})
	backend.Report(observer, outcome)
	var result backend.Result
	if err == nil && outcome.Err != nil {
		err = backend.Public(outcome.Err)
	}
	if err == nil {
		result, err = backend.Assemble(op, outcome.Data, outcome.Meta)
	}
	again.Data, again.Meta = result.Data, result.Meta
	if e, failed := errors.AsType[*abi.Error](fault.Sent(err, p.sent)); failed {
		again.Error = e
	}
	return again, nil
}

// player answers requests from a recording, in order.
type player struct {
	recorded []recording.Exchange
	next     int
	sent     bool
}

// sleep does not wait: the module's clock goes on all the same.
func (p *player) sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

func (p *player) send(_ context.Context, req *abi.Request, _ []byte) (*sandbox.Response, error) {
	if p.next == len(p.recorded) {
		return nil, fault.Denied("replay", fmt.Sprintf("the recording has no answer to a further request, %s %s", req.Method, req.Path), "record the call again")
	}
	exchange := p.recorded[p.next]
	p.next++
	if exchange.Error != nil {
		p.sent = p.sent || exchange.Error.RequestSent
		return nil, exchange.Error
	}
	p.sent = true
	if exchange.Response == nil {
		return nil, fault.Invalid(fmt.Sprintf("recording.exchanges[%d]", p.next-1), "the recording has neither a response nor an error there", "record the call again")
	}
	header := make(http.Header, len(exchange.Response.Header))
	for name, values := range exchange.Response.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	return &sandbox.Response{Status: exchange.Response.Status, Header: header, Body: exchange.Response.Body}, nil
}
