package policy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// ask adds an effect, or the name of operations, to those that a person must approve.
func (g *Grant) ask(text string, effects []string) error {
	if slices.Contains(effects, text) {
		g.asks.effects = append(g.asks.effects, abi.Effect(text))
		return nil
	}
	if !strings.Contains(text, ".") {
		return fault.Invalid("", fmt.Sprintf("%.60q is neither an effect nor the name of an operation", text), fault.Hint(text, append(slices.Clone(effects), "entity.action", "entity.*")))
	}
	g.asks.operations = append(g.asks.operations, text)
	return nil
}

// Asks decides whether a person must approve each call of an operation, and by which rule.
func (g *Grant) Asks(op *abi.Operation) (rule string, asks bool) {
	if g == nil || len(g.asks.effects)+len(g.asks.operations) == 0 {
		return "", false
	}
	if slices.Contains(g.asks.effects, op.Effect) {
		return "allow.ask has " + string(op.Effect), true
	}
	name := NameOf(op)
	for _, pattern := range g.asks.operations {
		if pattern == name || pattern == op.Entity+".*" {
			return "allow.ask has " + pattern, true
		}
	}
	return "", false
}
