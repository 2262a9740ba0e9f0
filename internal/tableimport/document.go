package tableimport

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/agenthost/agenthost/internal/yamlfile"
	"github.com/goccy/go-yaml/ast"
)

// Map is a mapping in the order of its document. The values are nil, bool, [json.Number],
// string, a list of values or a Map.
type Map []Member

// Member is a key and its value.
type Member struct {
	Key   string
	Value any
}

// Get returns the value of a key, nil if there is none.
func (m Map) Get(key string) any {
	for i := range m {
		if m[i].Key == key {
			return m[i].Value
		}
	}
	return nil
}

// Has reports whether m has a key.
func (m Map) Has(key string) bool {
	return slices.ContainsFunc(m, func(member Member) bool { return member.Key == key })
}

// Text returns the text of a key, "" if it has something else.
func (m Map) Text(key string) string { s, _ := m.Get(key).(string); return s }

// Bool returns whether a key has true.
func (m Map) Bool(key string) bool { b, _ := m.Get(key).(bool); return b }

// List returns the list of a key, nil if it has something else.
func (m Map) List(key string) []any { l, _ := m.Get(key).([]any); return l }

// Map returns the mapping of a key, nil if it has something else.
func (m Map) Map(key string) Map { return asMap(m.Get(key)) }

func asMap(v any) Map { m, _ := v.(Map); return m }

// Set gives a key a value, in its place or at the end.
func (m *Map) Set(key string, value any) {
	for i := range *m {
		if (*m)[i].Key == key {
			(*m)[i].Value = value
			return
		}
	}
	*m = append(*m, Member{key, value})
}

// Add is Set for values that say something: not for nil, false, "", and what has no members.
func (m *Map) Add(key string, value any) {
	switch v := value.(type) {
	case nil:
		return
	case bool:
		if !v {
			return
		}
	case string:
		if v == "" {
			return
		}
	case []any:
		if len(v) == 0 {
			return
		}
	case Map:
		if len(v) == 0 {
			return
		}
	}
	m.Set(key, value)
}

// Remove removes a key.
func (m *Map) Remove(key string) {
	*m = slices.DeleteFunc(*m, func(member Member) bool { return member.Key == key })
}

// MarshalJSON writes m in its order.
func (m Map) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, member := range m {
		if i > 0 {
			b = append(b, ',')
		}
		key, err := json.Marshal(member.Key)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(member.Value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, key...), ':'), value...)
	}
	return append(b, '}'), nil
}

// Bounds of a description that somebody else wrote.
const (
	// MaxFile is its size in bytes.
	MaxFile  = 10 << 20
	maxNodes = 2_000_000
	maxDepth = 100
)

// Read reads a description in YAML or JSON. Aliases are written out, within the bounds.
func Read(data []byte) (Map, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if len(data) > MaxFile {
		return nil, fmt.Errorf("is larger than %d bytes", MaxFile)
	}
	var root any
	var err error
	if trimmed := bytes.TrimLeft(data, " \t\r\n"); len(trimmed) > 0 && trimmed[0] == '{' && json.Valid(data) {
		root, err = readJSON(data)
	} else {
		root, err = readYAML(data)
	}
	if err != nil {
		return nil, err
	}
	m, ok := root.(Map)
	if !ok {
		return nil, errors.New("is no mapping")
	}
	return m, nil
}

func readJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	nodes := 0
	return jsonValue(d, 0, &nodes)
}

func jsonValue(d *json.Decoder, depth int, nodes *int) (any, error) {
	if err := within(depth, nodes); err != nil {
		return nil, err
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	delim, ok := token.(json.Delim)
	if !ok {
		return token, nil
	}
	if delim == '[' {
		list := []any{}
		for d.More() {
			element, err := jsonValue(d, depth+1, nodes)
			if err != nil {
				return nil, err
			}
			list = append(list, element)
		}
		_, err = d.Token()
		return list, err
	}
	m, known := Map{}, make(map[string]bool)
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		switch {
		case !ok:
			return nil, io.ErrUnexpectedEOF
		case known[name]:
			return nil, fmt.Errorf("has the key %q twice", clip(name))
		}
		known[name] = true
		value, err := jsonValue(d, depth+1, nodes)
		if err != nil {
			return nil, err
		}
		m = append(m, Member{name, value})
	}
	_, err = d.Token()
	return m, err
}

func within(depth int, nodes *int) error {
	*nodes++
	switch {
	case depth > maxDepth:
		return errors.New("is nested too deeply, or an alias refers to itself")
	case *nodes > maxNodes:
		return fmt.Errorf("has more than %d values, with its aliases written out", maxNodes)
	}
	return nil
}

func readYAML(data []byte) (any, error) {
	body, problem := yamlfile.Parse(data, yamlfile.Limits{Tokens: 4_000_000, Depth: maxDepth, Keys: 5_000, TooMany: "make several documents of it"})
	if problem != nil {
		return nil, fmt.Errorf("line %d: %s", problem.Line, problem.Message)
	}
	if body == nil {
		return nil, errors.New("is empty")
	}
	r := yamlReader{anchors: yamlfile.Anchors(body)}
	return r.value(body, 0)
}

type yamlReader struct {
	anchors map[string]ast.Node
	nodes   int
}

func (r *yamlReader) value(n ast.Node, depth int) (any, error) {
	if err := within(depth, &r.nodes); err != nil {
		return nil, err
	}
	switch v := n.(type) {
	case *ast.AnchorNode:
		return r.value(v.Value, depth+1)
	case *ast.AliasNode:
		to := r.anchors[v.Value.GetToken().Value]
		if to == nil {
			return nil, fmt.Errorf("line %d: the alias has no anchor", lineOf(n))
		}
		return r.value(to, depth+1)
	case *ast.MappingNode:
		return r.mapping(v.Values, depth)
	case *ast.MappingValueNode:
		return r.mapping([]*ast.MappingValueNode{v}, depth)
	case *ast.SequenceNode:
		list := make([]any, 0, len(v.Values))
		for _, element := range v.Values {
			value, err := r.value(element, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	case *ast.StringNode:
		return v.Value, nil
	case *ast.LiteralNode:
		return v.Value.Value, nil
	case *ast.BoolNode:
		return v.Value, nil
	case *ast.NullNode:
		return nil, nil
	case *ast.IntegerNode:
		return json.Number(fmt.Sprint(v.Value)), nil
	case *ast.FloatNode:
		if text := v.GetToken().Value; json.Valid([]byte(text)) {
			return json.Number(text), nil
		}
		return json.Number(strconv.FormatFloat(v.Value, 'g', -1, 64)), nil
	}
	return nil, fmt.Errorf("line %d: has something that JSON does not have", lineOf(n))
}

func (r *yamlReader) mapping(pairs []*ast.MappingValueNode, depth int) (Map, error) {
	m := make(Map, 0, len(pairs))
	for _, pair := range pairs {
		var name string
		switch key := pair.Key.(type) {
		case *ast.StringNode:
			name = key.Value
		case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.NullNode: // such as the status 200
			name = key.GetToken().Value
		default:
			return nil, fmt.Errorf("line %d: a key is not text", lineOf(pair.Key))
		}
		value, err := r.value(pair.Value, depth+1)
		if err != nil {
			return nil, err
		}
		m = append(m, Member{name, value})
	}
	return m, nil
}

func lineOf(n ast.Node) int {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return 0
	}
	return n.GetToken().Position.Line
}

// clip shortens what a document says for a message.
func clip(s string) string {
	if runes := []rune(s); len(runes) > 60 {
		return string(runes[:60]) + "..."
	}
	return s
}
