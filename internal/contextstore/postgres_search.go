package contextstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"

	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/agenthost/agenthost/internal/rawjson"
)

// State implements [Store].
func (p *Tables) State(ctx context.Context, t Target) (*State, error) {
	state := &State{}
	err := p.read(ctx, t, func(_ *sql.Tx, e *entity) error {
		state = e.state()
		return nil
	})
	return state, err
}

// read calls do with an entity, if there is one, in a transaction that sees one state of it.
func (p *Tables) read(ctx context.Context, t Target, do func(*sql.Tx, *entity) error) error {
	if err := t.check(); err != nil {
		return err
	}
	return p.transaction(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, func(tx *sql.Tx) error {
		e, err := find(ctx, tx, t, "")
		if err != nil || e == nil {
			return err
		}
		return do(tx, e)
	})
}

// Search implements [Store].
func (p *Tables) Search(ctx context.Context, t Target, q *query.Query) (*Answer, error) {
	w, err := newWalk(t, q)
	if err != nil {
		return nil, err
	}
	state := &State{}
	within, cancel := bounded(ctx)
	defer cancel()
	err = p.read(within, t, func(tx *sql.Tx, e *entity) error {
		state = e.state()
		// A plan that knows the terms is worth more than the time to make it. None reads the whole table, or
		// takes processors from others.
		if _, err := tx.ExecContext(within, "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL enable_seqscan = off; SET LOCAL max_parallel_workers_per_gather = 0"); err != nil {
			return err
		}
		if w.asksForTimes(e) {
			untimed := false
			if err := tx.QueryRowContext(within, "SELECT EXISTS (SELECT FROM context_record WHERE terms @@ $1::tsquery)", tsquerySyntax().expression(prefix(e.slot), query.Untimed())).Scan(&untimed); err != nil {
				return err
			}
			if !untimed {
				w.selection.Timed()
			}
		}
		newest, oldest, terms := w.begin(e)
		c := &candidateRows{tx: tx, e: e, w: w, terms: terms, newest: newest, oldest: oldest, size: w.most + 1}
		if w.selection.ByTime() {
			c.size = min(c.size, 4*q.Limit+32)
		}
		if err := c.begin(within); err != nil {
			return err
		}
		return c.walk(within)
	})
	if err != nil {
		if e := ended(ctx, within); e != nil {
			return nil, e
		}
		return nil, err
	}
	return w.page(state), nil
}

// candidateRows are the rows of a search's candidates. The server makes all rows of a statement, and an index of terms
// finds rows in no order. So a statement asks for rows of a span of ids, from the newest on, that has about
// as many candidates as are wanted.
type candidateRows struct {
	tx             *sql.Tx
	e              *entity
	w              *walk
	terms          *query.Terms
	newest, oldest int64
	size           int   // how many are wanted
	span           int64 // of ids
	walks          bool  // over rows in their order, without the index of terms
}

// mostAtOnce is how many rows that an index of terms finds are sorted without asking for spans.
const mostAtOnce = 4000

// mostGrowth is by how much one span is larger than the one before at most.
const mostGrowth = 64

func (c *candidateRows) walk(ctx context.Context) error {
	for {
		from := c.oldest
		if c.newest-c.oldest > c.span {
			from = c.newest - c.span
		}
		last, n, err := c.chunk(ctx, from)
		full := n >= c.size
		if err != nil || c.w.over || !full && from == c.oldest {
			return err
		}
		if full {
			// A page without an order of its own asks for a few at first.
			more := min(8*c.size, c.w.most+1)
			c.span = grown(c.newest-last, float64(more)/float64(c.size))
			c.newest, c.size = last-1, more
			continue
		}
		if c.walks { // there were fewer than expected
			c.walks = false
			if err := c.choose(ctx); err != nil {
				return err
			}
		}
		growth := float64(mostGrowth)
		if n > 0 {
			growth = 1.25 * float64(c.size-n) / float64(n)
		}
		c.newest, c.span = from-1, grown(c.span, max(growth, 2))
		if !c.w.selection.ByTime() {
			c.size -= n
		}
	}
}

