package contextstore

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// The file says whose it is and which schema it has, in one number.
const (
	applicationID = 0x61686300 // ahc, and the schema
	schemaVersion = 2
	mostVersion   = 0xff
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
	bytes INTEGER NOT NULL,
	stale INTEGER NOT NULL,
	UNIQUE (connection, entity)
) STRICT;
CREATE TABLE removing (slot INTEGER PRIMARY KEY) STRICT;
` // removing has what is being removed: slots, and 0 until the log is empty

// newSuffix marks a file that is being made.
const newSuffix = ".new"

// open opens a connection to the file, which it makes if it may. With the lock of the folder, the file and its log
// are those of one moment: nobody removes one between the other.
func (f *file) open(ctx context.Context, create bool, pragmas string) (c *conn, is fs.FileInfo, err error) {
	system, mark, err := f.sealed(ctx)
	if err != nil {
		return nil, nil, err
	}
	release, err := f.lock(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer release()
	is, err = os.Lstat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		if !create {
			return nil, nil, errNone
		}
		if err := f.make(system, mark); err != nil {
			return nil, nil, fmt.Errorf("make the file of a workspace: %w", err)
		}
		is, err = os.Lstat(f.path)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := f.ours(mark); err != nil {
		return nil, nil, err
	}
	if c, err = connect(f.path, system, pragmas); err != nil {
		return nil, nil, err
	}
	err = c.within(ctx, func() error { return c.check() })
	// SQLite makes these for everybody to read, in a folder that nobody else may enter.
	for _, name := range []string{f.path + "-wal", f.path + "-shm"} {
		if chmod := os.Chmod(name, 0o600); err == nil && !errors.Is(chmod, fs.ErrNotExist) {
			err = chmod
		}
	}
	if err != nil {
		return nil, nil, errors.Join(err, c.close())
	}
	return c, is, nil
}

// sealed returns the name of the file system that seals the file, and the mark of its key.
func (f *file) sealed(ctx context.Context) (system, mark string, err error) {
	f.mu.Lock()
	system, mark = f.system, f.sealing
	f.mu.Unlock()
	if system != "" {
		return system, mark, nil
	}
	s, err := newSeal(ctx, f.key, f.workspace)
	if err != nil {
		return "", "", err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.system == "" {
		f.system, f.sealing = "copies-"+strings.ToLower(rand.Text()), s.id
		vfs.Register(f.system, &pages{VFS: vfs.Find(""), seal: s})
	}
	return f.system, f.sealing, nil
}

// check looks whether this program can use the file.
func (c *conn) check() error {
	mark, err := c.number("application_id")
	if err != nil {
		return err
	}
	switch version := mark & mostVersion; {
	case mark&^mostVersion != applicationID:
		return fmt.Errorf("%w: the file is of another program", ErrDamaged)
	case version > schemaVersion:
		return fmt.Errorf("%w: they have schema %d, and this one knows %d", ErrNewer, version, schemaVersion)
	case version < schemaVersion:
		return fmt.Errorf("%w: an older agenthost made them", ErrDamaged)
	}
	return nil
}

// make makes the file beside its place, so that it is there whole or not at all. Pages that are free are given back
// to the disk when copies are removed.
func (f *file) make(system, mark string) error {
	if err := f.remove(); err != nil { // what is left of another one
		return err
	}
	if err := f.mark(mark); err != nil {
		return err
	}
	path := f.path + newSuffix
	made, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := made.Close(); err != nil {
		return err
	}
	c, err := connect(path, system, "PRAGMA journal_mode=memory; PRAGMA synchronous=0;")
	if err != nil {
		return err
	}
	var state [4]byte // files that were made anew have other ones
	_, _ = rand.Read(state[:])
	err = c.guarded(func() error {
		if _, err := c.db.FileControl("main", sqlite3.FCNTL_RESERVE_BYTES, sealBytes); err != nil {
			return err
		}
		return c.db.Exec(fmt.Sprintf("PRAGMA auto_vacuum=2; BEGIN; %s PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT; PRAGMA journal_mode=wal;",
			sqliteSchema, applicationID|schemaVersion, int32(binary.LittleEndian.Uint32(state[:]))))
	})
	if err := errors.Join(err, c.leave(false), c.close()); err != nil {
		return err
	}
	return os.Rename(path, f.path)
}
