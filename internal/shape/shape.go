// Package shape keeps or drops fields of a result without decoding it: what is kept
// has the vendor's own bytes, in the vendor's order.
//
// A field is named by a path such as assignee.email. A path goes through arrays:
// messages.author.name names the field of every message. A backslash takes away the
// meaning of a dot or of another backslash.
package shape

import (
	"encoding/json"
	"fmt"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// maxArrays is how many arrays may directly nest in one another on the way of a path: no
// vendor means one field by so many.
const maxArrays = 8

// Shape says which fields of a record to keep and which to drop. The zero value and a nil one
// keep everything. It is safe for concurrent use.
type Shape struct {
	selected, excluded *tree
}

// New makes a Shape that keeps the selected fields, or all where selected is empty,
// and then drops the excluded ones. A path that another one includes adds nothing. Without
// either it is nil. The error is an [*abi.Error] of kind invalid_params.
func New(selected, excluded []string) (*Shape, error) {
	if len(selected)+len(excluded) == 0 {
		return nil, nil
	}
	s := &Shape{}
	var err error
	if s.selected, err = parse("select", selected); err != nil {
		return nil, err
	}
	if s.excluded, err = parse("exclude", excluded); err != nil {
		return nil, err
	}
	return s, nil
}

// Apply shapes a record, or every record of an array. A selected field that a record
// does not have is absent from what it returns; null stays null. A value without
// fields, such as an array's number, has nothing to drop and stays whole on top; in
// the way of a longer selected path it is dropped.
//
// # Errors
//
// All are [*abi.Error].
//   - connector_fault: data is not JSON
//   - limit_exceeded: more than 8 arrays nest directly in one another on a path
func (s *Shape) Apply(data json.RawMessage) (json.RawMessage, error) {
	if s == nil || s.selected == nil && s.excluded == nil {
		return data, nil
	}
	if err := rawjson.Check(data); err != nil {
		return nil, &abi.Error{Kind: abi.KindConnectorFault, Message: fmt.Sprintf("the result is not JSON: %v", err)}
	}
	for _, step := range []struct {
		fields *tree
		apply  func(w *writer, r *rawjson.Reader, fields *tree, arrays int)
	}{{s.selected, (*writer).keep}, {s.excluded, (*writer).drop}} {
		if step.fields == nil {
			continue
		}
		w := &writer{}
		w.records(rawjson.NewReader(data), step.fields, step.apply)
		if w.err != nil {
			return nil, w.err
		}
		data = w.out
	}
	return data, nil
}

// writer builds the result of one step.
type writer struct {
	out []byte
	err error
}

// records applies a step to data on top, where even a value without fields is kept.
func (w *writer) records(r *rawjson.Reader, fields *tree, apply func(*writer, *rawjson.Reader, *tree, int)) {
	switch r.Kind() {
	case rawjson.Object:
		apply(w, r, fields, 0)
	case rawjson.Array:
		w.array(r, func() {
			if r.Kind() == rawjson.Object {
				apply(w, r, fields, 1)
				return
			}
			w.value(r)
		}, nil)
	default:
		w.value(r)
	}
}

// keep writes the selected fields of an object, or of the objects of an array.
func (w *writer) keep(r *rawjson.Reader, fields *tree, arrays int) {
	switch r.Kind() {
	case rawjson.Object:
		w.object(r, func(name []byte) bool {
			child := fields.children[rawjson.Unquote(name)]
			if child == nil || !child.whole && !mayHold(r.Kind()) {
				return false
			}
			w.name(name)
			if child.whole {
				w.value(r)
			} else {
				w.keep(r, child, 0)
			}
			return true
		})
	case rawjson.Array:
		if w.tooDeep(arrays) {
			return
		}
		w.array(r, func() { w.keep(r, fields, arrays+1) }, mayHold)
	default:
		w.value(r)
	}
}

// drop writes an object, or the objects of an array, without the excluded fields.
func (w *writer) drop(r *rawjson.Reader, fields *tree, arrays int) {
	switch r.Kind() {
	case rawjson.Object:
		w.object(r, func(name []byte) bool {
			child := fields.children[rawjson.Unquote(name)]
			if child != nil && child.whole {
				return false
			}
			w.name(name)
			if child == nil {
				w.value(r)
			} else {
				w.drop(r, child, 0)
			}
			return true
		})
	case rawjson.Array:
		if w.tooDeep(arrays) {
			return
		}
		w.array(r, func() { w.drop(r, fields, arrays+1) }, nil)
	default:
		w.value(r)
	}
}

// mayHold says whether a selected path can lead on through a value. Null may: it says
// that the vendor has the field and that it is empty.
func mayHold(kind rawjson.Kind) bool {
	switch kind {
	case rawjson.Object, rawjson.Array, rawjson.Null:
		return true
	}
	return false
}

func (w *writer) tooDeep(arrays int) bool {
	if arrays < maxArrays {
		return false
	}
	if w.err == nil {
		w.err = &abi.Error{
			Kind:    abi.KindLimitExceeded,
			Message: fmt.Sprintf("more than %d arrays nest in one another where a selected or excluded path leads", maxArrays),
			Hint:    "select or exclude a shorter path",
		}
	}
	return true
}

// object writes the members for which write, which also writes them, returns true.
func (w *writer) object(r *rawjson.Reader, write func(name []byte) bool) {
	w.out = append(w.out, '{')
	for name := range r.Members() {
		if write(name) {
			w.out = append(w.out, ',')
		}
		if w.err != nil {
			return
		}
	}
	w.close('}')
}

// array writes the elements that want, where it is not nil, wants.
func (w *writer) array(r *rawjson.Reader, write func(), want func(rawjson.Kind) bool) {
	w.out = append(w.out, '[')
	for range r.Elements() {
		if want != nil && !want(r.Kind()) {
			continue
		}
		write()
		if w.err != nil {
			return
		}
		w.out = append(w.out, ',')
	}
	w.close(']')
}

// value writes a value as the vendor did.
func (w *writer) value(r *rawjson.Reader) { w.out = append(w.out, r.Value()...) }

func (w *writer) name(raw []byte) {
	w.out = append(append(w.out, raw...), ':')
}

// close ends an object or array in the place of the comma after its last member.
func (w *writer) close(bracket byte) {
	if last := len(w.out) - 1; w.out[last] == ',' {
		w.out[last] = bracket
		return
	}
	w.out = append(w.out, bracket)
}
