package audit

import (
	"fmt"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// maxBlock is how many bytes of lines wait at most.
const maxBlock = 128 << 10

// block holds lines that wait to be written together. The lock of its [File] guards it.
type block struct {
	lines   []byte // after a line break, see File.write
	records int
	written time.Time   // when the last block was
	timer   *time.Timer // writes what waits; nil before anything has waited
	closed  bool        // nothing waits any more
}

// fits reports whether a line of some length may wait beside those that do, for a file of
// at most some size. A file is rotated when a block does not fit, so it should be nearly full.
func (b *block) fits(length int, size int64) bool {
	return int64(len(b.lines)+length) <= min(maxBlock, size/4)
}

func (b *block) add(line []byte) {
	if len(b.lines) == 0 {
		b.lines = append(b.lines, '\n')
	}
	b.lines = append(b.lines, line...)
	b.records++
}

func (b *block) stop() {
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
	case left <= 0 || f.closed:
		return false
	case f.records > 1: // the first of them has set the timer
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
	f.flushOthers()
}

// flushOthers writes what waits, for callers to whom its errors mean nothing.
func (f *File) flushOthers() { _ = f.flush(0) }

// flush writes the block. Its error is that of the last mine of the records; whoever wrote
// the others is gone.
func (f *File) flush(mine int) error {
	if f.records == 0 {
		return nil
	}
	err := f.write(f.lines)
	others := f.records - mine
	f.lines, f.records, f.written = f.lines[:0], 0, time.Now()
	if cap(f.lines) > 2*maxBlock {
		f.lines = nil
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("write to the audit file: %w", err)
	if others > 0 && f.options.Lost != nil {
		f.options.Lost(others, err)
	}
	return err
}
