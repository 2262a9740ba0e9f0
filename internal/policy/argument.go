package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/fault"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// argument is a compiled rule on one parameter.
type argument struct {
	operation string
	name      string   // as in the configuration: address.country
	path      []string // its parts; the first is the name of a parameter
	optional  bool
	fits      matcher
}

func compileArguments(rules map[string]map[string]grant.ParamRule) (map[string][]argument, error) {
	compiled := make(map[string][]argument, len(rules))
	for operation, params := range rules {
		for _, name := range slices.Sorted(maps.Keys(params)) {
			fits, err := newMatcher(params[name])
			if err != nil {
				return nil, fault.Invalid("params."+operation+"."+name, err.Error(), "write a list of values, or pattern: and a regular expression (RE2)")
			}
			path := strings.Split(name, ".")
			if slices.Contains(path, "") {
				return nil, fault.Invalid("params."+operation+"."+name, fmt.Sprintf("%q is not the name of a parameter", name), "write it like team_id, or address.country for a part of an object")
			}
			compiled[operation] = append(compiled[operation], argument{operation, name, path, params[name].Optional, fits})
		}
	}
	return compiled, nil
}

// Arguments decides whether an operation may run with these parameters, a JSON object that
// fits the operation's schema. The connector must get the same bytes.
func (g *Grant) Arguments(op *abi.Operation, params []byte) grant.Decision {
	rules := g.argumentsOf(op)
	if len(rules) == 0 {
		return grant.Decision{Allowed: true, Rule: "allow.params has no rule for " + NameOf(op)}
	}
	// The schema check has rejected duplicate names. Decoding removes escapes and keeps
	// numbers as written.
	decoder := json.NewDecoder(bytes.NewReader(params))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return grant.Decision{Rule: rules[0].rule(), Why: "the parameters are not a JSON object", Permit: "send a JSON object"}
	}
	var holds []string
	for i := range rules {
		if d := rules[i].decide(op, object); !d.Allowed {
			return d
		}
		holds = append(holds, rules[i].name)
	}
	return grant.Decision{Allowed: true, Rule: "allow.params." + NameOf(op) + " holds for " + strings.Join(holds, ", ")}
}

func (g *Grant) argumentsOf(op *abi.Operation) []argument {
	if g == nil {
		return nil
	}
	return g.arguments[NameOf(op)]
}

// ArgumentRules returns the rules on an operation's arguments in words, one for each
// parameter, such as `team_id must be one of "a", "b"`.
func (g *Grant) ArgumentRules(op *abi.Operation) []string {
	rules := g.argumentsOf(op)
	words := make([]string, len(rules))
	for i, a := range rules {
		words[i] = a.name + " must be " + a.fits.String()
		if a.optional {
			words[i] += ", or missing"
		}
	}
	return words
}

// decide applies one rule to the parameters.
func (a *argument) decide(op *abi.Operation, object map[string]any) grant.Decision {
	names := sameParameter(op.Aliases, a.path[0])
	given, empty := false, false
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(names, key) {
			if twin := foldsTo(key, names); twin != "" {
				return a.denied(key, fmt.Sprintf("%.60q differs from %s only in case, and a connector may confuse them", key, twin), spell(object, key, twin))
			}
			continue
		}
		verdict, wrong := a.walk(object[key], a.path[1:])
		switch {
		case wrong != nil:
			name := strings.Join(append([]string{key}, a.path[1:]...), ".")
			return a.denied(key, name+" "+wrong.why, wrong.permit)
		case verdict == present:
			given = true
		default:
			empty = true
		}
	}
	if (!given || empty) && !a.optional {
		return a.denied(a.path[0], a.name+" is missing, and must be "+a.fits.String(), change("add optional: true to "+a.key()))
	}
	return grant.Decision{Allowed: true, Rule: a.rule()}
}

// verdict reports whether the rule found a value.
type verdict bool

const (
	absent  verdict = false
	present verdict = true
)

// wrong describes a problem with a value and its fix.
type wrong struct{ why, permit string }

// walk follows a path into a value and checks every value there, including each element of a
// list. It returns the first problem, or nil.
func (a *argument) walk(value any, path []string) (verdict, *wrong) {
	if list, ok := value.([]any); ok {
		found := verdict(len(list) > 0)
		for _, element := range list {
			got, wrong := a.walk(element, path)
			if wrong != nil {
				return present, wrong
			}
			found = found && got
		}
		return found, nil
	}
	if len(path) == 0 {
		if !a.fits.match(value) {
			return present, &wrong{"must be " + a.fits.String(), change("add the value to " + a.key())}
		}
		return present, nil
	}
	object, ok := value.(map[string]any)
	if !ok {
		return present, &wrong{"must be an object with " + path[0] + ", which must be " + a.fits.String(), "send an object with " + path[0]}
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if key != path[0] && foldsTo(key, path[:1]) != "" {
			return present, &wrong{fmt.Sprintf("has %.60q, which differs from %s only in case", key, path[0]), spell(object, key, path[0])}
		}
	}
	inner, ok := object[path[0]]
	if !ok {
		return absent, nil
	}
	return a.walk(inner, path[1:])
}

// spell returns the fix for a key that differs from a name only in case.
func spell(object map[string]any, key, name string) string {
	if _, beside := object[name]; beside {
		return fmt.Sprintf("remove %.60q", key)
	}
	return fmt.Sprintf("write %s instead of %.60q", name, key)
}

func (a *argument) denied(field, why, permit string) grant.Decision {
	return grant.Decision{Rule: a.rule(), Why: why, Permit: permit, Field: field}
}

func (a *argument) key() string { return "allow.params." + a.operation + "." + a.name }

func (a *argument) rule() string { return a.key() + ": " + a.fits.config() }

// foldsTo returns the name that differs from key only in case, under Unicode folding. JSON
// readers that ignore case, such as Go's, treat both as the same name.
func foldsTo(key string, names []string) string {
	for _, name := range names {
		if strings.EqualFold(key, name) {
			return name
		}
	}
	return ""
}

// sameParameter returns all names of a parameter: its own, its aliases, and the names of
// which it is an alias.
func sameParameter(aliases map[string]string, name string) []string {
	names := []string{name}
	for grown := true; grown; {
		grown = false
		for alias, of := range aliases {
			hasAlias, hasOf := slices.Contains(names, alias), slices.Contains(names, of)
			if hasAlias == hasOf {
				continue
			}
			grown = true
			if hasAlias {
				names = append(names, of)
			} else {
				names = append(names, alias)
			}
		}
	}
	slices.Sort(names)
	return names
}
