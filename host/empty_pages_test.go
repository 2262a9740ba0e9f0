package host_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/agenthost/agenthost/pdk/abi"
)

// emptyPages lists accounts on pages that are empty up to number full, and fails on page failing.
func emptyPages(full, failing, status int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := 1
		_, _ = fmt.Sscanf(r.URL.Query().Get("cursor"), "c%d", &page)
		records, next := `[]`, fmt.Sprintf(`"c%d"`, page+1)
		if page == full {
			records = `[{"id":"acc_1"}]`
		}
		w.Header().Set("Content-Type", "application/json")
		if page == failing {
			w.WriteHeader(status)
		}
		_, _ = fmt.Fprintf(w, `{"data":%s,"request_id":"r","pagination":{"cursor":%s,"has_next_page":true}}`, records, next)
	})
}

// TestEmptyPagesArePassedOver: a call goes on to the first page with a record, within its limit of
// requests, and keeps the cursor that leads on.
func TestEmptyPagesArePassedOver(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		vendor   http.Handler
		requests int // the limit, 0 for the one of all connections
		params   host.Params
		data     string
		next     string
		sent     int
		kind     abi.Kind
	}{
		"the first page has records":  {vendor: emptyPages(1, 0, 0), data: `[{"id":"acc_1"}]`, next: "c2", sent: 1},
		"the fourth page has records": {vendor: emptyPages(4, 0, 0), data: `[{"id":"acc_1"}]`, next: "c5", sent: 4},
		"from a cursor on":            {vendor: emptyPages(4, 0, 0), params: host.Params{"cursor": "c2", "limit": 7}, data: `[{"id":"acc_1"}]`, next: "c5", sent: 3},
		"the limit comes first":       {vendor: emptyPages(9, 0, 0), requests: 3, data: `[]`, next: "c4", sent: 3},
		"the vendor wants a pause":    {vendor: emptyPages(9, 3, http.StatusTooManyRequests), requests: 6, data: `[]`, next: "c3", sent: 6},
		"the vendor fails":            {vendor: emptyPages(9, 3, http.StatusNotFound), sent: 3, kind: abi.KindNotFound},
		"the cursors go in a circle":  {vendor: endlessVendor(func(n int) (string, string) { return `[]`, fmt.Sprintf(`"c%d"`, n%3) }), data: `[]`, sent: 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, server := openWith(t, tt.vendor)
			lab := labAt(server)
			lab.Limits.Requests = tt.requests
			o := options(t, host.StaticConnections{"lab": lab})
			o.Sleep = func(context.Context, time.Duration) error { return nil }
			h := opened(t, o)
			result, err := h.Execute(t.Context(), "lab", host.Call{Entity: "accounts", Action: "list", Params: tt.params})
			if n := len(server.Requests()); n != tt.sent {
				t.Errorf("%d requests, want %d", n, tt.sent)
			}
			if tt.kind != "" {
				if e, ok := errors.AsType[*host.Error](err); !ok || e.Kind != tt.kind || !e.RequestSent {
					t.Errorf("%v, want %s", err, tt.kind)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			cursor, _, _ := rawjson.Pointer(result.Meta, "/next_cursor")
			if string(result.Data) != tt.data || result.NextCursor != tt.next || rawjson.Unquote(cursor) != tt.next || !result.HasMore || result.Stats.Requests != tt.sent || (result.Stopped != nil) != (tt.next == "") {
				t.Errorf("%s %s %+v", result.Data, result.Meta, result)
			}
			_, tape, err := h.Record(t.Context(), "lab", host.Call{Entity: "accounts", Action: "list", Params: tt.params})
			if err != nil || len(tape.Exchanges) != 1 {
				t.Errorf("a recording of %d runs, %v", len(tape.Exchanges), err)
			}
		})
	}
}

