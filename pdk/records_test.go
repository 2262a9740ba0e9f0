package pdk_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// answered runs an operation with an answer of the vendor.
func answered(t *testing.T, c *pdk.Connector, params, answer string, header ...string) (data, meta json.RawMessage, err error) {
	t.Helper()
	r := pdktest.Run(t, c, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		_, _ = w.Write([]byte(answer))
	}))
	return r.Execute("things", "do", json.RawMessage(params))
}

func TestWhereTheRecordsAre(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		data               string
		list, wrap, absent bool
		answer, want       string // want of no JSON is a part of the error
	}{
		"all of it":            {"", false, false, false, `{"a":1.0}`, `{"a":1.0}`},
		"an element":           {"/rows/0", false, false, false, `{"rows":[{"a":1},{"a":2}]}`, `{"a":1}`},
		"a projection":         {"/items/*/customer", true, false, false, `{"items":[{"customer":{"id":1.0}},{"x":1},{"customer":{"id":"b"}}]}`, `[{"id":1.0},{"id":"b"}]`},
		"lists in lists":       {"/boards/*/page/items", true, false, false, `{"boards":[{"page":{"items":[{"a":1}]}},{"page":{"items":[]}},{"page":{"items":[{"a":2}]}}]}`, `[{"a":1},{"a":2}]`},
		"members":              {"/*/*", true, false, false, `{"ip":[{"a":1}],"visitor":[{"a":2}]}`, `[{"a":1},{"a":2}]`},
		"no elements":          {"/items/*/customer", true, false, false, `{"items":[]}`, `[]`},
		"null for a list":      {"/items/*/customer", true, false, false, `{"items":null}`, `[]`},
		"nothing to look in":   {"/items/*/customer", true, false, false, `{"things":[]}`, "answered without /items/*/customer"},
		"left out":             {"/items/*/customer", true, false, true, `{"things":[]}`, `[]`},
		"no JSON":              {"/items/*", true, false, true, `<html>`, "answered without"},
		"the first of several": {"/items/*/customer", false, false, false, `{"items":[{},{"customer":{"id":1}},{"customer":{"id":2}}]}`, `{"id":1}`},
		"none of several":      {"/items/*/customer", false, false, false, `{"items":[]}`, `{}`},
		"ids":                  {"/ids", true, true, false, `{"ids":["a",{"b":1},null,[2]]}`, `[{"value":"a"},{"b":1},{"value":null},{"value":[2]}]`},
		"one for a list":       {"/row", true, true, false, `{"row":{"a":1}}`, `[{"a":1}]`},
		"null, wrapped":        {"/row", true, true, false, `{"row":null}`, `[]`},
		"an escaped name":      {"/a~1b/*/c~0d", true, false, false, `{"a/b":[{"c~d":{}}]}`, `[{}]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := with(pdk.Operation{Effect: pdk.Read, Method: "GET", Path: "/things", Data: tt.data, List: tt.list, Wrap: tt.wrap, DataOptional: tt.absent})
			data, _, err := answered(t, c, `{}`, tt.answer)
			if !json.Valid([]byte(tt.want)) {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("%s, %v, want an error with %q", data, err, tt.want)
				}
			} else if err != nil || string(data) != tt.want {
				t.Errorf("%s, %v, want %s", data, err, tt.want)
			}
		})
	}
}

func TestMetaOfHeaders(t *testing.T) {
	t.Parallel()
	c := with(pdk.Operation{Effect: pdk.Read, Method: "GET", Path: "/things", Meta: []pdk.Meta{
		{Name: "id", Header: "X-Id"}, {Name: "next", Header: "Link", Link: "next"}, {Name: "absent", Header: "X-Absent"}, {Name: "a", Pointer: "/a"},
	}})
	_, meta, err := answered(t, c, `{}`, `{"a":1}`, "X-Id", `q"1`, "Link", `<https://x.example/?page=2>; rel="next"`)
	if want := `{"id":"q\"1","next":"https://x.example/?page=2","a":1}`; err != nil || string(meta) != want {
		t.Errorf("%s, %v, want %s", meta, err, want)
	}
}

// Meta has the URL of the next page as the vendor wrote it, beside the cursor that is taken of it.
func TestMetaWithTheURLOfTheNextPage(t *testing.T) {
	t.Parallel()
	c := with(pdk.Operation{
		Effect: pdk.Read, Method: "GET", Path: "/things", Data: "/rows", Meta: []pdk.Meta{{Name: "next", Pointer: "/next"}},
		Page: &pdk.Page{In: pdk.InQuery, CursorName: "after", By: pdk.ByURL, Cursor: "/next"},
	})
	_, meta, err := answered(t, c, `{}`, `{"rows":[],"next":"https://x.example/?after=c"}`)
	if want := `{"next":"https://x.example/?after=c","next_cursor":"c","has_more":true}`; err != nil || string(meta) != want {
		t.Errorf("%s, %v, want %s", meta, err, want)
	}
}

func TestNextPage(t *testing.T) {
	t.Parallel()
	url := pdk.Page{In: pdk.InQuery, CursorName: "after", By: pdk.ByURL, Cursor: "/next"}
	numbered := url
	numbered.Number = true
	offset := pdk.Page{In: pdk.InQuery, CursorName: "offset", LimitName: "size", By: pdk.ByOffset}
	total := offset
	total.Total = "/total"
	page := pdk.Page{In: pdk.InQuery, CursorName: "page", LimitName: "size", By: pdk.ByPage, First: 1}
	pages := page
	pages.Pages = "/pages"
	more := page
	more.More = "/more"
	for name, tt := range map[string]struct {
		page                 pdk.Page
		params, answer, next string // next is of meta, or a part of the error
	}{
		"a URL":                        {url, `{}`, `{"rows":[],"next":"https://elsewhere.example/x?limit=1&after=c%3D1#f"}`, `"c=1"`},
		"a URL, a number before it":    {numbered, `{"after":3}`, `{"rows":[],"next":"https://x.example/?after=4"}`, `"4"`},
		"a URL without the parameter":  {url, `{}`, `{"rows":[],"next":"https://api.thing.example/x"}`, "no parameter after"},
		"no URL":                       {url, `{}`, `{"rows":[],"next":null}`, `null`},
		"an empty URL":                 {url, `{}`, `{"rows":[],"next":""}`, `null`},
		"the first offset":             {offset, `{"limit":2}`, `{"rows":[{},{}]}`, `"2"`},
		"a later offset":               {offset, `{"limit":2,"cursor":"2"}`, `{"rows":[{},{}]}`, `"4"`},
		"the vendor's name":            {offset, `{"size":2,"offset":2}`, `{"rows":[{},{}]}`, `"4"`},
		"a short page":                 {offset, `{"limit":2}`, `{"rows":[{}]}`, `null`},
		"without a limit":              {offset, `{}`, `{"rows":[{}]}`, `"1"`},
		"an empty page":                {offset, `{}`, `{"rows":[]}`, `null`},
		"all of the total":             {total, `{"cursor":"3"}`, `{"rows":[{},{}],"total":5}`, `null`},
		"not all of the total":         {total, `{"cursor":"3"}`, `{"rows":[{}],"total":5}`, `"4"`},
		"a total that lies":            {total, `{"cursor":"3"}`, `{"rows":[],"total":5}`, `null`},
		"the first page":               {page, `{"limit":1}`, `{"rows":[{}]}`, `"2"`},
		"a later page":                 {page, `{"limit":1,"page":7}`, `{"rows":[{}]}`, `"8"`},
		"a number of pages":            {pages, `{"cursor":"2"}`, `{"rows":[{}],"pages":3}`, `"3"`},
		"the last page":                {pages, `{"cursor":"3"}`, `{"rows":[{}],"pages":3}`, `null`},
		"the vendor says more":         {more, `{"limit":5}`, `{"rows":[{}],"more":true}`, `"2"`},
		"the vendor says no more":      {more, `{"limit":1}`, `{"rows":[{}],"more":false}`, `null`},
		"the vendor says nothing":      {more, `{"limit":1}`, `{"rows":[{}]}`, `"2"`},
		"a cursor that is no number":   {page, `{"cursor":"x"}`, ``, "cursor"},
		"a cursor that is too long":    {page, `{"cursor":"9999999999999999999"}`, ``, "cursor"},
		"two numbers that contradict":  {page, `{"cursor":"2","page":3}`, ``, "page"},
		"an offset that stays in body": {pdk.Page{In: pdk.InBody, By: pdk.ByOffset}, `{"cursor":"2","limit":1}`, `{"rows":[{}]}`, `"3"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			method := "GET"
			if tt.page.In == pdk.InBody {
				method = "POST"
			}
			c := with(pdk.Operation{Effect: pdk.Read, Method: method, Path: "/things", Data: "/rows", Page: &tt.page})
			_, meta, err := answered(t, c, tt.params, tt.answer)
			if !json.Valid([]byte(tt.next)) {
				if err == nil || !strings.Contains(err.Error(), tt.next) {
					t.Errorf("%s, %v, want an error with %q", meta, err, tt.next)
				}
			} else if want := `"next_cursor":` + tt.next; err != nil || !strings.Contains(string(meta), want) {
				t.Errorf("%s, %v, want %s", meta, err, want)
			}
		})
	}
}

func TestFirstPageIsSent(t *testing.T) {
	t.Parallel()
	op := pdk.Operation{Effect: pdk.Read, Method: "GET", Path: "/things", Data: "/rows", DataOptional: true, Page: &pdk.Page{In: pdk.InQuery, CursorName: "page", By: pdk.ByPage, First: 1, SendFirst: true}}
	if r, err := sent(t, op, `{}`); err != nil || r.Query != "page=1" {
		t.Errorf("%v: %s", err, r.Query)
	}
	if r, err := sent(t, op, `{"page":4}`); err != nil || r.Query != "page=4" {
		t.Errorf("%v: %s", err, r.Query)
	}
}

func TestFailuresWithoutFunctions(t *testing.T) {
	t.Parallel()
	failures := &pdk.Failures{
		If:      []pdk.Condition{{Pointer: "/ok", Equals: "false"}, {Pointer: "/error/code"}},
		Message: []string{"/error/message", "/errors/*/detail"}, Code: []string{"/error/code", "/code"}, Field: []string{"/errors/0/field"}, RequestID: []string{"/id"},
		Codes: []pdk.CodeStatus{{Code: "invalid_auth", Status: 401}, {Code: "slow", Status: 429}},
	}
	for name, tt := range map[string]struct {
		answer  string
		kind    abi.Kind
		message string
	}{
		"a success":               {`{"ok":true}`, "", ""},
		"no failure in null":      {`{"ok":true,"error":{"code":null}}`, "", ""},
		"a code that means 401":   {`{"ok":false,"code":"invalid_auth"}`, abi.KindAuthFailed, "Thing: invalid_auth"},
		"a message":               {`{"ok":false,"error":{"message":"no such thing"}}`, abi.KindVendorError, "Thing: no such thing"},
		"several messages":        {`{"ok":false,"errors":[{"detail":"a","field":"f"},{"detail":7},{}]}`, abi.KindVendorError, "Thing: a; 7"},
		"a member that is there":  {`{"ok":true,"error":{"code":"slow"}}`, abi.KindRateLimited, "Thing: slow"},
		"nothing that says why":   {`{"ok":false}`, abi.KindVendorError, "Thing answered with neither a result nor an error"},
		"a code of another shape": {`{"ok":false,"code":{"a":1}}`, abi.KindVendorError, "Thing answered with neither a result nor an error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := with(pdk.Operation{Effect: pdk.Read, Method: "GET", Path: "/things"})
			c.Failures = failures
			_, _, err := answered(t, c, `{}`, tt.answer)
			var e *abi.Error
			if errors.As(err, &e) != (tt.kind != "") || e != nil && (e.Kind != tt.kind || e.Message != tt.message || e.Status != 200) {
				t.Errorf("%v", err)
			}
			if strings.Contains(tt.answer, "field") && e.Field != "f" {
				t.Errorf("the field is %q", e.Field)
			}
		})
	}
}

func TestFailuresOfItemsHeadersAndWaits(t *testing.T) {
	t.Parallel()
	failures := &pdk.Failures{
		If:      []pdk.Condition{{Header: "X-Failed"}, {Header: "X-State", Equals: `"bad"`}, {Header: "X-Always", Not: true}},
		Message: []string{"/errors/*", "/error"}, Item: []string{"{{ item.source.field }}: {{ item.message }}", "{{ item.message }}", "{{ item.code }}"},
		RetryAfter: []string{"/wait", "/limit/reset"}, Code: []string{"/code"}, Codes: []pdk.CodeStatus{{Code: "slow", Status: 429}},
	}
	for name, tt := range map[string]struct {
		answer  string
		headers []string
		message string
		wait    int64 // in milliseconds
	}{
		"a success":             {`{"ok":true}`, []string{"X-Always", "1"}, "", 0},
		"a header that is gone": {`{"error":"e"}`, nil, "Thing: e", 0},
		"a header":              {`{"error":"e"}`, []string{"X-Always", "1", "X-Failed", "0"}, "Thing: e", 0},
		"the value of a header": {`{"error":"e"}`, []string{"X-Always", "1", "X-State", "bad"}, "Thing: e", 0},
		"another value":         {`{"error":"e"}`, []string{"X-Always", "1", "X-State", "good"}, "", 0},
		"items":                 {`{"errors":[{"message":"a","source":{"field":"f"}},{"message":"b"},{"code":7},{"x":1},"text",{"message":null,"code":"c"}]}`, nil, "Thing: f: a; b; 7; text; c", 0},
		"an object":             {`{"error":{"message":"m"}}`, nil, "Thing: m", 0},
		"seconds":               {`{"code":"slow","wait":30}`, nil, "Thing: slow", 30_000},
		"parts of a second":     {`{"code":"slow","wait":1.2}`, nil, "Thing: slow", 2_000},
		"seconds as text":       {`{"code":"slow","wait":"7"}`, nil, "Thing: slow", 7_000},
		"a time":                {`{"code":"slow","limit":{"reset":"2026-01-02T03:04:15Z"}}`, []string{"Date", "Fri, 02 Jan 2026 03:04:05 GMT"}, "Thing: slow", 10_000},
		"a time that is over":   {`{"code":"slow","limit":{"reset":"2026-01-02T03:04:00Z"}}`, []string{"Date", "Fri, 02 Jan 2026 03:04:05 GMT"}, "Thing: slow", 0},
		"the header first":      {`{"code":"slow","wait":30}`, []string{"Retry-After", "5"}, "Thing: slow", 5_000},
		"for ever":              {`{"code":"slow","wait":4294967295}`, nil, "Thing: slow", 86_400_000},
		"more than for ever":    {`{"code":"slow","wait":1e300}`, nil, "Thing: slow", 0},
		"a negative wait":       {`{"code":"slow","wait":-1}`, nil, "Thing: slow", 0},
		"no wait without a use": {`{"error":"e","wait":30}`, nil, "Thing: e", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := with(pdk.Operation{Effect: pdk.Read, Method: "GET", Path: "/things"})
			c.Failures = failures
			_, _, err := answered(t, c, `{}`, tt.answer, tt.headers...)
			var e *abi.Error
			if errors.As(err, &e) != (tt.message != "") || e != nil && (e.Message != tt.message || e.RetryAfterMS != tt.wait) {
				t.Errorf("%v, %+v", err, e)
			}
		})
	}
}
