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

// The defaults of FileOptions.
const (
	defaultMaxSize = 50_000_000
	defaultKeep    = 10
)

// FileOptions configure a [File]. Zero fields mean the defaults.
type FileOptions struct {
	// MaxSize is the largest size of the file in bytes; 0 means 50 MB. The file can exceed it by what other
	// processes write during a rotation.
	MaxSize int64
	// Keep is the number of rotated files to keep; 0 means 10. A rotation removes the oldest ones.
	Keep int
	// Now tells the time, for the names of rotated files. Nil means time.Now.
	Now func() time.Time
	// Every is the shortest time between writes for successful reads. Records of reads
	// within this time wait and are written together. Any other record is written at once,
	// together with the waiting ones. 0 writes every record at once.
	Every time.Duration
	// Lost is called with the number of waiting records that could not be written, and the
	// reason. It may be nil.
	Lost func(records int, err error)
}

// File is a sink that appends to a file. It is safe for concurrent use, also by several
// processes with one file on a local disk. Each write appends whole lines and starts on a new
// line. Only one process rotates the file.
//
// Rotation renames NAME.jsonl to NAME-20060102T150405.000000000Z.jsonl and makes a new file.
// If another program renamed or removed the file, File makes a new one.
//
// File does not sync: records survive the end of the process, but not a power failure within
// seconds. [File.Close] writes waiting records (see [FileOptions.Every]). If the process is
// killed, they are lost.
type File struct {
	path    string
	options FileOptions
	put     func(file *os.File, lines []byte) (int, error) // nil is os.File.Write; tests cut it short

	mu    sync.Mutex  // guards the fields below
	file  *os.File    // nil after Close, or if reopening failed
	info  fs.FileInfo // of file at its opening
	block block       // records of the current write; empty between writes
	lines []byte      // buffer for their lines

	waiting waiting
}

// Open opens a file for appending. It creates a missing file with mode 0600.
//
// # Errors
//
// All are *[abi.Error]: denied if other users can write the file, because such records prove
// nothing, and invalid_params if the file is unusable. If the problem may be temporary, such
// as a missing folder or a full disk, the error has a cause and Open also returns a File,
// which tries to open the file at each write.
func Open(path string, o FileOptions) (*File, error) {
	if o.MaxSize < 0 || o.Keep < 0 || o.Every < 0 {
		return nil, &abi.Error{Kind: abi.KindInvalidParams, Field: "audit", Message: "MaxSize, Keep and Every of the audit file must not be negative", Hint: "use 0 for the default"}
	}
	o.MaxSize, o.Keep = cmp.Or(o.MaxSize, defaultMaxSize), cmp.Or(o.Keep, defaultKeep)
	if o.Now == nil {
		o.Now = time.Now
	}
	f := &File{path: path, options: o}
	err := f.open()
	if err != nil && errors.Unwrap(err) == nil {
		return nil, err
	}
	if o.Every > 0 {
		f.waiting.timer = time.AfterFunc(o.Every, f.late) // finds nothing, the first time
	}
	return f, err
}

// open opens the file at the path. The caller holds the lock, or is Open.
func (f *File) open() error {
	unusable := func(message, hint string, cause error) error {
		return (&abi.Error{Kind: abi.KindInvalidParams, Field: "audit.file", Message: "the audit file " + f.path + " " + message, Hint: hint}).WithCause(cause)
	}
	// A pipe would block, and a link may lead to another file.
	info, err := os.Lstat(f.path)
	switch {
	case err == nil && !info.Mode().IsRegular():
		return unusable("is not a regular file", "name a regular file; to write records to the log, use log: true", nil)
	case err == nil && info.Mode().Perm()&0o022 != 0:
		return &abi.Error{Kind: abi.KindDenied, Field: "audit.file", Rule: "audit.file", Message: "other users can write to the audit file " + f.path, Hint: "chmod 0600 " + f.path}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return unusable("cannot be read", "check the permissions of its folder", err)
	}
	file, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return unusable("cannot be opened", "check that its folder exists and is writable", err)
	}
	if info, err = file.Stat(); err != nil {
		_ = file.Close()
		return unusable("cannot be read", "check the permissions of its folder", err)
	}
	f.file, f.info = file, info
	return nil
}

// endsWhole reports whether a file ends with a complete line. It does not if a process was
// killed in a write, or if the disk was full.
func endsWhole(file *os.File) bool {
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return err == nil
	}
	var last [1]byte
	_, err = file.ReadAt(last[:], info.Size()-1)
	return err == nil && last[0] == '\n'
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

// write appends whole lines to the file, with a line break before them if necessary.
func (f *File) write(lines []byte) error {
	if err := f.follow(int64(len(lines))); err != nil {
		return err
	}
	// The lock keeps other writers away between the check of the end and the write. Without
	// a lock, always write a line break first: readers skip an empty line, but a record that
	// follows half of another one is lost.
	unlock, ok := lock(f.file)
	if ok {
		defer unlock()
	}
	if ok && excludes && endsWhole(f.file) {
		lines = lines[1:]
	}
	put := f.put
	if put == nil {
		put = (*os.File).Write
	}
	_, err := put(f.file, lines)
	return err
}

// follow reopens or rotates the file until the open file is the one at the path and has room
// for some bytes.
func (f *File) follow(room int64) error {
	if f.file == nil {
		return f.open()
	}
	info, err := os.Stat(f.path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	case err != nil || !os.SameFile(info, f.info):
		return f.reopen() // another program rotated, moved or removed it
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
	_ = old.Close() // an error here loses nothing
	return nil
}

// Close writes waiting records and closes the file. A later Write opens the file again, and
// its record does not wait.
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
