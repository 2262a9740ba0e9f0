package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"

	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/host/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// validParams prepares the subjects, which the later checks use.
func validParams(ctx context.Context, e *examination, c *Check) {
	e.reached = make(map[string]bool)
	e.each(func(op *connector.Operation) {
		s := &subject{Operation: op, examination: e, params: valid(op)}
		e.subjects = append(e.subjects, s)
		if !s.choose(ctx) {
			c.problem("%s sends nothing that it declares, with any parameters that could be made up; add an example", op.Name())
		}
		if s.sending != nil {
			s.discover(ctx)
			if s.answer == nil {
				c.problem("%s: no answer was found that it accepts; it says %q", op.Name(), s.run(ctx, s.sending, answers(200, []byte("{}"))).failed().Message)
			}
		}
		for _, params := range s.params {
			c.Cases++
			r := s.run(ctx, params, answers(200, s.body()))
			if fault := r.faulty(); fault != "" {
				c.problem("%s %s: %s", op.Name(), short(params), fault)
			} else if wrong := s.misshapen(r); wrong != "" {
				c.problem("%s %s: %s", op.Name(), short(params), wrong)
			}
		}
	})
}

// choose finds parameters with which the operation does what it declares: to send a
// request, if it declares any.
func (s *subject) choose(ctx context.Context) bool {
	works := func(params json.RawMessage) bool {
		r := s.run(ctx, params, answers(200, []byte("{}")))
		return r.declared || len(s.Requests) == 0 && r.failed() == nil
	}
	at := slices.IndexFunc(s.params, works)
	if at < 0 {
		at = len(s.params)
		s.params = append(s.params, singles(s.Operation)...)
		found := slices.IndexFunc(s.params[at:], works)
		if found < 0 {
			return false
		}
		at += found
	}
	s.sending = s.params[at]
	return true
}

// misshapen says what is wrong with a result's form.
func (s *subject) misshapen(r *run) string {
	if r.failed() != nil {
		return ""
	}
	data := bytes.TrimSpace(r.outcome.Data)
	switch {
	case s.Paginated && !bytes.HasPrefix(data, []byte("[")):
		return "it is paginated, and its data is no array"
	case len(data) == 0 || data[0] != '[' && data[0] != '{':
		return "its data is neither an object nor an array"
	case s.Paginated && !cursorOrNull(r.outcome.Meta):
		return "its next_cursor is neither a string nor null"
	}
	return ""
}

func (s *subject) body() []byte {
	if s.answer == nil {
		return []byte("{}")
	}
	return s.answer
}

// senders are the subjects that send something.
func (e *examination) senders() []*subject {
	return slices.DeleteFunc(slices.Clone(e.subjects), func(s *subject) bool { return s.sending == nil || len(s.Requests) == 0 })
}

// reachable wants one of an operation's requests, and not all: which it sends may
// depend on more than its parameters.
func reachable(_ context.Context, e *examination, c *Check) {
	for _, s := range e.subjects {
		if len(s.Requests) == 0 {
			continue
		}
		c.Cases++
		if !slices.ContainsFunc(s.Requests, func(t abi.RequestTemplate) bool { return e.reached[s.Name()+" "+t.Method+" "+t.Path] }) {
			c.problem("%s sends none of the requests that it declares", s.Name())
		}
	}
}

func requestsDeclared(_ context.Context, e *examination, c *Check) {
	c.Cases = e.sent
	for _, refused := range e.refused {
		c.problem("%s", refused)
	}
}

// unknownTolerated adds members that this version of the ABI does not have to the
// input, and members that the connector does not know to the vendor's answer.
func unknownTolerated(ctx context.Context, e *examination, c *Check) {
	for _, s := range e.senders() {
		c.Cases++
		body := s.body()
		plain := s.run(ctx, s.sending, answers(200, body))
		input := s.input(s.sending)
		greased := append([]byte(`{"zz_grease":{"a":[1,null]},`), input[1:]...)
		unknown := s.call(ctx, sandbox.Call{Input: greased}, answers(200, body))
		if what := plain.differs(unknown); what != "" {
			c.problem("%s: with an unknown member in its input, %s", s.Name(), what)
		}
		if !bytes.HasPrefix(body, []byte("{")) || len(body) < 3 {
			continue
		}
		c.Cases++
		more := append([]byte(`{"zz_grease":{"a":[1,null]},`), body[1:]...)
		if failed := s.run(ctx, s.sending, answers(200, more)).failed(); plain.failed() == nil && failed != nil {
			c.problem("%s: with an unknown member in the answer, it fails: %s", s.Name(), failed.Message)
		}
	}
}

// twins is how many modules do the same. What depends on random bytes, as the order of
// a map of two members does in Go, is the same in all of them once in 2^twins times, for
// each operation and set of parameters.
const twins = 2

// deterministic loads the module again. All calls of one start from the same memory, in
// which random bytes are settled; another's are different.
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
			c.Cases++
			v := answers(200, s.body())
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
