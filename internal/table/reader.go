package table

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/goccy/go-yaml/ast"
)

const (
	// maxNodes stops small files with aliases from causing endless work, and maxDepth what
	// refers to itself.
	maxNodes = 500_000
	maxDepth = 64
	// maxJSON is the size of the largest table as JSON, in bytes.
	maxJSON = 4 << 20
)

// place is where something stands in a file.
type place struct{ line, column int }

// schema is the part of JSON Schema that table.schema.json uses.
type schema struct {
	Ref                  string             `json:"$ref"`
	Type                 any                `json:"type"`
	Enum                 []string           `json:"enum"`
	Pattern              string             `json:"pattern"`
	Properties           map[string]*schema `json:"properties"`
	AdditionalProperties json.RawMessage    `json:"additionalProperties"`
	Items                *schema            `json:"items"`
	Required             []string           `json:"required"`
	MaxLength            int                `json:"maxLength"`
	MinItems             int                `json:"minItems"`
	MaxItems             int                `json:"maxItems"`
	MaxProperties        int                `json:"maxProperties"`
	Minimum              *int64             `json:"minimum"`
	Maximum              *int64             `json:"maximum"`
	Defs                 map[string]*schema `json:"$defs"`

	pattern *regexp.Regexp
	others  *schema // additionalProperties that are a schema
	closed  bool
	types   []string
}

// prepare reads what a schema says in several ways.
func (s *schema) prepare() error {
	switch t := s.Type.(type) {
	case string:
		s.types = []string{t}
	case []any:
		for _, name := range t {
			s.types = append(s.types, fmt.Sprint(name))
		}
	}
	switch text := string(s.AdditionalProperties); {
	case text == "false":
		s.closed = true
	case text != "":
		s.others = new(schema)
		if err := json.Unmarshal(s.AdditionalProperties, s.others); err != nil {
			return err
		}
		if err := s.others.prepare(); err != nil {
			return err
		}
	}
	if s.Pattern != "" {
		var err error
		if s.pattern, err = regexp.Compile(s.Pattern); err != nil {
			return err
		}
	}
	if s.Items != nil {
		if err := s.Items.prepare(); err != nil {
			return err
		}
	}
	for _, inner := range s.Properties {
		if err := inner.prepare(); err != nil {
			return err
		}
	}
	for _, inner := range s.Defs {
		if err := inner.prepare(); err != nil {
			return err
		}
	}
	return nil
}

// reader writes a document as JSON, holding it against the schema, and keeps where
// everything stood.
type reader struct {
	file     string
	root     *schema
	anchors  map[string]ast.Node
	places   map[string]place
	problems []Problem
	nodes    int
	out      []byte
}

func (r *reader) problem(at place, path, message, hint string) {
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, Problem{File: r.file, Line: at.line, Column: at.column, Path: path, Message: message, Hint: hint})
	}
}

func placeOf(n ast.Node) place {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return place{}
	}
	return place{n.GetToken().Position.Line, n.GetToken().Position.Column}
}

// resolved follows anchors and aliases. It returns nil, with a problem, where nothing is.
func (r *reader) resolved(n ast.Node, path string, depth int) ast.Node {
	at := placeOf(n)
	if depth > maxDepth {
		r.problem(at, path, "is nested too deeply", "")
		return nil
	}
	for range maxDepth {
		if r.nodes++; r.nodes > maxNodes || len(r.out) > maxJSON {
			if r.nodes < 2*maxNodes {
				r.nodes = 2 * maxNodes
				r.problem(at, path, "the table is too large, with its aliases written out", "make several tables of it")
			}
			return nil
		}
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			if n = r.anchors[v.Value.GetToken().Value]; n == nil {
				r.problem(at, path, "the alias has no anchor", "")
				return nil
			}
		case *ast.TagNode:
			r.problem(at, path, "has a YAML tag", "remove the tag")
			return nil
		default:
			return n
		}
	}
	r.problem(at, path, "the alias refers to itself", "")
	return nil
}

