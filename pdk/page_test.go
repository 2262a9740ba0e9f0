package pdk_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// vendorPage is a paginated operation whose vendor has names of its own.
func vendorPage(defaultLimit int64) *pdk.Connector {
	return with(pdk.Operation{
		Effect: pdk.Read, Method: "GET", Path: "/things", Data: "/rows",
		Page: &pdk.Page{In: pdk.InQuery, CursorName: "after", LimitName: "page_size", MaxLimit: 50, DefaultLimit: defaultLimit, Cursor: "/next"},
	})
}

func TestVendorNamesOfPagination(t *testing.T) {
	for _, tt := range []struct {
		params, query string
		defaultLimit  int64
	}{
		{`{}`, "", 0},
		{`{}`, "?page_size=25", 25},
		{`{"limit":3}`, "?page_size=3", 25},
		{`{"page_size":3}`, "?page_size=3", 25},
		{`{"after":"c","page_size":3}`, "?after=c&page_size=3", 0},
		{`{"cursor":"c","limit":3}`, "?after=c&page_size=3", 0},
		{`{"cursor":"c","after":"c","limit":3,"page_size":3}`, "?after=c&page_size=3", 0},
		{`{"after":"\u0063","limit":3,"cursor":"c"}`, "?after=c&page_size=3", 0},
	} {
		r := pdktest.Run(t, vendorPage(tt.defaultLimit), pdktest.Script(t, pdktest.Exchange{Method: "GET", URL: "/things" + tt.query, Answer: `{"rows":[]}`}))
		if _, _, err := r.Execute("things", "do", json.RawMessage(tt.params)); err != nil {
			t.Errorf("%s: %v", tt.params, err)
		}
	}
}

func TestNamesOfPaginationThatDiffer(t *testing.T) {
	for params, field := range map[string]string{
		`{"cursor":"c","after":"d"}`:          "after",
		`{"limit":1,"page_size":2}`:           "page_size",
		`{"limit":1,"page_size":51}`:          "page_size",
		`{"after":""}`:                        "after",
		`{"cursor":"c","after":"c","size":1}`: "size",
	} {
		r := pdktest.Run(t, vendorPage(0), pdktest.Script(t))
		_, _, err := r.Execute("things", "do", json.RawMessage(params))
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || e.Field != field {
			t.Errorf("%s: %v", params, err)
		}
	}
}

func TestAliasesInTheManifest(t *testing.T) {
	for want, page := range map[string]*pdk.Page{
		`"aliases":{"after":"cursor","page_size":"limit"}`: {CursorName: "after", LimitName: "page_size"},
		`"aliases":{"page_size":"limit"}`:                  {CursorName: "cursor", LimitName: "page_size"},
		"":                                                 {LimitName: "limit"},
	} {
		manifest := string(with(pdk.Operation{Method: "GET", Path: "/things", Page: page}).Manifest())
		if !strings.Contains(manifest, want) || want == "" && strings.Contains(manifest, "aliases") {
			t.Errorf("want %s in %s", want, manifest)
		}
	}
}

func TestObjectsInTheQuery(t *testing.T) {
	c := with(pdk.Operation{Effect: pdk.Read, Method: "GET", Path: "/things", Params: []pdk.Param{
		pdk.Query("status", pdk.Object("", pdk.Prop("one_of", pdk.Array("", pdk.String(""))), pdk.Prop("is_blank", pdk.Boolean("")))),
		pdk.Query("field", pdk.MapOf("", pdk.Object("", pdk.Prop("one_of", pdk.Array("", pdk.String(""))))).Max(2)).As("custom_field"),
	}})
	r := pdktest.Run(t, c, pdktest.Script(t, pdktest.Exchange{
		Method: "GET", URL: "/things?status%5Bone_of%5D=a&status%5Bone_of%5D=b&status%5Bis_blank%5D=true&custom_field%5BF1%5D%5Bone_of%5D=x%26y",
	}))
	if _, _, err := r.Execute("things", "do", json.RawMessage(`{"field":{"F1":{"one_of":["x&y"]},"F2":{}},"status":{"one_of":["a","b"],"is_blank":true}}`)); err != nil {
		t.Fatal(err)
	}
	for params, problem := range map[string]string{
		`{"field":{"F1":{"none_of":["x"]}}}`:     "field.F1.none_of is unknown",
		`{"field":{"F1":{"one_of":[1]}}}`:        "field.F1.one_of[0]",
		`{"field":{"F1":{},"F2":{},"F3":{}}}`:    "field has more than 2 members",
		`{"field":{"F1":"x"},"status":{}}`:       "field.F1",
		`{"status":{"one_of":["a"],"in":["b"]}}`: "status.in is unknown",
	} {
		if _, _, err := r.Execute("things", "do", json.RawMessage(params)); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: %v", params, err)
		}
	}
	if got := string(c.Manifest()); !strings.Contains(got, `"field":{"type":"object","maxProperties":2,"additionalProperties":{"type":"object"`) {
		t.Error(got)
	}
}
