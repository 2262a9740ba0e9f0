package config

import (
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/goccy/go-yaml/ast"
)

// maxVisits is the largest number of nodes to read. It stops small files with aliases from
// causing endless work.
const maxVisits = 100_000

// reader turns YAML nodes into a Config and collects problems.
type reader struct {
	file, dir string
	anchors   map[string]ast.Node
	problems  []Problem
	visits    int
	schemes   []string // of references, beside those that every program knows
	// meets, if not nil, receives every key that a mapping may have. Tests set it.
	meets func(path string)
}

// key is one key that a mapping may have.
type key struct {
	name string
	read func(value ast.Node, path string)
}

func (r *reader) note(p Problem) {
	p.File = r.file
	if len(r.problems) < maxProblems {
		r.problems = append(r.problems, p)
	}
}

// problem adds a problem at a node.
func (r *reader) problem(n ast.Node, path, message, hint string) {
	p := Problem{Key: path, Message: message, Hint: hint}
	if n != nil && n.GetToken() != nil && n.GetToken().Position != nil {
		p.Line, p.Column = n.GetToken().Position.Line, n.GetToken().Position.Column
	}
	r.note(p)
}

// value strips anchors and follows aliases. It returns nil, with a problem, if there is
// nothing to read.
func (r *reader) value(n ast.Node, path string) ast.Node {
	at := n
	for range maxDepth {
		if r.visits++; r.visits > maxVisits {
			if r.visits == maxVisits+1 {
				r.problem(at, path, "aliases expand to too many nodes", "")
			}
			return nil
		}
		switch v := n.(type) {
		case *ast.AnchorNode:
			n = v.Value
		case *ast.AliasNode:
			name := v.Value.GetToken().Value
			if n = r.anchors[name]; n == nil {
				r.problem(at, path, "the alias has no anchor", "")
				return nil
			}
		case *ast.TagNode:
			r.problem(at, path, "has a YAML tag", "remove the tag; the key determines the type")
			return nil
		default:
			return n
		}
	}
	r.problem(at, path, "the alias refers to itself", "")
	return nil
}

// pairs yields the keys and values of a mapping. If n is something else, it adds a problem and
// yields nothing.
func (r *reader) pairs(n ast.Node, path string, yield func(name string, key, value ast.Node)) {
	at := n
	if n = r.value(n, path); n == nil {
		return
	}
	var values []*ast.MappingValueNode
	switch v := n.(type) {
	case *ast.MappingNode:
		values = v.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{v}
	case *ast.NullNode:
		r.problem(at, path, "is empty", "remove the key, or add a mapping")
		return
	default:
		r.problem(at, path, "needs a mapping, has "+describe(n), "write each key on its own line, as key: value")
		return
	}
	for _, pair := range values {
		switch k := pair.Key.(type) {
		case *ast.StringNode:
			yield(k.Value, k, pair.Value)
		case *ast.MergeKeyNode:
			r.problem(k, path, "merge keys are not supported", "use an alias for a whole value instead")
		default:
			r.problem(pair.Key, path, "the key is not text", "put it in quotes")
		}
	}
}

// mapping reads a mapping with known keys.
func (r *reader) mapping(n ast.Node, path string, keys []key) { r.mappingAround(n, path, keys, nil) }

// mappingAround reads a mapping that contains others. deeper maps keys that people write one
// level too high to the mapping where they belong.
func (r *reader) mappingAround(n ast.Node, path string, keys []key, deeper map[string]string) {
	names := make([]string, len(keys))
	for i, k := range keys {
		names[i] = k.name
		if r.meets != nil {
			r.meets(join(path, k.name))
		}
	}
	r.pairs(n, path, func(name string, at, value ast.Node) {
		for _, k := range keys {
			if k.name == name {
				k.read(value, join(path, name))
				return
			}
		}
		hint := fault.Hint(name, names)
		if in := deeper[name]; in != "" {
			hint = "it belongs under " + in
		}
		r.problem(at, join(path, clip(name)), "unknown key", hint)
	})
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// clip shortens a name for a message.
func clip(name string) string {
	name = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return '?'
		}
		return c
	}, name)
	if runes := []rune(name); len(runes) > 40 {
		return string(runes[:40]) + "..."
	}
	return name
}

// describe names the type of a node.
func describe(n ast.Node) string {
	switch n.(type) {
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.BoolNode:
		return "true or false"
	case *ast.NullNode:
		return "nothing"
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	}
	return "something else"
}
