package contextstore

import (
	"errors"
	"fmt"
)

// ErrFull says that a connection has as many copies as it may have.
var ErrFull = errors.New("the connection has as many copies as it may have")

// Bounds of the copies of one connection, of all its entities. A vendor whose lists have no end does not fill the disk.
const (
	MostCopies    = 5_000_000
	MostCopyBytes = 16 << 30 // of records; indexes add to that
)

// room is what copies of a connection may take.
type room struct{ records, bytes int64 }

func roomy() room { return room{MostCopies, MostCopyBytes} }

// Bound says how many copies a connection may have, and how many bytes these; nobody uses the copies yet.
func (f *Files) Bound(records, bytes int64) { f.room = room{records, bytes} }

// grows refuses a step after which an entity, and the others of its connection, have more than they may. One that
// takes nothing more is never refused.
func (m room) grows(before, after *entity, others room) error {
	if after.count > before.count && others.records+after.count > m.records {
		return fmt.Errorf("%w: %d records", ErrFull, m.records)
	}
	if after.bytes > before.bytes && others.bytes+after.bytes > m.bytes {
		return fmt.Errorf("%w: records of %d MiB", ErrFull, m.bytes>>20)
	}
	return nil
}
