package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// subject is an operation under examination: parameters for it, and what an answer has
// to look like for it to succeed.
type subject struct {
	*connector.Operation
	examination *examination
	// params are the sets that fit the schema.
	params []json.RawMessage
	// sending is the one of them that the other checks use: with it the operation
	// sends a request. It may be nil.
	sending json.RawMessage
	number  int               // among the subjects that send something
	answer  []byte            // nil if none was found that it accepts
	closest []byte            // the answer that it looked at longest; nil if it was shown none
	headers map[string]string // that belong to it
	records bool              // whether that answer makes a result with something in it
	// endless says that a call sent more requests than any should.
	endless bool
	// refused is why every host refuses a request of it.
	refused string
	// stuck says why it is not run any more: it does not end.
	stuck string
	// params that the run under way has.
	running []byte
	fuel    int64 // of all runs
}

// run is one use of an operation, and what was seen of it.
type run struct {
	outcome  *sandbox.Outcome
	err      error // of the sandbox: trap, timeout, limit
	requests []request
	sleeps   int
	// declared says that at least one of them may be sent.
	declared bool
	files    []named
}

// named is an answer that names a file.
type named struct {
	*sandbox.Response
	file *abi.File
}

type request struct {
	abi.Request
	Body string
}

// failed is what went wrong, as an error of the connector or of the sandbox; nil if
// the operation succeeded.
func (r *run) failed() *abi.Error {
	if r.err != nil {
		return &abi.Error{Kind: kindOf(r.err), Message: message(r.err)}
	}
	return r.outcome.Err
}

// faulty says how the connector itself is at fault: it trapped, panicked, hung, reached a
// limit of the sandbox or sent invalid output.
func (r *run) faulty() string {
	switch e := r.failed(); {
	case e == nil:
		return ""
	case r.err == nil && e.Kind != e.Kind.Known():
		return fmt.Sprintf("its error has the kind %q, which the ABI does not have", e.Kind)
	case e.Kind == abi.KindConnectorFault || e.Kind == abi.KindInternal || r.err != nil:
		return e.Message
	}
	return ""
}

// differs says how two runs differ, and "" where they do not.
func (r *run) differs(other *run) string {
	switch a, b := r.failed(), other.failed(); {
	case (a == nil) != (b == nil):
		return "it succeeds once and fails once"
	case fmt.Sprint(r.requests) != fmt.Sprint(other.requests):
		return "it sends other requests"
	case a != nil && (a.Kind != b.Kind || a.Message != b.Message):
		return "it fails with another error"
	case a == nil && (!bytes.Equal(r.outcome.Data, other.outcome.Data) || !bytes.Equal(r.outcome.Meta, other.outcome.Meta)):
		return "it answers something else"
	}
	return ""
}

func kindOf(err error) abi.Kind {
	var known *abi.Error
	if errors.As(err, &known) {
		return known.Kind
	}
	return abi.KindInternal
}

// vendor answers the requests of an operation.
type vendor func(context.Context, *abi.Request, []byte) (*sandbox.Response, error)

// answers is a vendor that gives one answer to everything.
func answers(status int, body []byte) vendor {
	return func(context.Context, *abi.Request, []byte) (*sandbox.Response, error) {
		return &sandbox.Response{Status: status, Header: map[string][]string{"Content-Type": {"application/json"}}, Body: body}, nil
	}
}

// What one run may take. A run takes less than a millisecond and some 20,000 counts of fuel,
// a hundred times as much with an answer of a megabyte, which is the largest. Fuel of this
// amount burns in half a second, and the time is for what costs no fuel.
const (
	callFuel    = 1_000_000_000
	callOutput  = 16 << 20
	callTimeout = 10 * time.Second
)

// maxRuns is how often all runs of one operation together may take the fuel of one run.
const maxRuns = 6

// maxStuck is how many operations may not end before the others are not tried any more.
const maxStuck = 3

// maxRequestsPerCall is how many requests one call may take. A connector that follows
// pages by itself would have no end here.
const maxRequestsPerCall = 50

// run runs the operation once.
func (s *subject) run(ctx context.Context, params json.RawMessage, v vendor) *run {
	return s.call(ctx, sandbox.Call{Input: s.input(params)}, v)
}

