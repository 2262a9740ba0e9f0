// Package contextstore keeps copies of the records of connections, and searches them: in a file of
// SQLite for each workspace, or in tables of PostgreSQL. Both find the same, in the same order: an
// index gives candidates, and package query decides.
package contextstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/rawjson"
)

var (
	// ErrDamaged says that copies cannot be read, or are of another program. They are no use any
	// more: remove those of the workspace, and copy again.
	ErrDamaged = errors.New("the copies are damaged")
	// ErrNewer says that a newer agenthost made the copies. It reads them; this one may remove them.
	ErrNewer = errors.New("a newer agenthost made the copies")
	// ErrOtherKey says that copies are sealed with another key, or that those of a program with a key are not sealed.
	// Whoever has that key uses them; this one may remove them.
	ErrOtherKey = errors.New("the copies are sealed with another key")
	// ErrPass says that another pass has begun since, or that the pass has ended.
	ErrPass = errors.New("the pass is over")
)

// Store keeps copies. It is safe for concurrent use.
type Store interface {
	// Begin begins a full pass with an id, or goes on with it: the state has its cursor. A pass with
	// another id that has not ended is over.
	Begin(ctx context.Context, t Target, pass string) (*State, error)
	// Apply puts and removes records, all of them or none. The error is [ErrFull] if the connection had more copies
	// then than it may have.
	Apply(ctx context.Context, t Target, b Batch) (*State, error)
	// End ends a pass: the records that it has not seen are removed, and the copies are complete, as
	// of a time.
	End(ctx context.Context, t Target, pass string, at time.Time) (*State, error)
	// State says what there is of an entity. It is empty for one that nobody has copied.
	State(ctx context.Context, t Target) (*State, error)
	// Search answers a search of the entity's fields.
	Search(ctx context.Context, t Target, q *query.Query) (*Answer, error)
	// Keys calls each with records of an entity in the order of their keys, which is the database's own: those
	// after a key, from the first one on if that is empty, that were updated at a time or later, to the second, or all
	// if that is zero. It returns how many these were, at most a limit. The record is good until each returns.
	Keys(ctx context.Context, t Target, after string, since time.Time, limit int, each func(key string, record []byte) error) (n int, err error)
	// Connections returns the connections of a workspace that have copies, in the order of their names.
	Connections(ctx context.Context, workspace string) ([]string, error)
	// Remove removes the copies of an entity, of a connection if entity is empty, or of a workspace if
	// connection is empty, too.
	Remove(ctx context.Context, workspace, connection, entity string) error
	// Close closes the store. Calls that run fail.
	Close() error
}

// Target is the copies of an entity of a connection.
type Target struct {
	Workspace, Connection, Entity string
	// Fields say how records are indexed, for steps and passes. Where they change, copies are searched
	// without an index until a full pass has ended.
	Fields *query.Entity
}

// Record is a record of an entity.
type Record struct {
	Key string
	// JSON is an object.
	JSON []byte
	// Updated is when the record was changed last, in milliseconds, where no field says so. It is the time of the
	// copy if nobody knows.
	Updated time.Time
}

// Batch is a step of a copy. Bounds are [MostRecords] records of at most [MostRecordBytes].
type Batch struct {
	Put    []Record
	Remove []string // keys
	// Pass is the full pass that the records are of, empty for changes beside one. Cursor is where
	// the pass goes on, or what the next pass needs to know; without a pass, an empty one changes nothing.
	Pass, Cursor string
	// Synced is the time as of which the copies are up to date now, if it is not zero.
	Synced time.Time
}

// Bounds of what is kept.
const (
	MostRecords     = 5000
	MostRecordBytes = 1 << 20
	mostKeyBytes    = 512
	mostNameBytes   = 256
	mostCursorBytes = 16 << 10
)

// State is what there is of an entity.
type State struct {
	// Synced is the time as of which the copies are up to date; zero if nobody knows.
	Synced time.Time
	// Complete says that a full pass has ended.
	Complete bool
	// Count is how many records there are, and Bytes how many bytes these have: nearly, until a full pass has ended.
	Count int
	Bytes int64
	// Pass is the full pass that has not ended. Cursor is that of the last step.
	Pass, Cursor string
	// Changed and Removed are how many records a call has written or removed.
	Changed, Removed int
}

// Answer is what a search found.
type Answer struct {
	query.Page
	State State
	// Capped says that there were more candidates than are looked at: the newest were.
	Capped bool
}

// indexVersion changes where the terms of a record do.
const indexVersion = 2

// spec names what the terms of a record are made from.
func spec(e *query.Entity) string {
	raw, _ := json.Marshal(e.Fields) // texts and booleans always marshal
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", indexVersion, raw))
	return hex.EncodeToString(sum[:12])
}

func (t Target) check() error {
	for _, name := range []string{t.Workspace, t.Connection, t.Entity} {
		if !plain(name, mostNameBytes) {
			return fault.Invalid("entity", fmt.Sprintf("copies of %.80q cannot be kept", name), "")
		}
	}
	return nil
}

// plain reports whether a name or a key can be kept in both databases.
func plain(s string, most int) bool {
	if s == "" || len(s) > most || !utf8.ValidString(s) {
		return false
	}
	for i := range len(s) {
		if s[i] == 0 {
			return false
		}
	}
	return true
}

// CheckKey refuses a key that cannot be kept.
func CheckKey(key string) error {
	if !plain(key, mostKeyBytes) {
		return fault.Invalid("key", fmt.Sprintf("%.80q is no key of a record", key), "a key is a text of at most 512 bytes")
	}
	return nil
}

// Check refuses a record that cannot be kept.
func (r *Record) Check() error {
	if err := CheckKey(r.Key); err != nil {
		return err
	}
	switch {
	case len(r.JSON) > MostRecordBytes:
		return fault.LimitExceeded("record", fmt.Sprintf("record %.80s has %d bytes, and may have %d", r.Key, len(r.JSON), MostRecordBytes), "copy records without their largest fields")
	case rawjson.KindOf(r.JSON) != rawjson.Object || rawjson.Check(r.JSON) != nil || !utf8.Valid(r.JSON):
		return fault.Invalid("record", fmt.Sprintf("record %.80s is no JSON object", r.Key), "")
	}
	return nil
}

// check refuses what cannot be kept, leaves one of several records with the same key, the last, and gives each
// its time.
func (b *Batch) check(x *query.Indexer) error {
	if len(b.Cursor) > mostCursorBytes {
		return fault.LimitExceeded("cursor", fmt.Sprintf("the place of a pass has %d bytes, and may have %d: the cursors of the list are too long", len(b.Cursor), mostCursorBytes), "tell the author of the connector")
	}
	if len(b.Put)+len(b.Remove) > MostRecords {
		return fault.LimitExceeded("records", fmt.Sprintf("a step has at most %d records", MostRecords), "make smaller steps")
	}
	last := make(map[string]int, len(b.Put))
	times := make([]time.Time, len(b.Put))
	for i, r := range b.Put {
		if err := r.Check(); err != nil {
			return err
		}
		last[r.Key] = i
		if at, ok := x.Updated(r.JSON); ok {
			times[i] = at
		} else {
			times[i] = r.Updated
		}
	}
	kept := make([]Record, 0, len(last)) // the caller's stay as they are
	for i, r := range b.Put {
		if last[r.Key] == i {
			r.Updated = times[i]
			kept = append(kept, r)
		}
	}
	b.Put = kept
	for _, key := range b.Remove {
		if err := CheckKey(key); err != nil {
			return err
		}
	}
	return nil
}

// millis is a time as copies have it.
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
	return time.UnixMilli(ms)
}
