package audit

import (
	"fmt"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

const (
	// maxWaiting is how many records wait at most, and maxDetails how many parameters and
	// requests they have together, but for those of the last one.
	maxWaiting = 256
	maxDetails = 4 * maxWaiting
	// maxWrite is about how many bytes are written at once. A file that is full is
	// rotated where they do not fit, so they are a quarter of one at most.
	maxWrite = 128 << 10
)

// block holds records that wait to be written together. They become lines when they are
// written: many in a row take a quarter of the time that each takes in the middle of a
// call. The lock of its [File] guards it.
type block struct {
	records []Record // copies; what they point to is below
	details struct {
		params    []Param
		requests  []Request
		decisions []Decision
	}
	lines   []byte
	written time.Time   // when the last block was
	timer   *time.Timer // writes what waits; nil before anything has waited
	closed  bool        // nothing waits any more
}

// add adds a copy of a record.
func (b *block) add(r *Record) {
	c, d := *r, &b.details
	c.Params, d.params = copyTo(d.params, r.Params)
	c.Requests, d.requests = copyTo(d.requests, r.Requests)
	if r.Decision != nil {
		d.decisions = append(d.decisions, *r.Decision)
		c.Decision = &d.decisions[len(d.decisions)-1]
	}
	b.records = append(b.records, c)
}

// copyTo appends values to an array and returns those and the array.
func copyTo[T any](array, values []T) (copied, grown []T) {
	start := len(array)
	array = append(array, values...)
	return array[start:len(array):len(array)], array
}

// clear forgets all records, and keeps their place.
func (b *block) clear() {
	d := &b.details
	clear(b.records)
	clear(d.params)
	clear(d.requests)
	clear(d.decisions)
	b.records, d.params, d.requests, d.decisions = b.records[:0], d.params[:0], d.requests[:0], d.decisions[:0]
	if b.lines = b.lines[:0]; cap(b.lines) > 2*maxWrite {
		b.lines = nil
	}
}

func (b *block) full() bool {
	return len(b.records) >= maxWaiting || len(b.details.params)+len(b.details.requests) >= maxDetails
}

func (b *block) end() {
	b.closed = true
	if b.timer != nil {
		b.timer.Stop()
	}
}

// mayWait reports whether a record may be written a little later than its call is answered:
// one of a read that went well. What was refused or failed, and what may have changed
// something, is on record first.
func (r *Record) mayWait() bool {
	return r.Outcome == Ok && r.Effect == abi.EffectRead && !r.Denied() && r.MoreRequests == 0
}

// wait reports whether what is in the block may wait, and sees to it that it does not wait
// for long.
func (f *File) wait() bool {
	left := f.options.Every - time.Since(f.written)
	switch {
	case left <= 0 || f.closed || f.full():
		return false
	case len(f.records) > 1: // the first of them has set the timer
	case f.timer == nil:
		f.timer = time.AfterFunc(left, f.late)
	default:
		f.timer.Reset(left)
	}
	return true
}

// late writes what has waited.
func (f *File) late() {
	f.mu.Lock()
	defer f.mu.Unlock()
	lost, _, err := f.flush()
	f.tell(lost, err)
}

// tell tells of records whose callers are gone.
func (f *File) tell(lost int, err error) {
	if lost > 0 && f.options.Lost != nil {
		f.options.Lost(lost, err)
	}
}

// flush writes the block. An error comes with the number of records that are lost by it,
// and says whether the last one is among them.
func (f *File) flush() (lost int, last bool, err error) {
	write := func(lines []byte, records int) bool {
		e := f.write(lines)
		if e != nil {
			lost, err = lost+records, fmt.Errorf("write to the audit file: %w", e)
		}
		return e != nil
	}
	most := min(maxWrite, f.options.MaxSize/4)
	n := 0 // records in lines
	f.lines = append(f.lines, '\n')
	for i := range f.records {
		end := len(f.lines)
		if f.lines = Append(f.lines, &f.records[i]); n > 0 && int64(len(f.lines)) > most {
			write(f.lines[:end], n)
			f.lines, n = append(f.lines[:1], f.lines[end:]...), 0
		}
		n++
	}
	if n > 0 {
		last = write(f.lines, n)
		f.written = time.Now()
	}
	f.clear()
	return lost, last, err
}
