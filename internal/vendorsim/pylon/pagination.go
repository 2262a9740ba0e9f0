package pylon

import "github.com/agenthost/agenthost/internal/vendorsim/contract"

type pageQuery[T any] struct {
	table *table[T]
	// scope identifies the query for its cursors, without limit and cursor.
	scope uint64
	// from and to bound the sort key, both inclusive; zero values mean unbounded when bounded is false.
	bounded  bool
	from, to int64
	match    func(*T) bool
	// search marks a search endpoint, whose last page says "" rather than null.
	search bool
}

func paginate[T any](c *call, limit int, q pageQuery[T]) (result, *apiError) {
	rows, start := q.table.Rows, 0
	if q.bounded {
		start = q.table.After(contract.Position{At: q.from})
		rows = rows[:q.table.After(contract.Position{At: q.to, Seq: ^uint64(0)})]
	}
	if s := c.cursor(); s != "" {
		p, fault := c.v.cursors.Decode(q.scope, s)
		switch fault {
		case contract.CursorForged:
			return result{}, invalid("cursor is not valid")
		case contract.CursorForeign:
			return result{}, invalid("cursor belongs to another query; send it with the parameters of the request that returned it")
		}
		start = max(start, q.table.After(p))
	}
	start = min(start, len(rows))
	size := len(rows) - start
	if limit > 0 {
		size = min(size, limit)
	}
	out := make([]source, 0, size)
	pg := &page{emptyCursor: q.search}
	var last contract.Position
	for _, r := range rows[start:] {
		if q.match != nil && !q.match(&r.Val) {
			continue
		}
		if limit > 0 && len(out) == limit {
			pg.more, pg.next = true, c.v.cursors.Encode(q.scope, last)
			break
		}
		out, last = append(out, r), r.Pos
	}
	return result{Answer: contract.Answer{Many: out, List: true}, page: pg}, nil
}
