package backend

import (
	"cmp"
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/shape"
	"github.com/agenthost/agenthost/pdk/abi"
)

// MaxIntent is the length of the longest intent, in characters: what the Airbyte API takes.
const MaxIntent = 512

// Validate checks a call: that its parameters fit the operation's schema, that the backend can
// use them, and that there can be fields as Select and Exclude name them. A path that cannot
// be is found before a write is made, not after.
func (c *Call) Validate(ctx context.Context, b Backend) (err error) {
	if len(c.Select) > 0 && len(c.Exclude) > 0 {
		return fault.Invalid("select", "select and exclude are both set", "use one of them")
	}
	if utf8.RuneCountInString(c.Intent) > MaxIntent {
		return fault.Invalid("intent", fmt.Sprintf("the intent is longer than %d characters", MaxIntent), "write one sentence")
	}
	if c.Output != nil {
		if err := c.checkOutput(); err != nil {
			return err
		}
	}
	if err := b.Accept(c.Operation, c.Params); err != nil {
		return err
	}
	if err := c.Operation.Validate(ctx, c.Params); err != nil {
		return err
	}
	c.fields, err = shape.New(c.Select, c.Exclude)
	return err
}

// checkOutput refuses an output that would stay empty.
func (c *Call) checkOutput() error {
	switch {
	case cmp.Or(c.Operation.Content, abi.ContentJSON) == abi.ContentJSON:
		return fault.Invalid("output", c.Operation.Name()+" answers records, not a file", "call it without an output")
	case c.Tape != nil:
		return fault.Invalid("output", "a recorded call has no output, because a recording keeps what the vendor answered", "record it without an output")
	}
	return nil
}

// Run runs a call that is valid, says of its error whether the same call may be made again, and
// keeps the fields of the result that the caller wants.
func Run(ctx context.Context, b Backend, c *Call) (*Result, error) {
	c.Attempt = c.attempts()
	result, err := c.page(ctx, b)
	if err != nil {
		if c.Operation.Effect == abi.EffectRead {
			return nil, fault.Reading(err)
		}
		return nil, c.effects.settle(err)
	}
	result.Mode, result.operation = b.Mode(), c.Operation
	// Pages of a search may well be alike: its fields may be few. Its cursors lead on all the same.
	if c.Digest != nil && !connector.IsContextStore(c.Operation.Action) && hasObjects(result.Data) {
		result.digest, result.ids = digests(*c.Digest, result.Data)
	}
	if result.Data, err = c.fields.Apply(result.Data); err != nil {
		// The call was made, even if its answer is unusable.
		return nil, fault.Sent(err, result.Stats.Requests > 0)
	}
	return &result, nil
}

// attempts returns the function that receives each request of the call, or nil.
func (c *Call) attempts() func(egress.Attempt) {
	if c.Observer == nil && c.OnRequest == nil && c.Operation.Safe() {
		return nil
	}
	return c.attempt
}

func (c *Call) attempt(a egress.Attempt) {
	if !c.Operation.Safe() { // else there is nothing to note: it may be repeated
		c.effects.note(a)
	}
	if c.Observer != nil {
		c.Observer.Sent(recorded(a), a.Start)
	}
	if c.OnRequest != nil {
		c.OnRequest()
	}
}

// recorded is a request as the audit trail keeps it.
func recorded(a egress.Attempt) audit.Request {
	r := audit.Request{
		Duration: a.Duration, Method: a.Method, Origin: a.Origin.String(), Template: a.Template, ID: a.ID, Attempt: a.Number,
		Sent: a.Sent, Received: a.Received, BodySent: a.BodySent, BodyReceived: a.BodyReceived, Status: a.Status,
	}
	if a.Err != nil {
		r.Kind, r.Rule = a.Err.Kind, a.Err.Rule
	}
	return r
}
