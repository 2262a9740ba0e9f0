// Package store is the server's database: organizations, applications, workspaces, connections
// with their sealed credentials, the keys of repeated writes, the audit trail and jobs.
//
// There is one [Store] over two databases, SQLite and PostgreSQL. Statements are written by hand,
// in files, one per concept. Every call is bounded in time, and every list in length.
//
// A [Scope] says whose rows a call may see. A row of somebody else does not exist: the error is
// [ErrNone], as for an id that nobody has.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/internal/store/envelope"
	"github.com/jackc/pgx/v5"
)

var (
	// ErrNone says that there is no such row, or that the scope does not have it.
	ErrNone = errors.New("there is none")
	// ErrExists says that the name is taken.
	ErrExists = errors.New("the name is taken")
	// ErrChanged says that somebody else changed the row since it was read.
	ErrChanged = errors.New("it was changed in the meantime")
)

// Options are what every store needs.
type Options struct {
	// Masters reads the master keys: when the store opens, and again when it meets a key that was
	// sealed with another one, as after a rotation by another process.
	Masters func(context.Context) (*envelope.Masters, error)
	// Now and Sleep are the fields of [seams.Seams].
	Now   func() time.Time
	Sleep func(context.Context, time.Duration) error
	// Random gives random bytes, to several goroutines at once; [rand.Reader] if nil.
	Random io.Reader
	// OnQuery, if set, is called with the name of every statement before it runs.
	OnQuery func(name string)
	// Observer, if set, hears of every statement and transaction that has ended.
	Observer Observer
	// OnSchema, if set, hears what a person should know of the schema: a step waits or is done, or has an
	// error, or keeps the database away. It is called from several goroutines, and must not wait.
	OnSchema   func(says string, err error)
	migrations fs.FS // of tests; [migrations] if nil
	// Only has the database for this process only, if it is PostgreSQL. A file always has one server.
	Only bool
}

// Observer hears of the work of a store. Several goroutines call it at the same time, and wait for it.
type Observer interface {
	// Statement is a statement by its name, one of those in this package, and how long it took.
	Statement(name string, took time.Duration)
	// Transaction is one that changes something, and whether it was committed.
	Transaction(took time.Duration, committed bool)
}

// nobody is an [Observer] that does nothing.
type nobody struct{}

func (nobody) Statement(string, time.Duration) {}
func (nobody) Transaction(time.Duration, bool) {}

// Store is a database. It is safe for concurrent use.
type Store struct {
	dialect dialect
	queries map[string]string
	// migrations are the steps of the schema that the program knows.
	migrations fs.FS
	earlier    map[string][]earlier // statements for databases that wait for a step
	schema     atomic.Int64         // of the database, as far as it is known
	// writer and reader are the same for PostgreSQL.
	writer, reader *sql.DB
	file           string          // of SQLite
	config         *pgx.ConnConfig // of PostgreSQL
	masters        masters
	now            func() time.Time
	sleep          func(context.Context, time.Duration) error
	onSchema       func(string, error)
	random         io.Reader
	onQuery        func(string)
	observer       Observer
	answers        answerKeys
	node           atomic.Pointer[string] // nil before the first beat
	told           told
	queue          *queue
	// listen is [Store.Listen] where other processes tell of changes.
	listen func(ctx context.Context, ready func(), hear func(notice string)) error
	first  bool    // no other process used the database when it was opened
	health *health // nil of a file
	// presence is nil of a file, and of a store besides a server.
	presence *presence
	release  func() // gives the lock back; nil if there is none
}

// Scope is whose rows a call may see: those of an organization, or of one workspace of it. The
// zero Scope sees none.
type Scope struct {
	Organization string
	Workspace    string // all of the organization's if empty
}

// role is what a store is opened for.
type role int

const (
	serving role = iota // by a server
	joining             // besides the servers that may use it
)

// open completes a store: it looks whether the master keys open the database, and migrates it for a
// server, which is the first if no other one uses the database. It closes the pools after an error.
func open(ctx context.Context, d dialect, writer, reader *sql.DB, r role, first bool, o Options) (_ *Store, err error) {
	clock := seams.Seams{Now: o.Now, Sleep: o.Sleep}.WithDefaults()
	s := &Store{dialect: d, writer: writer, reader: reader, now: clock.Now, sleep: clock.Sleep, random: o.Random, onQuery: o.OnQuery, observer: o.Observer}
	if s.random == nil {
		s.random = rand.Reader
	}
	if s.observer == nil {
		s.observer = nobody{}
	}
	if s.onSchema = o.OnSchema; s.onSchema == nil {
		s.onSchema = func(string, error) {}
	}
	if s.migrations = o.migrations; s.migrations == nil {
		s.migrations = migrations
	}
	s.masters.read = o.Masters
	defer func() {
		if err != nil {
			err = errors.Join(err, s.closePools())
		}
	}()
	s.first = first
	if s.queries, err = readQueries(statements, d); err != nil {
		return nil, err
	}
	if s.earlier, err = takeEarlier(s.queries); err != nil {
		return nil, err
	}
	if err := s.openQueue(); err != nil {
		return nil, err
	}
	if r == serving {
		err = s.bringSchema(ctx, first)
	} else {
		err = s.checkSchema(ctx, s.migrations)
	}
	if err != nil {
		return nil, err
	}
	others, err := s.openMasters(ctx)
	if err != nil || r != serving {
		return s, err
	}
	err = s.write(ctx, func(t session) error {
		if _, err := t.exec("master.first", s.masters.now.Load().Current()); err != nil {
			return err
		}
		if !first {
			return nil
		}
		// What ran before has an unknown end.
		for _, statement := range []string{"idempotency.interrupted", "node.forget_all", "lease.end_all", "job.interrupted", "job.no_leader"} {
			if _, err := t.exec(statement); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && others {
		_, err = s.RotateMaster(ctx)
	}
	return s, err
}

// First reports whether no other process used the database when this one opened it.
func (s *Store) First() bool { return s.first }

// Close closes the database. Calls that run fail.
func (s *Store) Close() error {
	err := s.closePools()
	if s.release != nil {
		s.release()
	}
	return err
}

func (s *Store) closePools() error {
	if s.reader == s.writer {
		return s.writer.Close()
	}
	return errors.Join(s.reader.Close(), s.writer.Close())
}

// Ready returns an error if the database does not answer.
func (s *Store) Ready(ctx context.Context) error {
	ctx, cancel := s.within(ctx)
	defer cancel()
	return s.named(ctx, s.reader.PingContext(ctx))
}

// NewID returns a UUID of version 7 (RFC 9562): ids sort by the time at which they were made.
func (s *Store) NewID() (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(s.random, b[6:]); err != nil {
		return "", fmt.Errorf("random bytes for an id: %w", err)
	}
	ms := uint64(s.now().UnixMilli())
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	b[6] = b[6]&0x0f | 0x70
	b[8] = b[8]&0x3f | 0x80
	text := make([]byte, 36)
	hex.Encode(text, b[:4])
	text[8] = '-'
	hex.Encode(text[9:], b[4:6])
	text[13] = '-'
	hex.Encode(text[14:], b[6:8])
	text[18] = '-'
	hex.Encode(text[19:], b[8:10])
	text[23] = '-'
	hex.Encode(text[24:], b[10:])
	return string(text), nil
}

// millis is a time as the database has it; the zero time is 0.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// instant is the reverse of millis.
func instant(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
