package query

import (
	"bytes"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// paths are the values of a record that a search looks at. Each has a number, so that a record is
// read once, whatever a search asks of it.
type paths struct {
	root  branch
	count int
}

// branch is a member that paths go through or end at.
type branch struct {
	inner map[string]*branch
	slot  int // of the value; 0 if no path ends here
}

// add returns the number of a path.
func (p *paths) add(path []string) int {
	at := &p.root
	for _, name := range path {
		if at.inner == nil {
			at.inner = make(map[string]*branch)
		}
		next := at.inner[name]
		if next == nil {
			next = &branch{}
			at.inner[name] = next
		}
		at = next
	}
	if at.slot == 0 {
		p.count++
		at.slot = p.count
	}
	return at.slot
}

// row is a record with the values that paths found in it, by their numbers. A missing one is empty.
type row [][]byte

// read fills a row, which it takes the memory of.
func (p *paths) read(record []byte, r row) row {
	r = r[:0]
	for range p.count + 1 {
		r = append(r, nil)
	}
	p.root.read(record, r)
	return r
}

func (b *branch) read(raw []byte, r row) {
	if rawjson.KindOf(raw) != rawjson.Object {
		return
	}
	for name, v := range rawjson.Members(raw) {
		var next *branch
		if bytes.IndexByte(name, '\\') < 0 {
			next = b.inner[string(name[1:len(name)-1])]
		} else {
			next = b.inner[rawjson.Unquote(name)]
		}
		if next == nil {
			continue
		}
		if next.slot > 0 {
			r[next.slot] = v
		}
		if next.inner != nil {
			next.clear(r) // of two members with one name, the last one counts
			next.read(v, r)
		}
	}
}

func (b *branch) clear(r row) {
	for _, next := range b.inner {
		r[next.slot] = nil
		next.clear(r)
	}
}

// project returns a record with the members that paths lead to. What a path does not lead into, such
// as a list, stays whole.
func (b *branch) project(out, raw []byte) []byte {
	out = append(out, '{')
	first := true
	for name, v := range rawjson.Members(raw) {
		next := b.inner[rawjson.Unquote(name)]
		if next == nil {
			continue
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		out = append(append(out, name...), ':')
		if next.slot > 0 || next.inner == nil || rawjson.KindOf(v) != rawjson.Object {
			out = append(out, v...)
			continue
		}
		out = next.project(out, v)
	}
	return append(out, '}')
}
