package table

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// example is the table in docs/tables.md.
func example(t *testing.T) string {
	t.Helper()
	doc, err := os.ReadFile("../../docs/tables.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(doc), "```yaml\n")
	text, _, found := strings.Cut(text, "```")
	if !found {
		t.Fatal("docs/tables.md has no example")
	}
	return text
}

func TestExampleOfTheDocument(t *testing.T) {
	t.Parallel()
	got, err := Read(context.Background(), "birchdesk.yaml", []byte(example(t)))
	if err != nil {
		t.Fatal(err)
	}
	c, err := connector.Parse(context.Background(), "", got.Manifest, got.Auth)
	if err != nil {
		t.Fatal(err)
	}
	create, err := c.Operation("tickets", "create")
	if err != nil {
		t.Fatal(err)
	}
	if err := create.Validate(context.Background(), []byte(`{"project":"p","subject":"s","source":"x"}`)); err == nil {
		t.Error("a caller can give a constant")
	}
	if got.Name != "birchdesk" || got.Operations != 3 || bytes.Contains(got.Rows, []byte("description")) || !json.Valid(got.Rows) {
		t.Errorf("%s with %d operations: %s", got.Name, got.Operations, got.Rows)
	}
	// What a connector writes of itself is the same table.
	rows, err := connectorOf(got.Rows)
	if err != nil || !bytes.Equal(rows.Rows(), got.Rows) {
		t.Errorf("%v\n%s\n%s", err, got.Rows, rows.Rows())
	}
}

// What a connector writes of itself, as JSON or as YAML, reads as the same connector.
func TestTableOfAConnector(t *testing.T) {
	t.Parallel()
	origin := "https://api.thing.example"
	c := &pdk.Connector{
		Name: "thing", Title: "Thing: yes", Version: "1.0.0", Description: "Things.", Accept: "application/vnd.thing+json",
		Servers:     []abi.Server{{ID: "main", URL: origin}},
		Auth:        abi.AuthSchema{Schemes: []abi.AuthScheme{{ID: "key", Type: abi.AuthBearer, Fields: []abi.AuthField{{Name: "key", Secret: true, Required: true}}, Inject: []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {key}"}}, Origins: []string{origin}}}},
		Definitions: []pdk.Definition{{Name: "tree", Schema: pdk.Object("A tree.", pdk.Prop("kids", pdk.Array("Kids.", pdk.Ref("tree", ""))))}},
		RateHeaders: []abi.RateHeaders{{Reset: "X-Reset", Unit: "seconds"}},
		Sync: []abi.Sync{{
			Entity: "things", List: "search", Each: &abi.SyncEach{Param: "/cursor", Values: []string{"1", "true"}}, Deletions: &abi.SyncDeletions{Field: "/state", Values: []abi.RawMessage{[]byte(`"gone"`), []byte("7")}},
			Writes: map[string]string{"things.create": "/data/id"}, Text: []string{"title"}, Fields: map[string]string{"at": "time"}, Index: []string{"at"},
		}},
		Failures: &pdk.Failures{If: []pdk.Condition{{Pointer: "/ok", Equals: `"no"`, Not: true}, {Header: "X-Failed"}}, Message: []string{"/m"}, Codes: []pdk.CodeStatus{{Code: "x", Status: 404}}, Item: []string{"{{ item.a }}", "{{ item.b }}"}, RetryAfter: []string{"/wait"}},
		Operations: []pdk.Operation{
			{
				Entity: "things", Action: "list", Description: "Lists: all, \"quoted\", # not a comment.", Effect: pdk.Read, Method: "GET", Path: "/things/{id}", Data: "/a/*/b", Wrap: true,
				Filter: "not record.a", Transform: [][2]string{{"b", "{{ record.b | replace('x', \"'\") }}"}, {"a", "{{ record.c }}"}},
				Params: []pdk.Param{
					pdk.Path("thing", pdk.String("An id.")).As("id"), pdk.Header("v", pdk.Enum("A version.", "1", "true", "null")).Send(`"1"`),
					pdk.Query("q", pdk.Array("Some.", pdk.Integer("One.").Min(1).Max(12345678901234567))).Style(pdk.StyleIndices), pdk.Query("kind", nil).Const(`{"a":[1.5,null]}`),
				},
				Meta: []pdk.Meta{{Name: "total", Pointer: "/total"}, {Name: "next", Header: "Link", Link: "next"}},
				Page: &pdk.Page{In: pdk.InQuery, By: pdk.ByPage, First: 1, SendFirst: true, Total: "/total", Alone: true}, Examples: []string{`{"thing":"007"}`},
				RateLimit: abi.RateLimit{Requests: 5, PerSeconds: 1}, Result: pdk.Ref("tree", "A tree."),
			},
			{
				Entity: "things", Action: "search", Description: "Searches.", Effect: pdk.Read, Method: "GET", Path: "/search", Data: "/rows",
				Page: &pdk.Page{In: pdk.InQuery, By: pdk.ByURL, Cursor: "/next", CursorNames: []string{"a", "b"}},
			},
			{
				Entity: "things", Action: "query", Description: "Queries.", Effect: pdk.Read, Method: "GET", Path: "/query", Data: "/rows",
				Page: &pdk.Page{In: pdk.InQuery, Header: "Link", Path: "/query/{cursor}"},
			},
			{
				Entity: "things", Action: "create", Description: "Creates.", Effect: pdk.Write, Method: "POST", Path: "/things",
				Params: []pdk.Param{pdk.Body("a", pdk.String("A name.")).At("/b/a").Send(`"x"`)},
			},
			{
				Entity: "things", Action: "upload", Description: "Uploads.", Effect: pdk.Write, Idempotent: true, Method: "POST", Path: "/things", ContentType: "multipart/form-data", RawQuery: "(),", AnyOf: []string{"file"},
				Params: []pdk.Param{pdk.Body("name", pdk.String("A name.")).Required(), pdk.Body("file", pdk.String("A file.")).Base64("type").FileName("name"), pdk.Body("both", nil).Text("{{ name }}:{{ type }}"), pdk.Input("type", pdk.String("Its type."))},
			},
		},
	}
	text, err := YAML(c.Table())
	if err != nil {
		t.Fatal(err)
	}
	for form, text := range map[string][]byte{"JSON": c.Table(), "YAML": text} {
		got, err := Read(context.Background(), "t", text)
		if err != nil {
			t.Errorf("%s: %v\n%s", form, err, text)
			continue
		}
		if !bytes.Equal(got.Manifest, c.Manifest()) || !bytes.Equal(got.Auth, c.AuthSchema()) || !bytes.Equal(got.Rows, c.Rows()) {
			t.Errorf("%s:\n%s\nwant\n%s\n%s\nwant\n%s", form, got.Manifest, c.Manifest(), got.Rows, c.Rows())
		}
	}
}

// A connector that nobody trusts yet writes its own table; a terminal shows it.
func TestTableForATerminal(t *testing.T) {
	t.Parallel()
	const table = `{"a":"\u001b[31mx","b":"l\n\u202e\u007f","c\u0007":"\ud83e\udd89","d":"\udb40\udc41"}`
	text, err := YAML([]byte(table))
	if err != nil || bytes.ContainsFunc(text, unseen) {
		t.Fatalf("%q, %v", text, err)
	}
	var got, want any
	if err := errors.Join(json.Unmarshal(text, &got), json.Unmarshal([]byte(table), &want)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%s, %v", text, err)
	}
}

func TestWhatIsWrongWithATable(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ from, to, want string }{
		"a misspelt key":               {"cursor_name: offset", "cursor_nam: offset", `operations[1].page.cursor_nam: unknown key; did you mean cursor_name?`},
		"a misspelt key of a sync":     {"operations:\n", "sync: [{entity: tickets, txt: [a]}]\noperations:\n", `sync[0].txt: unknown key; did you mean text?`},
		"a misspelt type of a field":   {"operations:\n", "sync: [{entity: tickets, fields: {a: tim}}]\noperations:\n", `sync[0].fields.a: "tim" is not one of the words for it; did you mean time?`},
		"a sync of what is not there":  {"operations:\n", "sync:\n  - entity: tickets\n    list: lst\noperations:\n", `t.yaml:22:5: sync[0].list: is "lst", which is no action of tickets; did you mean list?`},
		"a misspelt word":              {"by: offset", "by: ofset", `operations[1].page.by: "ofset" is not one of the words for it; did you mean offset?`},
		"a place that is none":         {"in: path", "in: pat", `operations[2].params.project.in: "pat" is not one of the words for it`},
		"a key that is missing":        {"    effect: write\n", "", "operations[2]: lacks the key effect"},
		"a number for text":            {"version: 1.0.0", "version: 1.0", "version: needs text, has a number; put it in quotes"},
		"a path without its parameter": {"{project}", "{projct}", `the path /projects/{projct}/tickets has no {project}; did you mean projct?`},
		"a body of a GET":              {"state: {in: query,", "state: {in: body,", "operations[1].params.state: a GET has no body"},
		"a pointer":                    {"data: /item\n", "data: item\n", `operations[2].data: "item" does not begin with a slash`},
		"another origin":               {`origins: ["https://api.birchdesk.example"]`, `origins: ["https://evil.example"]`, "origin"},
		"an example that is wrong":     {"state: open, limit: 1", "state: opn, limit: 1", "operations[1].examples[0]"},
		"a schema in two places":       {"project: {in: path,", "project: {in: path, schema: {type: string},", "has a schema, and keywords of JSON Schema beside it"},
		"a status":                     {"invalid_key: 401", "invalid_key: 200", "failures.codes.invalid_key: is 200, the least is 400"},
		"a tag":                        {"effect: write", "effect: !!str write", "has a YAML tag"},
		"a page that leads nowhere":    {"by: offset, ", "", "does not say where the next page is"},
		"the same operation twice":     {"action: list", "action: create", "operations"},
		"a filter that is wrong":       {"data: /items\n", "data: /items\n    filter: not isPrivate\n", `operations[1].filter: at character 5, it has "isPrivate" where a member such as record.id should be; write it like: not record.isPrivate`},
		"a filter of no list":          {"data: /account\n", "data: /account\n    filter: record.a\n", "operations[0].filter: only a list"},
		"a transform that is wrong":    {"data: /items\n", "data: /items\n    transform: {id: \"{{ record.id | lower }}\"}\n", `operations[1].transform.id: at character 16, it has "lower" where replace should be`},
		"a transform of a write":       {"data: /item\n", "data: /item\n    transform: {id: \"{{ record.id }}\"}\n", "operations[2].transform.id: only an operation that reads"},
		"a text of no parameter":       {"source: {in: body, const: api}", "source: {in: body, text: \"{{ projct }}\"}", `operations[2].params.source.text: there is no parameter "projct" that a caller can give; did you mean project?`},
		"a text that is wrong":         {"source: {in: body, const: api}", "source: {in: body, text: \"{{ a.b }}\"}", `operations[2].params.source.text: at character`},
		"a text and a constant":        {"const: api", "const: api, text: x", "operations[2].params.source.text: the parameter is made of others"},
		"a name of no file":            {"const: api", "const: api, file_name_from: subjct", "file_name_from: there is no parameter \"subjct\" that a caller can give; did you mean subject?"},
		"a raw query":                  {"path: /tickets\n", "path: /tickets\n    raw_query: \"(&\"\n", `raw_query: has '&'; write some of`},
		"a condition of nothing":       {"{pointer: /ok, equals: false}", "{equals: false}", "failures.if[0]: needs either pointer or header"},
		"a condition of two":           {"{pointer: /ok, equals: false}", "{pointer: /ok, header: X-Ok}", "failures.if[0]: needs either pointer or header"},
		"an item that is wrong":        {"code: /error/code", "item: \"{{ message }}\"", "failures.item: at character 4"},
		"items that are wrong":         {"code: /error/code", "item: [\"{{ item.a }}\", \"{{ b }}\"]", "failures.item[1]: at character 4"},
		"a place in no body":           {"source: {in: body, const: api}", "source: {in: query, const: api, at: /a}", "operations[2].params.source.at: only a body that is JSON"},
		"a place and a name":           {"source: {in: body, const: api}", "source: {in: body, const: api, at: /a, as: b}", "operations[2].params.source.as: at says the name already"},
		"a path of no URL":             {"by: offset", "by: offset, path: \"/x/{cursor}\"", "operations[1].page: cursor_names and path are for pages in the query that a URL leads to"},
		"a path without a cursor":      {"by: offset, cursor_name: offset", "by: url, cursor: /next, path: /x", "operations[1].page.path: does not have {cursor} once"},
		"a path with more":             {"by: offset, cursor_name: offset", "by: url, cursor: /next, path: \"/x/{id}/{cursor}\"", "operations[1].page.path: {id} is not in the path of the first page"},
		"a part that is a parameter":   {"by: offset, cursor_name: offset", "by: url, cursor: /next, cursor_names: [state]", `operations[1].page.cursor_names[0]: "state" is a parameter of the operation, too`},
		"a file without its form":      {"data: /account\n", "file: {pointer: /url, suffixes: [files.birchdesk.com]}\n", "operations[0].file: the operation does not say what the file is; add content: binary, text or csv"},
		"a file of everybody":          {"data: /account\n", "content: binary\n    file: {pointer: /url, suffixes: [co.uk]}\n", `is "co.uk", under which everybody can have a name`},
		"a file of no parameter":       {"data: /account\n", "content: binary\n    file: {pointer: \"/{numbr}\"}\n", `has {numbr}, which is not a parameter`},
		"a misspelt file":              {"data: /account\n", "content: binary\n    file: {pointer: /url, sufixes: []}\n", "operations[0].file.sufixes: unknown key; did you mean suffixes?"},
		"a name":                       {"name: birchdesk", "name: Birch Desk", "name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := example(t)
			if !strings.Contains(text, tt.from) {
				t.Fatalf("the example has no %q", tt.from)
			}
			_, err := Read(context.Background(), "t.yaml", []byte(strings.Replace(text, tt.from, tt.to, 1)))
			var e *Error
			switch {
			case tt.want == "" && err == nil:
			case !errors.As(err, &e) || !strings.Contains(err.Error(), tt.want):
				t.Errorf("%v, want %q", err, tt.want)
			case e.Problems[0].Line == 0:
				t.Errorf("%v names no line", err)
			}
		})
	}
}

// What pdk takes for right is checked here: its reader of records would panic.
func TestRecordsThatAreWrong(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]string{
		`id size:integer tags[] owner{id name teams[]{id}} grid[][]:number any:any`: "",
		"":                               "",
		"a{b{c}d}e":                      "",
		"a {b}":                          `no name before "{b}"`,
		"a:int":                          `a of the type "int"`,
		"a:":                             `a of the type ""`,
		"a{b":                            "a { without }",
		"a}":                             "a } without {",
		"a[":                             `no name before "["`,
		strings.Repeat("a{", 21):         "more than 20 deep",
		"a" + strings.Repeat("[]", 3000): "more than 20 deep",
	} {
		quoted, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		text := example(t) + "records:\n  tickets: " + string(quoted) + "\n"
		read, err := Read(context.Background(), "t.yaml", []byte(text))
		var e *Error
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", members, err)
		case want == "" && members != "" && !bytes.Contains(read.Manifest, []byte(`"result"`)):
			t.Errorf("%s: no result in %s", members, read.Manifest)
		case want != "" && (!errors.As(err, &e) || !strings.Contains(e.Error(), want) || e.Problems[0].Line == 0):
			t.Errorf("%.80q: %v, want %s", members, err, want)
		}
	}
	_, err := Read(context.Background(), "t.yaml", []byte(example(t)+"records: {ticket: id}\n"))
	if err == nil || !strings.Contains(err.Error(), "did you mean tickets?") {
		t.Errorf("an entity that is not there: %v", err)
	}
}

