package host

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Pages runs an operation and follows its cursors. It yields one result per page, and
// ends after the first error. An operation that is not paginated has one page.
//
// Pages holds one page at a time, and each page has the time limit of a call. With
// call.Limit it stops after that many records; the last page is cut to fit.
//
// A cursor that comes a second time is a connector_fault: following it would never end.
func (h *Host) Pages(ctx context.Context, connection string, call Call) iter.Seq2[*Result, error] {
	return func(yield func(*Result, error) bool) {
		params, err := encode(call.Params)
		if err != nil {
			yield(nil, err)
			return
		}
		call.Params = json.RawMessage(params)
		seen := make(map[string]bool)
		for left := call.Limit; ; {
			page, err := h.Execute(ctx, connection, call)
			if err != nil {
				yield(nil, err)
				return
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
			if seen[page.NextCursor] {
				yield(nil, &Error{
					Kind: abi.KindConnectorFault, RequestSent: true,
					Message: fmt.Sprintf("%s.%s answers the same cursor again, so its pages would never end", call.Entity, call.Action),
					Hint:    "this is a bug of the connector or of the vendor",
				})
				return
			}
			seen[page.NextCursor] = true
			call.Params = withCursor(params, page.NextCursor, h.cursorNames(ctx, connection, call))
		}
	}
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
func (h *Host) cursorNames(ctx context.Context, connection string, call Call) []string {
	names := []string{"cursor"}
	_, op, err := h.look(ctx, connection, call)
	if err != nil {
		return names // the next call fails for the same reason
	}
	for alias, name := range op.Aliases {
		if name == "cursor" {
			names = append(names, alias)
		}
	}
	return names
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
