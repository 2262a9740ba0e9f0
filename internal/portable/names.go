package portable

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/agenthost/agenthost/internal/budget"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/rawjson"
)

// Names are the aliases of the parameters in a schema, in the shape of its values. A nil
// *Names has no aliases. Names are immutable once a schema has them.
type Names struct {
	own      map[string]string // the connector's name, by its alias
	members  map[string]*Names // of a member's value, by the connector's name
	others   *Names            // of the values of other members
	elements *Names            // of the elements of an array
}

// Own returns the connector's name of a member, and whether name is an alias.
func (n *Names) Own(name string) (own string, alias bool) {
	if n == nil {
		return name, false
	}
	if own, alias = n.own[name]; alias {
		return own, true
	}
	return name, false
}

// Member returns the aliases in the value of a member. The name is the connector's.
func (n *Names) Member(own string) *Names {
	if n == nil {
		return nil
	}
	if m, known := n.members[own]; known {
		return m
	}
	return n.others
}

// Element returns the aliases in the elements of an array.
func (n *Names) Element() *Names {
	if n == nil {
		return nil
	}
	return n.elements
}

// Restore returns a value with the connector's names in the place of their aliases. All other
// bytes stay. The value must be well-formed JSON without duplicate names. The error is
// invalid_params if an object has both a name and its alias.
func (n *Names) Restore(value []byte) ([]byte, error) { return n.restore(value, "") }

func (n *Names) restore(value []byte, at string) ([]byte, error) {
	switch kind := rawjson.KindOf(value); {
	case n == nil:
		return value, nil
	case kind == rawjson.Object && (n.own != nil || n.members != nil || n.others != nil):
		return n.restoreObject(value, at)
	case kind == rawjson.Array && n.elements != nil:
		out := append(make([]byte, 0, len(value)), '[')
		for element := range rawjson.Elements(value) {
			if len(out) > 1 {
				out = append(out, ',')
			}
			element, err := n.elements.restore(element, at)
			if err != nil {
				return nil, err
			}
			out = append(out, element...)
		}
		return append(out, ']'), nil
	case kind == rawjson.String:
		return n.restoreText(value, at), nil
	}
	return value, nil
}

// restoreText restores the names in an object or an array that a model wrote into a text. It
// stays a text: what repairs the arguments knows whether the schema wants one. A text in which
// no alias is stays as it is.
func (n *Names) restoreText(text []byte, at string) []byte {
	inner := rawjson.Trim([]byte(rawjson.Unquote(text)))
	if kind := rawjson.KindOf(inner); kind != rawjson.Object && kind != rawjson.Array || !rawjson.Valid(inner) {
		return text
	}
	restored, err := n.restore(inner, at)
	if err != nil || bytes.Equal(compact(restored), compact(inner)) {
		return text
	}
	return budget.AppendText(nil, string(restored))
}

func compact(value []byte) []byte {
	var out bytes.Buffer
	_ = json.Compact(&out, value) // the value is valid
	return out.Bytes()
}

func (n *Names) restoreObject(value []byte, at string) ([]byte, error) {
	out := append(make([]byte, 0, len(value)), '{')
	given := make(map[string]string) // what the caller wrote, by the connector's name
	for name, member := range rawjson.Members(value) {
		plain := rawjson.Unquote(name)
		own, alias := n.Own(plain)
		path := own
		if at != "" {
			path = at + "." + own
		}
		if other, twice := given[own]; twice {
			return nil, fault.Invalid(path, fmt.Sprintf("%q and %q are the same parameter", other, plain), "remove one of them")
		}
		given[own] = plain
		if len(out) > 1 {
			out = append(out, ',')
		}
		if alias {
			out = budget.AppendText(out, own)
		} else {
			out = append(out, name...)
		}
		member, err := n.Member(own).restore(member, path)
		if err != nil {
			return nil, err
		}
		out = append(append(out, ':'), member...)
	}
	return append(out, '}'), nil
}

// Aliased is the other way round of [Names.Restore]: it returns a value with the aliases of the
// connector's names.
func (n *Names) Aliased(value []byte) []byte {
	if n == nil {
		return value
	}
	alias := make(map[string]string)
	for name, own := range n.own {
		alias[own] = name
	}
	var out []byte
	add := func(b ...byte) { out = append(out, b...) }
	switch rawjson.KindOf(value) {
	case rawjson.Array:
		add('[')
		for element := range rawjson.Elements(value) {
			if len(out) > 1 {
				add(',')
			}
			add(n.elements.Aliased(element)...)
		}
		add(']')
	case rawjson.Object:
		add('{')
		for name, member := range rawjson.Members(value) {
			if len(out) > 1 {
				add(',')
			}
			own := rawjson.Unquote(name)
			if a, ok := alias[own]; ok {
				out = budget.AppendText(out, a)
			} else {
				add(name...)
			}
			add(':')
			add(n.Member(own).Aliased(member)...)
		}
		add('}')
	default:
		return value
	}
	return out
}

// with returns the aliases of values that n or m have.
func (n *Names) with(m *Names) *Names {
	switch {
	case n == nil:
		return m
	case m == nil:
		return n
	}
	out := &Names{own: maps.Clone(n.own), members: maps.Clone(n.members), others: n.others.with(m.others), elements: n.elements.with(m.elements)}
	for alias, own := range m.own {
		if out.own == nil {
			out.own = make(map[string]string)
		}
		out.own[alias] = own
	}
	for name, of := range m.members {
		if out.members == nil {
			out.members = make(map[string]*Names)
		}
		out.members[name] = out.members[name].with(of)
	}
	return out
}