// threat: E14
func TestHostileTables(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 12 {
		bomb += string(rune('b'+i)) + ": &" + string(rune('b'+i)) + " [*" + strings.TrimSuffix(strings.Repeat(string(rune('a'+i))+",*", 10), ",*") + "]\n"
	}
	for name, text := range map[string]string{
		"nothing":         "",
		"a list":          "- a\n",
		"no text":         "\xff\xfe",
		"an alias bomb":   bomb,
		"itself":          "name: &a\n  b: *a\n",
		"deep":            strings.Repeat("[", 10_000),
		"two documents":   "name: a\n---\nname: b\n",
		"a key twice":     "name: a\nname: b\n",
		"a merge":         "<<: {name: a}\n",
		"infinity":        "name: a\nextra: .inf\n",
		"many keys":       "definitions:\n" + strings.Repeat("  ? a\n", 3) + keys("  k%d: {}\n"),
		"many keys here":  "{" + keys(`k%d: {}, `) + "}",
		"keys of a list":  "- a:\n" + keys("    \"k%d\": x\n"),
		"too many tokens": strings.Repeat("[],", 500_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var e *Error
			if _, err := Read(context.Background(), "t.yaml", []byte(text)); !errors.As(err, &e) || len(e.Problems) > maxProblems {
				t.Errorf("%v", err)
			}
		})
	}
}

