package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

// MaxSize is the size of the largest file that holds a secret, in bytes.
const MaxSize = 64 << 10

type fileSource struct {
	open func(path string) (fs.File, error)
}

// Read reads a whole file. It drops a byte order mark at its start and one line break at its
// end, because editors add them.
func (s fileSource) Read(_ context.Context, path string) (secret.Value, error) {
	ref, err := secret.ParseRef("file:" + path)
	if err != nil {
		return secret.Value{}, err
	}
	f, err := s.open(path)
	if err != nil {
		return secret.Value{}, unreadable(ref, err)
	}
	defer func() { _ = f.Close() }() // opened for reading only
	info, err := f.Stat()
	switch {
	case err != nil:
		return secret.Value{}, unreadable(ref, err)
	case info.IsDir():
		return secret.Value{}, Missing(ref, "the path is a folder", "name the file in it that has the credential", nil)
	case !info.Mode().IsRegular():
		return secret.Value{}, Missing(ref, "the path is not a regular file but a device, pipe or socket", "put the credential into a regular file", nil)
	}
	if who, hint := exposed(path, info); who != "" {
		return secret.Value{}, Missing(ref, who, hint, nil)
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	defer clear(b)
	switch {
	case err != nil:
		return secret.Value{}, unreadable(ref, err)
	case len(b) > MaxSize:
		return secret.Value{}, Missing(ref, fmt.Sprintf("the file is larger than %d KiB", MaxSize>>10), "name a file that has only the credential", nil)
	}
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return secret.Value{}, Missing(ref, "the file is UTF-16 text", "save it as UTF-8", nil)
	}
	value := TrimLineBreak(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))
	if len(value) == 0 {
		return secret.Value{}, Missing(ref, "the file is empty", "write the credential into it", nil)
	}
	return secret.New(value), nil
}

// TrimLineBreak returns b without one line break at its end, which editors, echo and other
// programs add. The bytes are shared with b.
func TrimLineBreak(b []byte) []byte {
	if cut, ok := bytes.CutSuffix(b, []byte("\r\n")); ok {
		return cut
	}
	return bytes.TrimSuffix(b, []byte("\n"))
}

// openFile does not wait for the writer of a pipe: it uses O_NONBLOCK.
func openFile(path string) (fs.File, error) {
	return os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
}

func unreadable(ref secret.Ref, err error) *abi.Error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return Missing(ref, "the file does not exist", "create it, or correct the path", err)
	case errors.Is(err, fs.ErrPermission):
		return Missing(ref, "this user may not read the file", "let the user that runs agenthost read it", err)
	}
	return Missing(ref, "cannot read the file", "check the file and its folder", err)
}