// input is what the host hands to execute.
func (s *subject) input(params json.RawMessage) []byte {
	return marshal(abi.Call{Entity: s.Entity, Action: s.Action, Params: params, Server: s.examination.connector.Manifest.Servers[0].ID, Config: s.examination.config})
}

// call runs execute as c says, with a vendor.
func (s *subject) call(ctx context.Context, c sandbox.Call, v vendor) *run {
	return s.callIn(ctx, s.examination.module, c, v)
}

// callIn is call in a module of its own.
func (s *subject) callIn(ctx context.Context, m *sandbox.Module, c sandbox.Call, v vendor) *run {
	r := new(run)
	if s.stuck != "" {
		r.err = &abi.Error{Kind: abi.KindConnectorFault, Message: s.stuck}
		return r
	}
	e := s.examination
	bounded := c.Limits == sandbox.Limits{}
	if bounded {
		c.Limits.Fuel, c.Limits.OutputBytes = e.options.perRun(), callOutput
	}
	caller, given := ctx, &wire.Given{Params: c.Input}
	ctx, cancel := context.WithTimeout(ctx, e.options.limit())
	defer cancel()
	tooMany := 0
	c.Export = hostfunc.ExportExecute
	s.running, _, _ = rawjson.Pointer(c.Input, "/params")
	if c.Logger == nil {
		c.Logger = e.options.logger
	}
	c.Send = func(ctx context.Context, req *abi.Request, body []byte) (*sandbox.Response, error) {
		if len(r.requests) == maxRequestsPerCall {
			s.endless = s.endless || r.sleeps == 0 // or it waits for what does not come
			if tooMany++; tooMany == maxRequestsPerCall {
				cancel() // it goes on in spite of the error
			}
			return nil, &abi.Error{Kind: abi.KindLimitExceeded, Message: fmt.Sprintf("the call sent %d requests", maxRequestsPerCall)}
		}
		r.requests = append(r.requests, request{Request: *req, Body: string(body)})
		e.sent++
		if req.File != 0 {
			if refusal := s.refusesFile(req, r.files); refusal != nil {
				return nil, refusal
			}
			return v(ctx, req, body)
		}
		if refusal := s.refuses(req, body, given); refusal != nil {
			return nil, refusal
		}
		r.declared = true
		e.reached[s.Name()+" "+req.Method+" "+req.Path] = true
		resp, err := v(ctx, req, body)
		if t := s.declaring(req); err == nil && t != nil && t.File != nil && resp.Status/100 == 2 {
			r.files = append(r.files, named{resp, t.File})
		}
		return resp, err
	}
	c.Sleep = func(ctx context.Context, _ time.Duration) error {
		r.sleeps++
		return ctx.Err()
	}
	r.outcome, r.err = m.Run(ctx, c)
	if r.outcome != nil {
		s.fuel += r.outcome.Fuel
	}
	if bounded && caller.Err() == nil {
		s.watch(r)
	}
	return r
}

// watch looks whether the operation comes to an end, and takes it out of all further runs
// where it does not: each would take as long again.
func (s *subject) watch(r *run) {
	switch {
	case kindOf(r.err) == abi.KindCancelled:
		s.stuck = fmt.Sprintf("it sends requests without end, although they fail after %d in one call", maxRequestsPerCall)
	case stuck(r.err) && kindOf(r.err) == abi.KindTimeout:
		s.stuck = fmt.Sprintf("it did not end within %s", s.examination.options.limit())
	case stuck(r.err):
		s.stuck = fmt.Sprintf("it used up its fuel, %d counts, and did not end: does it loop?", s.examination.options.perRun())
	case r.err != nil && r.outcome != nil && r.outcome.Memory > sandbox.DefaultLimits().Memory/4*3:
		s.stuck = fmt.Sprintf("it failed with %d bytes of memory in use, and the limit is %d", r.outcome.Memory, sandbox.DefaultLimits().Memory)
	case s.fuel > maxRuns*s.examination.options.perRun():
		s.stuck = fmt.Sprintf("its calls use so much fuel, %d counts together, that it is not tried any more", s.fuel)
	default:
		return
	}
	r.err = &abi.Error{Kind: abi.KindConnectorFault, Message: s.stuck}
	s.examination.stuck++
}

// stuck reports whether the sandbox ended a guest because of its fuel or of the time.
func stuck(err error) bool {
	var known *abi.Error
	return errors.As(err, &known) && (known.Kind == abi.KindTimeout || known.Field == "limits.fuel")
}
