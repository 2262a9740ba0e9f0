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

// Source is a place that holds secrets, such as the environment. Read returns the
// secret that name stands for, which is what follows the colon of a reference.
//
// # Errors
//
// Read returns an *[abi.Error] of kind auth_failed where there is no such secret or it
// is empty. It names the reference and never holds a byte of the secret.
//
// A Source may be used by several goroutines.
type Source interface {
	Read(ctx context.Context, name string) (Value, error)
}

// Options are the seams of a [Resolver]. The zero value means the real environment and
// the real file system.
type Options struct {
	// LookupEnv reads an environment variable; nil means os.LookupEnv.
	LookupEnv func(string) (string, bool)
	// OpenFile opens a file for reading; nil means the operating system's.
	OpenFile func(path string) (fs.File, error)
}

// Resolver reads the secrets that references name. It may be used by several
// goroutines, and keeps nothing: a secret that has changed is read anew.
type Resolver struct {
	sources map[string]Source
}

// NewResolver returns a Resolver for the schemes env and file.
func NewResolver(o Options) *Resolver {
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.OpenFile == nil {
		o.OpenFile = openFile
	}
	return &Resolver{sources: map[string]Source{
		SchemeEnv:  envSource{o.LookupEnv},
		SchemeFile: fileSource{o.OpenFile},
	}}
}

// Resolve reads the secret that ref names.
//
// # Errors
//
// An *[abi.Error] of kind auth_failed where the secret is missing, empty or cannot be
// read, and of kind timeout where ctx has ended.
func (r *Resolver) Resolve(ctx context.Context, ref Ref) (Value, error) {
	if err := ctx.Err(); err != nil {
		return Value{}, (&abi.Error{Kind: abi.KindTimeout, Message: "the call ended before its secret was read", Retryable: true}).WithCause(err)
	}
	source, ok := r.sources[ref.scheme]
	if !ok {
		return Value{}, badRef("the reference to a secret is empty", refForms)
	}
	return source.Read(ctx, ref.name)
}

type envSource struct {
	lookup func(string) (string, bool)
}

func (s envSource) Read(_ context.Context, name string) (Value, error) {
	value, ok := s.lookup(name)
	switch {
	case !ok:
		return Value{}, missing(Ref{SchemeEnv, name}, "the environment variable is not set", "export "+name+" in the environment of agenthost", nil)
	case value == "":
		return Value{}, missing(Ref{SchemeEnv, name}, "the environment variable is empty", "set "+name+" to the credential", nil)
	}
	return New([]byte(value)), nil
}

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
		return Value{}, missing(ref, "the path is a folder", "name the file in it that holds the credential", nil)
	case !info.Mode().IsRegular():
		return Value{}, missing(ref, "the path is not a regular file but a device, pipe or socket", "put the credential into a regular file", nil)
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	defer clear(b)
	switch {
	case err != nil:
		return Value{}, unreadable(ref, err)
	case len(b) > MaxFile:
		return Value{}, missing(ref, fmt.Sprintf("the file is larger than %d KiB", MaxFile>>10), "name a file that holds the credential and nothing else", nil)
	}
	value := trimLineBreak(b)
	if len(value) == 0 {
		return Value{}, missing(ref, "the file is empty", "write the credential into it", nil)
	}
	return New(value), nil
}

func trimLineBreak(b []byte) []byte {
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
		return missing(ref, "the file does not exist", "create it, or correct the path", err)
	case errors.Is(err, fs.ErrPermission):
		return missing(ref, "the file may not be read by this user", "let the user that runs agenthost read it", err)
	}
	return missing(ref, "the file cannot be read", "check the file and its folder", err)
}

func missing(ref Ref, what, hint string, cause error) *abi.Error {
	e := &abi.Error{Kind: abi.KindAuthFailed, Message: "no secret at " + ref.String() + ": " + what, Hint: hint}
	return e.WithCause(cause)
}
