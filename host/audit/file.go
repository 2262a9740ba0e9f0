package audit

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// The defaults of [FileOptions].
const (
	DefaultMaxSize = 50_000_000
	DefaultKeep    = 10
)

// FileOptions say how a [File] rotates. Zero fields mean the defaults.
type FileOptions struct {
	// MaxSize is the size in bytes that the file does not grow beyond, but for what other
	// processes write while one of them rotates it.
	MaxSize int64
	// Keep is how many rotated files are kept. The oldest ones are removed.
	Keep int
	// Now tells the time, for the names of rotated files. Nil means time.Now.
	Now func() time.Time
	// Every bounds how often the file is written to for reads that succeed: the record of
	// one that follows another within this time waits for its end, and is written together
	// with those that came meanwhile. Every other record is written at once, and takes
	// those that wait along. 0 writes every record at once.
	Every time.Duration
	// Lost is told how many records waited and could not be written, and why. Nil
	// is told nothing.
	Lost func(records int, err error)
}

// File is a sink that appends to a file. It is safe for concurrent use, also by several
// processes with one file on a local disk: each write appends whole lines, and only one of
// them rotates it.
//
// A file that is full is renamed, NAME.jsonl to NAME-20060102T150405.000000000Z.jsonl, and a
// new one made. A file that somebody else renamed or removed is made anew.
//
// Writing is not followed by a sync: what was written outlives the process, and not a machine
// that loses power within seconds. What waits ([FileOptions.Every]) is written by [File.Close]
// at the latest, and is lost with a process that is killed.
type File struct {
	path    string
	options FileOptions

	mu    sync.Mutex  // guards what follows
	file  *os.File    // nil after Close, or where it could not be opened again
	info  fs.FileInfo // of file when it was opened
	torn  bool        // the file may end in the middle of a line
	block block       // what is being written; empty before and after
	lines []byte      // room for it

	waiting waiting
}

// Open opens a file to append to, and makes it with mode 0600 where it is missing.
//
// # Errors
//
// All are *[abi.Error]: denied where others may write to the file, since a trail that
// anybody can write to proves nothing, and invalid_params where it cannot be used.
func Open(path string, o FileOptions) (*File, error) {
	o.MaxSize, o.Keep = cmp.Or(o.MaxSize, DefaultMaxSize), cmp.Or(o.Keep, DefaultKeep)
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &File{path: path, options: o}
	if err := f.open(); err != nil {
		return nil, err
	}
	if o.Every > 0 {
		f.waiting.timer = time.AfterFunc(o.Every, f.late) // finds nothing, the first time
	}
	return f, nil
}

// open opens the file at the path. The caller holds the lock, or is Open.
func (f *File) open() error {
	unusable := func(message, hint string, cause error) error {
		return (&abi.Error{Kind: abi.KindInvalidParams, Field: "audit.file", Message: "the audit file " + f.path + " " + message, Hint: hint}).WithCause(cause)
	}
	// A pipe would block, and a link may lead to a file that is something else.
	info, err := os.Lstat(f.path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return unusable("is no regular file", "name a file, and use a log of the service manager for the rest: log: true", nil)
	case err == nil && info.Mode().Perm()&0o022 != 0:
		return &abi.Error{Kind: abi.KindDenied, Field: "audit.file", Rule: "audit.file", Message: "others may write to the audit file " + f.path, Hint: "chmod 0600 " + f.path}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return unusable("cannot be looked at", "see that its folder can be read", err)
	}
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return unusable("cannot be opened", "see that its folder exists and can be written to", err)
	}
	if info, err = file.Stat(); err != nil {
		_ = file.Close()
		return unusable("cannot be looked at", "see that its folder can be read", err)
	}
	f.file, f.info, f.torn = file, info, endsTorn(file, info.Size())
	return nil
}

// endsTorn reports whether a file ends in the middle of a line, as one does whose writer
// was killed or had no room.
func endsTorn(file *os.File, size int64) bool {
	var last [1]byte
	_, err := file.ReadAt(last[:], size-1)
	return size > 0 && err == nil && last[0] != '\n'
}

// Write implements [Sink].
func (f *File) Write(_ context.Context, r *Record) error {
	if f.waiting.add(r, f.options.Every) {
		return nil
	}
	lost, last, err := f.flush(r)
	if !last {
		f.tell(lost, err)
		return nil
	}
	f.tell(lost-1, err)
	return err
}

// write appends whole lines, with a line break before them, to the file.
func (f *File) write(lines []byte) error {
	if err := f.follow(int64(len(lines))); err != nil {
		return err
	}
	// The line break is for the case that the file ends in the middle of a line.
	if !f.torn {
		lines = lines[1:]
	}
	n, err := f.file.Write(lines)
	if n > 0 {
		f.torn = lines[n-1] != '\n'
	}
	return err
}

// follow sees to it that the open file is the one at the path, and has room for some bytes.
func (f *File) follow(room int64) error {
	if f.file == nil {
		return f.open()
	}
	info, err := os.Stat(f.path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case err != nil || !os.SameFile(info, f.info):
		return f.reopen() // another process rotated it, or it was moved or removed
	case info.Size() == 0 || info.Size()+room <= f.options.MaxSize:
		return nil
	}
	return f.rotate()
}

func (f *File) reopen() error {
	old := f.file
	if err := f.open(); err != nil || old == nil {
		return err
	}
	_ = old.Close() // what was written is written
	return nil
}

// Close writes what waits, and closes the file. A record that is written afterwards opens it
// again, and does not wait.
func (f *File) Close() error {
	f.waiting.close()
	_, _, err := f.flush(nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return err
	}
	err = errors.Join(err, f.file.Close())
	f.file = nil
	return err
}
