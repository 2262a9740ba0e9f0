package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Pages runs an operation and follows its cursors. It yields one result per page, and
// ends after the first error. An operation that is not paginated has one page.
//
// Pages holds one page at a time, and each page has the time limit of a call. With
// call.Limit it stops after that many records; the last page is cut to fit.
//
// Pages that have no end are a vendor_error after the last page that is worth having: the
// vendor says that there are more and gives no cursor, gives a cursor or the records of a page
// again, or gives a hundred pages without a record in a row.
func (h *Host) Pages(ctx context.Context, connection string, call Call) iter.Seq2[*Result, error] {
	return func(yield func(*Result, error) bool) {
		params, err := encode(call.Params)
		if err == nil && call.Limit < 0 {
			err = fault.Invalid("limit", fmt.Sprintf("the limit is %d", call.Limit), "give a positive number, or 0 for all")
		}
		if err != nil {
			yield(nil, h.Refuse(ctx, connection, call, err))
			return
		}
		call.Params = json.RawMessage(params)
		seen := make(map[string]bool)
		empty, before := 0, uint64(0)
		for left := call.Limit; ; {
			page, err := h.execute(ctx, connection, call, runOptions{via: audit.ViaExecute, digest: true})
			if err != nil {
				yield(nil, err)
				return
			}
			if page.digest != 0 && page.digest == before {
				yield(nil, endless(call, "the vendor gave the records of a page again"))
				return
			}
			before = page.digest
			if empty += page.pages; rawjson.Count(page.Data) > 0 {
				empty = 0
			}
			last := !page.HasMore
			if call.Limit > 0 {
				count := cut(page, left)
				left -= count
				last = last || left <= 0
			}
			if !yield(page, nil) || last {
				return
			}
			switch {
			case page.Stopped != nil:
				err = page.Stopped
			case seen[page.NextCursor]:
				err = endless(call, "the vendor gave the cursor of a page again")
			case empty >= maxEmptyPages:
				err = endless(call, fmt.Sprintf("the last %d had no records", empty))
			}
			if err != nil {
				yield(nil, err)
				return
			}
			seen[page.NextCursor] = true
			call.Params = withCursor(params, page.NextCursor, cursorNames(page.operation))
		}
	}
}

// page runs the operation of a call, and goes on from pages without records: an agent would
// take such a page for the end. It returns how many pages it read. A page that cannot be read
// within the limits of the call is left to the next call, which the cursor of the page before
// leads to. A recording is of one run, and so is a profile.
func (c *connection) page(ctx context.Context, call *backend.Call) (page backend.Result, pages int, err error) {
	deadline, _ := ctx.Deadline()
	half := time.Until(deadline) / 2
	var seen []string // cursors, since the first page that was empty
	for {
		next, err := c.backend.Run(ctx, call)
		if e, ok := errors.AsType[*Error](err); ok && pages > 0 && (e.Kind == abi.KindLimitExceeded || e.Kind == abi.KindRateLimited) {
			page.Stats.Requests, page.Stats.BytesSent, page.Stats.BytesReceived = call.Budget.Used()
			return page, pages, nil
		}
		if err != nil && pages > 0 {
			err = fault.Sent(err, true)
		}
		if err != nil {
			return page, pages, err
		}
		next.Stats.Vendor += page.Stats.Vendor
		next.Stats.Guest += page.Stats.Guest
		next.Stats.Fuel += page.Stats.Fuel
		next.Stats.GuestMemory = max(next.Stats.GuestMemory, page.Stats.GuestMemory)
		page = next
		pages++
		switch {
		case page.NextCursor == "":
			return page, pages, nil
		case page.NextCursor == cursorOf(call.Operation, call.Params):
			page.Stop(call.Operation.Name() + " has more pages, but the vendor gave the cursor of this page again")
			return page, pages, nil
		case slices.Contains(seen, page.NextCursor):
			page.Stop(call.Operation.Name() + " has more pages, but the vendor gave the cursor of a page again")
			return page, pages, nil
		case !isEmpty(page.Data), call.Tape != nil, call.Profile != nil, time.Until(deadline) < half:
			return page, pages, nil
		}
		seen = append(seen, page.NextCursor)
		call.Params = withCursor(call.Params, page.NextCursor, cursorNames(call.Operation))
	}
}

// isEmpty reports whether data is a list without records.
func isEmpty(data []byte) bool {
	for range rawjson.Elements(data) {
		return false
	}
	return rawjson.KindOf(data) == rawjson.Array
}

// hasObjects reports whether data is a list whose first record is an object. Numbers and texts
// may well be the same on two pages.
func hasObjects(data []byte) bool {
	for record := range rawjson.Elements(data) {
		return rawjson.KindOf(record) == rawjson.Object
	}
	return false
}

// maxEmptyPages is how many pages without a record come in a row.
const maxEmptyPages = 100

func endless(call Call, why string) error {
	return backend.Endless(fmt.Sprintf("%s.%s has more pages, but %s", call.Entity, call.Action, why))
}

// Records is [Host.Pages], record by record.
func (h *Host) Records(ctx context.Context, connection string, call Call) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		for page, err := range h.Pages(ctx, connection, call) {
			if err != nil {
				yield(nil, err)
				return
			}
			for record := range page.Records() {
				if !yield(record, nil) {
					return
				}
			}
		}
	}
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

// cursorOf returns the cursor in params, empty where there is none.
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
