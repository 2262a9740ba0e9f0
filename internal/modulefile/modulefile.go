// Package modulefile opens the files that may be modules. A folder of plugins is a place
// where anybody can put anything: a pipe that nobody writes to, a device that never ends, a
// link to either, a file that grows while it is read. So a file is opened in one way only:
// it is a regular file of at most [Max] bytes, and reading it ends with a context.
package modulefile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Max is the size of the largest module that is read, in bytes.
const Max = 64 << 20

// step is how many bytes are read between two looks at the context.
const step = 1 << 20

// Read returns the content of a module's file.
//
// The error says what is wrong with the file, without its path, or is that of ctx.
func Read(ctx context.Context, path string) ([]byte, error) {
	f, size, err := open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, 0, size+1)
	for {
		if len(data) == cap(data) {
			return nil, errors.New("it grew while it was read")
		}
		n, err := (&within{ctx, f}).Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if errors.Is(err, io.EOF) {
			return data, nil
		}
		if err != nil {
			return nil, bare(err)
		}
	}
}

// Digest returns the SHA-256 of a module's file in hexadecimal, without keeping the file in
// memory. The errors are those of [Read].
func Digest(ctx context.Context, path string) (string, error) {
	f, size, err := open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, io.LimitReader(&within{ctx, f}, size+1))
	switch {
	case err != nil:
		return "", bare(err)
	case n > size:
		return "", errors.New("it grew while it was read")
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// open opens a regular file. It looks before and after, because opening something else may
// wait or do something, and what stands there may change.
func open(path string) (f *os.File, size int64, err error) {
	info, err := os.Stat(path)
	if err == nil {
		err = check(info)
	}
	if err != nil {
		return nil, 0, bare(err)
	}
	if f, err = os.OpenFile(path, os.O_RDONLY|noWait, 0); err != nil {
		return nil, 0, bare(err)
	}
	if info, err = f.Stat(); err == nil {
		err = check(info)
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, bare(err)
	}
	return f, info.Size(), nil
}

func check(info fs.FileInfo) error {
	switch {
	case !info.Mode().IsRegular():
		return fmt.Errorf("it is %s, not a regular file", kindOf(info.Mode()))
	case info.Size() > Max:
		return fmt.Errorf("it is %d bytes long, the limit is %d", info.Size(), Max)
	}
	return nil
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a folder"
	case mode&fs.ModeNamedPipe != 0:
		return "a pipe"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "something else"
}

// bare takes the path off an error: callers name the file in their own way.
func bare(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

// within reads until its context ends.
type within struct {
	ctx context.Context
	r   io.Reader
}

func (w *within) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.r.Read(p[:min(len(p), step)])
}
