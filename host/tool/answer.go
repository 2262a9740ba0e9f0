package tool

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/agenthost/agenthost/host/budget"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// answer runs the operation and makes its answer fit: data, meta and, where something
// had no room, left_out.
func (o *operation) answer(ctx context.Context, w want, params json.RawMessage, c callOptions) (json.RawMessage, error) {
	var from position
	if o.resumable() {
		from, params = o.at(params)
	}
	far := c.follow()
	call := Call{
		Entity: o.op.Entity, Action: o.op.Action, Params: params,
		Select: w.selected, Exclude: w.excluded, Caller: c.caller, OnRequest: far.onRequest(),
	}
	if !w.allPages {
		page, err := o.connection.Execute(ctx, call)
		if err != nil {
			return nil, err
		}
		return o.assemble(collect(page, from, w), w)
	}
	found, err := o.collectPages(ctx, call, from, w, far)
	if err != nil {
		return nil, err
	}
	return o.assemble(found, w)
}

// collection is what one page or several gave.
type collection struct {
	list    bool
	records []json.RawMessage // of a list
	single  json.RawMessage   // where data is no list
	meta    json.RawMessage   // of the last page
	// starts has where each page began, and how many records came before it.
	starts []start
	next   string // the cursor after the last page
	// stopped is why the pages after the last one are missing.
	stopped error
}

type start struct {
	position
	before int
}

// collect makes a collection of a page.
func collect(page *Page, from position, w want) *collection {
	c := &collection{}
	c.add(page, from, w)
	return c
}

func (c *collection) add(page *Page, from position, w want) {
	data := budget.TextFrom(page.Data, w.textFrom)
	c.meta, c.next = page.Meta, page.NextCursor
	if rawjson.KindOf(data) != rawjson.Array {
		c.single = budget.Escape(data)
		return
	}
	c.list = true
	c.starts = append(c.starts, start{from, len(c.records)})
	skip := from.skip
	for record := range rawjson.Elements(data) {
		if skip > 0 {
			skip--
			continue
		}
		c.records = append(c.records, budget.Escape(record))
	}
}

// data is all that was collected.
func (c *collection) data() json.RawMessage {
	if !c.list {
		return c.single
	}
	size := 2
	for _, record := range c.records {
		size += len(record) + 1
	}
	out := append(make([]byte, 0, size), '[')
	for i, record := range c.records {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, record...)
	}
	return append(out, ']')
}

// position is where the record of a number is.
func (c *collection) position(record int) position {
	at := c.starts[0]
	for _, s := range c.starts[1:] {
		if s.before <= record {
			at = s
		}
	}
	return position{at.cursor, at.skip + record - at.before}
}

// maxPages is how many pages one call collects.
const maxPages = 100

// collectPages follows the cursors until an answer is full. What a page in the middle
// fails with does not lose those before it.
func (o *operation) collectPages(ctx context.Context, call Call, from position, w want, far *progress) (*collection, error) {
	found := &collection{}
	params, names := call.Params, cursorNames(o.op)
	seen := map[string]bool{from.cursor: true}
	for range maxPages {
		page, err := o.connection.Execute(ctx, call)
		if err != nil {
			if len(found.records) == 0 || ctx.Err() != nil {
				return nil, err
			}
			found.stopped = err
			return found, nil
		}
		found.add(page, from, w)
		far.page(len(found.records))
		if found.next == "" || seen[found.next] || !found.list || o.full(found) {
			return found, nil
		}
		seen[found.next] = true
		from = position{cursor: found.next}
		call.Params = withCursor(params, from.cursor, names)
	}
	return found, nil
}

// full says whether more records than these would have to be dropped again.
func (o *operation) full(c *collection) bool {
	_, left := budget.Fit(c.data(), o.budget)
	return left.Records > 0
}

// leftOut is what an answer says of what it has no room for.
type leftOut struct {
	*budget.LeftOut
	Note string `json:"note"`
}

