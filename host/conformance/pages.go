package conformance

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/agenthost/agenthost/pdk/abi"
)

// pagesEnd gives an operation the same answer with a next page again and again: one call must
// still end, and send the cursor. The host itself refuses endless pages and repeated cursors.
func pagesEnd(ctx context.Context, e *examination, c *Check) {
	for _, s := range e.subjects {
		if s.endless && s.stuck == "" {
			c.Cases++
			c.problem("%s sends more than %d requests in one call: one call is one page, and the host repeats what may be repeated", s.Name(), maxRequestsPerCall)
			continue
		}
		if !s.Paginated || s.sending == nil || s.answer == nil || s.stuck != "" {
			continue
		}
		c.Cases++
		r := s.run(ctx, s.sending, s.good(s.answer))
		switch {
		case r.failed() != nil:
			c.problem("%s: %s", s.Name(), r.failed().Message)
		case nextCursor(r.outcome.Meta) == "":
			c.problem("%s never says that there is a next page: its %s stays empty", s.Name(), abi.MetaNextCursor)
		default:
			s.follow(ctx, c, r)
		}
	}
}

// follow passes a cursor back and checks that it is sent.
func (s *subject) follow(ctx context.Context, c *Check, first *run) {
	c.Cases++
	var params map[string]any
	if json.Unmarshal(s.sending, &params) != nil {
		return
	}
	for alias, name := range s.Aliases {
		if name == "cursor" {
			delete(params, alias)
		}
	}
	next := marshal(with(params, "cursor", nextCursor(first.outcome.Meta)))
	if err := s.Validate(ctx, next); err != nil {
		c.problem("%s does not accept its own cursor: %s", s.Name(), message(err))
		return
	}
	second := s.run(ctx, next, s.good(s.answer))
	switch without := s.run(ctx, marshal(without(params, "cursor")), s.good(s.answer)); {
	case second.failed() != nil:
		c.problem("%s does not accept its own cursor: %s", s.Name(), second.failed().Message)
	case second.differs(without) != "it sends other requests":
		c.problem("%s sends the same request for the next page", s.Name())
	case !s.ends(ctx):
		c.problem("%s says that there is a next page, no matter what the vendor answers", s.Name())
	}
}

// ends reports whether some answer makes a last page: the one with a next page, without one
// header or member, or with an empty list.
func (s *subject) ends(ctx context.Context) bool {
	last := func(v vendor) bool {
		r := s.run(ctx, s.sending, v)
		return r.failed() == nil && nextCursor(r.outcome.Meta) == ""
	}
	return len(s.headers) > 0 && last(s.replies(s.answer, nil)) ||
		slices.ContainsFunc(append(distortions(s.answer), []byte("[]"), []byte("{}")), func(body []byte) bool { return last(s.good(body)) })
}
