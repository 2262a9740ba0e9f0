package tool

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agenthost/agenthost/internal/budget"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// answer runs the operation and fits the result into the budget: data, meta and, if something
// had no room, left_out.
func (o *operation) answer(ctx context.Context, w want, params json.RawMessage, c callOptions) (json.RawMessage, error) {
	c.aim.reached = true // Execute decides from here on
	var from position
	if o.resumable() {
		from, params = o.at(params)
	}
	far := c.follow()
	call := Call{
		Entity: o.op.Entity, Action: o.op.Action, Params: params,
		Select: w.selected, Exclude: w.excluded, Caller: c.caller, Confirm: c.confirm, OnRequest: far.onRequest(), OnCompile: far.onCompile(),
	}
	if !w.allPages {
		page, err := o.connection.Execute(ctx, call)
		if err != nil {
			return nil, err
		}
		found := o.collection()
		found.add(page, from, w)
		return o.assemble(found, w)
	}
	found, err := o.collectPages(ctx, call, from, w, far)
	if err != nil {
		return nil, err
	}
	return o.assemble(found, w)
}

// collection is what one page or several gave.
type collection struct {
	list bool
	// records are those of a list that may have room, at most so many, and total is how many
	// there were.
	records     []json.RawMessage
	most, total int
	single      json.RawMessage // where data is no list
	meta        json.RawMessage // of the last page
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

// collection makes an empty one: a record takes two characters at least.
func (o *operation) collection() *collection { return &collection{most: o.budget/2 + 1} }

func (c *collection) add(page *Page, from position, w want) {
	data := budget.TextFrom(page.Data, w.textFrom)
	c.meta, c.next, c.stopped = page.Meta, page.NextCursor, page.Stopped
	if rawjson.KindOf(data) != rawjson.Array {
		c.single = budget.Escape(data)
		return
	}
	c.list = true
	c.starts = append(c.starts, start{from, c.total})
	skip := from.skip
	for record := range rawjson.Elements(data) {
		if skip > 0 {
			skip--
			continue
		}
		if c.total++; len(c.records) < c.most {
			c.records = append(c.records, budget.Escape(record))
		}
	}
}

// data is all that was kept.
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
	found := o.collection()
	params, names := call.Params, cursorNames(o.op)
	seen := map[string]bool{from.cursor: true}
	var before json.RawMessage
	for range maxPages {
		page, err := o.connection.Execute(ctx, call)
		if err != nil {
			if found.total == 0 || ctx.Err() != nil {
				return nil, err
			}
			found.stopped = err
			return found, nil
		}
		if len(found.starts) > 0 && len(call.Select)+len(call.Exclude) == 0 && rawjson.Count(page.Data) > 0 && bytes.Equal(page.Data, before) {
			found.end("the vendor gave the records of a page again")
			return found, nil
		}
		before = page.Data
		found.add(page, from, w)
		far.page(found.total)
		if found.next == "" || !found.list || o.full(found) {
			return found, nil
		}
		if seen[found.next] {
			found.end("the vendor gave the cursor of a page again")
			return found, nil
		}
		seen[found.next] = true
		from = position{cursor: found.next}
		call.Params = withCursor(params, from.cursor, names)
	}
	if found.total == 0 {
		found.end(fmt.Sprintf("the last %d had no records", maxPages))
	}
	return found, nil
}

// end says that nobody can go on from the last page, although there are more.
func (c *collection) end(why string) {
	c.next, c.stopped = "", &abi.Error{Kind: abi.KindVendorError, Message: "there are more pages, but " + why}
}

// full says whether more records than these would have to be dropped again.
func (o *operation) full(c *collection) bool {
	_, left := budget.Fit(c.data(), o.budget)
	return left.Records > 0 || c.total > len(c.records)
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
		left.Records += c.total - len(c.records)
		next := position{cursor: c.next}.String()
		if left.Records > 0 && c.list && o.resumable() {
			next = c.position(c.total - left.Records).String()
		}
		out := o.envelope(c, w, short, meta, next, left)
		over := utf8.RuneCount(out) - o.budget
		if over <= 0 {
			return out, nil
		}
		if room <= 0 {
			return nil, &abi.Error{
				Kind: abi.KindLimitExceeded, Field: "budget", RequestSent: true,
				Message: fmt.Sprintf("the result's cursor and meta exceed the budget of %d characters", o.budget),
				Hint:    "ask the operator to raise the budget",
			}
		}
		room -= max(over, 16)
	}
}

func (o *operation) envelope(c *collection, w want, data, meta json.RawMessage, next string, left *budget.LeftOut) json.RawMessage {
	out := append([]byte(`{"data":`), data...)
	out = append(out, `,"meta":`...)
	if o.op.Paginated || next != "" {
		meta = withPagination(meta, next, next != "" || c.stopped != nil)
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
		notes = append(notes, fmt.Sprintf("%d of %d fetched records are shown", c.total-left.Records, c.total))
		if o.resumable() {
			notes = append(notes, "for the next ones, call again with the same arguments and cursor set to meta.next_cursor")
			if len(w.selected) == 0 {
				notes = append(notes, o.name("select_fields")+" makes room for more")
			}
		}
	}
	if c.stopped != nil && c.next != "" {
		notes = append(notes, "the next page failed: "+public(c.stopped).Error()+"; to retry, set cursor to meta.next_cursor")
	} else if c.stopped != nil && left.Records == 0 {
		notes = append(notes, public(c.stopped).Error()+". These are all records that can be had: do not call again for more")
	}
	if o.resumable() {
		if len(left.Text) > 0 {
			notes = append(notes, fmt.Sprintf("to see more of a field in shortened_text, set %s to only that field; %s: %d continues where its text stops", o.name("select_fields"), o.name("text_from"), left.TextLength+w.textFrom))
		}
		if len(left.Elements) > 0 || len(left.Fields) > 0 {
			notes = append(notes, "to see more of a field in shortened_arrays or dropped_fields, set "+o.name("select_fields")+" to only that field")
		}
	} else if !left.Nothing() {
		notes = append(notes, "the result of this write is incomplete: do not repeat the write, read the record instead")
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
func withPagination(meta json.RawMessage, next string, more bool) json.RawMessage {
	out := append([]byte(nil), meta[:len(meta)-1]...)
	if len(out) > 1 {
		out = append(out, ',')
	}
	out = append(out, `"next_cursor":`...)
	if next == "" {
		out = append(out, "null"...)
	} else {
		out = budget.AppendText(out, next)
	}
	return append(strconv.AppendBool(append(out, `,"has_more":`...), more), '}')
}
