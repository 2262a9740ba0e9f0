package redact

// place is one byte of a needle: the number of the needle, and how many of its bytes come
// before.
type place struct{ needle, offset int32 }

// places holds lists of places by a key, all of them in one piece of memory: the lists are
// many and short.
type places struct {
	ends [256]uint32 // where the list of each key ends; that of the next one starts there
	all  []place
}

// of returns the list of a key.
func (p *places) of(key byte) []place {
	start := uint32(0)
	if key > 0 {
		start = p.ends[key-1]
	}
	return p.all[start:p.ends[key]]
}

// fill makes the lists of what each adds, in that order. It calls each twice, which must add
// the same both times.
func (p *places) fill(each func(add func(key byte, p place))) {
	each(func(key byte, _ place) { p.ends[key]++ })
	total := uint32(0)
	for key := range p.ends {
		n := p.ends[key]
		p.ends[key] = total // where the list starts, until it is full
		total += n
	}
	p.all = make([]place, total)
	each(func(key byte, at place) {
		p.all[p.ends[key]] = at
		p.ends[key]++
	})
}
