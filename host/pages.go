package host

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"

	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/fault"
)

// Pages runs an operation and follows its cursors. It yields one result per page, and
// ends after the first error. An operation that is not paginated has one page.
//
// Pages holds one page at a time, and each page has the time limit of a call. With
// call.Limit it stops after that many records; the last page is cut to fit.
//
// Endless pages are a vendor_error after the last useful page: the vendor says that there are more
// but gives no cursor, repeats a cursor or the records of a page, or gives a hundred pages in a row
// without a new record.
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
		for pages := backend.NewPages(params, call.Limit); ; {
			page, err := h.execute(ctx, connection, call, runOptions{via: viaExecute, digest: true})
			last := false
			if err == nil {
				last, err = pages.Take(page)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(page, nil) || last {
				return
			}
			if call.Params, err = pages.Next(page); err != nil {
				yield(nil, err)
				return
			}
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
