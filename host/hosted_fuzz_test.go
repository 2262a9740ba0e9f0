package host

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/airbyte"
	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// FuzzHostedAnswer makes results of what the Airbyte API may answer, and parts of its pages.
// Nothing panics, results are JSON of the kind that the operation answers, a page has what
// was asked for, and the cursor of a part is one that the host reads.
func FuzzHostedAnswer(f *testing.F) {
	for _, seed := range []struct{ action, result, metadata, params string }{
		{"list", `[{"id":1},2,[]]`, `{"nextCursor":"c","has_next_page":true}`, `{"limit":2}`},
		{"list", `[]`, `{"has_more":null}`, `{"cursor":"agenthost-part.3.c","limit":1}`},
		{"get", `{"success":false,"errors":["x"]}`, `{}`, `{"id":"x"}`},
		{"create", `{"data":{"id":1},"request_id":"r"}`, `{}`, `{"size":1}`},
		{"context_store_search", `{"data":[1],"meta":{"cursor":null}}`, `{}`, `{"fields":["a.b"]}`},
	} {
		f.Add(seed.action, []byte(seed.result), []byte(seed.metadata), []byte(seed.params))
	}
	m := &abi.Airbyte{ListsSayMore: true, Envelope: &abi.Envelope{Record: "data", Marks: []string{"request_id"}}}
	f.Fuzz(func(t *testing.T, action string, result, metadata, params []byte) {
		// What comes before has seen to it that these are JSON, the latter two objects.
		for _, object := range [][]byte{metadata, params} {
			if !json.Valid(object) || rawjson.KindOf(object) != rawjson.Object {
				return
			}
		}
		if !json.Valid(result) {
			return
		}
		op := &connector.Operation{Operation: &abi.Operation{
			Entity: "things", Action: action, Paginated: action != "get" && action != "create", Aliases: map[string]string{"after": "cursor", "size": "limit"},
		}}
		p, sent, err := hostedParams(&abi.Manifest{Airbyte: m}, op, params)
		if err != nil {
			return
		}
		if !json.Valid(sent) || strings.Contains(string(sent), `"`+partPrefix) && !strings.Contains(string(params), `:"`+partPrefix) {
			t.Errorf("%s is sent as %s", params, sent)
		}
		if unread(result, m.Envelope) {
			return
		}
		page, err := assembleHosted(op, m, &airbyte.Answer{Result: result, Metadata: metadata})
		if err != nil {
			return
		}
		before := rawjson.Count(page.Data)
		p.of(page)
		switch {
		case !json.Valid(page.Data) || !json.Valid(page.Meta):
			t.Errorf("%s becomes %s and %s", result, page.Data, page.Meta)
		case page.HasMore != (page.NextCursor != "") && op.Paginated:
			t.Errorf("there is more: %t, by the cursor %q", page.HasMore, page.NextCursor)
		case p.limit > 0 && op.Paginated && rawjson.Count(page.Data) > p.limit, rawjson.Count(page.Data) > before:
			t.Errorf("%d of %d records, and %d were asked for", rawjson.Count(page.Data), before, p.limit)
		}
		if next := page.NextCursor; strings.HasPrefix(next, partPrefix) && next != p.cursor && before > p.skip+p.limit {
			if skip, of, ok := readPart(next); !ok || skip != p.skip+p.limit || of != p.cursor {
				t.Errorf("%q is read as %d of %q", next, skip, of)
			}
		}
	})
}
