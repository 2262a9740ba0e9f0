package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/host/egress/pathtemplate"
	"github.com/agenthost/agenthost/host/sandbox"
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
	// sends a request. Nil where there is none.
	sending json.RawMessage
	answer  []byte // nil where none was found that it accepts
	// endless says that a call sent more requests than any should.
	endless bool
}

// run is one use of an operation, and what was seen of it.
type run struct {
	outcome  *sandbox.Outcome
	err      error // of the sandbox: trap, timeout, limit
	requests []request
	// declared says that at least one of them may be sent.
	declared bool
}

type request struct {
	abi.Request
	Body string
}

// failed is what went wrong, as an error of the connector or of the sandbox; nil where
// the operation succeeded.
func (r *run) failed() *abi.Error {
	if r.err != nil {
		return &abi.Error{Kind: kindOf(r.err), Message: message(r.err)}
	}
	return r.outcome.Err
}

// faulty says how the connector itself is at fault: it trapped, panicked, hung or
// answered nonsense.
func (r *run) faulty() string {
	if e := r.failed(); e != nil && (e.Kind == abi.KindConnectorFault || e.Kind == abi.KindInternal) {
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

// callTimeout bounds one run. It is generous: a run takes less than a millisecond.
const callTimeout = 10 * time.Second

// maxRequestsPerCall is how many requests one call may take. A connector that follows
// pages by itself would have no end here.
const maxRequestsPerCall = 50

// run runs the operation once.
func (s *subject) run(ctx context.Context, params json.RawMessage, v vendor) *run {
	return s.call(ctx, sandbox.Call{Input: s.input(params)}, v)
}

// input is what the host hands to execute.
func (s *subject) input(params json.RawMessage) []byte {
	return marshal(abi.Call{Entity: s.Entity, Action: s.Action, Params: params, Server: s.examination.connector.Manifest.Servers[0].ID})
}

// call runs execute as c says, with a vendor.
func (s *subject) call(ctx context.Context, c sandbox.Call, v vendor) *run {
	return s.callIn(ctx, s.examination.module, c, v)
}

// callIn is call in a module of its own.
func (s *subject) callIn(ctx context.Context, m *sandbox.Module, c sandbox.Call, v vendor) *run {
	r := new(run)
	e := s.examination
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c.Export = abi.ExportExecute
	if c.Logger == nil {
		c.Logger = e.options.Logger
	}
	c.Send = func(ctx context.Context, req *abi.Request, body []byte) (*sandbox.Response, error) {
		if len(r.requests) == maxRequestsPerCall {
			s.endless = true
			return nil, &abi.Error{Kind: abi.KindLimitExceeded, Message: fmt.Sprintf("the call sent %d requests", maxRequestsPerCall)}
		}
		r.requests = append(r.requests, request{Request: *req, Body: string(body)})
		e.sent++
		if refused := s.refuses(req); refused != "" {
			if refused = s.Name() + ": " + refused; !slices.Contains(e.refused, refused) {
				e.refused = append(e.refused, refused)
			}
			return nil, &abi.Error{Kind: abi.KindDenied, Message: refused}
		}
		r.declared = true
		e.reached[s.Name()+" "+req.Method+" "+req.Path] = true
		return v(ctx, req, body)
	}
	r.outcome, r.err = m.Run(ctx, c)
	return r
}

// owned are headers that the host sets.
var owned = []string{"authorization", "cookie", "host", "content-length", "user-agent", "accept-encoding", "proxy-authorization"}

// refuses says why the host would not send a request, and "" where it would.
func (s *subject) refuses(req *abi.Request) string {
	declared := slices.ContainsFunc(s.Requests, func(t abi.RequestTemplate) bool {
		return t.Method == req.Method && t.Path == req.Path && (t.Server == req.Server || t.Server == "" || req.Server == "")
	})
	if !declared {
		return fmt.Sprintf("%s %s is not declared", req.Method, req.Path)
	}
	template, err := pathtemplate.ParseTemplate(req.Path)
	if err == nil {
		_, err = template.Expand(req.PathParams)
	}
	if err != nil {
		// A value that cannot be a part of a path is the caller's, not the connector's.
		return ""
	}
	for _, header := range req.Headers {
		if slices.Contains(owned, strings.ToLower(header[0])) {
			return "the header " + header[0] + " is the host's to set"
		}
	}
	return ""
}
