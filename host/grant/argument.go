package grant

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// argument is a rule on one parameter, ready to decide.
type argument struct {
	operation string
	name      string   // as it is written in the configuration: address.country
	path      []string // its parts; the first is the name of a parameter
	optional  bool
	fits      matcher
}

func compileArguments(rules map[string]map[string]ParamRule) (map[string][]argument, error) {
	compiled := make(map[string][]argument, len(rules))
	for operation, params := range rules {
		for _, name := range slices.Sorted(maps.Keys(params)) {
			fits, err := newMatcher(params[name])
			if err != nil {
				return nil, invalid("params."+operation+"."+name, err.Error(), "write a list of values, or pattern: and a regular expression (RE2)")
			}
			path := strings.Split(name, ".")
			if slices.Contains(path, "") {
				return nil, invalid("params."+operation+"."+name, fmt.Sprintf("%q is not the name of a parameter", name), "write it like team_id, or address.country for a part of an object")
			}
			compiled[operation] = append(compiled[operation], argument{operation, name, path, params[name].Optional, fits})
		}
	}
	return compiled, nil
}

// Arguments decides whether an operation may run with these parameters, a JSON object
// that fits the operation's schema. It must be the very text that the connector gets.
func (g *Grant) Arguments(op *abi.Operation, params []byte) Decision {
	rules := g.argumentsOf(op)
	if len(rules) == 0 {
		return Decision{Allowed: true, Rule: "allow.params has no rule for " + NameOf(op)}
	}
	// The schema's check has refused a name that stands twice. Numbers stay as they are
	// written, and escapes are gone.
	decoder := json.NewDecoder(bytes.NewReader(params))
	decoder.UseNumber()
	var object map[string]any
	if err := decoder.Decode(&object); err != nil {
		return Decision{Rule: rules[0].rule(), Why: "the parameters are not a JSON object", Permit: "give a JSON object"}
	}
	var holds []string
	for i := range rules {
		if d := rules[i].decide(op, object); !d.Allowed {
			return d
		}
		holds = append(holds, rules[i].name)
	}
	return Decision{Allowed: true, Rule: "allow.params." + NameOf(op) + " holds for " + strings.Join(holds, ", ")}
}

func (g *Grant) argumentsOf(op *abi.Operation) []argument {
	if g == nil {
		return nil
	}
	return g.arguments[NameOf(op)]
}

// ArgumentRules says in words which rules the arguments of an operation must keep, one
// for each parameter, such as `team_id must be one of "a", "b"`.
func (g *Grant) ArgumentRules(op *abi.Operation) []string {
	rules := g.argumentsOf(op)
	words := make([]string, len(rules))
	for i, a := range rules {
		words[i] = a.name + " must be " + a.fits.String()
		if a.optional {
			words[i] += ", or left out"
		}
	}
	return words
}

// decide judges the parameters by one rule.
func (a *argument) decide(op *abi.Operation, object map[string]any) Decision {
	names := sameParameter(op.Aliases, a.path[0])
	given, empty := false, false
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(names, key) {
			if twin := foldsTo(key, names); twin != "" {
				return a.denied(key, fmt.Sprintf("%.60q is %s in other letters, and a connector may read it as that", key, twin), spell(object, key, twin))
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
		return a.denied(a.path[0], a.name+" must be given, as "+a.fits.String(), change("write optional: true into "+a.key()))
	}
	return Decision{Allowed: true, Rule: a.rule()}
}

// verdict says whether there was a value to judge.
type verdict bool

const (
	absent  verdict = false
	present verdict = true
)

// wrong is what is wrong with a value, and what would mend it.
type wrong struct{ why, permit string }

// walk follows a path into a value and judges all that it leads to: each element of a
// list. It returns what is wrong, if anything is.
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
		return present, &wrong{"has a value that is no object, and must have " + a.fits.String() + " there", "give an object with " + path[0]}
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if key != path[0] && foldsTo(key, path[:1]) != "" {
			return present, &wrong{fmt.Sprintf("has %.60q, which is %s in other letters", key, path[0]), spell(object, key, path[0])}
		}
	}
	inner, ok := object[path[0]]
	if !ok {
		return absent, nil
	}
	return a.walk(inner, path[1:])
}

// spell says what to do about a key that is a name in other letters.
func spell(object map[string]any, key, name string) string {
	if _, beside := object[name]; beside {
		return fmt.Sprintf("leave %.60q out", key)
	}
	return fmt.Sprintf("write %s in the place of %.60q", name, key)
}

func (a *argument) denied(field, why, permit string) Decision {
	return Decision{Rule: a.rule(), Why: why, Permit: permit, Field: field}
}

func (a *argument) key() string { return "allow.params." + a.operation + "." + a.name }

func (a *argument) rule() string { return a.key() + ": " + a.fits.config() }

// foldsTo returns the name that key differs from in case only, as Unicode folds it:
// readers of JSON that ignore case, such as Go's, take the one for the other.
func foldsTo(key string, names []string) string {
	for _, name := range names {
		if strings.EqualFold(key, name) {
			return name
		}
	}
	return ""
}

// sameParameter returns all names of a parameter: itself, and what the manifest calls
// its alias or it the alias of.
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