// TestEmptyPartsOfAWindowAreWalked: a list of two years of Pylon's issues begins with the first part
// of it that has an issue.
func TestEmptyPartsOfAWindowAreWalked(t *testing.T) {
	t.Parallel()
	issue := time.Date(2025, 12, 31, 12, 0, 0, 0, time.UTC)
	_, server := openWith(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, _ := time.Parse(time.RFC3339, r.URL.Query().Get("start_time"))
		end, _ := time.Parse(time.RFC3339, r.URL.Query().Get("end_time"))
		records := `[]`
		if !issue.Before(start) && issue.Before(end) {
			records = `[{"id":"iss_1"}]`
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"data":%s,"request_id":"r","pagination":{"cursor":null,"has_next_page":false}}`, records)
	}))
	lab := labAt(server)
	lab.Limits.Requests = 20
	h := opened(t, options(t, host.StaticConnections{"lab": labAt(server), "few": lab}))
	call := host.Call{Entity: "issues", Action: "list", Params: host.Params{"start_time": "2024-01-01T00:00:00Z", "end_time": "2026-01-10T00:00:00Z"}}
	all, err := h.Execute(t.Context(), "lab", call)
	if err != nil || string(all.Data) != `[{"id":"iss_1"}]` || all.HasMore || all.Stats.Requests != 25 {
		t.Errorf("%+v, %v", all, err)
	}
	const reached = "w1~2025-08-23T00:00:00Z~"
	part, err := h.Execute(t.Context(), "few", call)
	if err != nil || string(part.Data) != `[]` || part.NextCursor != reached {
		t.Fatalf("%+v, %v", part, err)
	}
	call.Params.(host.Params)["cursor"] = reached
	if rest, err := h.Execute(t.Context(), "few", call); err != nil || string(rest.Data) != `[{"id":"iss_1"}]` || rest.Stats.Requests != 5 {
		t.Errorf("%+v, %v", rest, err)
	}
}

// lists is a vendor that answers the pages of a list in order.
type lists struct{ pages [][2]string } // records and meta

func (l *lists) Run(context.Context, string, map[string]string, string, string, json.RawMessage) (data, meta json.RawMessage, err error) {
	page := l.pages[0]
	l.pages = l.pages[1:]
	return json.RawMessage(page[0]), json.RawMessage(page[1]), nil
}

// TestHostedPagesThatHaveNoEnd: in hosted mode too, more pages without a cursor that leads to them
// are an error after the records, and empty pages are passed over.
func TestHostedPagesThatHaveNoEnd(t *testing.T) {
	v := pylonOnTheWire()
	vendor := &lists{}
	l := v.hosted(t, func(o *airbyte.Options) { o.Run = vendor }, nil)
	l.create(t, "lab")
	call := host.Call{Entity: "accounts", Action: "list"}
	for name, tt := range map[string]struct {
		pages   [][2]string
		records int
		says    string
	}{
		"a cursor that is null":         {[][2]string{{`[{"id":1},{"id":2}]`, `{"next_cursor":null,"has_more":true}`}}, 2, "gave no cursor"},
		"a cursor that is empty":        {[][2]string{{`[{"id":1}]`, `{"next_cursor":"","has_more":true}`}}, 1, "gave no cursor"},
		"a cursor that is no text":      {[][2]string{{`[{"id":1}]`, `{"next_cursor":{"after":1},"has_more":true}`}}, 1, "gave no cursor"},
		"a null cursor after two pages": {[][2]string{{`[{"id":1}]`, `{"next_cursor":"a","has_more":true}`}, {`[{"id":2}]`, `{"next_cursor":"b","has_more":true}`}, {`[{"id":3}]`, `{"next_cursor":null,"has_more":true}`}}, 3, "gave no cursor"},
		"a null cursor after no record": {[][2]string{{`[]`, `{"next_cursor":"a","has_more":true}`}, {`[]`, `{"next_cursor":null,"has_more":true}`}}, 0, "gave no cursor"},
		"the same cursor":               {[][2]string{{`[{"id":1}]`, `{"next_cursor":"a","has_more":true}`}, {`[{"id":2}]`, `{"next_cursor":"a","has_more":true}`}}, 2, "cursor of this page again"},
		"the end":                       {[][2]string{{`[]`, `{"next_cursor":"a","has_more":true}`}, {`[{"id":1}]`, `{"next_cursor":null,"has_more":false}`}}, 1, ""},
	} {
		vendor.pages = tt.pages
		records, failed := 0, error(nil)
		for _, err := range l.h.Records(t.Context(), "hosted", call) {
			if failed = err; err == nil {
				records++
			}
		}
		e, _ := errors.AsType[*host.Error](failed)
		if records != tt.records || (e == nil) != (tt.says == "") || e != nil && (e.Kind != abi.KindVendorError || !strings.Contains(e.Message, tt.says)) || len(vendor.pages) > 0 {
			t.Errorf("%s: %d records, then %v", name, records, failed)
		}
	}
}
