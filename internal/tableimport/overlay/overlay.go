// Package overlay applies the edits of a person to an imported table, so that they survive the next
// import. They stand in a file of their own, in the form of the OpenAPI Overlay Specification 1.0:
//
//	overlay: 1.0.0
//	info: {title: What we know better, version: 1.0.0}
//	actions:
//	  - target: $.operations[?(@.entity=='tickets' && @.action=='search')]
//	    update: {effect: read}
//	  - target: $.operations[?(@.entity=='tickets' && @.action=='purge')]
//	    remove: true
package overlay

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/agenthost/agenthost/internal/yamlfile"
	"github.com/goccy/go-yaml/ast"
)

const (
	// MaxFile is the size of the largest file, in bytes.
	MaxFile    = 1 << 20
	maxActions = 2000
	// maxSteps bounds the values that all actions look at and copy, and maxCopied the text that they
	// copy, in bytes.
	maxSteps  = 5_000_000
	maxCopied = 16 << 20
	maxDepth  = 100
)

// Beside is the file with the edits of a table: NAME.overlay.yaml of NAME.yaml.
func Beside(table string) string {
	return strings.TrimSuffix(table, filepath.Ext(table)) + ".overlay.yaml"
}

// Error is what is wrong with a file.
type Error struct {
	File string
	// Line counts from 1; 0 means the file as a whole.
	Line int
	// Path leads to it, such as actions[3].target.
	Path, Message, Hint string
}

// Error returns the place, the message and the hint.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d", e.Line)
	}
	if e.Path != "" {
		b.WriteString(": " + e.Path)
	}
	b.WriteString(": " + e.Message)
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Apply applies the actions of a file, in their order, to a table, and returns what they did. An
// action that changes nothing is an error: what it was about has another name now, or is gone.
// After an error the table is of no use.
//
// # Errors
//   - [*Error]
func Apply(document *tableimport.Map, file string, data []byte) ([]tableimport.Edit, error) {
	a := &applier{file: file}
	actions, err := a.read(data)
	if err != nil {
		return nil, err
	}
	edits := make([]tableimport.Edit, 0, len(actions))
	for i := range actions {
		edit, err := a.apply(document, &actions[i])
		if err != nil {
			return nil, err
		}
		edits = append(edits, edit)
	}
	return edits, nil
}

// Unwrap returns what is wrong as an error of agenthost: a person mends it in the file.
func (e *Error) Unwrap() error {
	said := *e
	said.Hint = ""
	return fault.Configuration(fault.Invalid(e.Path, said.Error(), e.Hint))
}

type applier struct {
	file          string
	root          ast.Node
	actions       []ast.Node
	steps, copied int
}

// action is one of the file.
type action struct {
	number  int
	target  string
	path    []segment
	remove  bool
	update  any
	has     bool // an update
	matches int
	reached int // how many segments of the path led somewhere
	wrong   string
}

func (a *applier) fail(number int, key, message, hint string) error {
	e := &Error{File: a.file, Message: message, Hint: hint}
	if number >= 0 {
		e.Path = fmt.Sprintf("actions[%d]", number)
		e.Line = a.lineOf(number)
	} else if pair := pairOf(a.root, key); pair != nil {
		e.Line = lineOf(pair)
	}
	if key != "" {
		e.Path = strings.TrimPrefix(e.Path+"."+key, ".")
	}
	return e
}

