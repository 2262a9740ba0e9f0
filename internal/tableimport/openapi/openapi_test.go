package openapi

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/agenthost/agenthost/pdk/abi"
)

var update = flag.Bool("update", false, "write the tables and reports of testdata")

func finish(t *testing.T, data []byte, o Options) (text []byte, report *tableimport.Report) {
	t.Helper()
	made, err := Import(t.Context(), data, o)
	if err != nil {
		t.Fatal(err)
	}
	if text, err = made.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	return text, &made.Report
}

// The tables and reports of made-up documents: of OpenAPI 3.0 and 3.1, and of Swagger 2.0.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"shapes.yaml", "modern.yaml", "old.json"} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(filepath.Join("testdata", file))
			if err != nil {
				t.Fatal(err)
			}
			text, report := finish(t, data, Options{Source: file})
			var said bytes.Buffer
			if err := report.Print(&said, "table.yaml"); err != nil {
				t.Fatal(err)
			}
			base := strings.TrimSuffix(file, filepath.Ext(file))
			golden(t, filepath.Join("testdata", base+".table.golden"), text)
			golden(t, filepath.Join("testdata", base+".report.golden"), said.Bytes())
			again, _ := finish(t, data, Options{Source: file})
			if !bytes.Equal(text, again) {
				t.Error("the same document makes another table")
			}
		})
	}
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; go test ./internal/tableimport/openapi -update writes it. Got:\n%s", file, got)
	}
}

// document writes a document of operations, each a path, a method and an id.
func makeDocument(operations ...[3]string) []byte {
	var b strings.Builder
	b.WriteString("openapi: 3.0.0\ninfo: {title: T, version: '1'}\nservers: [{url: https://t.example}]\n" +
		"security: [{k: []}]\ncomponents: {securitySchemes: {k: {type: http, scheme: bearer}}}\npaths:\n")
	for _, op := range operations {
		fmt.Fprintf(&b, "  %s: {%s: {operationId: '%s', tags: [Users], summary: Does something., responses: {'200': {description: Ok.}}}}\n", op[0], op[1], op[2])
	}
	return []byte(b.String())
}