func (r *reader) refer(s *schema) (*schema, string) {
	name := ""
	for s != nil && s.Ref != "" {
		parts := strings.Split(strings.TrimPrefix(s.Ref, "#/$defs/"), "/")
		name = parts[0]
		to := r.root.Defs[name]
		if len(parts) == 3 { // of a property
			to = to.Properties[parts[2]]
		}
		s = to
	}
	return s, name
}

// value writes a node, and says whether it did.
func (r *reader) value(n ast.Node, s *schema, path string, depth int) {
	at := placeOf(n)
	r.places[path] = at
	s, name := r.refer(s)
	n = r.resolved(n, path, depth)
	if n == nil {
		r.out = append(r.out, "null"...)
		return
	}
	kind := kindOf(n)
	if s != nil && len(s.types) > 0 && !slices.Contains(s.types, kind) && (kind != "integer" || !slices.Contains(s.types, "number")) {
		hint := ""
		if kind == "integer" || kind == "number" || kind == "boolean" {
			if slices.Contains(s.types, "string") {
				hint = "put it in quotes"
			}
		}
		r.problem(at, path, "needs "+alternatives(s.types)+", has "+words[kind], hint)
		r.out = append(r.out, "null"...)
		return
	}
	switch v := n.(type) {
	case *ast.MappingNode:
		r.mapping(v.Values, s, name, path, at, depth)
	case *ast.MappingValueNode:
		r.mapping([]*ast.MappingValueNode{v}, s, name, path, at, depth)
	case *ast.SequenceNode:
		var items *schema
		if s != nil {
			if items = s.Items; len(v.Values) < s.MinItems || s.MaxItems > 0 && len(v.Values) > s.MaxItems {
				r.problem(at, path, fmt.Sprintf("has %d elements", len(v.Values)), bounds(s.MinItems, s.MaxItems))
			}
		}
		r.out = append(r.out, '[')
		for i, element := range v.Values {
			if i > 0 {
				r.out = append(r.out, ',')
			}
			r.value(element, items, path+"["+strconv.Itoa(i)+"]", depth+1)
		}
		r.out = append(r.out, ']')
	default:
		r.scalar(n, kind, s, path, at)
	}
}

func bounds(least, most int) string {
	if most == 0 {
		return fmt.Sprintf("write at least %d", least)
	}
	return fmt.Sprintf("write %d to %d", least, most)
}

func (r *reader) scalar(n ast.Node, kind string, s *schema, path string, at place) {
	text := n.GetToken().Value
	switch v := n.(type) {
	case *ast.StringNode:
		text = v.Value
	case *ast.LiteralNode:
		text = v.Value.Value
	case *ast.BoolNode:
		r.out = strconv.AppendBool(r.out, v.Value)
		return
	case *ast.NullNode:
		r.out = append(r.out, "null"...)
		return
	case *ast.IntegerNode:
		r.number(fmt.Sprint(v.Value), s, path, at)
		return
	case *ast.FloatNode:
		if json.Valid([]byte(text)) {
			r.out = append(r.out, text...)
		} else {
			r.out = strconv.AppendFloat(r.out, v.Value, 'g', -1, 64)
		}
		return
	default:
		r.problem(at, path, "is "+words[kind]+", which JSON does not have", "")
		r.out = append(r.out, "null"...)
		return
	}
	if s != nil {
		switch {
		case len(s.Enum) > 0 && !slices.Contains(s.Enum, text):
			hint := fault.Hint(text, s.Enum)
			r.problem(at, path, fmt.Sprintf("%q is not one of the words for it", clip(text)), hint)
		case s.MaxLength > 0 && len(text) > s.MaxLength:
			r.problem(at, path, fmt.Sprintf("has %d bytes, the limit is %d", len(text), s.MaxLength), "")
		case s.pattern != nil && !s.pattern.MatchString(text):
			r.problem(at, path, fmt.Sprintf("%q does not begin with a slash", clip(text)), "")
		}
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		quoted = []byte("null")
	}
	r.out = append(r.out, quoted...)
}

