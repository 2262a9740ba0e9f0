package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"time"
)

// followEvery is how long [Follow] waits before it looks at the file again.
const followEvery = 200 * time.Millisecond

// Follow yields the records that are written to an audit file from now on, through every
// rotation, until ctx ends. The file need not exist yet. Errors are as in [Scan], but for a
// line that is not complete, which is waited for.
func Follow(ctx context.Context, path string, f Filter) iter.Seq2[*Record, error] {
	t := &tail{path: path}
	err := t.open(io.SeekEnd)
	return func(yield func(*Record, error) bool) {
		defer t.close()
		for {
			if err != nil {
				yield(nil, fmt.Errorf("read the audit file: %w", err))
				return
			}
			var more bool
			if more, err = t.read(f, yield); !more {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(followEvery):
			}
		}
	}
}

// tail is a file that is being read while it grows.
type tail struct {
	path   string
	file   *os.File // nil where there is none yet
	reader *reader
}

// open opens the file at the path from an end of it. That there is none is no error.
func (t *tail) open(whence int) error {
	return t.use(t.path, whence)
}

func (t *tail) use(path string, whence int) error {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		_, err = file.Seek(0, whence)
	}
	if err != nil {
		return err
	}
	t.close()
	t.file, t.reader = file, newReader(path, file)
	return nil
}

func (t *tail) close() {
	if t.file != nil {
		_ = t.file.Close()
		t.file = nil
	}
}

// read yields what was written since the last time, and moves on to the files that came
// after the one that is open. It reports whether to go on.
func (t *tail) read(f Filter, yield func(*Record, error) bool) (more bool, err error) {
	for {
		if t.file == nil {
			if err := t.open(io.SeekStart); err != nil || t.file == nil {
				return true, err
			}
		}
		// What comes next is looked up first: what is written to the file until then is
		// read below, and nothing is written to it much later.
		next, err := t.successor()
		if err != nil {
			return true, err
		}
		for {
			line, err := t.reader.next()
			if err != nil {
				return true, err
			}
			if !line {
				break
			}
			if !t.reader.one(f, yield) {
				return false, nil
			}
		}
		if next == "" {
			return true, nil
		}
		if err := t.use(next, io.SeekStart); err != nil {
			return true, err
		}
	}
}

// successor is the file that follows the open one, empty while that is the last.
func (t *tail) successor() (string, error) {
	open, err := t.file.Stat()
	if err != nil {
		return "", err
	}
	now, err := os.Stat(t.path)
	if errors.Is(err, os.ErrNotExist) || err == nil && os.SameFile(open, now) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	rotated, err := rotatedFiles(t.path)
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(rotated, func(name string) bool {
		info, err := os.Stat(name)
		return err == nil && os.SameFile(open, info)
	})
	if at >= 0 && at+1 < len(rotated) {
		return rotated[at+1], nil
	}
	return t.path, nil
}
