package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/owned"
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
)

// FileName is the name of the database of SQLite in its folder.
const FileName = "agenthost.db"

// readers is how many connections read at once. One connection writes: SQLite has one writer at a
// time, and its lock is not fair.
const readers = 4

// OpenSQLite opens the database in a folder, and makes both if they do not exist. No other process
// may have it open.
//
// # Errors
//
// An *[abi.Error] whose field is data: of kind denied if another server has the folder, or if other
// users can write to it, and of kind invalid_params if the database needs something else.
func OpenSQLite(ctx context.Context, dir string, o Options) (*Store, error) {
	if err := OwnFolder(dir); err != nil {
		return nil, err
	}
	path := filepath.Join(dir, FileName)
	release, err := lockFolder(ctx, dir, path)
	if err != nil {
		return nil, err
	}
	s, err := openSQLite(ctx, path, serving, o)
	if err != nil {
		release()
		return nil, err
	}
	s.release = release
	return s, nil
}

// JoinSQLite opens the database in a folder besides the server that may use it.
func JoinSQLite(ctx context.Context, dir string, o Options) (*Store, error) {
	path, err := databaseIn(dir)
	if err != nil {
		return nil, err
	}
	if err := OwnFolder(dir); err != nil {
		return nil, err
	}
	return openSQLite(ctx, path, joining, o)
}

// databaseIn returns the path of the database in a folder.
func databaseIn(dir string) (path string, err error) {
	path = filepath.Join(dir, FileName)
	if _, err := os.Stat(path); err != nil {
		return "", fault.Invalid("data", "there is no database: "+err.Error(), "name the folder of a server")
	}
	return path, nil
}

func openSQLite(ctx context.Context, path string, r role, o Options) (*Store, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fault.Invalid("data", "the database cannot be opened: "+err.Error(), "check the folder and who owns it")
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	// The audit trail adds many rows at once. What its statements would undo is kept in memory, its
	// batches fit into the cache (KiB), and pages that many batches change leave the log less often.
	writer, err := sqlitePool(path, 1, url.Values{"_txlock": {"immediate"}, "_pragma": {"journal_mode(wal)", "synchronous(full)", "foreign_keys(1)", "secure_delete(1)", "temp_store(2)", "cache_size(-8000)", "wal_autocheckpoint(4000)"}})
	if err != nil {
		return nil, err
	}
	reader, err := sqlitePool(path, readers, url.Values{"_pragma": {"query_only(1)"}})
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	s, err := open(ctx, sqliteDialect(), writer, reader, r, true, o)
	if err != nil {
		return nil, err
	}
	// SQLite makes these for everybody to read, in a folder that nobody else may enter.
	for _, name := range []string{path + "-wal", path + "-shm"} {
		if err := os.Chmod(name, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, errors.Join(err, s.closePools())
		}
	}
	s.file = path
	return s, nil
}

// sqlitePool returns connections to the file at path, with settings besides those of all.
func sqlitePool(path string, size int, settings url.Values) (*sql.DB, error) {
	settings["_pragma"] = slices.Concat([]string{"busy_timeout(10000)", "trusted_schema(0)"}, settings["_pragma"])
	name := url.URL{Scheme: "file", OmitHost: true, Path: filepath.ToSlash(path), RawQuery: settings.Encode()}
	connector, err := (&driver.SQLite{}).OpenConnector(name.String())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(guarded{connector})
	db.SetMaxOpenConns(size)
	db.SetMaxIdleConns(size)
	return db, nil
}

// OwnFolder makes the folder of a database where it is missing. The error is that of [OpenSQLite]
// for a folder that others can write to.
func OwnFolder(dir string) error {
	err := owned.Folder(dir)
	if refused, ok := errors.AsType[*owned.Error](err); ok {
		e := fault.Denied("private_data", refused.What, "credentials are kept there: "+refused.Hint+", or name another folder")
		e.Field = "data"
		return e
	} else if err != nil {
		return fault.Invalid("data", "the folder cannot be used: "+err.Error(), "name a folder that you can write to")
	}
	return nil
}

// lockPatience is how long a server waits for the one before it to end.
const lockPatience = 500 * time.Millisecond

