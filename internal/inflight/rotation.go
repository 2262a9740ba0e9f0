package inflight

import "slices"

// waiter waits for bytes.
type waiter struct {
	bytes    int64
	admitted chan struct{}
}

// rotation are those who wait, by part and by name. They come by turns: one of each part, and in a
// part one of each name. The zero value is empty.
type rotation[P comparable] struct {
	parts map[P]*names
	order []P // the next one first
}

// names are those of one part.
type names struct {
	lines map[string][]*waiter
	order []string // the next one first
}

func (r *rotation[P]) add(part P, name string, w *waiter) {
	n := r.parts[part]
	if n == nil {
		if r.parts == nil {
			r.parts = make(map[P]*names)
		}
		n = &names{lines: make(map[string][]*waiter)}
		r.parts[part] = n
		r.order = append(r.order, part)
	}
	if len(n.lines[name]) == 0 {
		n.order = append(n.order, name)
	}
	n.lines[name] = append(n.lines[name], w)
}

// next is who comes next, or nil.
func (r *rotation[P]) next() *waiter {
	if len(r.order) == 0 {
		return nil
	}
	n := r.parts[r.order[0]]
	return n.lines[n.order[0]][0]
}

// pass takes out who comes next. The others of its name and of its part come after those of others.
func (r *rotation[P]) pass() {
	part := r.order[0]
	n := r.parts[part]
	name := n.order[0]
	n.order = n.order[1:]
	if line := n.lines[name]; len(line) > 1 {
		line[0] = nil
		n.lines[name] = line[1:]
		n.order = append(n.order, name)
	} else {
		delete(n.lines, name)
	}
	r.order = r.order[1:]
	if len(n.order) > 0 {
		r.order = append(r.order, part)
	} else {
		delete(r.parts, part)
	}
}

// remove takes out who does not wait any longer, and reports false if it was not there.
func (r *rotation[P]) remove(part P, name string, w *waiter) bool {
	n := r.parts[part]
	if n == nil {
		return false
	}
	at := slices.Index(n.lines[name], w)
	if at < 0 {
		return false
	}
	if n.lines[name] = slices.Delete(n.lines[name], at, at+1); len(n.lines[name]) > 0 {
		return true
	}
	delete(n.lines, name)
	n.order = slices.DeleteFunc(n.order, func(o string) bool { return o == name })
	if len(n.order) == 0 {
		delete(r.parts, part)
		r.order = slices.DeleteFunc(r.order, func(o P) bool { return o == part })
	}
	return true
}
