package pdk

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

// FuzzAppendString compares with encoding/json, which decodes what we write.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", "q\"b\\s/", "\x00\x1f\x7f\n\r\t", "üñ🦉", "\xff\xc3", "\u2028"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		text := AppendString(nil, s)
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var want strings.Builder
		for _, r := range s { // ranging replaces bytes that are not UTF-8, as we must
			want.WriteRune(r)
		}
		if got != want.String() {
			t.Errorf("%q became %q", s, got)
		}
		if back := Raw(text).Text(); back != got {
			t.Errorf("we read %q from %s", back, text)
		}
	})
}

// FuzzRaw compares with encoding/json where the input is JSON, and only must not
// panic where it is not.
func FuzzRaw(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":[true,null,"x"],"a":{"c":[]}}`, ` [ 1 , 2.50e3 , "\u00fc\ud83e\udd89\ud800x\"\\" ] `,
		`{"a\u0062":{"}":"]"}}`, `""`, `{}`, `[]`, `-0`, `tru`, `{"a"`, `"\`, `[1,`, `{"a":}`, `"\ud83e\u0041"`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := Raw(b)
		members := map[string]json.RawMessage{}
		for name, v := range r.Members() {
			members[name] = json.RawMessage(v)
			_ = r.Member(name)
		}
		elements := []json.RawMessage{}
		for v := range r.Elements() {
			elements = append(elements, json.RawMessage(v))
		}
		text, _, _ := r.Text(), r.Bool(), r.Exists()
		if !json.Valid(b) {
			return
		}
		var want any
		if err := json.Unmarshal(b, &want); err != nil {
			return // a number that no float64 holds
		}
		kinds := map[reflect.Kind]JSONKind{
			reflect.Invalid: JSONNull, reflect.Bool: JSONBool, reflect.Float64: JSONNumber,
			reflect.String: JSONString, reflect.Slice: JSONArray, reflect.Map: JSONObject,
		}
		if k := kinds[reflect.ValueOf(want).Kind()]; r.Kind() != k {
			t.Errorf("the kind of %s is %d, want %d", b, r.Kind(), k)
		}
		switch want := want.(type) {
		case string:
			if text != want {
				t.Errorf("the text of %s is %q, want %q", b, text, want)
			}
		case map[string]any:
			var w map[string]json.RawMessage
			if err := json.Unmarshal(b, &w); err != nil || !reflect.DeepEqual(members, w) {
				t.Errorf("the members of %s are %s, want %s", b, members, w)
			}
		case []any:
			var w []json.RawMessage
			if err := json.Unmarshal(b, &w); err != nil || !reflect.DeepEqual(elements, w) {
				t.Errorf("the elements of %s are %s, want %s", b, elements, w)
			}
		}
	})
}

// same says whether our JSON and encoding/json's are the same value, and ours has
// the members in the same order.
func same(t *testing.T, what string, ours []byte, v any) {
	t.Helper()
	want, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, ours); err != nil {
		t.Fatalf("%s: %v\n%s", what, err, ours)
	}
	var a, b any
	if json.Unmarshal(ours, &a) != nil || json.Unmarshal(want, &b) != nil || !reflect.DeepEqual(a, b) {
		t.Errorf("%s:\ngot  %s\nwant %s", what, ours, want)
	}
}

func TestErrorsLikePackageABI(t *testing.T) {
	for _, e := range []abi.Error{
		{Kind: abi.KindInternal},
		{
			Kind: abi.KindRateLimited, Message: "m \"<&>\" ü", Hint: "h", Field: "f", Rule: "r", Retryable: true,
			RetryAfterMS: 1500, RequestSent: true, Status: 429, Code: "c", RequestID: "i",
		},
	} {
		text := appendError(nil, &e)
		same(t, "error", text, &e)
		if got := parseError(text); *got != e {
			t.Errorf("read %+v, want %+v", got, e)
		}
	}
	if got := parseError(Raw(`{"kind":"of the future","status":1e9,"message":7}`)); got.Kind != abi.KindInternal || got.Status != 0 || got.Message != "" {
		t.Errorf("read %+v", got)
	}
}

func TestRequestsLikePackageABI(t *testing.T) {
	same(t, "small request", appendRequest(nil, &Request{Method: "GET", Path: "/x"}), abi.Request{Method: "GET", Path: "/x"})
	same(t, "request", appendRequest(nil, &Request{
		Server: "eu", Method: "POST", Path: "/x/{id}", PathParams: [][2]string{{"id", "a/b"}, {"other", "ü"}},
		Query: [][2]string{{"a", "1"}, {"a", "2"}}, Headers: [][2]string{{"X-One", "\"1\""}},
	}), abi.Request{
		Server: "eu", Method: "POST", Path: "/x/{id}", PathParams: map[string]string{"id": "a/b", "other": "ü"},
		Query: [][2]string{{"a", "1"}, {"a", "2"}}, Headers: [][2]string{{"X-One", "\"1\""}},
	})
}