// read reads the file.
func (a *applier) read(data []byte) ([]action, error) {
	if len(data) > MaxFile {
		return nil, a.fail(-1, "", fmt.Sprintf("is larger than %d bytes", MaxFile), "")
	}
	body, problem := yamlfile.Parse(data, yamlfile.Limits{Tokens: 200_000, Depth: maxDepth, Keys: 2_000, TooMany: "leave out what the import says already"})
	if problem != nil {
		return nil, &Error{File: a.file, Line: problem.Line, Message: problem.Message, Hint: problem.Hint}
	}
	a.root = body
	root, err := tableimport.Read(data)
	if err != nil {
		return nil, a.fail(-1, "", err.Error(), "begin with overlay: 1.0.0, and then actions:")
	}
	if err := a.keys(-1, root, "overlay", "info", "extends", "actions"); err != nil {
		return nil, err
	}
	for _, key := range []string{"overlay", "actions"} {
		if !root.Has(key) {
			return nil, &Error{File: a.file, Line: lineOf(body), Path: key, Message: "is missing", Hint: "begin with overlay: 1.0.0, and then actions:"}
		}
	}
	if version := root.Text("overlay"); version != "1.0.0" {
		return nil, a.fail(-1, "overlay", fmt.Sprintf("is %.40q", version), "write overlay: 1.0.0")
	}
	list, ok := root.Get("actions").([]any)
	switch {
	case !ok:
		return nil, a.fail(-1, "actions", "needs a list, has "+kindOf(root.Get("actions")), "begin each action with a dash: - target: $.title")
	case len(list) == 0 || len(list) > maxActions:
		return nil, a.fail(-1, "actions", fmt.Sprintf("has %d actions", len(list)), fmt.Sprintf("write 1 to %d", maxActions))
	}
	if pair := pairOf(body, "actions"); pair != nil {
		if written, ok := pair.Value.(*ast.SequenceNode); ok {
			a.actions = written.Values
		}
	}
	actions := make([]action, len(list))
	for i, element := range list {
		if actions[i], err = a.action(i, element); err != nil {
			return nil, err
		}
	}
	return actions, nil
}

func (a *applier) action(i int, element any) (action, error) {
	m, ok := element.(tableimport.Map)
	if !ok {
		return action{}, a.fail(i, "", "is no mapping", "write target: and update: or remove: true")
	}
	if err := a.keys(i, m, "target", "description", "update", "remove"); err != nil {
		return action{}, err
	}
	one := action{number: i, target: m.Text("target"), update: m.Get("update"), has: m.Has("update")}
	var err error
	if one.path, err = parseTarget(one.target); err != nil {
		return one, a.fail(i, "target", err.Error(), "")
	}
	if m.Has("remove") {
		if one.remove, ok = m.Get("remove").(bool); !ok {
			return one, a.fail(i, "remove", "is neither true nor false", "")
		}
	}
	switch {
	case one.remove == one.has:
		return one, a.fail(i, "", "needs either update or remove: true", "")
	case one.remove && len(one.path) == 0:
		return one, a.fail(i, "target", "is the whole table, which cannot be removed", "")
	}
	return one, nil
}

// keys refuses keys that nothing reads. Those that begin with x- are for others.
func (a *applier) keys(number int, m tableimport.Map, known ...string) error {
	for _, member := range m {
		if !slices.Contains(known, member.Key) && !strings.HasPrefix(member.Key, "x-") {
			return a.fail(number, fmt.Sprintf("%.60s", member.Key), "unknown key", fault.Hint(member.Key, known))
		}
	}
	return nil
}

// kindOf says what a value is.
func kindOf(v any) string {
	switch v.(type) {
	case tableimport.Map:
		return "a mapping"
	case []any:
		return "a list"
	case nil:
		return "nothing"
	}
	return "one value"
}

// pairOf is the member of a mapping, nil if there is none.
func pairOf(mapping ast.Node, key string) *ast.MappingValueNode {
	for _, pair := range yamlfile.Pairs(mapping) {
		if name, ok := pair.Key.(*ast.StringNode); ok && name.Value == key {
			return pair
		}
	}
	return nil
}

// lineOf is where a node begins. The token of a mapping is that of its first colon.
func lineOf(n ast.Node) int {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		n = m.Values[0]
	}
	if pair, ok := n.(*ast.MappingValueNode); ok {
		n = pair.Key
	}
	if n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

// apply applies one action.
func (a *applier) apply(document *tableimport.Map, one *action) (tableimport.Edit, error) {
	edit := tableimport.Edit{Line: a.lineOf(one.number), Target: one.target, Remove: one.remove}
	changed, _ := a.walk(*document, one.path, one)
	edit.Places = one.matches
	switch {
	case a.steps > maxSteps || a.copied > maxCopied:
		return edit, a.fail(one.number, "", "the actions up to this one change too much", "write fewer that end in [*], or shorter ones")
	case one.wrong != "":
		return edit, a.fail(one.number, "update", one.wrong, "")
	case one.matches == 0:
		return edit, a.nothing(one)
	}
	*document, _ = changed.(tableimport.Map) // the root is only merged
	return edit, nil
}

func (a *applier) lineOf(number int) int {
	if number < len(a.actions) {
		return lineOf(a.actions[number])
	}
	return 0
}

