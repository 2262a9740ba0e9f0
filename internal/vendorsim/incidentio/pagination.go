package incidentio

import (
	"strings"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

type listing[T any] struct {
	table    *table[T]
	match    func(*T) bool
	reversed bool
	counted  bool
	// gone are the places of records that were deleted, so that a client that holds one's id as after can go on.
	gone map[string]contract.Position
	// show renders a record; nil means the stored one.
	show func(*row[T]) source
}

// paginate answers one page. The cursor is the id of the last record seen, as the vendor documents it.
func paginate[T any](c *call, q listing[T]) (result, *apiError) {
	rows, n := q.table.Rows, len(q.table.Rows)
	at := func(i int) *row[T] {
		if q.reversed {
			return rows[n-1-i]
		}
		return rows[i]
	}
	start := 0
	if c.query.has("after") {
		id := c.query.text("after")
		pos, ok := q.gone[id]
		if r := q.table.Get(id); r != nil {
			pos, ok = r.Pos, true
		}
		if !ok {
			return result{}, invalid("after", "after: %q is not the id of a record of this list", id)
		}
		if start = q.table.After(pos); q.reversed {
			for start > 0 && !rows[start-1].Pos.Before(pos) {
				start--
			}
			start = n - start
		}
	}
	size := c.pageSize()
	pg := &page{size: size, counted: q.counted, null: !strings.HasPrefix(c.ep.op.Path, "/v2/")}
	out := make([]source, 0, min(size, n-start))
	last := ""
	for i := start; i < n; i++ {
		r := at(i)
		if q.match != nil && !q.match(&r.Val) {
			continue
		}
		if len(out) == size {
			pg.after = last
			break
		}
		last = r.ID
		if q.show != nil {
			out = append(out, q.show(r))
		} else {
			out = append(out, r)
		}
	}
	if q.counted {
		pg.total = n
		if q.match != nil {
			pg.total = 0
			for _, r := range rows {
				if q.match(&r.Val) {
					pg.total++
				}
			}
		}
	}
	return result{Answer: contract.Answer{Many: out, List: true}, page: pg}, nil
}
