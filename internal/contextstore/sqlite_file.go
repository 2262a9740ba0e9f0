package contextstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/ncruces/go-sqlite3"
)

// mostReaders is how many searches read one file at once.
const mostReaders = 4

// file is the file of a workspace.
type file struct {
	path  string
	users int // with the lock of Files
	used  int64

	// gate is held for reading while the file is used, and for writing while it is closed or removed.
	gate sync.RWMutex
	// writing and reading have one element for each connection that is used.
	writing chan struct{}
	reading chan struct{}
	writer  *conn // with an element in writing

	mu      sync.Mutex
	readers []*conn // that nobody uses
	ready   bool    // the file has its tables
}

func newFile(path string) *file {
	return &file{path: path, writing: make(chan struct{}, 1), reading: make(chan struct{}, mostReaders)}
}

// close closes the connections. Nobody uses them.
func (f *file) close() error {
	var err error
	for _, c := range f.readers {
		err = errors.Join(err, c.close())
	}
	if f.writer != nil { // the last one, so that it puts the log into the file
		err = errors.Join(err, f.writer.close())
	}
	f.readers, f.writer, f.ready = nil, nil, false
	return err
}

// exists reports whether the workspace has copies.
func (f *file) exists() (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ready {
		return true, nil
	}
	_, err := os.Lstat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// write runs f in a transaction that may change the file, which is made where it is missing.
func (f *file) write(ctx context.Context, do func(*conn) error) error {
	return f.writerDo(ctx, func(c *conn) error {
		return c.transaction(ctx, "BEGIN IMMEDIATE", func() error { return do(c) })
	})
}

// writerDo calls do with the connection that writes.
func (f *file) writerDo(ctx context.Context, do func(*conn) error) (err error) {
	select {
	case f.writing <- struct{}{}:
	case <-ctx.Done():
		return fault.Ended(ctx)
	}
	defer func() { <-f.writing }()
	if f.writer == nil {
		if f.writer, err = f.first(ctx); err != nil {
			return classified(err)
		}
		f.mu.Lock()
		f.ready = true
		f.mu.Unlock()
	}
	err = do(f.writer)
	if f.writer.broken {
		err = errors.Join(err, f.writer.close())
		f.writer = nil
	}
	return classified(err)
}

// read runs do in a transaction that sees one state of the file.
func (f *file) read(ctx context.Context, do func(*conn) error) (err error) {
	select {
	case f.reading <- struct{}{}:
	case <-ctx.Done():
		return fault.Ended(ctx)
	}
	defer func() { <-f.reading }()
	c, err := f.reader(ctx)
	if err != nil {
		return classified(err)
	}
	err = c.transaction(ctx, "BEGIN", func() error { return do(c) })
	if c.broken || isDamage(err) {
		return classified(errors.Join(err, c.close()))
	}
	f.mu.Lock()
	f.readers = append(f.readers, c)
	f.mu.Unlock()
	return classified(err)
}

func (f *file) reader(ctx context.Context) (*conn, error) {
	f.mu.Lock()
	ready := f.ready
	var c *conn
	if n := len(f.readers); n > 0 {
		c = f.readers[n-1]
		f.readers = f.readers[:n-1]
	}
	f.mu.Unlock()
	if c != nil {
		return c, nil
	}
	if !ready { // the connection that writes looks at the file, and makes its tables
		if err := f.writerDo(ctx, func(*conn) error { return nil }); err != nil {
			return nil, err
		}
	}
	return connect(f.path, sqlite3.OPEN_READWRITE, "PRAGMA query_only=1; PRAGMA cache_size=-8000;")
}

// The file says whose it is, and which schema it has.
const (
	applicationID = 0x61686373 // ahcs
	schemaVersion = 1
)

const sqliteSchema = `
CREATE TABLE entity (
	slot INTEGER PRIMARY KEY AUTOINCREMENT,
	connection TEXT NOT NULL,
	entity TEXT NOT NULL,
	spec TEXT NOT NULL,
	number INTEGER NOT NULL,
	pass TEXT NOT NULL,
	pass_spec TEXT NOT NULL,
	cursor TEXT NOT NULL,
	synced INTEGER NOT NULL,
	complete INTEGER NOT NULL,
	count INTEGER NOT NULL,
	UNIQUE (connection, entity)
) STRICT;`

// first opens the connection that writes, and makes a new file ready.
func (f *file) first(ctx context.Context) (_ *conn, err error) {
	made, err := os.OpenFile(f.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the copies of a workspace: %w", err)
	}
	if err := made.Close(); err != nil {
		return nil, err
	}
	opened, err := connect(f.path, sqlite3.OPEN_READWRITE, "PRAGMA secure_delete=1; PRAGMA synchronous=1; PRAGMA cache_size=-8000; PRAGMA wal_autocheckpoint=4000;")
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, opened.close())
		}
	}()
	var application, version, pages int64
	for pragma, into := range map[string]*int64{"application_id": &application, "user_version": &version, "page_count": &pages} {
		if _, err := opened.one(func(s *sqlite3.Stmt) { *into = s.ColumnInt64(0) }, "PRAGMA "+pragma); err != nil {
			return nil, err
		}
	}
	switch {
	case pages == 0 || application == 0 && version == 0 && pages == 1:
		err = opened.within(ctx, func() error { return makeTables(opened) })
	case application != applicationID:
		err = fmt.Errorf("%w: the file is of another program", ErrDamaged)
	case version > schemaVersion:
		err = fmt.Errorf("%w: they have schema %d, and this one knows %d", ErrNewer, version, schemaVersion)
	case version < schemaVersion:
		err = fmt.Errorf("%w: they have no schema", ErrDamaged)
	}
	if err != nil {
		return nil, err
	}
	// SQLite makes these for everybody to read, in a folder that nobody else may enter.
	for _, name := range []string{f.path + "-wal", f.path + "-shm"} {
		if err := os.Chmod(name, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return opened, nil
}

// makeTables makes a file ready. Every page has a checksum, so that damage is an error and not a wrong
// answer. Pages that are free are given back to the disk when copies are removed.
func makeTables(c *conn) error {
	if err := c.db.Exec("PRAGMA auto_vacuum=2"); err != nil {
		return err
	}
	if err := c.db.EnableChecksums("main"); err != nil {
		return err
	}
	return c.db.Exec(fmt.Sprintf("PRAGMA journal_mode=wal; BEGIN IMMEDIATE; %s PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT;", sqliteSchema, applicationID, schemaVersion))
}

// isDamage reports whether an error is that of a file that SQLite cannot read.
func isDamage(err error) bool {
	return errors.Is(err, sqlite3.CORRUPT) || errors.Is(err, sqlite3.NOTADB) || errors.Is(err, sqlite3.IOERR_DATA) || errors.Is(err, sqlite3.IOERR_SHORT_READ) || errors.Is(err, sqlite3.IOERR_CORRUPTFS)
}

// classified makes an [ErrDamaged] of what SQLite says of a damaged file.
func classified(err error) error {
	if isDamage(err) && !errors.Is(err, ErrDamaged) {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return err
}
