package audit

import (
	"strings"
	"time"
)

// Filter selects records. The zero Filter selects every call. A record must match each field
// that is set.
type Filter struct {
	Connection string
	// Operation is entity.action, or entity.* for all of an entity.
	Operation string
	Caller    string
	// Outcome is [Ok] or the [abi.Kind] of an error.
	Outcome string
	// Denied selects only records for which [Record.Denied] is true.
	Denied bool
	// Since and Until select calls that started at or after Since and before Until; zero means no
	// bound.
	Since, Until time.Time
	// Starts also selects records of [EventStart]. They have no outcome, so they never match a
	// filter with one.
	Starts bool
}

// Match reports whether the filter selects a record.
func (f Filter) Match(r *Record) bool {
	switch {
	case r.Event != EventCall && !(f.Starts && r.Event == EventStart):
	case f.Connection != "" && r.Connection != f.Connection:
	case f.Operation != "" && !f.operation(r):
	case f.Caller != "" && r.Caller != f.Caller:
	case f.Outcome != "" && r.Outcome != f.Outcome:
	case f.Denied && !r.Denied():
	case r.Time.Before(f.Since):
	case !f.Until.IsZero() && !r.Time.Before(f.Until):
	default:
		return true
	}
	return false
}

func (f Filter) operation(r *Record) bool {
	if entity, ok := strings.CutSuffix(f.Operation, ".*"); ok {
		return r.Entity == entity
	}
	return r.Operation() == f.Operation
}
