package overlay

import (
	"reflect"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/goccy/go-yaml/ast"
)

// Blame finds the action of a file that made a table wrong, and says what is wrong at its line.
// document is the table before the file was applied. Of all actions, it is the last one that
// changed what the error is about, or what that stands in.
func Blame(document tableimport.Map, file string, data []byte, wrong *tableimport.EditError) *Error {
	e := &Error{File: file, Path: strings.TrimSpace(wrong.Operation + " " + wrong.Path), Message: wrong.Problem.Message, Hint: wrong.Problem.Hint}
	a := &applier{file: file}
	actions, err := a.read(data)
	if err != nil {
		return e
	}
	before, closest := trail(document, wrong), -1
	for i := range actions {
		if _, err := a.apply(&document, &actions[i]); err != nil {
			return e
		}
		after := trail(document, wrong)
		if depth := deepest(before, after); depth >= max(closest, 0) {
			closest = depth
			e.Line = a.lineOfKey(&actions[i], after)
		}
		before = after
	}
	return e
}

// step is a part of a path that leads somewhere, and what stands there.
type step struct {
	key   string
	value any
}

// trail follows the path of an error through a table, as far as it leads.
func trail(document tableimport.Map, wrong *tableimport.EditError) []step {
	steps := []step{{"", document}}
	if wrong.Operation != "" {
		operations := document.List("operations")
		i := slices.IndexFunc(operations, func(op any) bool { return tableimport.NameOf(op) == wrong.Operation })
		if i < 0 {
			return steps[:0]
		}
		// The list is no step: another operation of it may have changed.
		steps = []step{{}, {"operations", nil}, {"", operations[i]}}
	}
	for rest := wrong.Path; rest != ""; {
		m, _ := steps[len(steps)-1].value.(tableimport.Map)
		i := slices.IndexFunc(m, func(member tableimport.Member) bool {
			after, ok := strings.CutPrefix(rest, member.Key)
			return ok && member.Key != "" && (after == "" || after[0] == '.' || after[0] == '[')
		})
		if i < 0 {
			break
		}
		rest = strings.TrimPrefix(rest[len(m[i].Key):], ".")
		steps = append(steps, step{m[i].Key, m[i].Value})
	}
	return steps
}

// deepest is the last step in which two trails differ, -1 if they do not.
func deepest(before, after []step) int {
	if len(before) != len(after) {
		return max(len(before), len(after)) - 1
	}
	for i := len(after) - 1; i >= 0; i-- {
		if !reflect.DeepEqual(before[i], after[i]) {
			return i
		}
	}
	return -1
}

// lineOfKey is where an action says what a trail leads to, or where it begins.
func (a *applier) lineOfKey(one *action, to []step) int {
	line := a.lineOf(one.number)
	if one.number >= len(a.actions) {
		return line
	}
	pair := pairOf(a.actions[one.number], "update")
	for i := len(one.path) + 1; pair != nil; i++ {
		line = lineOf(pair)
		value := pair.Value
		if anchor, ok := value.(*ast.AnchorNode); ok {
			value = anchor.Value
		}
		if pair = nil; i < len(to) {
			pair = pairOf(value, to[i].key)
		}
	}
	return line
}
