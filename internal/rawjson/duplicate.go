package rawjson

import (
	"errors"
	"fmt"
	"slices"
)

// MaxDuplicateDepth is how deep [Duplicate] looks: no honest document nests more.
const MaxDuplicateDepth = 64

// Duplicate returns a member name that occurs twice in one object, at any depth, and
// "" if there is none. Names are compared after unescaping. The error is that of
// [Check], or says that data nests more deeply than [MaxDuplicateDepth], that it has more
// than [MaxValues] values, or that it is the empty name which occurs twice.
func Duplicate(data []byte) (string, error) { return DuplicateWithin(data, nil) }

// DuplicateWithin is [Duplicate] that tells step how many bytes it has read since it told
// it before. It reads each byte once, and ends with the error of step.
func DuplicateWithin(data []byte, step func(bytes int) error) (string, error) {
	n := new(names)
	s := scanner{data: data, names: n, step: step}
	_, _, err := s.document()
	if err := s.finish(err); err != nil {
		return "", err
	}
	return n.twice, n.fault
}

// names are the member names of the objects around the place that a scanner has reached.
type names struct {
	values int      // read so far
	list   []string // the names of the outermost object first
	// The first thing that is wrong with the names. The walk goes on, since a text that is
	// not JSON is an error of syntax in the first place.
	twice string
	fault error
}

// objectNames are those of one object: a part of the list, and an index once it is long.
type objectNames struct {
	start int
	index map[string]struct{}
}

// indexFrom is how many names are compared one by one.
const indexFrom = 16

// value is told of each value before it is read.
func (n *names) value(depth int) error {
	if depth > MaxDuplicateDepth && !n.wrong() {
		return errors.New("nested too deeply")
	}
	if n.values++; n.values > MaxValues {
		return BoundsError(fmt.Sprintf("more than %d values", MaxValues))
	}
	return nil
}

func (n *names) wrong() bool { return n.twice != "" || n.fault != nil }

func (n *names) open() objectNames { return objectNames{start: len(n.list)} }

func (n *names) close(o objectNames) {
	clear(n.list[o.start:])
	n.list = n.list[:o.start]
}

// add notes a name as the text has it, and whether the object has it already.
func (n *names) add(o *objectNames, raw []byte) {
	if n.wrong() {
		return
	}
	name := Unquote(raw)
	if o.has(n.list, name) {
		n.twice, n.fault = name, twice(name)
		return
	}
	n.list = append(n.list, name)
	switch count := len(n.list) - o.start; {
	case o.index != nil:
		o.index[name] = struct{}{}
	case count == indexFrom:
		o.index = make(map[string]struct{}, 2*indexFrom)
		for _, known := range n.list[o.start:] {
			o.index[known] = struct{}{}
		}
	}
}

func (o *objectNames) has(list []string, name string) bool {
	if o.index != nil {
		_, known := o.index[name]
		return known
	}
	return slices.Contains(list[o.start:], name)
}

// twice is the error of a name that occurs twice and says nothing by itself.
func twice(name string) error {
	if name == "" {
		return errors.New("a member with the empty name is given twice")
	}
	return nil
}
