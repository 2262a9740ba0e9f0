package conformance

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/agenthost/agenthost/internal/egress/wire"
	"github.com/agenthost/agenthost/pdk/abi"
)

// refuses returns why a host refuses a request with the credential of some scheme, nil if it sends
// it. Refusals that only the author can prevent are problems of requests.declared.
func (s *subject) refuses(req *abi.Request, body []byte, given *wire.Given) *abi.Error {
	for _, rules := range s.examination.rules {
		_, refusal := rules.Check(wire.Scope{Requests: s.Requests, Given: given}, req, body)
		if refusal == nil {
			continue
		}
		if errors.Is(refusal, wire.ErrConnector) {
			s.wrong(refusal.Message + "; " + refusal.Hint)
		}
		return refusal
	}
	if len(body) > 0 && (req.Method == "GET" || req.Method == "HEAD") {
		s.wrong(fmt.Sprintf("%s %s has a body, which servers and proxies drop; send query parameters, or declare a POST", req.Method, req.Path))
	}
	return nil
}

// wrong records a problem of a request.
func (s *subject) wrong(why string) {
	s.refused = cmp.Or(s.refused, why)
	if e, why := s.examination, s.Name()+": "+why; !slices.Contains(e.refused, why) {
		e.refused = append(e.refused, why)
	}
}

// reachable wants at least one of an operation's requests sent; others may depend on more than its
// parameters.
func reachable(ctx context.Context, e *examination, c *Check) {
	for _, s := range e.subjects {
		if len(s.Requests) == 0 || s.stuck != "" {
			continue
		}
		c.Cases++
		if !slices.ContainsFunc(s.Requests, func(t abi.RequestTemplate) bool { return e.reached[s.Name()+" "+t.Method+" "+t.Path] }) {
			c.problem("%s sends none of the requests that it declares", s.Name())
		}
		fileAsked(ctx, s, c)
	}
}

func requestsDeclared(_ context.Context, e *examination, c *Check) {
	c.Cases = e.sent
	for _, refused := range e.refused {
		c.problem("%s", refused)
	}
}
