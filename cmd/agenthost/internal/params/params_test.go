package params_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/params"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/google/go-cmp/cmp"
)

const schemaText = `{
	"type": "object", "additionalProperties": false, "required": ["id"],
	"$defs": {"state": {"type": "string", "enum": ["open", "closed"], "description": "A state."}, "loop": {"$ref": "#/$defs/loop"}},
	"properties": {
		"id": {"type": "string", "description": "Which one."},
		"since": {"type": "string", "format": "date-time"},
		"limit": {"type": "integer", "minimum": 1, "maximum": 99},
		"ratio": {"type": "number"},
		"open": {"type": "boolean"},
		"tags": {"type": "array", "items": {"type": "string"}},
		"counts": {"type": "array", "items": {"type": "integer"}},
		"states": {"type": "array", "items": {"$ref": "#/$defs/state"}},
		"filter": {"type": "object"},
		"state": {"$ref": "#/$defs/state"},
		"loop": {"$ref": "#/$defs/loop"},
		"maybe": {"type": ["string", "null"]},
		"any": true
	}
}`

func schema(t testing.TB) []params.Param {
	t.Helper()
	list, err := params.Describe(json.RawMessage(schemaText))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		name, object string
		arguments    []string
		want         string
	}{
		{"nothing", "", nil, `{}`},
		{"untouched", ` {"a" : 1.50} `, nil, ` {"a" : 1.50} `},
		{"text", "", []string{"id=007"}, `{"id":"007"}`},
		{"text that looks like JSON", "", []string{`id={"a":1}`}, `{"id":"{\"a\":1}"}`},
		{"empty text", "", []string{"id="}, `{"id":""}`},
		{"equals sign in a value", "", []string{"id=a=b"}, `{"id":"a=b"}`},
		{"HTML", "", []string{"id=<p>a & b</p>"}, `{"id":"<p>a & b</p>"}`},
		{"number", "", []string{"limit=3", "ratio=1.50e3"}, `{"limit":3,"ratio":1.50e3}`},
		{"not a number", "", []string{"limit=many"}, `{"limit":"many"}`},
		{"leading zero", "", []string{"limit=03"}, `{"limit":"03"}`},
		{"boolean", "", []string{"open=true"}, `{"open":true}`},
		{"no boolean", "", []string{"open=yes"}, `{"open":"yes"}`},
		{"object", "", []string{`filter={"a":[1]}`}, `{"filter":{"a":[1]}}`},
		{"one element", "", []string{"tags=a"}, `{"tags":["a"]}`},
		{"elements", "", []string{"tags=a", "limit=1", "tags=b,c"}, `{"tags":["a","b,c"],"limit":1}`},
		{"typed elements", "", []string{"counts=1", "counts=2"}, `{"counts":[1,2]}`},
		{"whole array", "", []string{`tags=["a", "b"]`}, `{"tags":["a", "b"]}`},
		{"empty array", "", []string{"tags=[]"}, `{"tags":[]}`},
		{"broken array is an element", "", []string{"tags=[a"}, `{"tags":["[a"]}`},
		{"reference", "", []string{"state=open", "states=closed"}, `{"state":"open","states":["closed"]}`},
		{"reference to itself", "", []string{"loop=x"}, `{"loop":"x"}`},
		{"text or null", "", []string{"maybe=null"}, `{"maybe":"null"}`},
		{"raw", "", []string{"maybe:=null", `id:="x"`, `tags:=["a"]`}, `{"maybe":null,"id":"x","tags":["a"]}`},
		{"raw of an unknown name", "", []string{"what:=[1]", "ever=2"}, `{"what":[1],"ever":"2"}`},
		{"argument wins", `{"id":"a","limit":1}`, []string{"id=b"}, `{"limit":1,"id":"b"}`},
		{"escaped name", `{"\u0069d":"a"}`, []string{"id=b"}, `{"id":"b"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := params.Parse(schema(t), []byte(c.object), c.arguments)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct {
		name, object string
		arguments    []string
		field        string // empty: the form is wrong
	}{
		{"no equals sign", "", []string{"id"}, ""},
		{"no name", "", []string{"=x"}, ""},
		{"no name, raw", "", []string{":=1"}, ""},
		{"empty", "", []string{""}, ""},
		{"not JSON", `{"a"`, nil, "params"},
		{"two values", `{} {}`, nil, "params"},
		{"array", `[]`, nil, "params"},
		{"null", `null`, nil, "params"},
		{"a name twice", `{"id":1,"id":2}`, []string{"limit=1"}, "id"},
		{"given twice", "", []string{"id=a", "id=b"}, "id"},
		{"array twice", "", []string{"tags=[]", "tags=[]"}, "tags"},
		{"array, then element", "", []string{"tags=[]", "tags=a"}, "tags"},
		{"element, then array", "", []string{"tags=a", "tags=[]"}, "tags"},
		{"element, then raw", "", []string{"tags=a", "tags:=[]"}, "tags"},
		{"raw that is not JSON", "", []string{"id:=x"}, "id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := params.Parse(schema(t), []byte(c.object), c.arguments)
			var public *abi.Error
			switch {
			case c.field == "" && !errors.Is(err, params.ErrForm):
				t.Errorf("error = %v, want ErrForm", err)
			case c.field != "" && (!errors.As(err, &public) || public.Kind != abi.KindInvalidParams || public.Field != c.field || public.Hint == ""):
				t.Errorf("error = %#v", err)
			}
		})
	}
}

func TestDescribe(t *testing.T) {
	var lines []string
	for _, p := range schema(t) {
		lines = append(lines, fmt.Sprintf("%s|%s|%t|%s|%s", p.Name, p.Type(), p.Required, p.Range(), p.Description))
	}
	want := []string{
		"id|string|true||Which one.", "since|string (date-time)|false||", "limit|integer|false|1 to 99|", "ratio|number|false||", "open|boolean|false||",
		"tags|array of string|false||", "counts|array of integer|false||", "states|array of string|false|open, closed|", "filter|object|false||",
		"state|string|false|open, closed|A state.", "loop|any|false||", "maybe|string or null|false||", "any|any|false||",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestExample checks that what an example shows means what its author wrote.
func TestExample(t *testing.T) {
	for _, c := range []struct{ example, want string }{
		{`{"id":"it's","tags":["a b","c"],"limit":3,"filter":{"a":1},"maybe":null}`, `-p 'id=it'\''s' -p 'tags=a b' -p tags=c -p limit=3 -p 'filter={"a":1}' -p maybe:=null`},
		{``, `-p id=TEXT`},
	} {
		var examples []json.RawMessage
		if c.example != "" {
			examples = append(examples, json.RawMessage(c.example))
		}
		if got := strings.Join(params.Example(schema(t), examples), " "); got != c.want {
			t.Errorf("got %s\nwant %s", got, c.want)
		}
	}
}

// FuzzParse checks that what comes out is an object that holds every name given.
func FuzzParse(f *testing.F) {
	f.Add(`{"id":"a"}`, "tags=a", "limit:=3")
	f.Add(``, "tags=[1]", "tags=a")
	f.Fuzz(func(t *testing.T, object, first, second string) {
		got, err := params.Parse(schema(t), []byte(object), []string{first, second})
		if err != nil {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(got, &members); err != nil {
			t.Fatalf("%s: %v", got, err)
		}
		for _, argument := range []string{first, second} {
			name, _, _ := strings.Cut(argument, "=")
			name = strings.ToValidUTF8(strings.TrimSuffix(name, ":"), "\ufffd")
			if _, ok := members[name]; !ok && !strings.Contains(name, "\ufffd") {
				t.Errorf("%s lacks %q", got, name)
			}
		}
	})
}

func ExampleParse() {
	schema, err := params.Describe(json.RawMessage(`{"properties": {"id": {"type": "string"}, "limit": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}}}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	parsed, err := params.Parse(schema, nil, []string{"id=007", "limit=5", "tags=a", "tags=b"})
	fmt.Println(string(parsed), err)
	// Output: {"id":"007","limit":5,"tags":["a","b"]} <nil>
}

// A key that is given twice is refused, unless it is an array's.
func ExampleParse_twice() {
	_, err := params.Parse(nil, nil, []string{"id=a", "id=b"})
	fmt.Println(err)
	// Output: invalid_params: parameter id is given twice
}
