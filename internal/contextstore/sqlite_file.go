package contextstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// mostReaders is how many searches read one file at once.
const mostReaders = 4

// errNone says that a workspace has no file.
var errNone = errors.New("there are no copies")

// file is the file of a workspace. Other processes may use and remove it, too.
type file struct {
	path, workspace string
	key             Key
	renews          bool                                              // see Files
	lock            func(context.Context) (release func(), err error) // of the folder
	users           int                                               // with the lock of Files
	used            int64

	// gate is held for reading while the file is used, and for writing while it is closed or removed.
	gate sync.RWMutex
	// writing and reading have one element for each connection that is used.
	writing chan struct{}
	reading chan struct{}
	writer  *conn // with an element in writing

	mu      sync.Mutex
	readers []*conn     // that nobody uses
	is      fs.FileInfo // the file that was looked at, and that the writer has open
	system  string      // the name of its file system, once there is one
	sealing string      // the mark of its key, with the file system
}

func newFile(path, workspace string, key Key, renews bool, lock func(context.Context) (func(), error)) *file {
	return &file{path: path, workspace: workspace, key: key, renews: renews, lock: lock, writing: make(chan struct{}, 1), reading: make(chan struct{}, mostReaders)}
}

// closeTime is how long a file waits for the lock of the folder before it closes.
const closeTime = 5 * time.Second

// close closes the connections. Nobody uses them.
func (f *file) close(ctx context.Context) error {
	all := f.readers
	if f.writer != nil { // the last one, so that it puts the log into the file
		all = append(all, f.writer)
	}
	f.readers, f.writer, f.is = nil, nil, nil
	err := f.shut(ctx, all...)
	if f.system != "" {
		vfs.Unregister(f.system)
		f.system = ""
	}
	return err
}

// shut closes connections. The last one removes the log, by its name: only with the lock is it that of this file.
func (f *file) shut(ctx context.Context, all ...*conn) error {
	if len(all) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	release, err := f.lock(ctx)
	if err == nil {
		defer release()
		return closeAll(all)
	}
	err = nil
	for _, c := range all {
		err = errors.Join(err, c.leave(true))
	}
	return errors.Join(err, closeAll(all))
}

func closeAll(all []*conn) (err error) {
	for _, c := range all {
		err = errors.Join(err, c.close())
	}
	return err
}