// kitchenSink uses everything that a table can say.
func kitchenSink() *Connector {
	return &Connector{
		Name: "sink", Title: "Sink", Version: "1.2.3", Description: "All of it.", DocsURL: "https://docs.sink.example",
		Airbyte: &abi.Airbyte{
			ConnectorType: "Sink", DefinitionID: "00000000-0000-0000-0000-000000000000",
			Check:        &abi.OperationRef{Entity: "things", Action: "get"},
			Envelope:     &abi.Envelope{Record: "data", Marks: []string{"request_id", "took"}},
			ContextStore: []abi.SearchEntity{{Entity: "things", Fields: []string{"id", "name"}}, {Entity: "others", Fields: []string{"id"}}},
		},
		Servers: []abi.Server{{ID: "a", URL: "https://a.example", Title: "A"}, {ID: "b", URL: "https://b.example/v1"}},
		Check:   abi.OperationRef{Entity: "things", Action: "list"},
		Auth: abi.AuthSchema{
			Schemes: []abi.AuthScheme{
				{
					ID: "basic", Type: abi.AuthBasic, Title: "T", Description: "D", Basic: &abi.Basic{Username: "{key}"},
					Fields: []abi.AuthField{{Name: "key", Title: "Key", Description: "The key.", Secret: true, Required: true, Pattern: `^\w+$`, Format: "x"}},
				},
				{
					ID: "oauth", Type: abi.AuthOAuth2, Fields: []abi.AuthField{},
					Inject: []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {access_token}"}, {In: abi.InQuery, Name: "k", Value: "v"}},
					OAuth2: &abi.OAuth2{
						Grant: abi.GrantRefreshToken, TokenURL: "https://a.example/token", RevokeURL: "https://a.example/revoke", AuthorizeURL: "https://a.example/authorize",
						AuthorizeParams: [][2]string{{"access_type", "offline"}, {"prompt", "\"consent\""}}, Scopes: []string{"read", "write"}, ClientAuth: abi.ClientAuthPost, Issuer: "https://a.example",
					},
					DirectOnly: true,
					Origins:    []string{"https://a.example"},
				},
			},
			Replication: []abi.AuthField{{Name: "start_date", Required: true, Format: "date-time"}},
		},
		Definitions: []Definition{{Name: "tree", Schema: Object("A tree.", Prop("kids", Array("", Ref("tree", ""))))}},
		Operations: []Operation{
			{
				Entity: "things", Action: "list", Title: "List", Description: "Lists.", Effect: Read,
				Method: "GET", Path: "/things", Page: &Page{In: InQuery, LimitName: "page_size", MaxLimit: 50, Cursor: "/next"},
				Data: "/things", Meta: []Meta{{Name: "total", Pointer: "/total"}, {Name: "absent", Pointer: "/absent"}}, Params: []Param{Query("kind", Array("", String(""))).As("kinds[]")},
				RateLimit: abi.RateLimit{Requests: 5, PerSeconds: 1, Bucket: "all"}, Examples: []string{`{"limit":1}`, `{}`},
				Result: Object("A thing.", Prop("tree", Ref("tree", "Its tree."))),
			},
			{
				Entity: "things", Action: "create", Description: "Creates.", Effect: Write, Idempotent: true, Server: "b",
				Method: "POST", Path: "/things/{id}", Requests: []abi.RequestTemplate{{Server: "a", Method: "PUT", Path: "/files"}},
				Params: []Param{
					Path("thing", String("").Min(1)).As("id"),
					Body("name", String("A name.").Max(5).Pattern("^a").Default(`"a"`)).Required(),
					Body("n", Number("").Min(-1).Max(1)), Body("i", Integer("")), Body("b", Boolean("")),
					Body("e", Enum("", "x", "y")), Body("t", DateTime("When.")), Body("m", Map("Any.")),
					Body("tree", Ref("tree", "")), Input("local", String("")),
				},
			},
		},
	}
}

func TestManifestLikePackageABI(t *testing.T) {
	c := kitchenSink()
	var m abi.Manifest
	if err := json.Unmarshal(c.Manifest(), &m); err != nil {
		t.Fatal(err)
	}
	same(t, "manifest", c.Manifest(), m)
	if m.ABI != abi.Version || m.Operations[0].RateLimit.Bucket != "all" || len(m.Operations[1].Requests) != 2 {
		t.Errorf("manifest is %+v", m)
	}
	var a abi.AuthSchema
	if err := json.Unmarshal(c.AuthSchema(), &a); err != nil {
		t.Fatal(err)
	}
	same(t, "auth schema", c.AuthSchema(), a)
	c.Auth.Schemes[0].Origins = []string{} // a missing list is written as an empty one
	if !reflect.DeepEqual(a, c.Auth) {
		t.Errorf("auth schema is %+v, want %+v", a, c.Auth)
	}
	want := `{"type":"object","properties":{"kind":{"type":"array","items":{"type":"string"}},` +
		`"cursor":{"type":"string","description":"Where to go on: next_cursor of the page before. Leave it out for the first page.","minLength":1,"maxLength":8192},` +
		`"limit":{"type":"integer","description":"How many records to return at most.","minimum":1,"maximum":50},` +
		`"page_size":{"type":"integer","description":"The vendor's name for limit; give one of the two.","minimum":1,"maximum":50}},"additionalProperties":false}`
	if got := string(m.Operations[0].Params); got != want {
		t.Errorf("params are\n%s\nwant\n%s", got, want)
	}
	want = `{"type":"object","properties":{"thing":{"type":"string","minLength":1},` +
		`"name":{"type":"string","description":"A name.","pattern":"^a","default":"a","maxLength":5},` +
		`"n":{"type":"number","minimum":-1,"maximum":1},"i":{"type":"integer"},"b":{"type":"boolean"},"e":{"type":"string","enum":["x","y"]},` +
		`"t":{"type":"string","description":"When.","format":"date-time"},"m":{"type":"object","description":"Any."},` +
		`"tree":{"$ref":"#/$defs/tree"},"local":{"type":"string"}},"required":["thing","name"],"additionalProperties":false,` +
		`"$defs":{"tree":{"type":"object","description":"A tree.","properties":{"kids":{"type":"array","items":{"$ref":"#/$defs/tree"}}},"additionalProperties":false}}}`
	if got := string(m.Operations[1].Params); got != want {
		t.Errorf("params are\n%s\nwant\n%s", got, want)
	}
}
