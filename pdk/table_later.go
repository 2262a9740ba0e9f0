package pdk

import (
	"errors"
	"strconv"
)

// What Rows begins with: the place of the first row, in digits of which there are always as many.
const (
	rowsAt       = "rows_at"
	noRowsAt     = "00000000"
	beforeRowsAt = `{"` + rowsAt + `":"`
)

// fewRows is the length of rows that are all read at once, in bytes. To read the row of a call costs
// it some hundredths of a millisecond, and to read all rows costs the first call that for each.
const fewRows = 128 << 10

// later are the rows of a large table, of which only the one that is called is read.
type later struct {
	read func(at int, p []byte) error
	rows []laterRow
}

// laterRow is the name of an operation, and the place of its row.
type laterRow struct {
	entity, action string
	first          [2]uint64
	at, size       int
}

// ReadTable makes a connector of a table in JSON of size bytes, as [Connector.Table] or [Connector.Rows]
// writes it, of which read fills p with what stands from a place on. Of servers, config, auth,
// rate_headers, sync and airbyte it reads nothing: who has the rest of a connector's declarations needs no
// more. It reads a table that was checked when it was built: something that is missing is a zero value.
//
// Of [Connector.Rows] of many operations it reads the index only, and each call reads its row.
func ReadTable(size int, read func(at int, p []byte) error) (*Connector, error) {
	var start [len(beforeRowsAt) + len(noRowsAt)]byte
	at := 0
	if size > len(start)+fewRows {
		if err := read(0, start[:]); err != nil {
			return nil, err
		}
		if string(start[:len(beforeRowsAt)]) == beforeRowsAt {
			at, _ = strconv.Atoi(string(start[len(beforeRowsAt):])) // 0 is no place
		}
	}
	if at <= 0 || size-at < fewRows {
		whole := make([]byte, size)
		if err := read(0, whole); err != nil {
			return nil, err
		}
		return readTable(whole)
	}
	head := make([]byte, at, at+2)
	if err := read(0, head); err != nil {
		return nil, err
	}
	c, err := readTable(append(head, "]}"...))
	if err != nil {
		return nil, err
	}
	l := &later{read: read}
	l.rows = make([]laterRow, 0, 1+len(c.index)/minIndex)
	for entry := range c.index.Elements() {
		row := laterRow{at: at}
		n := 0
		for part := range entry.Elements() {
			switch n++; n {
			case 1:
				row.entity = part.Text()
			case 2:
				row.action = part.Text()
			case 3:
				row.size = int(Raw(part.number()).integer())
			}
		}
		if row.size <= 0 || row.size > size-at {
			return nil, errIndex
		}
		row.first = [2]uint64{first(row.entity), first(row.action)}
		l.rows = append(l.rows, row)
		at += row.size + len(",")
	}
	if at != size-len("]}")+len(",") {
		return nil, errIndex
	}
	c.later = l
	c.table()
	// An allocator that has done this once does it again at a tenth of the cost, and calls start from its state.
	for i := 0; i < len(l.rows); i += 1 + len(l.rows)/8 {
		l.row(c, i)
	}
	return c, nil
}

// minIndex is the length of the shortest entry of an index.
const minIndex = len(`["a","b","99"],`)

var errIndex = errors.New("the index of the table does not fit its rows")

// row reads a row.
func (l *later) row(c *Connector, i int) *row {
	b := make([]byte, l.rows[i].size)
	op := new(Operation)
	err := l.read(l.rows[i].at, b)
	if err == nil {
		if name := op.read(b); name != "" {
			err = errors.New("the table has the unknown key " + Shorten(name, 60))
		}
	}
	if err != nil {
		op = prepared(&Operation{}, err)
	}
	r := newRow(c, op)
	return &r
}
