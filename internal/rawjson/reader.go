package rawjson

import "iter"

// Reader reads valid JSON once, from its start to its end, and goes into the values that
// its user asks for. [Members] and [Elements] inside each other read a value once for each
// level above it. Get one from [NewReader].
//
// It stands before a value at first, where [Reader.Members] yields a name, and where
// [Reader.Elements] yields. A value that is not read there is skipped. Where data is not
// JSON it ends early, and a loop that is left early ends it.
type Reader struct {
	scanner
	at     int
	unread int // where the last value starts that somebody may read
}

// NewReader returns a reader of data.
func NewReader(data []byte) *Reader {
	return &Reader{scanner: scanner{data: data}, at: space(data, 0)}
}

// Kind returns the kind of the value that comes next.
func (r *Reader) Kind() Kind {
	if r.at >= len(r.data) {
		return Invalid
	}
	return KindOf(r.data[r.at : r.at+1])
}

// Value reads the next value as a whole and returns its text.
func (r *Reader) Value() []byte {
	start := r.at
	end, err := r.value(start, 0)
	if err != nil {
		r.end()
		return nil
	}
	r.at = end
	return r.data[start:end:end]
}

// Members reads the next value, if it is an object, and yields the raw names of its
// members, quotes included.
func (r *Reader) Members() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		r.parts('{', '}', func() bool {
			start := r.at
			value, end, err := r.name(start)
			if err != nil {
				return false
			}
			r.at, r.unread = value, value
			return yield(r.data[start:end:end])
		})
	}
}

// Elements reads the next value, if it is an array, and yields before each of its elements.
func (r *Reader) Elements() func(yield func() bool) {
	return func(yield func() bool) {
		r.parts('[', ']', func() bool {
			r.unread = r.at
			return yield()
		})
	}
}

// parts calls part before each part of an object or array.
func (r *Reader) parts(opening, closing byte, part func() bool) {
	if r.at >= len(r.data) || r.data[r.at] != opening {
		return
	}
	r.at = r.space(r.at + 1)
	if r.at < len(r.data) && r.data[r.at] == closing {
		r.at++
		return
	}
	for ended := false; !ended; {
		if !part() {
			r.end()
			return
		}
		if r.at == r.unread {
			r.Value()
		}
		var err error
		if ended, r.at, err = r.more(r.at, closing, "expected a comma or the end"); err != nil {
			r.end()
			return
		}
	}
}

// end leaves nothing to read.
func (r *Reader) end() { r.at = len(r.data) }
