package connector

import (
	"context"
	"errors"
	"fmt"
	"github.com/agenthost/agenthost/internal/fault"

	"github.com/agenthost/agenthost/internal/pattern"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// A schema and a value are both somebody else's, and the validator between them has no
// deadline. So its work is bounded before it starts: by how often a part of the value is
// checked times how many parts there are. Patterns cost more the longer a text is, and are
// measured as they are matched.
const (
	// maxPatternSize is the size of all patterns of one schema: some 2 MB of memory.
	maxPatternSize = 20_000
	// maxChecks is how many checks of values against schemas one validation makes. A
	// million take about half a second.
	maxChecks = 2_000_000
	// lightChecks and lightSteps are a few milliseconds of work, which nobody measures.
	lightChecks = 20_000
	lightSteps  = 1_000_000
	// maxSteps is how many steps of patterns one validation makes, some two seconds.
	maxSteps = 200_000_000
)

// cost is what one part of a value costs.
type cost struct {
	paths  int // schemas that are applied to it, at most
	checks int // comparisons that they make
	steps  int // of their patterns, for each byte of a text
}

// maxCost is where counting stops.
const maxCost = 1 << 24

func (c cost) plus(d cost) cost {
	return cost{min(c.paths+d.paths, maxPaths+1), min(c.checks+d.checks, maxCost), min(c.steps+d.steps, maxCost)}
}

func (c cost) or(d cost) cost {
	return cost{max(c.paths, d.paths), max(c.checks, d.checks), max(c.steps, d.steps)}
}

// costOf is what a schema costs by itself, without its parts.
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

// measured is a pattern whose work is counted.
type measured struct {
	*pattern.Pattern
	meter *meter // nil counts nothing
}

// MatchString implements [jsonschema.Regexp].
func (p *measured) MatchString(text string) bool {
	if p.meter != nil {
		p.meter.spend(len(text), p.Size)
	}
	return p.Pattern.MatchString(text)
}

// meter counts the steps of the patterns of one validation. The validator lets nothing
// end it but a panic.
type meter struct {
	ctx  context.Context
	left int
}

// overrun is the panic.
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
	// fails is a schema that accepts what schema refuses. It stops at the first problem and
	// keeps none.
	fails *jsonschema.Schema
	meter *meter
}

// measure validates a value whose check may take long. It returns the validator's error, an
// error that is context.Cause of ctx, or another one that says what is too much.
func (s *Schema) measure(ctx context.Context, value any) (err error) {
	v, ok := s.measuring.Get().(*validator)
	if !ok {
		v = &validator{meter: new(meter)}
		if v.schema, v.fails, err = compileDocument(s.raw, v.meter); err != nil {
			return err // it was compiled before
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
	// Which problems there are is looked for in as much of the value as a person reads.
	if err := v.schema.Validate(shortened(value)); err != nil {
		return err
	}
	return errors.New("params do not fit the schema of the operation, behind the first elements of a list")
}

// maxShown is how many elements of a list are looked at for what is wrong with them.
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

// tooMuch refuses a value that has more parts than can be checked against the schema.
func (s *Schema) tooMuch(parts int) error {
	if parts <= maxChecks/max(1, s.cost.checks) {
		return nil
	}
	return fault.Invalid("params", fmt.Sprintf("params have %d values, but the schema of the operation permits at most %d", parts, maxChecks/s.cost.checks), "send fewer in one call")
}