// grown is a span that is larger by a factor.
func grown(span int64, by float64) int64 {
	return int64(min(float64(span+1)*min(by, mostGrowth), newestID))
}

// begin chooses the first span. What an index finds in a few records is sorted all at once.
func (c *candidateRows) begin(ctx context.Context) error {
	if c.span = newestID; c.terms == nil || c.e.count <= int64(4*c.size) {
		return nil
	}
	found, err := c.expected(ctx)
	if err != nil {
		return err
	}
	part := 1.25 * float64(c.size) / min(max(found, 1), float64(c.e.count))
	atOnce := float64(mostAtOnce)
	if beginnings(c.terms) { // each statement reads all that begins so
		atOnce *= 10
	} else if _, err := c.tx.ExecContext(ctx, "SET LOCAL work_mem = '32MB'"); err != nil { // to collect each row, and not its page
		return err
	}
	if found >= atOnce && part <= 2 {
		var first, last sql.NullInt64
		if err := c.tx.QueryRowContext(ctx, "SELECT min(id), max(id) FROM context_record WHERE slot = $1", c.e.slot).Scan(&first, &last); err != nil {
			return err
		}
		c.newest, c.oldest = min(c.newest, last.Int64), max(c.oldest, first.Int64)
		c.span = int64(part * float64(last.Int64-first.Int64))
	}
	// To walk over rows in the order of ids takes as long for six as an index of terms takes for one that it finds. Where
	// many have the terms, the newest of them are there soon. The planner does not choose: it walks over all rows where fewer than it
	// expects have the terms.
	c.walks = found*found > 6*float64(c.size)*float64(c.e.count)
	return c.choose(ctx)
}

// beginnings reports whether terms have beginnings of words.
func beginnings(t *query.Terms) bool {
	return t.Beginning || slices.ContainsFunc(t.All, beginnings) || slices.ContainsFunc(t.Any, beginnings)
}

// choose says by which index the server finds rows.
func (c *candidateRows) choose(ctx context.Context) error {
	setting := "SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = on"
	if c.walks {
		setting = "SET LOCAL enable_indexscan = on; SET LOCAL enable_bitmapscan = off"
	}
	_, err := c.tx.ExecContext(ctx, setting)
	return err
}

// expected is how many rows the server expects to have the terms.
func (c *candidateRows) expected(ctx context.Context) (rows float64, err error) {
	var plan string
	if err := c.tx.QueryRowContext(ctx, "EXPLAIN (FORMAT JSON) SELECT FROM context_record WHERE terms @@ $1::tsquery", c.expression()).Scan(&plan); err != nil {
		return 0, err
	}
	raw, found, err := rawjson.Pointer([]byte(plan), "/0/Plan/Plan Rows")
	if err != nil || !found {
		return 0, errors.Join(err, errors.New("PostgreSQL does not say how many rows it expects"))
	}
	return strconv.ParseFloat(string(raw), 64)
}

func (c *candidateRows) expression() string {
	return tsquerySyntax().expression(prefix(c.e.slot), c.terms)
}

// chunk walks over some candidates, and returns how many there were, and the id of the last one.
func (c *candidateRows) chunk(ctx context.Context, from int64) (last int64, n int, err error) {
	condition := ""
	args := []any{c.e.slot, c.newest, from, c.size}
	if c.terms != nil {
		condition = " AND terms @@ $5::tsquery"
		args = append(args, c.expression())
	}
	statement := "SELECT id, key, updated, record FROM context_record WHERE slot = $1 AND id BETWEEN $3 AND $2" + condition + " ORDER BY id DESC LIMIT $4"
	rows, err := c.tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var key string
		var updated int64
		var record sql.RawBytes
		if err := rows.Scan(&last, &key, &updated, &record); err != nil {
			return last, n, err
		}
		n++
		if !c.w.add(last, key, updated, record) {
			return last, n, nil
		}
	}
	return last, n, rows.Err()
}
