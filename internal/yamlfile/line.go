package yamlfile

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Line finds the line of the key that a path such as connections.support.server leads to, or of
// the last key on the way that is there. It is 0 if there is none, or data is no YAML.
func Line(data []byte, path string, l Limits) int {
	node, problem := Parse(data, l)
	if problem != nil {
		return 0
	}
	line := 0
	for node != nil && path != "" {
		pair, rest := member(node, path)
		if pair == nil {
			break
		}
		if at := pair.Key.GetToken(); at != nil && at.Position != nil {
			line = at.Position.Line
		}
		node, path = pair.Value, rest
		if anchor, ok := node.(*ast.AnchorNode); ok {
			node = anchor.Value
		}
	}
	return line
}

// member is the member of a mapping with which a path begins, and the rest of the path.
func member(n ast.Node, path string) (pair *ast.MappingValueNode, rest string) {
	for _, pair := range Pairs(n) {
		key, ok := pair.Key.(*ast.StringNode)
		if !ok || key.Value == "" {
			continue
		}
		if rest, found := strings.CutPrefix(path, key.Value); found && (rest == "" || rest[0] == '.') {
			return pair, strings.TrimPrefix(rest, ".")
		}
	}
	return nil, path
}

// Pairs are the keys and values of a mapping, none of another node.
func Pairs(n ast.Node) []*ast.MappingValueNode {
	switch v := n.(type) {
	case *ast.MappingNode:
		return v.Values
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{v}
	}
	return nil
}
