package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"time"
)

// LineError reports a line of an audit file that is not a record: it is incomplete, or
// another program wrote it.
type LineError struct {
	File string
	Line int // from 1
	What string
}

// Error implements error.
func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.What) }

// Scan yields the records of an audit file and its rotated files that a filter selects, the
// oldest first. It keeps one line in memory.
//
// For a line that is not a record, it yields a [*LineError] and continues. Any other error
// ends the scan. A missing file is the error [os.ErrNotExist].
func Scan(path string, f Filter) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		files, err := files(path, f)
		if err != nil {
			yield(nil, err)
			return
		}
		for _, file := range files {
			for r, err := range scanFile(file, f) {
				if !yield(r, err) || fatal(err) {
					return
				}
			}
		}
	}
}

// Last is [Scan] for the last n records. It reads only the files that it needs, and keeps n
// records in memory. It yields a few [*LineError]s first.
func Last(path string, f Filter, n int) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		const enough = 10
		files, err := files(path, f)
		if err != nil {
			yield(nil, err)
			return
		}
		var last []*Record // of the files read so far, the oldest first
		var bad []error
		for _, file := range slices.Backward(files) {
			var here []*Record
			for r, err := range scanFile(file, f) {
				switch {
				case fatal(err):
					yield(nil, err)
					return
				case err == nil:
					here = append(here, r)
					here = here[max(0, len(here)-(n-len(last))):]
				case len(bad) < enough:
					bad = append(bad, err)
				}
			}
			if last = append(here, last...); len(last) >= n {
				break
			}
		}
		for _, err := range bad {
			if !yield(nil, err) {
				return
			}
		}
		for _, r := range last {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// late is how long after its rotation a file may still get a line.
const late = time.Minute

// files returns the files for Scan. It omits files that were rotated before filter.Since.
func files(path string, f Filter) ([]string, error) {
	rotated, err := rotatedFiles(path)
	if err != nil {
		return nil, fmt.Errorf("read the audit file: %w", err)
	}
	if !f.Since.IsZero() {
		since := rotatedName(path, f.Since.Add(-late))
		rotated = slices.DeleteFunc(rotated, func(name string) bool { return name < since })
	}
	if _, err := os.Stat(path); err == nil {
		rotated = append(rotated, path)
	} else if !errors.Is(err, os.ErrNotExist) || len(rotated) == 0 {
		return nil, fmt.Errorf("read the audit file: %w", err)
	}
	return rotated, nil
}

// fatal reports whether an error ends a scan.
func fatal(err error) bool {
	var line *LineError
	return err != nil && !errors.As(err, &line)
}

func scanFile(path string, f Filter) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		file, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			return // rotated or removed since the listing
		}
		if err != nil {
			yield(nil, fmt.Errorf("read the audit file: %w", err))
			return
		}
		defer file.Close()
		newReader(path, file).records(f, yield)
	}
}

// reader reads the records of one file.
type reader struct {
	path string
	in   *bufio.Reader
	line []byte // the current line so far
	skip bool   // the current line is too long
	at   int    // number of complete lines
}

func newReader(path string, in io.Reader) *reader {
	return &reader{path: path, in: bufio.NewReaderSize(in, 64<<10)}
}

// records yields records until the input ends. It reports an incomplete last line, and returns
// whether to continue.
func (r *reader) records(f Filter, yield func(*Record, error) bool) bool {
	for {
		more, err := r.next()
		if err != nil {
			return yield(nil, fmt.Errorf("read the audit file: %w", err))
		}
		if !more {
			return len(r.line) == 0 || yield(nil, &LineError{r.path, r.at + 1, "the line is incomplete"})
		}
		if !r.one(f, yield) {
			return false
		}
	}
}

// one yields the record of the current line.
func (r *reader) one(f Filter, yield func(*Record, error) bool) bool {
	line, skipped := bytes.TrimSpace(r.line), r.skip
	r.line, r.skip = r.line[:0], false
	switch {
	case skipped:
		return yield(nil, &LineError{r.path, r.at, fmt.Sprintf("the line is longer than %d bytes", maxLine)})
	case len(line) == 0:
		return true
	}
	record := new(Record)
	if err := json.Unmarshal(line, record); err != nil || record.Event == "" || record.Time.IsZero() {
		return yield(nil, &LineError{r.path, r.at, "the line is not a record of a call"})
	}
	return !f.Match(record) || yield(record, nil)
}

// next reads to the end of a line or of the input. It reports whether the line is complete.
// Call it again after the file has grown.
func (r *reader) next() (more bool, err error) {
	for {
		piece, err := r.in.ReadSlice('\n')
		if !r.skip {
			r.line = append(r.line, piece...)
		}
		if len(r.line) > maxLine {
			r.line, r.skip = r.line[:0], true
		}
		switch {
		case err == nil:
			r.at++
			return true, nil
		case errors.Is(err, io.EOF):
			return false, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return false, err
		}
	}
}
