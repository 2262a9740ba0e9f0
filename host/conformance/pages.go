package conformance

import (
	"context"
	"encoding/json"

	"github.com/agenthost/agenthost/pdk/abi"
)

// pagesEnd gives an operation an answer that has a next page, as all its pages: one
// call must end all the same, and the cursor must lead on. That pages without end and
// cursors that come again are refused is the host's doing.
func pagesEnd(ctx context.Context, e *examination, c *Check) {
	for _, s := range e.subjects {
		if s.endless {
			c.Cases++
			c.problem("%s follows pages by itself, without end: one call, one page", s.Name())
			continue
		}
		if !s.Paginated || s.sending == nil || s.answer == nil {
			continue
		}
		c.Cases++
		r := s.run(ctx, s.sending, answers(200, s.answer))
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

// follow gives a cursor back and looks whether it is sent.
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
	if err := s.Validate(next); err != nil {
		c.problem("%s does not accept its own cursor: %s", s.Name(), message(err))
		return
	}
	second := s.run(ctx, next, answers(200, s.answer))
	switch without := s.run(ctx, marshal(without(params, "cursor")), answers(200, s.answer)); {
	case second.failed() != nil:
		c.problem("%s does not accept its own cursor: %s", s.Name(), second.failed().Message)
	case second.differs(without) != "it sends other requests":
		c.problem("%s sends the same request for the next page", s.Name())
	}
}