func (r *reader) number(text string, s *schema, path string, at place) {
	if n, err := strconv.ParseInt(text, 10, 64); s != nil && err == nil {
		if s.Minimum != nil && n < *s.Minimum {
			r.problem(at, path, fmt.Sprintf("is %d, the least is %d", n, *s.Minimum), "")
		}
		if s.Maximum != nil && n > *s.Maximum {
			r.problem(at, path, fmt.Sprintf("is %d, the most is %d", n, *s.Maximum), "")
		}
	}
	r.out = append(r.out, text...)
}

// ofParam are the keys of a parameter that are not of its schema.
var ofParam = []string{"in", "as", "required", "send", "const", "config", "map", "style", "whole", "base64", "media_type_from", "file_name_from", "at", "text", "schema"}

func (r *reader) mapping(pairs []*ast.MappingValueNode, s *schema, name, path string, at place, depth int) {
	if s == nil {
		s = new(schema)
	}
	if s.MaxProperties > 0 && len(pairs) > s.MaxProperties {
		r.problem(at, path, fmt.Sprintf("has %d keys, the limit is %d", len(pairs), s.MaxProperties), "")
	}
	var own, rest []keyed
	has := make(map[string]bool, len(pairs))
	for _, pair := range pairs {
		key, ok := pair.Key.(*ast.StringNode)
		if !ok {
			r.problem(placeOf(pair.Key), path, "a key is not text", "put it in quotes")
			continue
		}
		has[key.Value] = true
		if name == "param" && !slices.Contains(ofParam, key.Value) {
			rest = append(rest, keyed{key.Value, pair})
		} else {
			own = append(own, keyed{key.Value, pair})
		}
	}
	for _, required := range s.Required {
		if !has[required] {
			r.problem(at, path, "lacks the key "+required, "")
		}
	}
	r.out = append(r.out, '{')
	r.pairs(own, s, path, depth)
	if len(rest) > 0 {
		if has["schema"] {
			r.problem(placeOf(rest[0].pair.Key), path, "has a schema, and keywords of JSON Schema beside it", "write all of them under schema, or none")
		}
		if len(own) > 0 {
			r.out = append(r.out, ',')
		}
		r.out = append(r.out, `"schema":{`...)
		r.pairs(rest, s, path, depth)
		r.out = append(r.out, '}')
	}
	r.out = append(r.out, '}')
}

// keyed is a member of a mapping whose key is text.
type keyed struct {
	key  string
	pair *ast.MappingValueNode
}

func (r *reader) pairs(pairs []keyed, s *schema, path string, depth int) {
	for i, member := range pairs {
		key, pair := member.key, member.pair
		inner := s.Properties[key]
		at := join(path, clip(key))
		switch {
		case inner == nil && s.closed:
			known := make([]string, 0, len(s.Properties))
			for name := range s.Properties {
				known = append(known, name)
			}
			slices.Sort(known)
			r.problem(placeOf(pair.Key), at, "unknown key", fault.Hint(key, known))
		case inner == nil:
			inner = s.others
		}
		if i > 0 {
			r.out = append(r.out, ',')
		}
		quoted, err := json.Marshal(key)
		if err != nil {
			quoted = []byte(`""`)
		}
		r.out = append(append(r.out, quoted...), ':')
		r.value(pair.Value, inner, at, depth+1)
		r.places[at] = placeOf(pair.Key)
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// clip shortens what a file says for a message.
func clip(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, s)
	if runes := []rune(s); len(runes) > 40 {
		return string(runes[:40]) + "..."
	}
	return s
}

func kindOf(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "object"
	case *ast.SequenceNode:
		return "array"
	case *ast.StringNode, *ast.LiteralNode:
		return "string"
	case *ast.IntegerNode:
		return "integer"
	case *ast.FloatNode:
		return "number"
	case *ast.BoolNode:
		return "boolean"
	case *ast.NullNode:
		return "null"
	}
	return "other"
}

var words = map[string]string{
	"object": "a mapping", "array": "a list", "string": "text", "integer": "a whole number", "number": "a number",
	"boolean": "true or false", "null": "nothing", "other": "something else",
}

func alternatives(types []string) string {
	all := make([]string, len(types))
	for i, t := range types {
		all[i] = words[t]
	}
	return strings.Join(all, " or ")
}
