package pdk

import (
	"slices"
	"strings"
	"sync/atomic"
)

// row is an operation with what executing it needs.
type row struct {
	op   *Operation
	spec []Param // with those of its pagination
	// head is how the JSON of the operation's own request begins.
	head []byte
}

// table is a connector's operations, in the order of compare.
type table struct {
	of   *Connector
	rows []row
}

// lastTable is the table that was made last. A guest has one connector, and the host runs
// auth_schema before it keeps the state that all calls start from, so that the table is
// there when a call begins.
var lastTable atomic.Pointer[table]

// table returns the connector's operations. They are sorted and not in a map, because
// the order of a map is random, and the same call always costs the same fuel.
func (c *Connector) table() *table {
	if t := lastTable.Load(); t != nil && t.of == c && len(t.rows) == len(c.Operations) {
		return t
	}
	t := &table{of: c, rows: make([]row, len(c.Operations))}
	for i := range c.Operations {
		op := &c.Operations[i]
		t.rows[i] = row{op: op, spec: op.params(), head: appendRequestHead(nil, op.Server, op.Method, op.Path)}
	}
	slices.SortFunc(t.rows, func(a, b row) int { return compare(a.op, b.op.Entity, b.op.Action) })
	lastTable.Store(t)
	return t
}

// find returns the operation of that name, nil where there is none.
func (t *table) find(entity, action string) *row {
	low, high := 0, len(t.rows)
	for low < high {
		middle := (low + high) / 2
		switch order := compare(t.rows[middle].op, entity, action); {
		case order == 0:
			return &t.rows[middle]
		case order < 0:
			low = middle + 1
		default:
			high = middle
		}
	}
	return nil
}

// compare orders by length first, since most names differ in that.
func compare(op *Operation, entity, action string) int {
	if d := len(op.Entity) - len(entity); d != 0 {
		return d
	}
	if d := len(op.Action) - len(action); d != 0 {
		return d
	}
	if d := strings.Compare(op.Entity, entity); d != 0 {
		return d
	}
	return strings.Compare(op.Action, action)
}
