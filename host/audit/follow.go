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

// followEvery is the interval at which [Follow] checks the file.
const followEvery = 200 * time.Millisecond

// Follow yields new records of an audit file, across rotations, until ctx ends. The file need
// not exist yet. Errors are as for [Scan], except that Follow waits for the rest of an
// incomplete line.
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

// tail reads a growing file.
type tail struct {
	path   string
	file   *os.File // nil if it does not exist yet
	reader *reader
}

// open opens the file at the path. A missing file is not an error.
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

// read yields new records, and moves on to later files after a rotation. It reports whether
// to continue.
func (t *tail) read(f Filter, yield func(*Record, error) bool) (more bool, err error) {
	for {
		if t.file == nil {
			if err := t.open(io.SeekStart); err != nil || t.file == nil {
				return true, err
			}
		}
		// Look up the next file first. The read below then sees every record that the
		// current file got before the rotation.
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

// successor returns the file after the open one, or "" if that is the last.
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
