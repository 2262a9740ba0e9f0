package airbyte_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/agenthost/agenthost/internal/tableimport/airbyte"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile("testdata/"+name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is not as it was; -update writes it anew:\n%s", name, diff)
	}
}

// The document of a made-up vendor has what the 56 real ones have, and what none of them has.
func TestMadeUpVendor(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/quarry.yaml")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := tableimport.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	made, err := airbyte.Import(t.Context(), "quarry.yaml", doc)
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "quarry.table.yaml", string(text))
	var report strings.Builder
	if err := made.Report.Print(&report, "quarry.yaml"); err != nil {
		t.Fatal(err)
	}
	golden(t, "quarry.report.txt", report.String())
	for _, op := range []string{"list", "get"} {
		for _, left := range made.Report.Taken {
			if left == "bad."+op {
				t.Errorf("%s was taken", left)
			}
		}
	}
}

// What is no document of a connector says so.
func TestOtherDocuments(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"openapi":"3.0.3"}`: "no document of an Airbyte agent connector",
		`{"openapi":"3.1.0","info":{"x-airbyte-connector-name":"A b"}}`:                                                             "is no name",
		`{"openapi":"3.1.0","info":{"x-airbyte-connector-name":"a"}}`:                                                               "does not begin with https://",
		`{"openapi":"3.1.0","info":{"x-airbyte-connector-name":"a"},"servers":[{"url":"http://a.example"}]}`:                        "does not begin with https://",
		`{"openapi":"3.1.0","info":{"x-airbyte-connector-name":"a"},"servers":[{"url":"https://a.example"}]}`:                       "no way to authenticate",
		`{"openapi":"3.1.0","info":[],"servers":{},"components":7,"paths":[]}`:                                                      "is no name",
		`{"openapi":"3.1.0","info":{"x-airbyte-connector-name":"a"},"servers":["x"],"components":{"securitySchemes":[1,null]}}`:     "does not begin with https://",
		`{"openapi":"3.1.0","info":{"x-airbyte-connector-name":"a","x-airbyte-scoping":[null,{"param":1}]},"servers":[{"url":""}]}`: "does not begin with https://",
	} {
		doc, err := tableimport.Read([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := airbyte.Import(t.Context(), "x.yaml", doc); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func importText(t *testing.T, text string) (*tableimport.Table, error) {
	t.Helper()
	doc, err := tableimport.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return airbyte.Import(t.Context(), "x.yaml", doc)
}

const (
	head = `{"openapi":"3.1.0","info":{"x-airbyte-connector-name":"a"},"servers":[{"url":"https://a.example"}],`
	auth = `"components":{"securitySchemes":{"k":{"type":"http","scheme":"bearer","x-airbyte-auth-config":{"properties":{"token":{}}}}}}`
)

// TestFullTable has more operations than a table: the others are left out, and the import does not fail.
func TestFullTable(t *testing.T) {
	t.Parallel()
	var paths []string
	for i := range 1003 {
		paths = append(paths, fmt.Sprintf(`"/x%d":{"get":{"x-airbyte-entity":"x%d","x-airbyte-action":"list"}}`, i, i))
	}
	text := head + auth + `,"paths":{` + strings.Join(paths, ",") + `}}`
	made, err := importText(t, text)
	if err != nil {
		t.Fatal(err)
	}
	if n, left := len(made.Document.List("operations")), made.Report.LeftOut; n != 1000 || len(left) != 3 || !strings.Contains(left[0].Reason, "the table is full") {
		t.Errorf("%d operations, left out: %v", n, left)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	doc, _ := tableimport.Read([]byte(text))
	if _, err := airbyte.Import(ctx, "x.yaml", doc); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want that of the context", err)
	}
}

// TestNoUsableScheme ended with a message about YAML.
func TestNoUsableScheme(t *testing.T) {
	t.Parallel()
	_, err := importText(t, head+`"components":{"securitySchemes":{"k":{"type":"oauth2","flows":1},"l":{"type":"digest"}}},"paths":{}}`)
	if err == nil || !strings.Contains(err.Error(), "k: it has no fields") || !strings.Contains(err.Error(), "l: a table has no scheme of the type digest") {
		t.Error(err)
	}
}

// TestParameterReference says which reference leads nowhere or in a circle, and follows the others.
func TestParameterReference(t *testing.T) {
	t.Parallel()
	for ref, want := range map[string]string{
		"circle":  "the parameter #/components/parameters/circle refers to nothing, or to itself",
		"nowhere": "the parameter #/components/parameters/nowhere refers to nothing, or to itself",
		"good":    "",
	} {
		made, err := importText(t, head+strings.TrimSuffix(auth, "}")+`,"parameters":{"circle":{"$ref":"#/components/parameters/circle"},"good":{"name":"q","in":"query","schema":{"type":"string"}}}},`+
			`"paths":{"/x":{"get":{"x-airbyte-entity":"x","x-airbyte-action":"list","parameters":[{"$ref":"#/components/parameters/`+ref+`"}]}}}}`)
		if err != nil {
			t.Fatal(err)
		}
		left := made.Report.LeftOut
		if want == "" && len(left) > 0 || want != "" && (len(left) != 1 || left[0].Reason != want) {
			t.Errorf("%s: %v, want %q", ref, left, want)
		}
	}
}

// No document ends the process, and what is taken is a table that can be read.
func FuzzImport(f *testing.F) {
	data, err := os.ReadFile("testdata/quarry.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(data))
	f.Add(`{"openapi":"3.1.0","info":{"x-airbyte-connector-name":"a"},"servers":[{"url":"https://{b}.a.example","variables":{"b":{}}}],"components":{"securitySchemes":{"k":{"type":"http","scheme":"bearer","x-airbyte-auth-config":{"properties":{"token":{}}}}}},"paths":{"/x":{"get":{"x-airbyte-entity":"x","x-airbyte-action":"list"}}}}`)
	for _, vendor := range []string{"shopify", "salesforce", "twilio", "stripe"} {
		f.Add(strings.Replace(head, `-name":"a"`, `-name":"`+vendor+`"`, 1) + auth + `,"paths":{"/query":{"get":{"x-airbyte-entity":"x","x-airbyte-action":"list","x-airbyte-record-extractor":"$.data[*].x",` +
			`"x-airbyte-meta-extractor":{"a":"@link.next","b":"$.nextRecordsUrl","c":"$.next_page_uri","has_more":"$.has_more"},"parameters":[{"name":"starting_after","in":"query","schema":{"type":"string"}}]}}}}`)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 40_000 {
			return
		}
		doc, err := tableimport.Read([]byte(text))
		if err != nil {
			return
		}
		if made, err := airbyte.Import(t.Context(), "x.yaml", doc); err == nil {
			_, _ = made.Finish(t.Context())
		}
	})
}

// TestServersOfTokens: a server that comes with tokens is taken where the importer knows the
// vendor's domain.
//
// threat: C13
func TestServersOfTokens(t *testing.T) {
	t.Parallel()
	document := func(name, extract string) string {
		return `{"openapi":"3.1.0","info":{"x-airbyte-connector-name":"` + name + `"},"servers":[{"url":"{instance_url}/v59","variables":{"instance_url":{"default":"https://login.salesforce.com"}}}],` +
			`"components":{"securitySchemes":{"o":{"type":"oauth2","flows":{"authorizationCode":{"refreshUrl":"https://login.salesforce.com/token"}},"x-airbyte-token-extract":` + extract +
			`,"x-airbyte-auth-config":{"required":["refresh_token"],"properties":{"refresh_token":{},"client_id":{},"client_secret":{}},"auth_mapping":{"refresh_token":"${refresh_token}","client_id":"${client_id}","client_secret":"${client_secret}"}}}}},` +
			`"paths":{"/x":{"get":{"x-airbyte-entity":"x","x-airbyte-action":"list"}}}}`
	}
	made, err := importText(t, document("salesforce", `["instance_url"]`))
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"- {id: main, url: \"https://login.salesforce.com/v59\"}\n", "server: {id: main, pointer: /instance_url, suffixes: [salesforce.com]}\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the table does not have %q:\n%s", want, text)
		}
	}
	for name, extract := range map[string]string{"unknown": `["instance_url"]`, "salesforce": `["instance_url","id"]`} {
		if _, err := importText(t, document(name, extract)); err == nil || !strings.Contains(err.Error(), "the answer with a token") {
			t.Errorf("%s %s: %v", name, extract, err)
		}
	}
}

// TestServiceAccounts: a key that signs for tokens is the field that the host knows.
func TestServiceAccounts(t *testing.T) {
	t.Parallel()
	scheme := func(url string) string {
		return `"components":{"securitySchemes":{"serviceAccount":{"type":"oauth2","flows":{"clientCredentials":{` + url + `"scopes":{"read":""}}},"x-airbyte-token-refresh":{"grant_type":"jwt_bearer"},` +
			`"x-airbyte-auth-config":{"required":["key"],"properties":{"key":{}},"auth_mapping":{"credentials_json":"${key}"}}}}},"paths":{"/x":{"get":{"x-airbyte-entity":"x","x-airbyte-action":"list"}}}}`
	}
	made, err := importText(t, head+scheme(`"refreshUrl":"https://a.example/token",`))
	if err != nil {
		t.Fatal(err)
	}
	text, err := made.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"fields: [{name: credentials_json, secret: true, required: true}]\n", "oauth2: {grant: jwt_bearer, token_url: \"https://a.example/token\", client_auth: none, scopes: [read]}\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the table does not have %q:\n%s", want, text)
		}
	}
	if _, err := importText(t, head+scheme("")); err == nil || !strings.Contains(err.Error(), "does not say where or with which key") {
		t.Error(err)
	}
}

// Vendors whose documents have a URL of the next page, and no parameter for what it leads on with. The Airbyte API knows
// no such parameter, either.
func TestPagesByURLOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ vendor, path, extra, meta, want, not string }{
		{"twilio", "/calls", `{"name":"PageSize","in":"query","schema":{"type":"integer"}}`, `"next_page_uri":"$.next_page_uri"`, "page: {in: query, by: url, cursor: /next_page_uri, cursor_names: [Page, PageToken], limit_name: PageSize}", "params: [Page,"},
		{"shopify", "/orders", `{"name":"limit","in":"query","schema":{"type":"integer","maximum":250}}`, `"next_page_url":"@link.next"`, "page: {in: query, header: Link, cursor_name: page_info, alone: true, limit_name: limit, max_limit: 250}", "params: [page_info"},
		{"salesforce", "/query", `{"name":"q","in":"query","required":true,"schema":{"type":"string"}}`, `"nextRecordsUrl":"$.nextRecordsUrl"`, `page: {in: query, by: url, cursor: /nextRecordsUrl, path: "/query/{cursor}", no_limit: true}`, "cursor_name"},
		{"salesforce", "/other", `{"name":"q","in":"query","schema":{"type":"string"}}`, `"nextRecordsUrl":"$.nextRecordsUrl"`, "path: /other", " page:"},
		{"stripe", "/charges", `{"name":"starting_after","in":"query","schema":{"type":"string"}}`, `"has_more":"$.has_more"`, "page: {in: query, by: record, cursor: /id, more: /has_more, cursor_name: starting_after, no_limit: true}", "xx"},
		{"zendesk-talk", "/calls", `{"name":"start_time","in":"query","schema":{"type":"string"}}`, `"next_page":"$.next_page"`, "path: /calls", " page:"},
		{"zendesk-talk", "/ivrs", "", `"next_page":"$.next_page"`, "page: {in: query, by: url, cursor: /next_page, cursor_name: page, no_limit: true}", "xx"},
		{"somebody", "/ivrs", "", `"next_page":"$.next_page"`, "path: /ivrs", " page:"},
	} {
		text := strings.Replace(head, `-name":"a"`, `-name":"`+c.vendor+`","x-airbyte-connector-definition-id":"00000000-0000-4000-8000-000000000001"`, 1) + auth +
			`,"paths":{"` + c.path + `":{"get":{"x-airbyte-entity":"x","x-airbyte-action":"list","x-airbyte-record-extractor":"$.data","x-airbyte-meta-extractor":{` + c.meta + `},"parameters":[` + c.extra +
			`],"responses":{"200":{"content":{"application/json":{"schema":{"type":"object","properties":{"data":{"type":"array","items":{"type":"object"}},"has_more":{"type":"boolean"},"next_page":{"type":"string"}}}}}}}}}}}`
		made, err := importText(t, text)
		if err != nil {
			t.Fatal(err)
		}
		table, err := made.Finish(t.Context())
		if err != nil {
			t.Fatal(err, made.Report.LeftOut)
		}
		got := strings.Join(strings.Fields(string(table)), " ")
		if !strings.Contains(got, c.want) || strings.Contains(got, c.not) {
			t.Errorf("%s %s: want %q, not %q:\n%s", c.vendor, c.path, c.want, c.not, table)
		}
	}
}
