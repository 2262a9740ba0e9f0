package contract

import (
	"net/http/httptest"
	"testing"
)

func TestCheckJSON(t *testing.T) {
	params := []Param{
		{Name: "id", Type: "string", Format: "uuid"},
		{Name: "cursor", Type: "string", Nullable: true},
		{Name: "limit", Type: "number", Min: 1, Max: 100},
		{Name: "note", Type: "string|object", Fields: []Param{{Name: "value", Type: "string", Required: true}}},
		{Name: "value", Type: "boolean|string|array|number|object", Items: "string"},
		{Name: "expand", Type: "array", Items: "string", Enum: []string{"a", "b"}},
		{Name: "ids", Type: "array", Items: "string", Format: "uuid", Min: 1},
	}
	for _, tc := range []struct{ body, want string }{
		{`{"id":"0b8D2c1e-3f4a-4b5c-8d6e-7f8091a2b3c4","cursor":null,"limit":100,"expand":["a","b"]}`, ""},
		{`{"id":"0b8d2c1e3f4a4b5c8d6e7f8091a2b3c4"}`, "id must be a UUID"},
		{`{"id":"0b8d2c1e-3f4a-4b5c-8d6e-7f8091a2b3cg"}`, "id must be a UUID"},
		{`{"id":null}`, "id must be a string, not null"},
		{`{"limit":101}`, "limit must be between 1 and 100"},
		{`{"limit":"5"}`, "limit must be a number, not a string"},
		{`{"note":"text"}`, ""},
		{`{"note":{"value":"x"}}`, ""},
		{`{"note":{}}`, "note.value is required"},
		{`{"note":{"value":"x","kind":1}}`, `unknown field "note.kind"`},
		{`{"note":5}`, "note must be a string or object, not a number"},
		{`{"value":[1]}`, "value[0] must be a string, not a number"},
		{`{"value":false}`, ""},
		{`{"value":1.5}`, ""},
		{`{"value":{"any":1}}`, ""},
		{`{"value":null}`, "value must be a boolean or string or array or number or object, not null"},
		{`{"expand":["c"]}`, "expand[0] must be one of a, b"},
		{`{"ids":["x"]}`, "ids[0] must be a UUID"},
		{`{"ids":[]}`, "ids must have at least 1 items"},
	} {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Content-Type", "application/json")
		_, p := CheckJSON(r, []byte(tc.body), params)
		got := ""
		if p != nil {
			got = p.Message
		}
		if got != tc.want {
			t.Errorf("%s: %q, want %q", tc.body, got, tc.want)
		}
	}
}