// assemble makes the answer. How much room the data has depends on what is said of the
// data that has none, so it is tried until the whole fits.
func (o *operation) assemble(c *collection, w want) (json.RawMessage, error) {
	data, meta := c.data(), fitMeta(c.meta, o.budget/4)
	for room := o.budget - utf8.RuneCount(meta) - len(`{"data":,"meta":}`); ; {
		short, left := budget.Fit(data, room)
		next := position{cursor: c.next}.String()
		if left.Records > 0 && c.list && o.resumable() {
			next = c.position(len(c.records) - left.Records).String()
		}
		out := o.envelope(c, w, short, meta, next, left)
		over := utf8.RuneCount(out) - o.budget
		if over <= 0 {
			return out, nil
		}
		if room <= 0 {
			return nil, &abi.Error{
				Kind: abi.KindLimitExceeded, Field: "budget", RequestSent: true,
				Message: fmt.Sprintf("the answer's cursor and meta alone do not fit the budget of %d characters", o.budget),
				Hint:    "the operator can raise the budget",
			}
		}
		room -= max(over, 16)
	}
}

func (o *operation) envelope(c *collection, w want, data, meta json.RawMessage, next string, left *budget.LeftOut) json.RawMessage {
	out := append([]byte(`{"data":`), data...)
	out = append(out, `,"meta":`...)
	if o.op.Paginated || next != "" {
		meta = withPagination(meta, next)
	}
	out = append(out, meta...)
	if note := o.note(c, w, left); note != "" {
		said, err := json.Marshal(leftOut{left, note})
		if err == nil { // strings and numbers always marshal
			out = append(out, `,"left_out":`...)
			out = append(out, budget.Escape(said)...)
		}
	}
	return append(out, '}')
}

// note says what to do about what was left out.
func (o *operation) note(c *collection, w want, left *budget.LeftOut) string {
	var notes []string
	if left.Records > 0 {
		total := len(c.records)
		notes = append(notes, fmt.Sprintf("%d of the %d records that were fetched are shown", total-left.Records, total))
		if o.resumable() {
			notes = append(notes, "call again with the same arguments and cursor set to meta.next_cursor for the next ones")
			if len(w.selected) == 0 {
				notes = append(notes, o.name("select_fields")+" makes room for more of them")
			}
		}
	}
	if c.stopped != nil {
		notes = append(notes, "the next page failed: "+public(c.stopped).Error()+"; cursor set to meta.next_cursor tries it again")
	}
	if o.resumable() {
		if len(left.Text) > 0 {
			notes = append(notes, fmt.Sprintf("%s with a field of shortened_text alone shows more of it, and %s: %d goes on where its text stops", o.name("select_fields"), o.name("text_from"), left.TextLength+w.textFrom))
		}
		if len(left.Elements) > 0 || len(left.Fields) > 0 {
			notes = append(notes, o.name("select_fields")+" with a field of shortened_arrays or dropped_fields alone shows more of it")
		}
	} else if !left.Nothing() {
		notes = append(notes, "the answer of a write is not shown in full: do not call it again for the rest, read the record instead")
	}
	return strings.Join(notes, ". ")
}

// name is what the operation calls one of the additional parameters.
func (o *operation) name(extra string) string {
	for _, x := range o.extras {
		if strings.HasSuffix(x.name, extra) {
			return x.name
		}
	}
	return extra
}

// fitMeta makes the vendor's own keys fit. Those of pagination are set afterwards.
func fitMeta(meta json.RawMessage, size int) json.RawMessage {
	if rawjson.KindOf(meta) != rawjson.Object {
		return json.RawMessage("{}")
	}
	out := []byte{'{'}
	for name, value := range rawjson.Members(meta) {
		switch rawjson.Unquote(name) {
		case abi.MetaNextCursor, abi.MetaHasMore:
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(append(out, name...), ':'), value...)
	}
	short, _ := budget.Fit(budget.Escape(append(out, '}')), size)
	return short
}

// withPagination sets the uniform keys of a meta that has neither.
func withPagination(meta json.RawMessage, next string) json.RawMessage {
	out := append([]byte(nil), meta[:len(meta)-1]...)
	if len(out) > 1 {
		out = append(out, ',')
	}
	if next == "" {
		return append(out, `"next_cursor":null,"has_more":false}`...)
	}
	out = append(out, `"next_cursor":`...)
	out = budget.AppendText(out, next)
	return append(out, `,"has_more":true}`...)
}
