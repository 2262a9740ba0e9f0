package backend

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// FuzzSlice cuts pieces out of pages. Nothing panics, the cursor of the host is never handed
// on, a piece has what was asked for, and its cursor is one that the host reads.
func FuzzSlice(f *testing.F) {
	f.Add([]byte(`[{"id":1},2,[]]`), []byte(`{"limit":2}`))
	f.Add([]byte(`[1,2,3,4,5]`), []byte(`{"cursor":"agenthost-part.3.c","limit":1}`))
	f.Add([]byte(`[1,2]`), []byte(`{"after":"agenthost-part.1.","size":9}`))
	op := &connector.Operation{Operation: &abi.Operation{Paginated: true, Aliases: map[string]string{"after": "cursor", "size": "limit"}}}
	f.Fuzz(func(t *testing.T, data, params []byte) {
		// What comes before has seen to it that these are JSON.
		if !json.Valid(data) || !json.Valid(params) || rawjson.KindOf(data) != rawjson.Array || rawjson.KindOf(params) != rawjson.Object {
			return
		}
		p, sent, err := SliceOf(op, params)
		if err != nil {
			return
		}
		if !json.Valid(sent) || strings.Contains(string(sent), `"`+cursorPrefix) && !strings.Contains(string(params), `:"`+cursorPrefix) {
			t.Errorf("%s is sent as %s", params, sent)
		}
		page := Result{Data: data, Meta: json.RawMessage(`{"vendor":1,"has_more":false}`)}
		before := rawjson.Count(data)
		p.Cut(&page)
		got := rawjson.Count(page.Data)
		switch {
		case !json.Valid(page.Data) || !json.Valid(page.Meta):
			t.Errorf("%s becomes %s and %s", data, page.Data, page.Meta)
		case page.HasMore != (page.NextCursor != ""):
			t.Errorf("there is more: %t, by the cursor %q", page.HasMore, page.NextCursor)
		case p.limit > 0 && got > p.limit, got > before, page.HasMore != (p.limit > 0 && before > p.skip+p.limit):
			t.Errorf("%d of %d records after %d, and %d were asked for; more: %t", got, before, p.skip, p.limit, page.HasMore)
		}
		if page.HasMore {
			if skip, of, ok := readCursor(page.NextCursor); (!ok || skip != p.skip+p.limit || of != p.cursor) && p.skip+p.limit <= maxSkip {
				t.Errorf("%q is read as %d of %q", page.NextCursor, skip, of)
			}
		}
	})
}
