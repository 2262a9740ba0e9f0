package pdk

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/agenthost/agenthost/pdk/abi"
)

// FuzzOwnRequest compares the request that is written straight from the table with that of
// the long way: Request, and its JSON.
func FuzzOwnRequest(f *testing.F) {
	for _, value := range []string{
		`"iss_1"`, `""`, `"a\"b\\\u00e9/"`, `"ü\ud83e\udd89"`, `17`, `-1.50e3`, `true`, `null`, `[]`, `{}`,
		`["x","y",[1]]`, `{"a":{"b":"\u0063"},"d \"e\"":[true]}`, `[{}]`, ``,
	} {
		f.Add(value, value, value)
	}
	f.Fuzz(func(t *testing.T, path, query, body string) {
		for _, value := range []string{path, query, body} {
			// Of strings that are not UTF-8 the host makes the same, not we.
			if value != "" && (!json.Valid([]byte(value)) || !utf8.ValidString(value)) {
				t.Skip()
			}
		}
		op := &Operation{Entity: "things", Action: "do", Server: "eu", Method: "POST", Path: "/things/{id}", Params: []Param{
			Body("first", String("")), Query("q", String("")).As(`q "q"`), Path("thing", String("")).As("id"), Input("local", String("")),
			Query("limit", Integer("")), Body("b", String("")).As("wire"), Query("fallback", Integer("")).Send(`25`), Body("last", Map("")),
			Query("list", Map("")).Style(StyleIndices), Query("constant", nil).Const(`"c"`), Header("X-Header", String("")), Header("X-Const", nil).Const(`7`),
		}}
		if len(query)%2 == 0 {
			op.RawQuery = "(),:"
		}
		row := newRow(new(Connector), op)
		c := &Call{s: newSession(currentHost()), connector: new(Connector), row: &row, values: make([]Raw, len(row.fields))}
		for name, value := range map[string]string{"thing": path, "q": query, "limit": query, "b": body, "last": body, "local": body, "list": query, "X-Header": query} {
			value := trimmed(value)
			if name == "thing" && value.Kind() == JSONArray {
				value = nil // of a path only the schema says that it is text
			}
			c.values[row.index(name)] = value
		}
		var got, want abi.Request
		if err := json.Unmarshal(c.appendOwn(nil), &got); err != nil {
			t.Fatalf("%s: %v", c.appendOwn(nil), err)
		}
		r := c.Request()
		if err := json.Unmarshal(appendRequest(nil, r), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
		if got := c.body(); !bytes.Equal(got, r.Body) || !json.Valid(got) {
			t.Errorf("the body is %s, want %s", got, r.Body)
		}
	})
}

// trimmed is a value as the host gives it: without white space around it.
func trimmed(value string) Raw {
	if value == "" {
		return nil
	}
	start := skipSpace(Raw(value), 0)
	return Raw(value)[start:skipValue(Raw(value), start)]
}

// Every operation is found by its names, and by no others.
func TestFindOperation(t *testing.T) {
	c := &Connector{}
	names := []string{"a", "issues", "issue_messages", "issue_messagez", "issue_m", "knowledge_base_articles", "knowledge_base_article", "ns_issues", ""}
	for _, entity := range names {
		for _, action := range names {
			c.Operations = append(c.Operations, Operation{Entity: entity, Action: action, Method: "GET", Path: "/"})
		}
	}
	table := c.table()
	for i := range c.Operations {
		op := &c.Operations[i]
		if r := table.find(op.Entity, op.Action); r == nil || r.op != op {
			t.Errorf("%s.%s is not found", op.Entity, op.Action)
		}
		for _, other := range []string{op.Entity + "x", op.Entity + "\x00", "x" + op.Entity} {
			if table.find(other, op.Action) != nil || table.find(op.Action, other) != nil {
				t.Errorf("%q is found", other)
			}
		}
	}
	if (&Connector{}).table().find("issues", "get") != nil {
		t.Error("a connector without operations has one")
	}
}

func TestFieldIndex(t *testing.T) {
	row := newRow(new(Connector), &Operation{Method: "GET", Path: "/", Params: []Param{
		Body("requester_id", String("")), Query("requester_email", String("")), Query("id", String("")), Query("a~b/c", String("")), Query("idx\x00", String("")),
	}})
	for _, f := range row.fields {
		if i := row.index(f.name); i < 0 || row.fields[i].name != f.name {
			t.Errorf("%q is number %d", f.name, i)
		}
	}
	for _, name := range []string{"", "i", "idx", "id\x00", "requester", "requester_ie", "requester_emai", "requester_emall"} {
		if i := row.index(name); i >= 0 {
			t.Errorf("%q is number %d", name, i)
		}
	}
	if got := row.fields[row.index("a~b/c")].pointer; got != "/a~0b~1c" {
		t.Errorf("the pointer is %s", got)
	}
}
