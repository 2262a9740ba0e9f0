package conformance

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/pdk/abi"
)

// each calls f with every operation, in the manifest's order.
func (e *examination) each(f func(*connector.Operation)) {
	for i := range e.connector.Manifest.Operations {
		declared := &e.connector.Manifest.Operations[i]
		if op, err := e.connector.Operation(declared.Entity, declared.Action); err == nil {
			f(op)
		}
	}
}

func operationsDescribed(_ context.Context, e *examination, c *Check) {
	c.Cases++
	if problem := describes(e.connector.Manifest.Description, minDescription); problem != "" {
		c.problem("the connector's description %s", problem)
	}
	e.each(func(op *connector.Operation) {
		c.Cases++
		if problem := describes(op.Description, minDescription); problem != "" {
			c.problem("%s: the description %s", op.Name(), problem)
		}
		properties := parseSchema(op.Params).properties()
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			c.Cases++
			if problem := describes(properties[name].describes(), minParameter); problem != "" {
				c.problem("%s: the description of %s %s", op.Name(), name, problem)
			}
		}
	})
}

// Lengths of a description, in bytes: shorter ones say too little, longer ones fill a context. For a
// parameter one word may be enough.
const (
	minDescription = 10
	minParameter   = 4
	maxDescription = 1000
)

// commands are sentences that address a model instead of describing an operation: signs of a
// poisoned tool.
var commands = regexp.MustCompile(`(?i)\b(ignore (all|any|the|previous|prior)|disregard|you (must|should|are to) (always|never|first|not)|do not (tell|mention|reveal)|system prompt|before (using|calling) (this|any))|<(important|system)>`)

// describes says what is wrong with a description, or "".
func describes(text string, least int) string {
	switch trimmed := strings.TrimSpace(text); {
	case trimmed == "":
		return "is missing"
	case len(trimmed) < least:
		return fmt.Sprintf("is %d bytes long, too short to say anything", len(trimmed))
	case len(trimmed) > maxDescription:
		return fmt.Sprintf("is %d bytes long, more than %d", len(trimmed), maxDescription)
	case commands.MatchString(trimmed):
		return fmt.Sprintf("gives orders: %q", commands.FindString(trimmed))
	}
	return ""
}

func operationsBounded(_ context.Context, e *examination, c *Check) {
	e.each(func(op *connector.Operation) {
		c.Cases++
		for _, problem := range unbounded(parseSchema(op.Params)) {
			c.problem("%s: %s", op.Name(), problem)
		}
	})
}

// unbounded lists the parts of a schema without a bound on size.
func unbounded(s schema) []string {
	var problems []string
	s.walk("params", func(at string, s schema) {
		if at == "params" && s["additionalProperties"] != false {
			problems = append(problems, at+" does not refuse unknown parameters: set additionalProperties to false")
		}
		types := s.types()
		if slices.Contains(types, "string") && s["maxLength"] == nil && s["enum"] == nil && s["const"] == nil && s["format"] == nil && s["pattern"] == nil {
			problems = append(problems, at+" is a string without maxLength, enum, format or pattern")
		}
		if slices.Contains(types, "array") && s["maxItems"] == nil {
			problems = append(problems, at+" is an array without maxItems")
		}
	})
	slices.Sort(problems)
	return problems
}

func operationsExamples(_ context.Context, e *examination, c *Check) {
	e.each(func(op *connector.Operation) {
		c.Cases++
		// The check of the declaration refused what does not validate.
		if len(op.Examples) == 0 && len(parseSchema(op.Params).required()) > 0 {
			c.problem("%s has required parameters and no example", op.Name())
		}
	})
}

// operationsCheck requires a check if an operation could be one: a read without required parameters.
func operationsCheck(ctx context.Context, e *examination, c *Check) {
	c.Cases++
	if e.connector.Manifest.Check != nil {
		return
	}
	var fit []string
	e.each(func(op *connector.Operation) {
		if op.Effect == abi.EffectRead && op.Validate(ctx, []byte("{}")) == nil {
			fit = append(fit, op.Name())
		}
	})
	if len(fit) > 0 {
		c.problem("the manifest names no check, and a wrong credential shows only in use; %s could be it", fit[0])
	}
}
