package pdk

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/agenthost/agenthost/internal/expression"
)

// table has a connector's operations, with the constant JSON of their requests.
type table struct {
	of    *Connector
	rows  []row
	later *later // in place of rows
	// slots has the number of a row, from 1, in the slot of its names or the next free one. It
	// is not a map, because a map is seeded at random, and the same call must always cost the
	// same fuel.
	slots []uint32
	items [][]expression.Part // of the connector's Failures
}

// row is an operation.
type row struct {
	op     *Operation
	first  [2]uint64 // bytes of its entity and action
	fields []field   // its parameters, sorted by place
	// Where those of each place end, or begin.
	queryEnd, headerEnd, bodyAt int
	body                        bodyKind
	project                     bool // the records are read, and put together anew
	plain                       bool // every header of the request is in head
	configured                  bool // a field may have a value of the connection
	aliases                     [][2]int
	accept                      string
	head                        []byte // the start of the JSON of its own request
	filter                      *expression.Condition
	transform                   []member
	made                        []made
	silent                      bool // only the status says that a request failed
	follows                     bool // a cursor is not only a parameter
	nested                      bool // parameters of the body have a place inside it
	meta                        []string
}

// field is a parameter.
type field struct {
	Param
	first   uint64 // first bytes of its name
	pointer string // to it in the params of an input
	key     string // "name": in path and body, ["name", in the query
	apart   bool   // it is in the body, but no member of it
}

// lastTable is the last made table. A guest has one connector, and the host runs auth_schema
// before it takes the snapshot that calls start from, so that it has the table.
var lastTable atomic.Pointer[table]

func (c *Connector) table() *table {
	if t := lastTable.Load(); t != nil && t.of == c && t.later == c.later && len(t.rows) == len(c.Operations) {
		return t
	}
	many := len(c.Operations)
	if c.later != nil {
		many = len(c.later.rows)
	}
	size := 4
	for size < 2*many {
		size *= 2
	}
	t := &table{of: c, later: c.later, rows: make([]row, len(c.Operations)), slots: make([]uint32, size)}
	for i := range c.Operations {
		op := &c.Operations[i]
		t.rows[i] = newRow(c, op)
		t.place(i, t.rows[i].first, op.Entity)
	}
	if c.later != nil {
		for i := range c.later.rows {
			t.place(i, c.later.rows[i].first, c.later.rows[i].entity)
		}
	}
	if c.Failures != nil {
		for _, text := range c.Failures.Item {
			// One that does not parse makes no message: plugin build and pdktest refuse it.
			if parts, err := expression.ParseText(text, "item"); err == nil {
				t.items = append(t.items, parts)
			}
		}
	}
	lastTable.Store(t)
	return t
}

// place puts the number of a row into its slot.
func (t *table) place(i int, first [2]uint64, entity string) {
	at := t.slot(first, entity)
	for t.slots[at] != 0 {
		at = (at + 1) % len(t.slots)
	}
	t.slots[at] = uint32(i + 1)
}

// slot is the slot where the search for an operation begins.
func (t *table) slot(first [2]uint64, entity string) int {
	h := (first[0]*31+first[1])*31 + uint64(len(entity))
	h *= 0x9e3779b97f4a7c15 // of Fibonacci hashing
	return int(h>>32) & (len(t.slots) - 1)
}

// find returns the operation with a name, or nil.
func (t *table) find(entity, action string) *row {
	start := [2]uint64{first(entity), first(action)}
	if t.later != nil {
		return t.findLater(start, entity, action)
	}
	for at := t.slot(start, entity); t.slots[at] != 0; at = (at + 1) & (len(t.slots) - 1) {
		r := &t.rows[t.slots[at]-1]
		if r.first == start && equalAfter(r.op.Entity, entity) && equalAfter(r.op.Action, action) {
			return r
		}
	}
	return nil
}

// findLater finds and reads the row of an operation of a large table.
func (t *table) findLater(start [2]uint64, entity, action string) *row {
	l := t.later
	for at := t.slot(start, entity); t.slots[at] != 0; at = (at + 1) & (len(t.slots) - 1) {
		i := int(t.slots[at] - 1)
		if r := &l.rows[i]; r.first == start && equalAfter(r.entity, entity) && equalAfter(r.action, action) {
			return l.row(t.of, i)
		}
	}
	return nil
}

