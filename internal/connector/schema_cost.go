package connector

import (
	"context"
	"errors"
	"fmt"
	"github.com/agenthost/agenthost/internal/fault"

	"github.com/agenthost/agenthost/internal/pattern"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Neither a schema nor a value is trusted, and the validator has no deadline. So its work is
// bounded before it starts: by the checks of each part of the value times the number of parts.
// Patterns cost more the longer a text is, and are metered as they match.
const (
	// maxPatternSize bounds the size of all patterns of a schema: some 2 MB of memory.
	maxPatternSize = 20_000
	// maxChecks bounds the checks of values against schemas in a validation. A million take
	// about half a second.
	maxChecks = 2_000_000
	// lightChecks and lightSteps are a few milliseconds of work, which is not metered.
	lightChecks = 20_000
	lightSteps  = 1_000_000
	// maxSteps bounds the steps of patterns in a validation: some two seconds.
	maxSteps = 200_000_000
)

// cost is the cost to check one part of a value.
type cost struct {
	paths  int // schemas that apply to it, at most
	checks int // comparisons that they make
	steps  int // steps of their patterns, for each byte of a text
}

// maxCost is where the count stops.
const maxCost = 1 << 24

func (c cost) plus(d cost) cost {
	return cost{min(c.paths+d.paths, maxPaths+1), min(c.checks+d.checks, maxCost), min(c.steps+d.steps, maxCost)}
}

func (c cost) or(d cost) cost {
	return cost{max(c.paths, d.paths), max(c.checks, d.checks), max(c.steps, d.steps)}
}

// costOf is the cost of a schema without its parts.
func costOf(s *jsonschema.Schema) cost {
	c := cost{paths: 1, checks: 1 + len(s.Required) + len(s.PatternProperties) + len(s.Dependencies) + len(s.DependentSchemas)}
	for _, names := range s.DependentRequired {
		c.checks += 1 + len(names)
	}
	if s.Enum != nil {
		c.checks += len(s.Enum.Values)
	}
	sizes := func(r jsonschema.Regexp) {
		if p, ok := r.(*measured); ok {
			c.steps += p.Size
		}
	}
	if s.Pattern != nil {
		sizes(s.Pattern)
	}
	for r := range s.PatternProperties {
		sizes(r)
	}
	return c
}

// measured is a pattern whose work is metered.
type measured struct {
	*pattern.Pattern
	meter *meter // may be nil
}

// MatchString implements [jsonschema.Regexp].
func (p *measured) MatchString(text string) bool {
	if p.meter != nil {
		p.meter.spend(len(text), p.Size)
	}
	return p.Pattern.MatchString(text)
}

// meter counts the steps of the patterns in a validation. Only a panic can end the validator.
type meter struct {
	ctx  context.Context
	left int
}

type overrun struct{ err error }

func (m *meter) spend(length, size int) {
	if err := m.ctx.Err(); err != nil {
		panic(overrun{err})
	}
	if size > 0 && length > m.left/size {
		panic(overrun{errSteps})
	}
	m.left -= length * size
}

var errSteps = errors.New("matching the patterns of the schema takes too long; use shorter texts")

// validator is a compiled schema with a meter, for one validation at a time.
type validator struct {
	schema *jsonschema.Schema
	// fails is the negation of schema, which stops at the first problem and keeps none.
	fails *jsonschema.Schema
	meter *meter
}

// measure validates a value whose check may take long. It returns the validator's error,
// context.Cause of ctx, or an error about too much work.
func (s *Schema) measure(ctx context.Context, value any) (err error) {
	v, ok := s.measuring.Get().(*validator)
	if !ok {
		v = &validator{meter: new(meter)}
		if v.schema, v.fails, err = compileDocument(s.raw, v.meter); err != nil {
			return err // cannot happen: it was compiled before
		}
	}
	defer func() {
		switch p := recover().(type) {
		case nil:
			v.meter.ctx = nil
			s.measuring.Put(v)
		case overrun:
			err = p.err
		default:
			panic(p)
		}
	}()
	v.meter.ctx, v.meter.left = ctx, maxSteps
	if v.fails.Validate(value) != nil {
		return nil
	}
	// Collect problems in as much of the value as a person reads.
	if err := v.schema.Validate(shortened(value)); err != nil {
		return err
	}
	return errors.New("params do not fit the schema of the operation, behind the first elements of a list")
}

// maxShown is how many elements of a list are checked to report problems.
const maxShown = 100

// shortened returns a value whose lists have their first elements only.
func shortened(value any) any {
	switch value := value.(type) {
	case map[string]any:
		short := make(map[string]any, len(value))
		for name, v := range value {
			short[name] = shortened(v)
		}
		return short
	case []any:
		short := make([]any, min(len(value), maxShown))
		for i := range short {
			short[i] = shortened(value[i])
		}
		return short
	}
	return value
}

// tooMuch refuses a value with too many parts for the schema.
func (s *Schema) tooMuch(parts int) error {
	if parts <= maxChecks/max(1, s.cost.checks) {
		return nil
	}
	return fault.Invalid("params", fmt.Sprintf("params have %d values, but the schema of the operation permits at most %d", parts, maxChecks/s.cost.checks), "send fewer in one call")
}