// keys are as many keys of a mapping as take the parser minutes.
func keys(form string) string {
	var b strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&b, form, i)
	}
	return b.String()
}

func FuzzRead(f *testing.F) {
	doc, err := os.ReadFile("../../docs/tables.md")
	if err != nil {
		f.Fatal(err)
	}
	_, text, _ := strings.Cut(string(doc), "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	f.Add(text)
	f.Add("name: &a [*a]\n")
	f.Add(`{"name":"x","operations":[{"params":{"a":{"in":"query"}}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Read(context.Background(), "t.yaml", []byte(text))
		var e *Error
		switch {
		case err != nil && !errors.As(err, &e):
			t.Errorf("%v is no *Error", err)
		case err == nil && (!json.Valid(got.Rows) || !json.Valid(got.Manifest) || !json.Valid(got.Auth)):
			t.Errorf("no JSON: %+v", got)
		}
	})
}

// TestNoCredential: a vendor that wants no credential needs a scheme that says so, and no more.
func TestNoCredential(t *testing.T) {
	t.Parallel()
	const table = `{"name":"open","title":"Open","version":"1.0.0","description":"Open data.","servers":[{"id":"main","url":"https://api.open.example"}],
		"auth":{"schemes":[{"id":"none","type":"none"}]},
		"operations":[{"entity":"things","action":"get","description":"A thing.","effect":"read","method":"GET","path":"/things"}]}`
	if _, err := Read(context.Background(), "open.json", []byte(table)); err != nil {
		t.Error(err)
	}
	if _, err := Read(context.Background(), "open.json", []byte(strings.Replace(table, `"none"}`, `"none","origins":["https://api.open.example"]}`, 1))); err == nil {
		t.Error("a scheme without a credential has an origin for it")
	}
}

// TestConfigOfATable are mistakes in values of a connection.
func TestConfigOfATable(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/tables.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(doc), "## Values of a connection")
	_, text, _ = strings.Cut(text, "```yaml\n")
	text, _, _ = strings.Cut(text, "```")
	if _, err := Read(context.Background(), "t.yaml", []byte(text)); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct{ from, to, want string }{
		"a misspelt value":     {"config: tenant}", "config: tenat}", `operations[0].params.X-Tenant.config: there is no config "tenat"; did you mean tenant?`},
		"a constant as well":   {"config: tenant}", "config: tenant, const: 1}", "the parameter has config, too"},
		"a place that is none": {"in: header, config: tenant}", "in: none, config: tenant}", "cannot go there"},
		"a map of nothing":     {"config: tenant}", "map: {a: b}}", "is for a parameter with config"},
		"a number":             {"required: true, description: The", "default: 1, description: The", "config[0].default: needs text, has a whole number; put it in quotes"},
		"a misspelt variable":  {"https://{tenant}.birchdesk.example/v1", "https://{tenat}.birchdesk.example/v1", "servers[0].url: has the variable {tenat}, which is not in config; did you mean tenant?"},
		"everybody's domain":   {"https://{tenant}.birchdesk.example/v1", "https://{tenant}.co.uk/v1", "servers[0].url"},
	} {
		if !strings.Contains(text, tt.from) {
			t.Fatalf("%s: the example has no %q", name, tt.from)
		}
		_, err := Read(context.Background(), "t.yaml", []byte(strings.Replace(text, tt.from, tt.to, 1)))
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "t.yaml:") {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}

// TestHeadersThatAreNeverSent are parameters that a host refuses in every request.
func TestHeadersThatAreNeverSent(t *testing.T) {
	t.Parallel()
	for params, want := range map[string]string{
		`{"Host": {"in": "header", "const": "evil.example"}}`:                                                  "params.Host: no connector may set the header Host: it chooses where the request goes",
		`{"a": {"in": "header", "as": "Authorization", "description": "A token."}}`:                            "params.a: no connector may set the header Authorization: it carries a credential",
		`{"a": {"in": "header", "as": "x_api-key", "description": "A key."}}`:                                  "params.a: the header x_api-key carries the credential",
		`{"a": {"in": "header", "as": "X\r\nY", "description": "Two lines."}}`:                                 "is not a header name",
		`{"X-A": {"in": "header", "const": "a\r\nX-Evil: 1"}}`:                                                 "params.X-A.const: is no value of a header",
		`{"X-A": {"in": "header", "send": " a", "description": "Some text."}}`:                                 "params.X-A.send: is no value of a header",
		`{"X-A": {"in": "header", "text": "a\r\nX-Evil: {{ b }}"}, "b": {"in": "none", "description": "It."}}`: "params.X-A.text: has text that no header can have",
		`{"X-A": {"in": "header", "text": "{{ b }} "}, "b": {"in": "none", "description": "It."}}`:             "params.X-A.text: has text that no header can have",
		`{"X-A": {"in": "header", "text": "b {{ b }}"}, "b": {"in": "none", "description": "It."}}`:            "",
		`{"X-A": {"in": "header", "const": "a b"}, "X-B": {"in": "header", "description": "It."}}`:             "",
	} {
		text := `{"name":"birchdesk","title":"Birchdesk","version":"1.0.0","description":"Tickets and more.","servers":[{"id":"main","url":"https://api.birchdesk.example"}],
			"auth":{"schemes":[{"id":"key","type":"api_key","fields":[{"name":"api_key","title":"API key","secret":true,"required":true}],
			"inject":[{"in":"header","name":"X-Api-Key","value":"{api_key}"}],"origins":["https://api.birchdesk.example"]}]},
			"operations":[{"entity":"things","action":"get","description":"Gets a thing.","effect":"read","method":"GET","path":"/things","params":` + params + `}]}`
		_, err := Read(context.Background(), "t.json", []byte(text))
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "t.json:4:")) {
			t.Errorf("%s: %v, want %q", params, err, want)
		}
	}
}