func lockFolder(ctx context.Context, dir, path string) (release func(), err error) {
	waiting, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	release, err = durable.Lock(waiting, path)
	switch {
	case err == nil:
		return release, nil
	case ctx.Err() != nil:
		return nil, fault.Ended(ctx)
	case waiting.Err() != nil:
		e := fault.Denied("one_server", "another server uses the folder "+dir, "stop it, or start this one with another folder")
		e.Field = "data"
		return nil, e
	default:
		return nil, fault.Invalid("data", "the folder cannot be locked: "+err.Error(), "name a folder that you can write to, on a disk of this machine")
	}
}

func sqliteProblem(err error) problem {
	switch {
	case errors.Is(err, sqlite3.CONSTRAINT_UNIQUE), errors.Is(err, sqlite3.CONSTRAINT_PRIMARYKEY):
		return duplicate
	case errors.Is(err, sqlite3.CONSTRAINT_FOREIGNKEY):
		return missing
	}
	return other
}

// Backup writes the database to a new file while the store is in use. The file has the keys as the
// database has them: it opens no credential without the master key.
//
// # Errors
//
// An *[abi.Error] whose field is backup, if the file exists or cannot be written, or if the
// database is PostgreSQL, which has tools for this.
func (s *Store) Backup(ctx context.Context, path string) (err error) {
	if s.file == "" {
		return fault.Invalid("backup", "the database is PostgreSQL", "use pg_dump, and keep the master key elsewhere")
	}
	return backup(ctx, s.file, url.Values{}, path)
}

// BackupFolder is [Store.Backup] for the database in a folder that another process may have open.
func BackupFolder(ctx context.Context, dir, path string) error {
	from, err := databaseIn(dir)
	if err != nil {
		return err
	}
	return backup(ctx, from, url.Values{}, path)
}

// backup copies a database, which the settings open.
func backup(ctx context.Context, from string, settings url.Values, to string) (err error) {
	// SQLite fills a file that is empty, and refuses any other one.
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fault.Invalid("backup", "the file cannot be made: "+err.Error(), "name a file that does not exist")
	}
	defer func() {
		err = errors.Join(err, file.Close())
		if err != nil {
			err = errors.Join(err, os.Remove(to))
		}
	}()
	db, err := sqlitePool(from, 1, settings)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "VACUUM INTO ?1", to); err != nil {
		return fmt.Errorf("write the backup: %w", err)
	}
	return file.Sync()
}

// Restore makes the database of a folder that has none from a backup.
//
// # Errors
//
// An *[abi.Error] whose field is data if the folder has a database already or is in use, or
// backup if the file is no backup.
func Restore(ctx context.Context, path, dir string) (err error) {
	if err := OwnFolder(dir); err != nil {
		return err
	}
	to := filepath.Join(dir, FileName)
	release, err := lockFolder(ctx, dir, to)
	if err != nil {
		return err
	}
	defer release()
	if _, err := os.Lstat(to); err == nil {
		return fault.Invalid("data", "the folder has a database already", "name an empty folder")
	}
	if err := checkBackup(ctx, path); err != nil {
		return err
	}
	return backup(ctx, path, unchanged(), to)
}

// unchanged opens a file that nobody changes, also where this process may not write.
func unchanged() url.Values { return url.Values{"mode": {"ro"}, "immutable": {"1"}} }

// checkBackup reads all of a file that should be a backup.
func checkBackup(ctx context.Context, path string) (err error) {
	noBackup := func(why string) error {
		return fault.Invalid("backup", "the file is no backup of a database of agenthost: "+why, "name a file that agenthost serve backup wrote")
	}
	if info, err := os.Stat(path); err != nil {
		return fault.Invalid("backup", "the file cannot be read: "+err.Error(), "name a file that this user may read")
	} else if !info.Mode().IsRegular() {
		return noBackup("it is no file")
	}
	db, err := sqlitePool(path, 1, unchanged())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	var verdict string
	if err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&verdict); err != nil {
		return noBackup(err.Error())
	} else if verdict != "ok" {
		return noBackup("it is damaged")
	}
	var newest int
	if err := db.QueryRowContext(ctx, "SELECT MAX(version) FROM migration").Scan(&newest); err != nil || newest < 1 {
		return noBackup("it has other tables")
	}
	return nil
}
