package query

import (
	"bytes"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// scratch is memory that the conditions of a search use again for each record.
type scratch struct{ lower, normal []byte }

// holds reports whether a condition is true for a row. It takes time in proportion to the row, for
// every operator.
func (n *node) holds(r row, s *scratch) bool {
	switch n.operator {
	case "and":
		for _, child := range n.children {
			if !child.holds(r, s) {
				return false
			}
		}
		return true
	case "or":
		for _, child := range n.children {
			if child.holds(r, s) {
				return true
			}
		}
		return false
	case "not":
		return !n.children[0].holds(r, s)
	}
	raw := r[n.slot]
	switch n.operator {
	case "array_contains":
		return n.elements(raw, func(one []byte) bool { return equal(read(one, n.field.Type), n.value) })
	case "any":
		var inner row
		return n.elements(raw, func(one []byte) bool {
			if rawjson.KindOf(one) != rawjson.Object {
				return false
			}
			inner = n.inner.paths.read(one, inner)
			return n.inner.condition.holds(inner, s)
		})
	case "startswith", "endswith", "contains", "equalfold":
		return rawjson.KindOf(raw) == rawjson.String && n.textHolds(raw, s)
	case "fuzzy", "keyword":
		found := false
		texts(raw, func(one []byte) bool {
			found = n.textHolds(one, s)
			return !found
		})
		return found
	}
	return n.valueHolds(read(raw, n.field.Type))
}

func (n *node) elements(raw []byte, holds func([]byte) bool) bool {
	if rawjson.KindOf(raw) != rawjson.Array {
		return false
	}
	for one := range rawjson.Elements(raw) {
		if holds(one) {
			return true
		}
	}
	return false
}

func (n *node) valueHolds(v value) bool {
	switch n.operator {
	case "eq":
		return equal(v, n.value)
	case "neq":
		return !equal(v, n.value)
	case "in":
		if v.kind == compound {
			return false
		}
		var b [64]byte
		_, found := n.values[string(v.appendCanonical(b[:0]))]
		return found
	}
	// What is null, or of another type, is neither more nor less.
	if v.kind != n.value.kind || v.kind == null || v.kind == compound {
		return false
	}
	order := compare(v, n.value)
	switch n.operator {
	case "gt":
		return order > 0
	case "gte":
		return order >= 0
	case "lt":
		return order < 0
	}
	return order <= 0 // lte
}

// texts yields a text, or the texts in a list or an object, which are each searched for words.
func texts(raw []byte, yield func([]byte) bool) {
	switch rawjson.KindOf(raw) {
	case rawjson.String:
		yield(raw)
	case rawjson.Array, rawjson.Object:
		for t := range rawjson.Tokens(raw) {
			if t.Kind == rawjson.Scalar && t.Raw[0] == '"' && !yield(t.Raw) {
				return
			}
		}
	}
}

func (n *node) textHolds(raw []byte, s *scratch) bool {
	given := raw[1 : len(raw)-1]
	if bytes.IndexByte(given, '\\') >= 0 {
		given = []byte(rawjson.Unquote(raw))
	}
	s.lower = appendLower(s.lower[:0], given)
	switch n.operator {
	case "startswith":
		return bytes.HasPrefix(s.lower, n.part)
	case "endswith":
		return bytes.HasSuffix(s.lower, n.part)
	case "contains":
		return bytes.Contains(s.lower, n.part)
	case "equalfold":
		return bytes.Equal(s.lower, n.part)
	}
	s.normal = appendNormal(s.normal[:0], s.lower)
	if n.operator == "keyword" {
		for _, piece := range n.pieces {
			if bytes.Contains(s.normal, piece) {
				return true
			}
		}
		return false
	}
	rest := s.normal
	for _, piece := range n.pieces { // fuzzy
		_, after, found := bytes.Cut(rest, piece)
		if !found {
			return false
		}
		rest = after
	}
	return true
}
