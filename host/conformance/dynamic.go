package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// validParams prepares the subjects, which the later checks use.
func validParams(ctx context.Context, e *examination, c *Check) {
	e.reached = make(map[string]bool)
	e.each(func(op *connector.Operation) {
		c.Cases++
		if e.stuck >= maxStuck {
			c.problem("%s was not tried, because %d other operations do not end", op.Name(), e.stuck)
			return
		}
		s := &subject{Operation: op, examination: e, params: valid(ctx, op)}
		e.subjects = append(e.subjects, s)
		before := *c
		s.prepare(ctx, c)
		if s.stuck != "" {
			c.instead(before, "%s: %s", op.Name(), s.stuck)
		}
	})
}

// prepare finds parameters and an answer for the operation, and tries all parameters.
func (s *subject) prepare(ctx context.Context, c *Check) {
	switch says, ok := s.choose(ctx); {
	case ok:
	case s.refused != "":
		c.problem("%s sends no request that a host accepts: %s", s.Name(), s.refused)
	case says != nil:
		c.problem("%s sends nothing that it declares, with any parameters that could be made up: %s; if it wants other parameters, add an example", s.Name(), says.Message)
	default:
		c.problem("%s sends nothing that it declares, with any parameters that could be made up; add an example", s.Name())
	}
	if s.sending != nil {
		s.number = s.examination.sending
		s.examination.sending++
		s.discover(ctx)
		if s.answer == nil {
			says := s.run(ctx, s.sending, s.good(s.body()))
			if says.sleeps > 0 {
				c.problem("%s waits for an answer that was not found: %s; name one in the answers of the operation", s.Name(), told(says.failed()))
			} else {
				c.problem("%s: no answer was found that it accepts: %s", s.Name(), told(says.failed()))
			}
		} else if s.Effect == abi.EffectRead && len(s.Requests) > 0 && !s.records {
			c.problem("%s reads nothing: its data is empty, no matter what the vendor answers", s.Name())
		}
	}
	for _, params := range s.params {
		c.Cases++
		r := s.run(ctx, params, s.good(s.body()))
		if fault := r.faulty(); fault != "" {
			c.problem("%s %s: %s", s.Name(), short(params), fault)
		} else if wrong := s.misshapen(r); wrong != "" {
			c.problem("%s %s: %s", s.Name(), short(params), wrong)
		}
	}
}

// choose finds parameters with which the operation sends a request, if it declares any. If there
// are none, it returns the operation's error for the first ones, if any.
func (s *subject) choose(ctx context.Context) (says *abi.Error, ok bool) {
	works := func(params json.RawMessage) bool {
		r := s.run(ctx, params, answers(200, []byte("{}")))
		if says == nil {
			says = r.failed()
		}
		return r.declared || len(s.Requests) == 0 && r.failed() == nil
	}
	at := slices.IndexFunc(s.params, works)
	if at < 0 {
		at = len(s.params)
		s.params = append(s.params, singles(ctx, s.Operation)...)
		found := slices.IndexFunc(s.params[at:], works)
		if found < 0 {
			return says, false
		}
		at += found
	}
	s.sending = s.params[at]
	return nil, true
}

// misshapen says what is wrong with a result's form.
func (s *subject) misshapen(r *run) string {
	if r.failed() != nil {
		return ""
	}
	data := bytes.TrimSpace(r.outcome.Data)
	switch {
	case s.Paginated && !bytes.HasPrefix(data, []byte("[")):
		return "it is paginated, but its data is not an array"
	case len(data) == 0 || data[0] != '[' && data[0] != '{':
		return "its data is neither an object nor an array"
	case s.Paginated && !cursorOrNull(r.outcome.Meta):
		return "its next_cursor is neither a string nor null"
	}
	return s.wrongContent(data)
}

// body is the best known answer.
func (s *subject) body() []byte {
	if s.closest == nil {
		return []byte("{}")
	}
	return s.closest
}

// senders are the subjects that send requests and end.
func (e *examination) senders() []*subject {
	return slices.DeleteFunc(slices.Clone(e.subjects), func(s *subject) bool {
		return s.sending == nil || len(s.Requests) == 0 || s.stuck != ""
	})
}

// eachSender applies a check to each subject that sends requests. If one does not end, that is
// its only problem.
func eachSender(check func(ctx context.Context, s *subject, c *Check)) func(context.Context, *examination, *Check) {
	return func(ctx context.Context, e *examination, c *Check) {
		for _, s := range e.senders() {
			if e.stuck >= maxStuck {
				return
			}
			before := *c
			check(ctx, s, c)
			if s.stuck != "" {
				c.instead(before, "%s: %s", s.Name(), s.stuck)
			}
		}
	}
}

// unknownTolerated adds unknown members to the input and to the vendor's answer.
func unknownTolerated(ctx context.Context, s *subject, c *Check) {
	c.Cases++
	body := s.body()
	plain := s.run(ctx, s.sending, s.good(body))
	input := s.input(s.sending)
	greased := append([]byte(`{"zz_grease":{"a":[1,null]},`), input[1:]...)
	unknown := s.call(ctx, sandbox.Call{Input: greased}, s.good(body))
	if what := plain.differs(unknown); what != "" {
		c.problem("%s: with an unknown member in its input, %s", s.Name(), what)
	}
	if !bytes.HasPrefix(body, []byte("{")) || len(body) < 3 {
		return
	}
	c.Cases++
	more := append([]byte(`{"zz_grease":{"a":[1,null]},`), body[1:]...)
	if failed := s.run(ctx, s.sending, s.good(more)).failed(); plain.failed() == nil && failed != nil {
		c.problem("%s: with an unknown member in the answer, it fails: %s", s.Name(), failed.Message)
	}
}

// twins is how many modules run the same calls. What depends on random bytes, such as the order
// of a Go map with two members, is the same in all of them once in 2^twins times, for each
// operation and set of parameters.
const twins = 2

// deterministic loads the module again, because all calls of one module start from the same
// memory with the same random bytes.
func deterministic(ctx context.Context, e *examination, c *Check) {
	var others []*sandbox.Module
	for range twins {
		other, err := e.options.loader.Load(ctx, e.wasm)
		if err != nil {
			c.problem("it does not load a second time: %s", message(err))
			return
		}
		others = append(others, other)
	}
	for _, s := range e.subjects {
		for _, params := range s.params {
			if s.stuck != "" {
				break
			}
			c.Cases++
			v := s.good(s.body())
			first := s.run(ctx, params, v)
			for _, other := range others {
				if what := first.differs(s.callIn(ctx, other, sandbox.Call{Input: s.input(params)}, v)); what != "" {
					c.problem("%s %s: %s", s.Name(), short(params), what)
					break
				}
			}
		}
	}
}
