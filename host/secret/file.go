package secret

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/agenthost/agenthost/pdk/abi"
)

// MaxFile is the size of the largest file that holds a secret, in bytes.
const MaxFile = 64 << 10

type fileSource struct {
	open func(path string) (fs.File, error)
}

// Read reads a whole file and drops one line break at its end, because editors and
// echo add one.
func (s fileSource) Read(_ context.Context, path string) (Value, error) {
	ref := Ref{SchemeFile, path}
	f, err := s.open(path)
	if err != nil {
		return Value{}, unreadable(ref, err)
	}
	defer func() { _ = f.Close() }() // opened for reading only
	info, err := f.Stat()
	switch {
	case err != nil:
		return Value{}, unreadable(ref, err)
	case info.IsDir():
		return Value{}, Missing(ref, "the path is a folder", "name the file in it that holds the credential", nil)
	case !info.Mode().IsRegular():
		return Value{}, Missing(ref, "the path is not a regular file but a device, pipe or socket", "put the credential into a regular file", nil)
	}
	if who, hint := exposed(path, info); who != "" {
		return Value{}, Missing(ref, who, hint, nil)
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	defer clear(b)
	switch {
	case err != nil:
		return Value{}, unreadable(ref, err)
	case len(b) > MaxFile:
		return Value{}, Missing(ref, fmt.Sprintf("the file is larger than %d KiB", MaxFile>>10), "name a file that holds the credential and nothing else", nil)
	}
	value := TrimLineBreak(b)
	if len(value) == 0 {
		return Value{}, Missing(ref, "the file is empty", "write the credential into it", nil)
	}
	return New(value), nil
}

// TrimLineBreak returns b without one line break at its end, because editors, echo and
// other programs add one. The bytes are shared with b.
func TrimLineBreak(b []byte) []byte {
	if cut, ok := bytes.CutSuffix(b, []byte("\r\n")); ok {
		return cut
	}
	return bytes.TrimSuffix(b, []byte("\n"))
}

// openFile does not wait: opening a pipe without O_NONBLOCK blocks until somebody
// writes to it.
func openFile(path string) (fs.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

func unreadable(ref Ref, err error) *abi.Error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Missing(ref, "the file does not exist", "create it, or correct the path", err)
	case errors.Is(err, fs.ErrPermission):
		return Missing(ref, "the file may not be read by this user", "let the user that runs agenthost read it", err)
	}
	return Missing(ref, "the file cannot be read", "check the file and its folder", err)
}
