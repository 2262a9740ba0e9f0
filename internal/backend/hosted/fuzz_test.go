package hosted

import (
	"encoding/json"
	"testing"

	"github.com/agenthost/agenthost/internal/backend/hosted/client"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// FuzzHostedAnswer makes results of what the Airbyte API may answer. Nothing panics, and
// results are JSON of the kind that the operation answers.
func FuzzHostedAnswer(f *testing.F) {
	for _, seed := range []struct{ action, result, metadata, params string }{
		{"list", `[{"id":1},2,[]]`, `{"nextCursor":"c","has_next_page":true}`, `{"limit":2}`},
		{"list", `[]`, `{"has_more":null}`, `{"cursor":"agenthost-part.3.c","limit":1}`},
		{"list", `[1,2]`, `{"nextCursor":{},"has_next_page":true}`, `{"limit":1}`},
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
		_, sent, err := serviceParams(&abi.Manifest{Airbyte: m}, op, params)
		if err != nil {
			return
		}
		if !json.Valid(sent) {
			t.Errorf("%s is sent as %s", params, sent)
		}
		if unread(result, m.Envelope) {
			return
		}
		page, err := assemble(op, m, &client.Answer{Result: result, Metadata: metadata})
		if err != nil {
			return
		}
		switch {
		case !json.Valid(page.Data) || !json.Valid(page.Meta):
			t.Errorf("%s becomes %s and %s", result, page.Data, page.Meta)
		case page.HasMore != (page.NextCursor != "" || page.Stopped != nil) && op.Paginated:
			t.Errorf("there is more: %t, by the cursor %q", page.HasMore, page.NextCursor)
		}
	})
}