// nothing is the error of a target that leads nowhere.
func (a *applier) nothing(one *action) error {
	found, failed := "$", one.path[one.reached]
	if one.reached > 0 {
		found = one.target[:one.path[one.reached-1].end]
	}
	message := fmt.Sprintf("%s matches nothing: %s is there, but %s is not", one.target, found, one.target[len(found):failed.end])
	hint := "the import has changed: correct the target, or remove the action"
	if failed.kind == member && one.reached == len(one.path)-1 {
		hint = fmt.Sprintf("to add a member, write target: %s and update: {%s: ...}", found, failed.name)
	}
	return a.fail(one.number, "target", message, hint)
}

// walk changes what the rest of a path leads to, and returns what a value becomes and whether it
// stays. It changes no value in place: an importer may have put one into several places.
func (a *applier) walk(v any, rest []segment, one *action) (changed any, stays bool) {
	one.reached = max(one.reached, len(one.path)-len(rest))
	if a.steps++; a.steps > maxSteps || one.wrong != "" {
		return v, true
	}
	if len(rest) == 0 {
		one.matches++
		if one.remove {
			return nil, false
		}
		return a.merge(v, one.update, one, 0), true
	}
	next := rest[0]
	switch v := v.(type) {
	case tableimport.Map:
		kept := make(tableimport.Map, 0, len(v))
		for _, m := range v {
			a.steps++
			if next.kind == member && m.Key == next.name || next.selects(m.Value) {
				if m.Value, stays = a.walk(m.Value, rest[1:], one); !stays {
					continue
				}
			}
			kept = append(kept, m)
		}
		return kept, true
	case []any:
		kept := make([]any, 0, len(v))
		for i, inner := range v {
			a.steps++
			if next.kind == element && i == next.index || next.selects(inner) {
				if inner, stays = a.walk(inner, rest[1:], one); !stays {
					continue
				}
			}
			kept = append(kept, inner)
		}
		return kept, true
	}
	return v, true
}

// selects says whether a segment is about a value whatever its name or place.
func (s *segment) selects(v any) bool {
	return s.kind == each || s.kind == meeting && !slices.ContainsFunc(s.where, func(c condition) bool { return !c.holds(v) })
}

// merge returns a value with an update: members are merged, lists get the elements of a list or
// one more, and anything else is replaced.
func (a *applier) merge(v, update any, one *action, depth int) any {
	if depth > maxDepth {
		one.wrong = "is nested too deeply"
		return v
	}
	switch v := v.(type) {
	case tableimport.Map:
		members, ok := update.(tableimport.Map)
		if !ok {
			one.wrong = "is no mapping, but the target is one"
			return v
		}
		a.steps += len(v)
		v = slices.Clone(v)
		for _, m := range members {
			a.steps += len(v)
			if a.steps > maxSteps {
				return v
			}
			if v.Has(m.Key) && mergeable(v.Get(m.Key), m.Value) {
				v.Set(m.Key, a.merge(v.Get(m.Key), m.Value, one, depth+1))
			} else {
				a.copied += len(m.Key)
				v.Set(m.Key, a.copy(m.Value))
			}
		}
		return v
	case []any:
		list, ok := update.([]any)
		if !ok || depth == 0 { // of a list, the update is one element
			list = []any{update}
		}
		a.steps += len(v)
		v = slices.Clone(v)
		for _, element := range list {
			v = append(v, a.copy(element))
		}
		return v
	}
	return a.copy(update)
}

// mergeable says whether two values have parts to put together.
func mergeable(v, update any) bool {
	switch v.(type) {
	case tableimport.Map:
		_, ok := update.(tableimport.Map)
		return ok
	case []any:
		_, ok := update.([]any)
		return ok
	}
	return false
}

// copy copies a value of the file, because several places may get it.
func (a *applier) copy(v any) any {
	if a.steps++; a.steps > maxSteps || a.copied > maxCopied {
		return nil
	}
	switch v := v.(type) {
	case tableimport.Map:
		m := make(tableimport.Map, len(v))
		for i, inner := range v {
			a.copied += len(inner.Key)
			m[i] = tableimport.Member{Key: inner.Key, Value: a.copy(inner.Value)}
		}
		return m
	case []any:
		list := make([]any, len(v))
		for i, inner := range v {
			list[i] = a.copy(inner)
		}
		return list
	case string:
		a.copied += len(v)
	case json.Number:
		a.copied += len(v)
	}
	return v
}
