package backend

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// errPlanned ends a run whose first request is known.
var errPlanned = errors.New("the request is planned")

// Plan runs a call that is valid up to its first request, and returns that, without sending it. What
// an operation asks for after an answer cannot be known before there is one. It returns none for a
// call that ends without a request.
func Plan(ctx context.Context, b Backend, c *Call) (requests []ask.Request, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	planned := *c
	planned.Planning, planned.Observer, planned.OnRequest, planned.Attempt = true, nil, nil, nil
	planned.Output, planned.Tape, planned.Profile = nil, nil, nil
	planned.Show = func(s *egress.Shown) *abi.Error {
		if len(requests) == 0 {
			requests = append(requests, requestOf(s))
		}
		stop(errPlanned)
		return &abi.Error{Kind: abi.KindCancelled, Message: errPlanned.Error()}
	}
	if _, err = b.Run(ctx, &planned); len(requests) > 0 {
		return requests, nil
	}
	return nil, err
}

// requestOf is what a person sees of a request: all of it.
func requestOf(s *egress.Shown) ask.Request {
	r := ask.Request{Method: s.Method, URL: s.URL, Body: slices.Clone(s.Body)}
	for _, name := range slices.Sorted(maps.Keys(s.Header)) {
		for _, value := range s.Header[name] {
			r.Header = append(r.Header, [2]string{name, value})
		}
	}
	for _, place := range s.Credential {
		r.Credential = append(r.Credential, ask.Place(place))
	}
	return r
}

// Only lets a call send what a person approved, and nothing else. It is for the goroutine of the
// call.
type Only struct {
	// Requests may be sent, in this order.
	Requests []ask.Request
	// First is called once, before the first request. Its error ends the call.
	First func() error

	next int
}

// RuleAsk is the rule of calls and requests that nobody approved.
const RuleAsk = "allow.ask"

// Check compares a request with the next one that may be sent. It is [Call.Show] of the call.
func (o *Only) Check(s *egress.Shown) *abi.Error {
	at := o.next
	if s.Again && at > 0 {
		at-- // the vendor did nothing with it
	}
	if at >= len(o.Requests) {
		return fault.Denied(RuleAsk, "the connector asks for a further request than a person approved: "+s.Method+" to "+s.Origin,
			"what the call did before stays done; if a person agrees, take the operation out of allow.ask of the connection")
	}
	if !same(&o.Requests[at], s) {
		return fault.Denied(RuleAsk, "the connector asks for another request than a person approved: "+s.Method+" to "+s.Origin,
			"make the same call again, and have what it would send now approved")
	}
	if o.next == 0 && o.First != nil {
		if err := o.First(); err != nil {
			return fault.Of(err)
		}
	}
	o.next = at + 1
	return nil
}

// same reports whether a request is another one, byte for byte.
func same(approved *ask.Request, s *egress.Shown) bool {
	r := requestOf(s)
	return r.Method == approved.Method && r.URL == approved.URL && bytes.Equal(r.Body, approved.Body) &&
		slices.Equal(r.Header, approved.Header) && slices.Equal(r.Credential, approved.Credential)
}
