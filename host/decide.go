package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/nearest"
)

// decide judges a call before a sandbox starts and before a secret is read, by rules from
// the most general to the most special; the first that denies decides. Params are what
// the connector gets. The error is that of a lock file that cannot be read.
func (h *Host) decide(ctx context.Context, c *connection, op *connector.Operation, params []byte) (grant.Decision, error) {
	approved, err := h.approved(ctx, c)
	if err != nil || !approved.Allowed {
		return approved, err
	}
	d := c.grant.Operation(op.Operation)
	if !d.Allowed {
		return d, nil
	}
	if arguments := c.grant.Arguments(op.Operation, params); !arguments.Allowed {
		return arguments, nil
	}
	return d, nil
}

// newGrant makes the connection's grant of what its configuration allows. It refuses
// names that the connector does not have: a typing error there would silently allow less
// than was meant, or in a rule on arguments more.
func (c *connection) newGrant() error {
	allow := c.config.Allow
	at := "connections." + c.name + ".allow"
	var err error
	if c.grant, err = grant.New(allow); err != nil {
		var e *Error
		if errors.As(err, &e) {
			return invalid(strings.TrimSuffix(at+"."+e.Field, "."), "connection "+c.name+": "+e.Message, e.Hint)
		}
		return err
	}
	if allow == nil {
		return nil
	}
	var patterns []string
	for _, op := range c.operations() {
		patterns = append(patterns, grant.NameOf(op), op.Entity+".*")
	}
	for _, pattern := range allow.Operations {
		if !slices.Contains(patterns, pattern) {
			return invalid(at+".operations", fmt.Sprintf("connection %s allows %q, which %s does not have", c.name, pattern, c.connector.Manifest.Name), nearest.Hint(pattern, patterns))
		}
	}
	for name, rules := range allow.Params {
		if err := c.checkParamRules(at+".params", name, rules); err != nil {
			return err
		}
	}
	return nil
}

// checkParamRules refuses rules on parameters that an operation does not have, and values
// that they cannot have.
func (c *connection) checkParamRules(at, name string, rules map[string]grant.ParamRule) error {
	entity, action, _ := strings.Cut(name, ".")
	op, err := c.operation(entity, action)
	if err != nil {
		var names []string
		for _, op := range c.operations() {
			names = append(names, grant.NameOf(op))
		}
		return invalid(at, fmt.Sprintf("connection %s has rules for the parameters of %q, which %s does not have", c.name, name, c.connector.Manifest.Name), nearest.Hint(name, names))
	}
	schema, err := op.Schema()
	if err != nil {
		return err
	}
	for param, rule := range rules {
		here := at + "." + name + "." + param
		part, known := schema.At(strings.Split(param, "."))
		if part == nil {
			return invalid(here, fmt.Sprintf("connection %s has a rule for %q, which is no parameter of %s", c.name, param, name), nearest.Hint(param, known))
		}
		for _, value := range rule.Values {
			if !part.CanBe(value) {
				return invalid(here, fmt.Sprintf("connection %s allows the value %v for %s of %s, which its schema does not", c.name, value, param, name),
					"agenthost describe "+c.connector.Manifest.Name+" "+entity+" "+action+" says what values it has; text that looks like a number needs quotes")
			}
		}
	}
	return nil
}