func newRow(c *Connector, op *Operation) row {
	params := op.params()
	r := row{
		op: op, first: [2]uint64{first(op.Entity), first(op.Action)},
		fields: make([]field, len(params)), accept: op.accept(c),
	}
	for i, p := range params {
		key := make([]byte, 0, len(p.wireName())+4)
		if p.in == InQuery {
			key = append(AppendString(append(key, '['), p.wireName()), ',')
		} else {
			key = append(AppendString(key, p.wireName()), ':')
		}
		if p.constant {
			p.wire, p.name = p.wireName(), "" // no name finds it
		}
		r.fields[i] = field{Param: p, first: first(p.name), pointer: memberPointer(p.name), key: text(key)}
		if p.in <= InQuery {
			r.queryEnd++
		}
		if p.in <= InHeader {
			r.headerEnd++
		}
		if p.in < InBody {
			r.bodyAt++
		}
		r.configured = r.configured || p.config != ""
	}
	slices.SortStableFunc(r.fields, func(a, b field) int { return cmp.Compare(a.in, b.in) })
	r.silent = c.Failed == nil && c.Failures == nil
	err := r.parse()
	if r.follows = op.Page != nil && (len(op.Page.CursorNames) > 0 || op.Page.Path != "" || op.Page.Alone); err != nil || r.configured || r.made != nil || r.follows || len(op.AnyOf) > 0 {
		r.op = prepared(op, err)
	}
	r.project = op.Wrap || strings.Contains(op.Data+"/", "/*/") || r.filter != nil || r.transform != nil
	r.body = r.bodyKind()
	r.plain = r.queryEnd == r.headerEnd && !r.multipart() && op.RawQuery == "" && !r.follows
	for i := range r.fields {
		f := &r.fields[i]
		f.apart = f.whole || f.base64 || f.at != ""
		r.nested = r.nested || f.at != ""
	}
	head := &Request{Server: op.Server, Method: op.Method, Path: op.Path}
	if r.plain {
		head.Headers = r.appendHeaders(nil)
	}
	r.head = appendRequestHead(nil, head)
	if op.Page != nil {
		for vendor, uniform := range op.Page.aliases {
			r.aliases = append(r.aliases, [2]int{r.index(vendor), r.index(uniform)})
		}
	}
	for _, m := range op.Meta {
		r.meta = append(r.meta, metaKey(m.Name))
	}
	return r
}

// prepared is an operation that does more before it runs than others do, or cannot run. Its Handle
// does that, so that other operations need not ask.
func prepared(op *Operation, err error) *Operation {
	own, prepared := op.Handle, *op
	prepared.Handle = func(c *Call) error {
		if err != nil {
			return err
		}
		if c.configured {
			if e := c.configure(); e != nil {
				return e
			}
		}
		if len(c.op.AnyOf) > 0 {
			if e := c.needAnyOf(); e != nil {
				return e
			}
		}
		if err := c.make(); err != nil {
			return err
		}
		if own != nil {
			return own(c)
		}
		return c.Run()
	}
	return &prepared
}

// index returns the field of a parameter, -1 if there is none of that name.
func (r *row) index(name string) int {
	start := first(name)
	for i := range r.fields {
		if f := &r.fields[i]; f.first == start && equalAfter(f.name, name) {
			return i
		}
	}
	return -1
}

// appendHeaders appends the constant headers of the operation's own request.
func (r *row) appendHeaders(headers [][2]string) [][2]string {
	if r.accept != "" {
		headers = append(headers, [2]string{"Accept", r.accept})
	}
	if r.body != bodyNone && !r.multipart() {
		headers = append(headers, [2]string{"Content-Type", cmp.Or(r.op.ContentType, "application/json")})
	}
	return headers
}

// multipart says whether the body has a boundary, which its media type names.
func (r *row) multipart() bool { return r.body == bodyRelated || r.body == bodyFormData }

// memberPointer is the JSON Pointer to a member of an object.
func memberPointer(name string) string {
	if strings.ContainsAny(name, "~/") {
		name = strings.ReplaceAll(strings.ReplaceAll(name, "~", "~0"), "/", "~1")
	}
	return "/" + name
}

// first is the first eight bytes of a name.
func first(name string) uint64 {
	if name == "" {
		return 0
	}
	return word(bytesOf(name), 0)
}

// equalAfter reports whether two names are equal whose first eight bytes are. In Wasm, Go's own
// comparison goes byte by byte.
func equalAfter(a, b string) bool {
	n := len(a)
	if n != len(b) {
		return false
	}
	if n <= 8 {
		return true
	}
	x, y := bytesOf(a), bytesOf(b)
	for i := 8; i < n-8; i += 8 {
		if load64(x, i) != load64(y, i) {
			return false
		}
	}
	return load64(x, n-8) == load64(y, n-8)
}
