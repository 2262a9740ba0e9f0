package audit

import (
	"fmt"
	"sync"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

const (
	// maxWaiting is the largest number of waiting records. maxDetails is the largest number
	// of parameters and requests in all of them but the last.
	maxWaiting = 256
	maxDetails = 4 * maxWaiting
	// maxWrite is the approximate size of one write in bytes. It is at most a quarter of a
	// file, because a file rotates if a write does not fit.
	maxWrite = 128 << 10
)

// block holds copies of records to write together. It encodes them at the write: encoding
// many in a row takes a quarter of the time of encoding each during its call.
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

// waiting has the records that a file has not written yet.
type waiting struct {
	mu     sync.Mutex // held briefly, never during a write
	block  block
	taken  time.Time   // when the last write took a block
	timer  *time.Timer // writes waiting records; nil if records never wait
	closed bool        // records no longer wait
}

// mayWait reports whether a record may be written shortly after its call returns. Only records
// of successful reads may wait.
func (r *Record) mayWait() bool {
	return r.Outcome == Ok && r.Effect == abi.EffectRead && !r.Denied() && r.MoreRequests == 0
}

// add stores a record if it may wait. It reports whether it did.
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

// take returns the waiting records, followed by r if r is not nil. Later records wait in the
// empty block.
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

// flush writes the waiting records, followed by r if r is not nil. With an error, it returns
// the number of lost records and whether the last one is lost.
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
		if f.lines = appendLine(f.lines, &f.block.records[i]); n > 0 && int64(len(f.lines)) > most {
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

// late writes the waiting records. The timer calls it.
func (f *File) late() {
	lost, _, err := f.flush(nil)
	f.tell(lost, err)
}

// tell reports lost records to Lost, because their calls have returned.
func (f *File) tell(lost int, err error) {
	if lost > 0 && f.options.Lost != nil {
		f.options.Lost(lost, err)
	}
}
