package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"time"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Pages follows the cursors of one list. It is for one goroutine.
type Pages struct {
	params []byte // of the first page
	left   int    // records that are still wanted
	all    bool   // left does not count
	seen   map[string]bool
	ids    map[uint64]bool // of the pages that were read
	stale  int             // pages without a new record, in a row
	before uint64          // digest of the page before
}

// NewPages starts a list with parameters, of at most limit records; 0 means all.
func NewPages(params []byte, limit int) *Pages {
	return &Pages{params: params, left: limit, all: limit == 0, seen: make(map[string]bool), ids: make(map[uint64]bool)}
}

// Take looks at the next page, and cuts it to the records that are still wanted. It reports
// whether it is the last one. The error is a vendor_error for records that come again.
func (p *Pages) Take(page *Result) (last bool, err error) {
	if page.digest != 0 && page.digest == p.before {
		return true, endless(page, "the vendor gave the records of a page again")
	}
	p.before = page.digest
	if p.stale += page.pages; rawjson.Count(page.Data) > 0 && !p.ids[page.ids] {
		p.stale = 0
	}
	if page.ids != 0 {
		p.ids[page.ids] = true
	}
	if !p.all {
		p.left -= cut(page, p.left)
	}
	return !page.HasMore || !p.all && p.left <= 0, nil
}

// Next returns the parameters of the page after one that was not the last. The error is a
// vendor_error if the pages do not seem to end.
func (p *Pages) Next(page *Result) (json.RawMessage, error) {
	switch {
	case page.Stopped != nil:
		return nil, page.Stopped
	case p.seen[page.NextCursor]:
		return nil, endless(page, "the vendor gave the cursor of a page again")
	case p.stale >= maxStalePages:
		return nil, endless(page, fmt.Sprintf("the last %d had no new records", p.stale))
	}
	p.seen[page.NextCursor] = true
	return withCursor(p.params, page.NextCursor, cursorNames(page.operation)), nil
}

// page runs the operation of a call, and goes on from pages without records: an agent would
// take such a page for the end. A page that cannot be read within the limits of the call is left
// to the next call, which the cursor of the page before leads to. A recording is of one run, and
// so are a profile and what a person approved.
func (c *Call) page(ctx context.Context, b Backend) (page Result, err error) {
	deadline, _ := ctx.Deadline()
	half := time.Until(deadline) / 2
	var seen []string // cursors, since the first page that was empty
	for pages := 1; ; pages++ {
		next, err := b.Run(ctx, c)
		if e, ok := errors.AsType[*abi.Error](err); ok && pages > 1 && (e.Kind == abi.KindLimitExceeded || e.Kind == abi.KindRateLimited) {
			page.Stats.Requests, page.Stats.BytesSent, page.Stats.BytesReceived = c.Budget.Used()
			return page, nil
		}
		if err != nil && pages > 1 {
			err = fault.Sent(err, true)
		}
		if err != nil {
			return page, err
		}
		next.Stats.Vendor += page.Stats.Vendor
		next.Stats.Guest += page.Stats.Guest
		next.Stats.Fuel += page.Stats.Fuel
		next.Stats.GuestMemory = max(next.Stats.GuestMemory, page.Stats.GuestMemory)
		page = next
		page.pages = pages
		switch {
		case page.NextCursor == "":
			return page, nil
		case page.NextCursor == cursorOf(c.Operation, c.Params):
			page.Stop(c.Operation.Name() + " has more pages, but the vendor gave the cursor of this page again")
			return page, nil
		case slices.Contains(seen, page.NextCursor):
			page.Stop(c.Operation.Name() + " has more pages, but the vendor gave the cursor of a page again")
			return page, nil
		case !isEmpty(page.Data), pages == maxStalePages, c.Tape != nil, c.Profile != nil, c.Show != nil, time.Until(deadline) < half:
			return page, nil
		}
		seen = append(seen, page.NextCursor)
		c.Params = withCursor(c.Params, page.NextCursor, cursorNames(c.Operation))
	}
}

// isEmpty reports whether data is a list without records.
func isEmpty(data []byte) bool {
	for range rawjson.Elements(data) {
		return false
	}
	return rawjson.KindOf(data) == rawjson.Array
}

// maxStalePages is how many pages without a new record come in a row. A vendor that takes no notice of
// a page's number, or begins again after the last one, has other cursors and the same records for ever.
const maxStalePages = 100

func endless(page *Result, why string) error {
	return Endless(page.operation.Name() + " has more pages, but " + why)
}

// hasObjects reports whether data is a list whose first record is an object. Numbers and texts
// may well be the same on two pages.
func hasObjects(data []byte) bool {
	for record := range rawjson.Elements(data) {
		return rawjson.KindOf(record) == rawjson.Object
	}
	return false
}

// digests are those of all records of a page, and of their ids. A record that was changed meanwhile, or
// has the time in it, is no new one.
func digests(seed maphash.Seed, data []byte) (whole, ids uint64) {
	whole = maphash.Bytes(seed, data)
	var h maphash.Hash
	h.SetSeed(seed)
	for record := range rawjson.Elements(data) {
		id, found, err := rawjson.Pointer(record, "/id")
		if !found || err != nil {
			return whole, whole
		}
		_, _ = h.Write(id) // it never fails
		_ = h.WriteByte(',')
	}
	return whole, h.Sum64()
}

// cut shortens a page to at most n records and returns how many it then has.
func cut(page *Result, n int) int {
	if rawjson.KindOf(page.Data) != rawjson.Array {
		return 1
	}
	count := 0
	var b bytes.Buffer
	b.WriteByte('[')
	for record := range rawjson.Elements(page.Data) {
		if count == n {
			b.WriteByte(']')
			page.Data = b.Bytes()
			return count
		}
		if count > 0 {
			b.WriteByte(',')
		}
		b.Write(record)
		count++
	}
	return count
}

// cursorNames returns what the operation calls a cursor: the uniform name, and the
// vendor's where the connector takes that too.
func cursorNames(op *connector.Operation) []string {
	names := []string{"cursor"}
	for alias, name := range op.Aliases {
		if name == "cursor" {
			names = append(names, alias)
		}
	}
	return names
}

// cursorOf returns the cursor in params, or "".
func cursorOf(op *connector.Operation, params []byte) string {
	names := cursorNames(op)
	for name, value := range rawjson.Members(params) {
		if slices.Contains(names, rawjson.Unquote(name)) {
			return rawjson.Unquote(value)
		}
	}
	return ""
}

// withCursor returns params with the cursor of the next page, in place of a cursor of
// any of those names.
func withCursor(params []byte, cursor string, names []string) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for name, value := range rawjson.Members(params) {
		if slices.Contains(names, rawjson.Unquote(name)) {
			continue
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
		b.WriteByte(',')
	}
	quoted, _ := json.Marshal(cursor) // a string always marshals
	b.WriteString(`"cursor":`)
	b.Write(quoted)
	b.WriteByte('}')
	return b.Bytes()
}