// remove removes the file, with the lock. Nobody of this process uses it.
func (f *file) remove() error {
	var errs []error
	// The file goes before its log: without that, it may be a mixture of two states.
	for _, suffix := range []string{"", "-wal", "-shm", "-journal", newSuffix, newSuffix + "-wal", newSuffix + "-shm", keySuffix} {
		if err := os.Remove(f.path + suffix); !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// exists reports whether the workspace has copies.
func (f *file) exists() (bool, error) {
	_, err := os.Lstat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// write runs f in a transaction that may change the file.
func (f *file) write(ctx context.Context, create bool, do func(*conn) error) error {
	return f.writerDo(ctx, create, func(c *conn) error {
		return c.change(ctx, func() error { return do(c) })
	})
}

// writerDo calls do with the connection that writes. It fails with errNone if there is no file, and none is to be made.
func (f *file) writerDo(ctx context.Context, create bool, do func(*conn) error) (err error) {
	select {
	case f.writing <- struct{}{}:
	case <-ctx.Done():
		return fault.Ended(ctx)
	}
	defer func() { <-f.writing }()
	if f.writer != nil && f.writer.moved() {
		if err := f.dropWriter(ctx); err != nil {
			return err
		}
	}
	if f.writer == nil {
		if err := f.first(ctx, create); err != nil {
			return classified(err)
		}
	}
	err = do(f.writer)
	if f.writer.broken {
		err = errors.Join(err, f.dropWriter(ctx))
	}
	return classified(err)
}

// dropWriter closes the connection that writes.
func (f *file) dropWriter(ctx context.Context) error {
	f.mu.Lock()
	f.is = nil
	f.mu.Unlock()
	c := f.writer
	f.writer = nil
	return f.shut(ctx, c)
}

// first opens the connection that writes, and looks whether the file is right.
func (f *file) first(ctx context.Context, create bool) error {
	c, is, err := f.open(ctx, create, "PRAGMA secure_delete=1; PRAGMA synchronous=1; PRAGMA cache_size=-8000; PRAGMA wal_autocheckpoint=4000;")
	if err != nil {
		return err
	}
	if err := f.look(ctx, c); err != nil {
		return errors.Join(err, f.shut(ctx, c))
	}
	f.writer = c
	f.mu.Lock()
	f.is = is
	f.mu.Unlock()
	return f.resume(ctx)
}

// resumeTime is how long who opens a file goes on with a removal. The end of a pass does the rest.
const resumeTime = time.Second

// resume goes on with what a process was removing when it ended.
func (f *file) resume(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, resumeTime)
	defer cancel()
	if err := f.writer.purge(ctx); isDamage(err) {
		return err
	}
	return nil
}

// look looks whether the log belongs to the file: whoever restores a backup may mix two states.
func (f *file) look(ctx context.Context, c *conn) error {
	for range 3 { // others may begin the log anew in the meantime
		matches := false
		err := c.within(ctx, func() error {
			states, _, err := c.db.WALCheckpoint("main", sqlite3.CHECKPOINT_NOOP)
			if err != nil {
				return err
			}
			return c.transaction(ctx, "BEGIN IMMEDIATE", func() (err error) {
				matches, err = c.matches(states > 0)
				return err
			})
		})
		if err != nil {
			return err
		}
		if matches {
			return c.leave(false)
		}
	}
	return fmt.Errorf("%w: the log is that of another state of the file", ErrDamaged)
}

// read runs do in a transaction that sees one state of the file, if there is one: another process may have removed it.
func (f *file) read(ctx context.Context, do func(*conn) error) (err error) {
	select {
	case f.reading <- struct{}{}:
	case <-ctx.Done():
		return fault.Ended(ctx)
	}
	defer func() { <-f.reading }()
	c, err := f.reader(ctx)
	if errors.Is(err, errNone) {
		return nil
	}
	if err != nil {
		return classified(err)
	}
	err = c.transaction(ctx, "BEGIN", func() error { return do(c) })
	if c.broken || isDamage(err) {
		return classified(errors.Join(err, f.shut(ctx, c)))
	}
	f.mu.Lock()
	f.readers = append(f.readers, c)
	f.mu.Unlock()
	return classified(err)
}

// reader returns a connection that reads the file that is there now.
func (f *file) reader(ctx context.Context) (*conn, error) {
	for {
		c := f.idle()
		if c == nil {
			break
		}
		if !c.moved() {
			return c, nil
		}
		if err := f.shut(ctx, c); err != nil {
			return nil, err
		}
	}
	for {
		c, is, err := f.open(ctx, false, "PRAGMA query_only=1; PRAGMA cache_size=-8000;")
		if err != nil {
			return nil, err
		}
		if f.known(is) {
			return c, c.leave(false)
		}
		// The connection that writes looks at the file.
		if err := f.writerDo(ctx, false, func(*conn) error { return nil }); err != nil {
			return nil, errors.Join(err, f.shut(ctx, c))
		}
		if f.known(is) {
			return c, c.leave(false)
		}
		if err := f.shut(ctx, c); err != nil { // another process has made a new file
			return nil, err
		}
	}
}

func (f *file) idle() *conn {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := len(f.readers)
	if n == 0 {
		return nil
	}
	c := f.readers[n-1]
	f.readers = f.readers[:n-1]
	return c
}

func (f *file) known(is fs.FileInfo) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.is != nil && os.SameFile(f.is, is)
}

// isDamage reports whether an error is that of a file that SQLite cannot read.
func isDamage(err error) bool {
	return errors.Is(err, ErrDamaged) || errors.Is(err, sqlite3.CORRUPT) || errors.Is(err, sqlite3.NOTADB) || errors.Is(err, sqlite3.IOERR_DATA) || errors.Is(err, sqlite3.IOERR_SHORT_READ) || errors.Is(err, sqlite3.IOERR_CORRUPTFS)
}

// classified makes an [ErrDamaged] of what SQLite says of a damaged file, and a limit of what it says of one that others
// have for long.
func classified(err error) error {
	switch {
	case errors.Is(err, ErrDamaged):
		return err
	case isDamage(err):
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	case errors.Is(err, sqlite3.BUSY) || errors.Is(err, sqlite3.PROTOCOL):
		return fault.LimitExceeded("copies", "another process has been writing the copies for "+busyTime.String(), "try again")
	}
	return err
}
