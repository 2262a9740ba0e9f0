package openapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/tableimport"
	"go.yaml.in/yaml/v4"
)

// Bounds of a document; MaxFile is its size in bytes. The YAML that vendors write has line breaks where the parser of tables
// takes none, so that documents have another one.
const (
	MaxFile  = 16 << 20
	maxTree  = 2_000_000
	maxText  = 2 * MaxFile // with the texts of aliases
	maxDepth = 100
)

// read reads a document in YAML or JSON, with its aliases written out within the bounds.
func read(data []byte) (tableimport.Map, error) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	switch {
	case len(data) > MaxFile:
		return nil, fmt.Errorf("is larger than %d bytes", MaxFile)
	case !utf8.Valid(data):
		return nil, errors.New("is not UTF-8 text")
	}
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, errors.New("is not valid YAML or JSON: " + clean(err.Error(), 200))
	}
	if root.Kind != yaml.DocumentNode || len(root.Content) != 1 {
		return nil, errors.New("is empty")
	}
	r := new(reader)
	v, err := r.value(root.Content[0], 0)
	if err != nil {
		return nil, err
	}
	m, ok := v.(tableimport.Map)
	if !ok {
		return nil, errors.New("is no mapping")
	}
	return m, nil
}

type reader struct{ nodes, text int }

func (r *reader) value(n *yaml.Node, depth int) (any, error) {
	if r.nodes++; r.nodes > maxTree {
		return nil, fmt.Errorf("has more than %d values, with its aliases written out", maxTree)
	}
	if r.text += len(n.Value); r.text > maxText {
		return nil, fmt.Errorf("has more than %d bytes of text, with its aliases written out", maxText)
	}
	if depth > maxDepth {
		return nil, fmt.Errorf("is nested too deeply at line %d, or an alias refers to itself", n.Line)
	}
	switch n.Kind {
	case yaml.AliasNode:
		return r.value(n.Alias, depth+1)
	case yaml.MappingNode:
		m, known := make(tableimport.Map, 0, len(n.Content)/2), make(map[string]bool, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if key.Kind != yaml.ScalarNode {
				return nil, fmt.Errorf("has a key at line %d that is not text", key.Line)
			}
			if known[key.Value] {
				return nil, fmt.Errorf("has the key %q at line %d twice", clean(key.Value, 60), key.Line)
			}
			known[key.Value] = true
			value, err := r.value(n.Content[i+1], depth+1)
			if err != nil {
				return nil, err
			}
			m = append(m, tableimport.Member{Key: key.Value, Value: value})
		}
		return m, nil
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for _, element := range n.Content {
			value, err := r.value(element, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, value)
		}
		return list, nil
	}
	return scalar(n), nil
}

// scalar is the value of a node without parts. A date is the text that it was written as.
func scalar(n *yaml.Node) any {
	switch n.ShortTag() {
	case "!!null":
		return nil
	case "!!bool":
		var b bool
		if n.Decode(&b) == nil {
			return b
		}
	case "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return json.Number(n.Value)
		}
		var f float64
		if n.Decode(&f) == nil && f-f == 0 { // which is neither infinite nor no number
			return json.Number(strconv.FormatFloat(f, 'g', -1, 64))
		}
	}
	return n.Value
}

// appendJSON writes a value of a document as JSON.
func appendJSON(b []byte, v any) []byte {
	switch v := v.(type) {
	case tableimport.Map:
		b = append(b, '{')
		for i, m := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSON(b, m.Key), ':')
			b = appendJSON(b, m.Value)
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, element := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSON(b, element)
		}
		return append(b, ']')
	case json.Number:
		return append(b, v...)
	}
	text, err := json.Marshal(v)
	if err != nil { // cannot be: the rest is text, true, false and null
		return append(b, "null"...)
	}
	return append(b, text...)
}
