package host_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/tool"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// endlessVendor lists accounts on pages, of which each says that there are more.
func endlessVendor(page func(number int) (records, cursor string)) http.Handler {
	number := 0
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("cursor") == "" {
			number = 0
		}
		number++
		records, cursor := page(number)
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"data":%s,"request_id":"r","pagination":{"cursor":%s,"has_next_page":true}}`, records, cursor)
	})
}

// TestPagesThatHaveNoEnd: the records that can be had are shown, and an error after them.
func TestPagesThatHaveNoEnd(t *testing.T) {
	t.Parallel()
	fresh := func(n int) string { return fmt.Sprintf(`[{"id":"acc_%d","name":"Acme"}]`, n) }
	cursor := func(n int) string { return fmt.Sprintf(`"c%d"`, n) }
	for name, tt := range map[string]struct {
		page      func(n int) (records, cursor string)
		records   int    // before the error
		says      string // of the error
		firstSays bool   // the first page already
	}{
		"a cursor that is null":         {func(n int) (string, string) { return fresh(n), `null` }, 1, "gave no cursor", true},
		"a cursor that is empty":        {func(n int) (string, string) { return fresh(n), `""` }, 1, "gave no cursor", true},
		"a cursor that is an object":    {func(n int) (string, string) { return fresh(n), `{"after":1}` }, 1, "gave no cursor", true},
		"a null cursor after two pages": {func(n int) (string, string) { return fresh(n), map[bool]string{true: cursor(n), false: `null`}[n < 3] }, 3, "gave no cursor", false},
		"the same cursor":               {func(n int) (string, string) { return fresh(n), `"c"` }, 2, "cursor of this page again", false},
		"cursors in a circle":           {func(n int) (string, string) { return fresh(n), cursor(n % 3) }, 4, "cursor of a page again", false},
		"the same records":              {func(n int) (string, string) { return fresh(1), cursor(n) }, 1, "records of a page again", false},
		"no records":                    {func(n int) (string, string) { return `[]`, cursor(n) }, 0, "the last 100 had no ", false},
		"the same records with the time in them": {func(n int) (string, string) {
			return fmt.Sprintf(`[{"id":"acc_1","name":"Acme","seen":%d}]`, n), cursor(n)
		}, 101, "the last 100 had no ", false},
		"two pages in turn": {func(n int) (string, string) { return fresh(n % 2), cursor(n) }, 102, "the last 100 had no ", false},
		"records between empty pages": {func(n int) (string, string) {
			return map[bool]string{true: fresh(n), false: `[]`}[n%90 == 1 && n < 100], cursor(n)
		}, 2, "the last 100 had no ", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, _ := openWith(t, endlessVendor(tt.page))
			call := host.Call{Entity: "accounts", Action: "list", Select: []string{"id"}}
			first, err := h.Execute(t.Context(), "lab", call)
			if err != nil || !first.HasMore || (first.Stopped != nil) != tt.firstSays || (first.NextCursor == "") != tt.firstSays {
				t.Fatalf("%+v, %v", first, err)
			}
			if tt.firstSays && (rawjson.Count(first.Data) != 1 || !strings.Contains(string(first.Meta), `"next_cursor":null,"has_more":true`)) {
				t.Errorf("%s %s", first.Data, first.Meta)
			}
			records := 0
			for _, one := range h.Records(t.Context(), "lab", call) {
				if err = one; err == nil {
					records++
				}
			}
			e, _ := errors.AsType[*host.Error](err)
			if e == nil || e.Kind != abi.KindVendorError || !strings.Contains(e.Message, tt.says) || records != tt.records {
				t.Errorf("%d records, and %v; want %d, and %q", records, err, tt.records, tt.says)
			}
			// A limit that is reached before is no error.
			if tt.records > 0 {
				call.Limit, records = 1, 0
				for _, err := range h.Records(t.Context(), "lab", call) {
					if records++; err != nil {
						t.Errorf("with a limit: %v", err)
					}
				}
				if records != 1 {
					t.Errorf("with a limit of 1: %d records", records)
				}
			}
			tools, err := h.Tools(t.Context(), host.ToolOptions{Connections: []string{"lab"}, Options: tool.Options{Form: tool.FormOperations}})
			if err != nil {
				t.Fatal(err)
			}
			answer, err := tools.Call(t.Context(), "lab_accounts_list", json.RawMessage(`{"all_pages":true}`))
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				Data []json.RawMessage
				Meta struct {
					NextCursor *string `json:"next_cursor"`
					HasMore    bool    `json:"has_more"`
				}
				LeftOut struct{ Note string } `json:"left_out"`
			}
			if err := json.Unmarshal(answer, &got); err != nil {
				t.Fatal(err)
			}
			if name == "records between empty pages" || tt.records > 100 { // a tool stops after 100 pages, and can go on
				if len(got.Data) != min(tt.records, 100) || got.Meta.NextCursor == nil {
					t.Errorf("%s", answer)
				}
				return
			}
			if len(got.Data) != tt.records || !got.Meta.HasMore || got.Meta.NextCursor != nil ||
				!strings.Contains(got.LeftOut.Note, tt.says) || !strings.Contains(got.LeftOut.Note, "vendor_error") {
				t.Errorf("%d records, want %d: %.500s", len(got.Data), tt.records, answer)
			}
		})
	}
}