// A document that grows leaves its operations their names.
func TestNamesStay(t *testing.T) {
	t.Parallel()
	old := [][3]string{{"/users", "get", "getUsers"}, {"/users/me", "get", "getUser"}, {"/groups", "post", "createGroup"}, {"/teams", "get", ""}}
	more := append([][3]string{{"/a", "get", "listUsers"}, {"/b", "get", "users.get"}, {"/teams/all", "get", ""}}, old...)
	names := func(text []byte) map[string]string {
		m, err := tableimport.Read(text)
		if err != nil {
			t.Fatal(err)
		}
		found := make(map[string]string)
		for _, v := range m.List("operations") {
			op := v.(tableimport.Map)
			if known := found[tableimport.NameOf(op)]; known != "" {
				t.Errorf("%s is the name of %s and %s", tableimport.NameOf(op), known, op.Text("path"))
			}
			found[op.Text("method")+" "+op.Text("path")] = tableimport.NameOf(op)
		}
		return found
	}
	first, _ := finish(t, makeDocument(old...), Options{})
	before, err := tableimport.Read(first)
	if err != nil {
		t.Fatal(err)
	}
	grown, report := finish(t, makeDocument(more...), Options{Before: func(string) (tableimport.Map, error) { return before, nil }})
	had, has := names(first), names(grown)
	if len(has) != len(more) {
		t.Fatalf("%d of %d operations: %+v", len(has), len(more), report.LeftOut)
	}
	for op, name := range had {
		if has[op] != name {
			t.Errorf("%s was %s and is %s", op, name, has[op])
		}
	}
	// Where no name is taken twice, it needs no table from before.
	apart, _ := finish(t, makeDocument(append([][3]string{{"/x", "get", "findUser"}}, old...)...), Options{})
	for op, name := range had {
		if names(apart)[op] != name {
			t.Errorf("%s was %s and is %s", op, name, names(apart)[op])
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ tag, id, method, path, want string }{
		{"issues", "issues/list-for-repo", "GET", "/repos/{owner}/issues", "issues.list_for_repo"},
		{"Dev Resources", "getDevResources", "GET", "/v1/dev_resources", "dev_resources.list"},
		{"Files", "getFile", "GET", "/v1/files/{key}", "files.get"},
		{"", "getPetById", "GET", "/pet/{petId}", "pet.get_by_id"},
		{"", "read_user_api_v1_users__user_id__get", "GET", "/api/v1/users/{user_id}", "users.read"},
		{"", "", "GET", "/api/v1/users/{id}/posts", "users_posts.list"},
		{"", "", "DELETE", "/users/{id}", "users.delete"},
		{"OAuth2", "listOAuth2IDs", "GET", "/x", "oauth2.list_oauth2ids"},
		{"issues", "issues/list-sub-issues", "GET", "/repos/{owner}/issues/{n}/sub_issues", "issues.list_sub_issues"},
		{"issues", "getAllIssues", "GET", "/issues/all", "issues.get_all"},
		{"orgs", "orgs/set-cost-center-for-the-members-of-a-team", "POST", "/x", "orgs.set_cost_center_members_team"},
		{"2FA", "enable", "POST", "/2fa", "n2fa.enable"},
		{"日本", "", "GET", "/", "api.get_root"},
		{"a", "context_store_search", "POST", "/s", "a.context_store_search_call"},
		{"t", strings.Repeat("veryLongName", 9), "POST", "/s", "t.very_long_namevery_long_namevery_fe38"},
	} {
		op := operation{method: c.method, path: c.path, Operation: newOperation(c.tag, c.id)}
		if got := natural(&op); got.entity+"."+got.action != c.want {
			t.Errorf("%+v: %s.%s", c, got.entity, got.action)
		}
	}
}

// What a document can do to whoever reads it. Each ends soon and with an error that says why.
func TestHostile(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)
	aliases := "openapi: 3.0.0\nx0: &x0 [a,a,a,a,a,a,a,a,a,a]\n"
	for i := 1; i < 10; i++ {
		aliases += fmt.Sprintf("x%d: &x%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*x%d,", i-1), 10), ","))
	}
	const body = head + "components: {securitySchemes: {k: {type: http, scheme: bearer}}}\n"
	for name, c := range map[string]struct{ document, want string }{
		"nothing":                {"", "is empty"},
		"text":                   {"hello", "is no mapping"},
		"no YAML":                {"a: [", "is not valid YAML or JSON"},
		"not UTF-8":              {"a: \xff", "UTF-8"},
		"depth":                  {deep, "nested too deeply"},
		"aliases":                {aliases, "more than"},
		"aliases of a long text": {"openapi: 3.0.0\na: &a " + strings.Repeat("x", 1<<16) + "\nb: [" + strings.Repeat("*a, ", 10_000) + "]\n", "bytes of text"},
		"alias of itself":        {"openapi: 3.0.0\na: &a {b: *a}\n", "nested too deeply"},
		"a key twice":            {"openapi: 3.0.0\nopenapi: 3.0.1\n", "twice"},
		"another version":        {"openapi: 4.0.0\npaths: {}\n", "openapi: 3.0 or 3.1"},
		"a file":                 {head + "paths: {/a: {$ref: '/etc/passwd'}}\n", "refers to another one"},
		"a URL":                  {head + "paths: {}\ncomponents: {schemas: {A: {$ref: 'https://evil.example/a.json'}}}\n", "refers to another one"},
		"circle":                 {head + "paths: {}\ncomponents: {schemas: {A: {$ref: '#/components/schemas/B'}, B: {$ref: '#/components/schemas/A'}}}\n", "circle"},
		"reference to itself":    {head + "paths: {/a: {$ref: '#/paths/~1a'}}\n", "circle"},
		"no operations":          {head + "paths: {}\n", "no operations"},
		"no server":              {"openapi: 3.0.0\ninfo: {title: T, version: '1'}\npaths: {/a: {get: {responses: {}}}}\n", "no server"},
		"http":                   {strings.Replace(head, "https", "http", 1) + "paths: {/a: {get: {responses: {}}}}\n", "is not https"},
		"user in the server":     {strings.Replace(head, "https://", "https://u:p@", 1) + "paths: {/a: {get: {responses: {}}}}\n", "no server"},
		"null everywhere":        {head + "paths: {/a: {get: {parameters: [null], requestBody: null, responses: null, tags: [null]}}}\n", ""},
		"no path parameter":      {body + "paths: {/b: {get: {summary: Fine., responses: {}}}, '/a/{b': {get: {summary: x, responses: {'200': {description: d}}}}}\n", "a { without }"},
		"allOf of itself":        {head + "paths: {/a: {post: {summary: Does it., requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/A'}}}}, responses: {'200': {description: d}}}}}\ncomponents: {securitySchemes: {k: {type: http, scheme: bearer}}, schemas: {A: {allOf: [{$ref: '#/components/schemas/A'}, {type: object, properties: {a: {type: string}}}]}}}\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := attempt(t.Context(), []byte(c.document))
			switch {
			case c.want == "" && err != nil && !isOurs(err):
				t.Errorf("%v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

const head = "openapi: 3.0.0\ninfo: {title: T, version: '1'}\nservers: [{url: https://t.example}]\nsecurity: [{k: []}]\n"

// attempt imports a document. Operations that are left out are part of the error.
func attempt(ctx context.Context, data []byte) error {
	made, err := Import(ctx, data, Options{Source: "document"})
	if err != nil {
		return err
	}
	if _, err = made.Finish(ctx); err != nil || len(made.Report.LeftOut) > 0 {
		return fmt.Errorf("%w: %+v", errors.Join(errLeft, err), made.Report.LeftOut)
	}
	return nil
}

var errLeft = errors.New("left out")

// isOurs reports whether an error is one that a person gets to read.
func isOurs(err error) bool {
	var known *abi.Error
	var wrong *table.Error
	return errors.As(err, &known) || errors.As(err, &wrong) || errors.Is(err, errLeft)
}

// Schemas that refer to each other in all ways would make a tree without end.
func TestBomb(t *testing.T) {
	t.Parallel()
	const n = 12
	var b strings.Builder
	b.WriteString(head + "paths:\n")
	for i := range n {
		fmt.Fprintf(&b, "  /a%d: {post: {summary: Does it., requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/S%d'}}}}, responses: {'200': {description: d, content: {application/json: {schema: {$ref: '#/components/schemas/S%d'}}}}}}}\n", i, i, i)
	}
	b.WriteString("components:\n  securitySchemes: {k: {type: http, scheme: bearer}}\n  schemas:\n")
	for i := range n {
		fmt.Fprintf(&b, "    S%d: {type: object, properties: {", i)
		for j := range n {
			fmt.Fprintf(&b, "p%d: {$ref: '#/components/schemas/S%d'}, ", j, j)
		}
		b.WriteString("}}\n")
	}
	text, report := finish(t, []byte(b.String()), Options{})
	if len(report.Taken) == 0 || len(text) > 4<<20 {
		t.Errorf("%d bytes, %d operations, %+v", len(text), len(report.Taken), report.LeftOut)
	}
	if !strings.Contains(fmt.Sprint(report.Guesses), "are cut") {
		t.Error("the report does not say that schemas are cut")
	}
}

// Long descriptions are cut.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(head + "components: {securitySchemes: {k: {type: http, scheme: bearer}}}\npaths:\n")
	long := strings.Repeat("word ", 1000)
	for i := range 200 {
		fmt.Fprintf(&b, "  /a%d: {get: {tags: [A], summary: Does it., description: %s, responses: {'200': {description: %s}}}}\n", i, long, long)
	}
	text, report := finish(t, []byte(b.String()), Options{})
	if len(report.Taken) != 200 || len(text) > 400_000 {
		t.Errorf("%d operations, %d bytes", len(report.Taken), len(text))
	}
}

func TestInclude(t *testing.T) {
	t.Parallel()
	data := makeDocument([3]string{"/users", "get", "listUsers"}, [3]string{"/users/{}/x", "get", "bad"}, [3]string{"/groups", "get", "listGroups"})
	for _, c := range []struct {
		include []string
		want    string
	}{{[]string{"listGroups"}, "/groups"}, {[]string{"/groups"}, "/groups"}, {[]string{"/group"}, "no operation"}, {[]string{"Userz"}, "Users"}} {
		made, err := Import(t.Context(), data, Options{Include: c.include})
		got := fmt.Sprint(err)
		if known := (*abi.Error)(nil); errors.As(err, &known) {
			got += known.Hint
		}
		if err == nil {
			text, err := made.Finish(t.Context())
			got = string(text)
			if err != nil || strings.Count(got, "- entity: ") != 1 || !strings.Contains(got, "path: "+c.want) {
				t.Errorf("%v: %v\n%s", c.include, err, got)
			}
		}
		if !strings.Contains(got, c.want) && err != nil {
			t.Errorf("%v: %s, want %s", c.include, got, c.want)
		}
	}
}

func FuzzImport(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "testdata/old.json") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, document := range placed {
		f.Add([]byte(document.text()))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 20_000 {
			t.Skip()
		}
		o := Options{Server: "https://t.example", Auth: "bearer"}
		if len(data)%2 == 0 { // otherwise those of the document
			o = Options{}
		}
		made, err := Import(t.Context(), data, o)
		if err != nil {
			if !isOurs(err) {
				t.Fatalf("%v", err)
			}
			return
		}
		text, err := made.Finish(t.Context())
		if err != nil {
			return // the report says why
		}
		if _, err := table.Read(t.Context(), "t", text); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
	})
}

// TestDigestOfANameIsTaken has names that are taken with the digests that make them unlike.
func TestDigestOfANameIsTaken(t *testing.T) {
	t.Parallel()
	d, err := load(t.Context(), makeDocument([3]string{"/users", "get", "listUsers"}))
	if err != nil {
		t.Fatal(err)
	}
	op := d.operations()[0]
	n := newNaming(nil)
	for range 10 {
		own := n.another(&op, name{"users", "list"})
		n.taken[own] = true
		if len(own.action) > maxName {
			t.Errorf("%s is too long", own.action)
		}
	}
	if len(n.taken) != 10 {
		t.Errorf("10 operations have %d names: %v", len(n.taken), n.taken)
	}
}

// TestFullTable has more operations than a table, and does not check the others: each costs a
// reading of a table.
func TestFullTable(t *testing.T) {
	t.Parallel()
	var operations [][3]string
	for i := range maxOperations + 5 {
		operations = append(operations, [3]string{fmt.Sprintf("/a%d", i), "get", ""})
		if i >= maxOperations { // which the check refuses for another reason
			operations[i][0] += "/.."
		}
	}
	made, err := Import(t.Context(), makeDocument(operations...), Options{})
	if err != nil {
		t.Fatal(err)
	}
	left := made.Report.LeftOut
	if n := len(made.Document.List("operations")); n != maxOperations || len(left) != 5 || left[0].Reason != full(maxOperations) {
		t.Errorf("%d operations, left out: %v", n, left)
	}
}
