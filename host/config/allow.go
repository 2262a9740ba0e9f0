package config

import (
	"errors"
	"slices"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/lazyregexp"
	"github.com/agenthost/agenthost/internal/policy"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/goccy/go-yaml/ast"
)

var (
	operationName  = lazyregexp.New(`^[A-Za-z0-9_-]+\.([A-Za-z0-9_-]+|\*)$`)
	exactOperation = lazyregexp.New(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)
)

// allow reads a grant. A grant without effects and operations allows nothing, and must be
// written as {}.
func (r *reader) allow(n ast.Node, path string) *Allow {
	a := &Allow{}
	effects := []string{string(abi.EffectRead), string(abi.EffectWrite), string(abi.EffectDelete)}
	before := len(r.problems)
	r.mapping(n, path, []key{
		{"effects", func(v ast.Node, p string) {
			r.texts(v, p, func(text string, at ast.Node) {
				if !slices.Contains(effects, text) {
					r.problem(at, p, "there is no effect "+clip(text), fault.Hint(text, effects))
					return
				}
				a.Effects = append(a.Effects, abi.Effect(text))
			})
		}},
		{"operations", func(v ast.Node, p string) {
			r.texts(v, p, func(text string, at ast.Node) {
				if !operationName.MatchString(text) {
					r.problem(at, p, clip(text)+" is not the name of an operation", "write entity.action, or entity.* for all actions of an entity")
					return
				}
				a.Operations = append(a.Operations, text)
			})
		}},
		{"ask", func(v ast.Node, p string) {
			r.texts(v, p, func(text string, at ast.Node) {
				if !slices.Contains(effects, text) && !operationName.MatchString(text) {
					r.problem(at, p, clip(text)+" is neither an effect nor the name of an operation", fault.Hint(text, append(slices.Clone(effects), "entity.action", "entity.*")))
					return
				}
				a.Ask = append(a.Ask, text)
			})
		}},
		{"params", func(v ast.Node, p string) { a.Params = r.paramRules(v, p) }},
		{"requests", func(v ast.Node, p string) {
			r.texts(v, p, func(text string, at ast.Node) {
				// One at a time, so that a problem has the line of its rule.
				if r.grant(at, p, &Allow{Effects: []abi.Effect{abi.EffectRead}, Requests: []string{text}}) {
					a.Requests = append(a.Requests, text)
				}
			})
		}},
		{"downloads", func(v ast.Node, p string) {
			a.Downloads = []string{}
			r.texts(v, p, func(text string, at ast.Node) {
				if r.grant(at, p, &Allow{Effects: []abi.Effect{abi.EffectRead}, Downloads: []string{text}}) {
					a.Downloads = append(a.Downloads, text)
				}
			})
		}},
	})
	if len(r.problems) == before {
		r.grant(n, path, a)
	}
	return a
}

// paramRules reads rules on arguments: operation, parameter, rule.
func (r *reader) paramRules(n ast.Node, path string) map[string]map[string]grant.ParamRule {
	rules := make(map[string]map[string]grant.ParamRule)
	r.pairs(n, path, func(operation string, at, value ast.Node) {
		if !exactOperation.MatchString(operation) {
			r.problem(at, path, clip(operation)+" is not the name of an operation", "write entity.action; a rule applies to one operation")
			return
		}
		params := make(map[string]grant.ParamRule)
		r.pairs(value, join(path, operation), func(name string, at, value ast.Node) {
			here := join(join(path, operation), clip(name))
			before := len(r.problems)
			rule := r.paramRule(value, here)
			if len(r.problems) == before && r.grant(at, here, &Allow{Effects: []abi.Effect{abi.EffectRead}, Params: map[string]map[string]grant.ParamRule{operation: {name: rule}}}) {
				params[name] = rule
			}
		})
		rules[operation] = params
	})
	return rules
}

// paramRule reads a list of values, or a mapping.
func (r *reader) paramRule(n ast.Node, path string) grant.ParamRule {
	var rule grant.ParamRule
	v := r.value(n, path)
	switch v.(type) {
	case nil:
	case *ast.SequenceNode:
		rule.Values = r.scalars(v, path)
	case *ast.MappingNode, *ast.MappingValueNode:
		r.mapping(v, path, []key{
			{"values", func(v ast.Node, p string) { rule.Values = r.scalars(v, p) }},
			{"pattern", func(v ast.Node, p string) { rule.Pattern, _ = r.text(v, p) }},
			{"optional", func(v ast.Node, p string) { r.flag(v, p, &rule.Optional) }},
		})
	default:
		r.problem(n, path, "needs a list of values or a mapping, has "+describe(v), "write [a, b], or {pattern: ...}")
	}
	return rule
}

// scalars reads a list of text, numbers, true, false and null.
func (r *reader) scalars(n ast.Node, path string) []any {
	at := n
	if n = r.value(n, path); n == nil {
		return nil
	}
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		r.problem(at, path, "needs a list, has "+describe(n), "put it in brackets: [a, b]")
		return nil
	}
	values := []any{}
	for _, element := range list.Values {
		switch v := r.value(element, path).(type) {
		case nil:
		case *ast.StringNode:
			values = append(values, v.Value)
		case *ast.LiteralNode:
			values = append(values, v.Value.Value)
		case *ast.BoolNode:
			values = append(values, v.Value)
		case *ast.NullNode:
			values = append(values, nil)
		case *ast.IntegerNode:
			values = append(values, v.Value)
		case *ast.FloatNode:
			values = append(values, v.Value)
		case *ast.InfinityNode, *ast.NanNode:
			r.problem(element, path, "has a number that JSON does not support", "use text, numbers, true, false or null")
		default:
			r.problem(element, path, "has a value that is "+describe(v), "use text, numbers, true, false or null")
		}
	}
	if len(values) == 0 && len(list.Values) == 0 {
		r.problem(at, path, "is empty, so it allows no value", "list the values, or do not allow the operation")
	}
	return values
}

// flag reads true or false.
func (r *reader) flag(n ast.Node, path string, into *bool) {
	at := n
	if n = r.value(n, path); n == nil {
		return
	}
	v, ok := n.(*ast.BoolNode)
	if !ok {
		r.problem(at, path, "needs true or false, has "+describe(n), "")
		return
	}
	*into = v.Value
}

// grant reports the problems that package grant finds in an allow, at a node.
func (r *reader) grant(at ast.Node, path string, a *Allow) bool {
	_, err := policy.New(a)
	if err == nil {
		return true
	}
	problem := &abi.Error{Message: err.Error()}
	errors.As(err, &problem)
	r.problem(at, path, problem.Message, problem.Hint)
	return false
}
