package audit

import (
	"fmt"
	"sync"
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

// block holds copies of records that are written together. They become lines when they are
// written: many in a row take a quarter of the time that each takes in the middle of a call.
type block struct {
	records []Record
	// What the records point to.
	params    []Param
	requests  []Request
	decisions []Decision
}

func (b *block) add(r *Record) {
	c := *r
	c.Params, b.params = copyTo(b.params, r.Params)
	c.Requests, b.requests = copyTo(b.requests, r.Requests)
	if r.Decision != nil {
		b.decisions = append(b.decisions, *r.Decision)
		c.Decision = &b.decisions[len(b.decisions)-1]
	}
	b.records = append(b.records, c)
}

// copyTo appends values to an array and returns those and the array.
func copyTo[T any](array, values []T) (copied, grown []T) {
	start := len(array)
	array = append(array, values...)
	return array[start:len(array):len(array)], array
}

func (b *block) full() bool {
	return len(b.records) >= maxWaiting || len(b.params)+len(b.requests) >= maxDetails
}

// clear forgets all records, and keeps their place.
func (b *block) clear() {
	clear(b.records)
	clear(b.params)
	clear(b.requests)
	clear(b.decisions)
	*b = block{b.records[:0], b.params[:0], b.requests[:0], b.decisions[:0]}
}

// waiting is what a file has yet to write.
type waiting struct {
	mu     sync.Mutex // held for moments only, never while the file is written to
	block  block
	taken  time.Time   // when a block was last taken to be written
	timer  *time.Timer // writes what waits; nil where nothing may
	closed bool        // nothing waits any more
}

// mayWait reports whether a record may be written a little later than its call is answered:
// one of a read that went well. What was refused or failed, and what may have changed
// something, is on record first.
func (r *Record) mayWait() bool {
	return r.Outcome == Ok && r.Effect == abi.EffectRead && !r.Denied() && r.MoreRequests == 0
}

// add takes a record if it may wait.
func (w *waiting) add(r *Record, every time.Duration) bool {
	if every <= 0 || !r.mayWait() {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	left := every - time.Since(w.taken)
	if left <= 0 || w.closed || w.block.full() {
		return false
	}
	if w.block.add(r); len(w.block.records) == 1 {
		w.timer.Reset(left)
	}
	return true
}

// take returns what waits, and after it r, unless it is nil. What waits from now on gets the
// place of an empty block.
func (w *waiting) take(r *Record, empty block) block {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r != nil {
		w.block.add(r)
	}
	if len(w.block.records) > 0 {
		w.taken = time.Now()
	}
	taken := w.block
	w.block = empty
	return taken
}

func (w *waiting) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	if w.timer != nil {
		w.timer.Stop()
	}
}

// flush writes what waits, and after it r, unless it is nil. An error comes with the number
// of records that are lost by it, and says whether the last one is among them.
func (f *File) flush(r *Record) (lost int, last bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.block = f.waiting.take(r, f.block)
	write := func(lines []byte, records int) bool {
		e := f.write(lines)
		if e != nil {
			lost, err = lost+records, fmt.Errorf("write to the audit file: %w", e)
		}
		return e != nil
	}
	most := min(maxWrite, f.options.MaxSize/4)
	f.lines = append(f.lines[:0], '\n')
	n := 0 // records in lines
	for i := range f.block.records {
		end := len(f.lines)
		if f.lines = Append(f.lines, &f.block.records[i]); n > 0 && int64(len(f.lines)) > most {
			write(f.lines[:end], n)
			f.lines, n = append(f.lines[:1], f.lines[end:]...), 0
		}
		n++
	}
	if n > 0 {
		last = write(f.lines, n)
	}
	f.block.clear()
	if cap(f.lines) > 2*maxWrite {
		f.lines = nil
	}
	return lost, last, err
}

// late writes what has waited.
func (f *File) late() {
	lost, _, err := f.flush(nil)
	f.tell(lost, err)
}

// tell tells of records whose callers are gone.
func (f *File) tell(lost int, err error) {
	if lost > 0 && f.options.Lost != nil {
		f.options.Lost(lost, err)
	}
}
