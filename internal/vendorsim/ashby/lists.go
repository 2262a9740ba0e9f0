package ashby

import (
	"encoding/json"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

type query[T any] struct {
	table *table[T]
	match func(*T) bool
	// view renders a record; nil means as stored.
	view func(*row[T]) source
}

// mark is the start of a list: its time in seconds, and the count of changes until then. Cursors and sync tokens hold
// one. A sync token has that of the first page, so that changes during paging come with the next sync.
type mark struct{ at, change uint32 }

func (m mark) pack() int64 { return int64(uint64(m.at)<<32 | uint64(m.change)) }

func unpack(v int64) mark { return mark{at: uint32(uint64(v) >> 32), change: uint32(uint64(v))} }

func (m mark) olderThan(life time.Duration, now time.Time) bool {
	return now.Sub(time.Unix(int64(m.at), 0)) > life
}

// listPage answers one page of a list, of everything or of what changed since the syncToken.
func listPage[T any](c *call, q query[T]) (result, *apiError) {
	s := &c.v.store
	began := mark{at: uint32(c.now.Unix()), change: s.change}
	filters, syncToken := c.filters(), c.body.Text("syncToken")
	var since *mark
	if c.sent("syncToken") {
		p, fault := c.v.tokens.Decode(contract.ScopeOf("sync", c.ep.op.Path, filters), syncToken)
		m := unpack(p.At)
		switch {
		case fault != contract.CursorOK:
			return result{}, refuse(codeSyncInvalid, "The syncToken cannot be decoded, or belongs to another list: run a full sync without it")
		case m.olderThan(c.v.syncLife, c.now):
			return result{}, refuse(codeSyncExpired, "The syncToken has expired: run a full sync without it")
		}
		since = &m
	}
	changed := func(r *row[T]) bool {
		return (since == nil || s.changes[r.ID] > since.change) && (q.match == nil || q.match(&r.Val))
	}
	scope := contract.ScopeOf("page", c.ep.op.Path, filters, syncToken)
	start := 0
	if c.sent("cursor") {
		p, fault := c.v.tokens.Decode(scope, c.body.Text("cursor"))
		switch began = unpack(p.At); {
		case fault != contract.CursorOK:
			return result{}, refuse(codeCursorInvalid, "The cursor cannot be decoded, or belongs to another request: start again without it")
		case began.olderThan(c.v.cursorLife, c.now):
			return result{}, refuse(codeCursorExpired, "The cursor has expired: start again without it")
		}
		start = q.table.After(contract.Position{Seq: p.Seq})
	} else if since != nil {
		if n := count(q.table.Rows, changed); n > c.v.maxSync {
			return result{}, refuse(codeSyncTooLarge, "%d records changed since the syncToken, more than an incremental sync may return: run a full sync without it", n)
		}
	}
	limit := 100
	if c.sent("limit") {
		limit = int(c.body.Int("limit"))
	}
	res := result{Answer: contract.Answer{Many: make([]source, 0, min(limit, len(q.table.Rows)-start)), List: true}, paged: true}
	var last uint64
	for _, r := range q.table.Rows[start:] {
		if !changed(r) {
			continue
		}
		if len(res.Many) == limit {
			res.more, res.next = true, c.v.tokens.Encode(scope, contract.Position{At: began.pack(), Seq: last})
			break
		}
		shown := source(r)
		if q.view != nil {
			shown = q.view(r)
		}
		res.Many, last = append(res.Many, shown), r.Pos.Seq
	}
	if !res.more && c.ep.op.Sync {
		res.syncToken = c.syncToken(filters, began.change)
	}
	return res, nil
}

func (c *call) syncToken(filters string, change uint32) string {
	m := mark{at: uint32(c.now.Unix()), change: change}
	return c.v.tokens.Encode(contract.ScopeOf("sync", c.ep.op.Path, filters), contract.Position{At: m.pack()})
}

func count[T any](rows []*row[T], match func(*row[T]) bool) int {
	n := 0
	for _, r := range rows {
		if match(r) {
			n++
		}
	}
	return n
}

// sent reports whether a parameter is present and not null, which means absent.
func (c *call) sent(name string) bool { return c.body[name] != nil }

// filters is the canonical form of the parameters that select records. Cursors and sync tokens are bound to it.
func (c *call) filters() string {
	out := map[string]any{}
	for name, v := range c.body {
		switch name {
		case "cursor", "limit", "syncToken", "expand":
		default:
			out[name] = v
		}
	}
	if len(out) == 0 {
		return ""
	}
	b, err := json.Marshal(out)
	if err != nil {
		panic("BUG: decoded JSON does not marshal: " + err.Error())
	}
	return string(b)
}

// since reads a parameter of Unix milliseconds, the zero time if it is missing.
func (c *call) since(name string) time.Time {
	if !c.sent(name) {
		return time.Time{}
	}
	return time.UnixMilli(c.body.Int(name))
}

func createdAfter[T any](c *call, created func(*T) stamp) func(*T) bool {
	after := c.since("createdAfter")
	if after.IsZero() {
		return nil
	}
	return func(v *T) bool { return created(v).After(after) }
}

func unlessArchived[T any](c *call, archived func(*T) bool) func(*T) bool {
	if c.body.Flag("includeArchived") {
		return nil
	}
	return func(v *T) bool { return !archived(v) }
}

// listOnce answers a whole list, which the vendor does not paginate: cursor and limit have no effect.
func listOnce[T any](t *table[T], match func(*T) bool) (result, *apiError) {
	return all(t.Matching(match))
}
