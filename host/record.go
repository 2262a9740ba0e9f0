package host

import (
	"context"
	cryptorand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/recording"
	"github.com/agenthost/agenthost/host/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Record is [Host.Execute] that also returns a recording of the call, whether it
// succeeds or not. The guest's clock stands still and its random bytes come from a seed
// that is in the recording, so that [Host.Replay] can give it the same ones.
//
// The recording is nil where the call failed before the sandbox started.
func (h *Host) Record(ctx context.Context, connection string, call Call) (*Result, *recording.Recording, error) {
	seed := make([]byte, 32)
	_, _ = cryptorand.Read(seed) // never fails, by its documentation
	s := &studio{host: h, tape: recording.Recording{Version: recording.Version, At: h.options.Now().UTC().Truncate(time.Millisecond), Seed: seed}}
	defer s.close()
	result, err := h.execute(ctx, connection, call, s)
	if s.engine == nil {
		return nil, nil, err
	}
	var e *Error
	if errors.As(err, &e) {
		s.tape.Error = e
	}
	params, paramsErr := encode(call.Params)
	if paramsErr != nil {
		return nil, nil, paramsErr
	}
	c, lookErr := h.connection(ctx, connection)
	if lookErr != nil {
		return nil, nil, lookErr
	}
	s.tape.Call = recording.Call{Entity: call.Entity, Action: call.Action, Params: recording.Body(params), Server: c.server.ID}
	return result, &s.tape, err
}

// studio is the stage of a recorded call: an engine of its own, whose clock and random
// bytes a replay can repeat.
type studio struct {
	host   *Host
	engine *sandbox.Engine
	tape   recording.Recording
}

func (s *studio) via() audit.Via { return audit.ViaRecord }

func (s *studio) module(ctx context.Context, file *pluginFile) (*sandbox.Module, error) {
	declared, err := file.declared(ctx)
	if err != nil {
		return nil, err
	}
	s.tape.Connector, s.tape.Digest = declared.Manifest.Name, declared.Digest
	data, err := file.bytes(declared)
	if err != nil {
		return nil, err
	}
	s.engine, err = s.host.repeatable(&s.tape)
	if err != nil {
		return nil, err
	}
	return s.engine.Load(ctx, data)
}

// repeatable is an engine with the clock and the random bytes of a recording.
func (h *Host) repeatable(r *recording.Recording) (*sandbox.Engine, error) {
	if len(r.Seed) != 32 {
		return nil, invalid("recording.seed", fmt.Sprintf("the recording's seed is %d bytes long, want 32", len(r.Seed)), "")
	}
	at := r.At
	return sandbox.NewEngine(sandbox.Config{
		Cache:          h.options.Cache,
		Logger:         h.log.Named("sandbox"),
		Now:            func() time.Time { return at },
		Random:         rand.NewChaCha8([32]byte(r.Seed)),
		CompileWorker:  h.options.CompileWorker,
		CompileTimeout: h.options.CompileTimeout,
		CompileMemory:  h.options.CompileMemory,
	})
}

func (s *studio) close() {
	if s.engine != nil {
		_ = s.engine.Close(context.Background()) // nothing runs any more
	}
}

// keep takes the result before it is shaped, since a replay has the whole of it.
func (s *studio) keep(result *Result) { s.tape.Data, s.tape.Meta = result.Data, result.Meta }

func (s *studio) watch(call *sandbox.Call) { call.Send = s.tap(call.Send) }

func (s *studio) tap(send sandbox.Send) sandbox.Send {
	return func(ctx context.Context, req *abi.Request, body []byte) (*sandbox.Response, error) {
		exchange := recording.Exchange{Request: *req, Body: slices.Clone(body)}
		resp, err := send(ctx, req, body)
		var e *Error
		switch {
		case err == nil:
			exchange.Response = &recording.Response{Status: resp.Status, Header: resp.Header, Body: resp.Body}
		case errors.As(err, &e):
			exchange.Error = e
		}
		s.tape.Exchanges = append(s.tape.Exchanges, exchange)
		return resp, err
	}
}

// Replay runs a recorded call again, on the connector of that name that the host has,
// and returns what is different. It sends nothing and needs no connection: requests are
// answered from the recording.
//
// # Errors
//
//   - unknown_operation: the host does not have the connector or the operation
//   - invalid_params: the recorded parameters do not fit the operation any more
func (h *Host) Replay(ctx context.Context, r *recording.Recording) (differences []recording.Difference, err error) {
	e := h.trail.begin(audit.ViaReplay, "", Call{Entity: r.Call.Entity, Action: r.Call.Action})
	defer func() { err = e.endReplay(ctx, err) }()
	return h.replay(ctx, r, e)
}

func (h *Host) replay(ctx context.Context, r *recording.Recording, e *entry) ([]recording.Difference, error) {
	file, err := h.registry.find(ctx, r.Connector)
	if err != nil {
		return nil, err
	}
	declared, err := file.declared(ctx)
	if err != nil {
		return nil, err
	}
	op, err := declared.Operation(r.Call.Entity, r.Call.Action)
	e.ran(declared, op)
	e.params(r.Call.Params)
	if err != nil {
		return nil, err
	}
	s := &studio{host: h, tape: recording.Recording{Version: recording.Version, At: r.At, Seed: r.Seed, Call: r.Call}}
	defer s.close()
	module, err := s.module(ctx, file)
	if err != nil {
		return nil, err
	}
	limits := defaultLimits()
	ctx, cancel := context.WithTimeout(ctx, limits.Timeout)
	defer cancel()
	if err := op.Validate(r.Call.Params); err != nil {
		return nil, err
	}
	p := player{recorded: r.Exchanges}
	outcome, err := module.Run(ctx, sandbox.Call{
		Export: abi.ExportExecute, Input: guestInput(r.Call.ABI(), declared.Digest), Send: s.tap(p.send), Limits: sandboxLimits(limits),
		Logger: h.log.Named("connector").With("operation", op.Name()),
	})
	e.outcome(outcome)
	var result *Result
	if err == nil && outcome.Err != nil {
		err = public(outcome.Err)
	}
	if err == nil {
		result, err = assemble(op, outcome)
	}
	var failed *Error
	switch {
	case err == nil:
		s.tape.Data, s.tape.Meta = result.Data, result.Meta
	case errors.As(sent(err, p.sent), &failed):
		s.tape.Error = failed
	}
	e.ended(result, err)
	return recording.Compare(r, &s.tape), nil
}

// player answers requests from a recording, in order.
type player struct {
	recorded []recording.Exchange
	next     int
	sent     bool
}

func (p *player) send(_ context.Context, req *abi.Request, _ []byte) (*sandbox.Response, error) {
	if p.next == len(p.recorded) {
		return nil, &Error{Kind: abi.KindDenied, Rule: "replay", Message: fmt.Sprintf("the recording has no answer to a further request, %s %s", req.Method, req.Path), Hint: "record the call anew"}
	}
	exchange := p.recorded[p.next]
	p.next++
	if exchange.Error != nil {
		p.sent = p.sent || exchange.Error.RequestSent
		return nil, exchange.Error
	}
	p.sent = true
	if exchange.Response == nil {
		return nil, invalid(fmt.Sprintf("recording.exchanges[%d]", p.next-1), "the recording has neither a response nor an error there", "record the call anew")
	}
	header := make(http.Header, len(exchange.Response.Header))
	for name, values := range exchange.Response.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	return &sandbox.Response{Status: exchange.Response.Status, Header: header, Body: exchange.Response.Body}, nil
}
