package pdk_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// An answer that is not JSON becomes an object with its media type, and its text or bytes.
func TestContent(t *testing.T) {
	t.Parallel()
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	large := strings.Repeat("a,\"b\"\r\nü,\x01\n", 10_000)
	for _, tt := range []struct {
		name      string
		op        pdk.Operation
		accept    string // that is sent
		mediaType string
		answer    string
		text      string // that comes
		base64    bool
	}{
		{name: "CSV", op: pdk.Operation{Content: abi.ContentCSV}, accept: "text/csv", mediaType: "text/csv; charset=utf-8", answer: "id,name\n1,\"a \"\"b\"\"\"\n", text: "id,name\n1,\"a \"\"b\"\"\"\n"},
		{name: "a mark at the start", op: pdk.Operation{Content: abi.ContentCSV}, accept: "text/csv", mediaType: "text/csv", answer: "\xef\xbb\xbfid\n", text: "id\n"},
		{name: "CSV as another type", op: pdk.Operation{Content: abi.ContentCSV, Accept: "application/vnd.acme"}, accept: "application/vnd.acme", mediaType: "application/octet-stream", answer: "id\n", text: "id\n"},
		{name: "nothing", op: pdk.Operation{Content: abi.ContentCSV}, accept: "text/csv"},
		{name: "large", op: pdk.Operation{Content: abi.ContentText}, accept: "text/*", mediaType: "text/plain", answer: large, text: large},
		{name: "text that is not UTF-8", op: pdk.Operation{Content: abi.ContentText}, accept: "text/*", mediaType: "text/plain; charset=latin1", answer: "caf\xe9", base64: true},
		{name: "HTML that is wanted", op: pdk.Operation{Content: abi.ContentText, Accept: "text/html"}, accept: "text/html", mediaType: "text/html", answer: "<p>", text: "<p>"},
		{name: "bytes", op: pdk.Operation{Content: abi.ContentBinary}, accept: "*/*", mediaType: "application/pdf", answer: string(every), base64: true},
		{name: "bytes that are text", op: pdk.Operation{Content: abi.ContentBinary}, accept: "*/*", mediaType: "text/plain", answer: "ab", base64: true},
		{name: "one byte", op: pdk.Operation{Content: abi.ContentBinary}, accept: "*/*", answer: "a", base64: true},
		{name: "many bytes", op: pdk.Operation{Content: abi.ContentBinary}, accept: "*/*", answer: strings.Repeat("\x00\xff\x10", 9000) + "a", base64: true},
	} {
		tt.op.Effect, tt.op.Method, tt.op.Path = pdk.Read, "GET", "/file"
		var accept string
		r := pdktest.Run(t, with(tt.op), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			accept = r.Header.Get("Accept")
			w.Header()["Content-Type"] = []string{tt.mediaType}
			_, _ = w.Write([]byte(tt.answer))
		}))
		data, _, err := r.Execute("things", "do", nil)
		var got struct {
			ContentType string  `json:"content_type"`
			Text        *string `json:"text"`
			Base64      *string `json:"base64"`
		}
		if err != nil || json.Unmarshal(data, &got) != nil {
			t.Errorf("%s: %s, %v", tt.name, data, err)
			continue
		}
		if accept != tt.accept || got.ContentType != tt.mediaType {
			t.Errorf("%s: it accepts %q, and gets %q", tt.name, accept, got.ContentType)
		}
		if tt.base64 && (got.Base64 == nil || got.Text != nil || *got.Base64 != base64.StdEncoding.EncodeToString([]byte(tt.answer))) {
			t.Errorf("%s: %.200s", tt.name, data)
		}
		if !tt.base64 && (got.Text == nil || got.Base64 != nil || *got.Text != tt.text) {
			t.Errorf("%s: %.200s", tt.name, data)
		}
	}
}

// A page of a proxy, or JSON in the place of CSV, is not what the vendor was asked for.
func TestOtherContent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		content   abi.Content
		mediaType string
		says      string
	}{
		{abi.ContentCSV, "text/html; charset=utf-8", "text/html instead of CSV"},
		{abi.ContentCSV, "Application/JSON", "application/json instead of CSV"},
		{abi.ContentText, " text/HTML ", "a page of HTML"},
		{abi.ContentBinary, "text/html", "a page of HTML"},
		{abi.ContentBinary, "application/json", ""},
		{abi.ContentText, "application/json", ""},
	} {
		r := pdktest.Run(t, with(pdk.Operation{Effect: pdk.Read, Method: "GET", Path: "/file", Content: tt.content}), pdktest.Script(t, pdktest.Exchange{
			Method: "GET", URL: "/file", Header: map[string]string{"Content-Type": tt.mediaType}, Answer: "{}",
		}))
		_, _, err := r.Execute("things", "do", nil)
		var e *abi.Error
		if wrong := errors.As(err, &e); wrong != (tt.says != "") || wrong && (e.Kind != abi.KindVendorError || !strings.Contains(e.Message, tt.says)) {
			t.Errorf("%s as %s: %v, want %q", tt.mediaType, tt.content, err, tt.says)
		}
	}
}

// An operation accepts what its connector accepts, or what it says itself.
func TestAccept(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ connector, operation, want string }{
		{"", "", "application/json"},
		{"application/vnd.acme+json;version=2", "", "application/vnd.acme+json;version=2"},
		{"application/vnd.acme+json;version=2", "application/vnd.acme+json;version=3", "application/vnd.acme+json;version=3"},
	} {
		for _, handle := range []func(*pdk.Call) error{nil, func(c *pdk.Call) error {
			resp, err := c.Do(c.Request())
			if err != nil {
				return err
			}
			return c.Respond(resp)
		}} {
			c := with(pdk.Operation{Method: "POST", Path: "/things", Accept: tt.operation, Handle: handle, Params: []pdk.Param{pdk.Body("n", pdk.Number(""))}})
			c.Accept = tt.connector
			var got http.Header
			r := pdktest.Run(t, c, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got = r.Header
				_, _ = w.Write([]byte(`{}`))
			}))
			if _, _, err := r.Execute("things", "do", map[string]any{"n": 1}); err != nil {
				t.Fatal(err)
			}
			if got.Get("Accept") != tt.want || got.Get("Content-Type") != "application/json" {
				t.Errorf("the headers are %v, want %s", got, tt.want)
			}
		}
	}
}

// A cursor may come in a header.
func TestPagesByHeader(t *testing.T) {
	t.Parallel()
	const next = `<https://api.thing.example/elsewhere?page=b%2Bc&limit=3>; rel="next"`
	for _, tt := range []struct {
		name, header, cursorName, value, meta, fails string
	}{
		{"a link", "Link", "page", next, `{"next_cursor":"b+c","has_more":true}`, ""},
		{"a link in other letters", "link", "page", next, `{"next_cursor":"b+c","has_more":true}`, ""},
		{"the last page", "Link", "page", `<x?page=1>; rel="prev"`, `{"next_cursor":null,"has_more":false}`, ""},
		{"a link without the parameter", "Link", "after", next, "", "has no parameter after"},
		{"a header of its own", "X-Next-Page", "page", " 2 ", `{"next_cursor":"2","has_more":true}`, ""},
		{"an empty header", "X-Next-Page", "page", "", `{"next_cursor":null,"has_more":false}`, ""},
	} {
		c := with(pdk.Operation{Effect: pdk.Read, Method: "GET", Path: "/things", Page: &pdk.Page{In: pdk.InQuery, CursorName: tt.cursorName, Header: tt.header}})
		r := pdktest.Run(t, c, pdktest.Script(t, pdktest.Exchange{
			Method: "GET", URL: "/things?" + tt.cursorName + "=b%2Bc", Header: map[string]string{tt.header: tt.value}, Answer: `[{"id":1}]`,
		}))
		data, meta, err := r.Execute("things", "do", map[string]any{"cursor": "b+c"})
		if tt.fails != "" {
			if err == nil || !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if err != nil || string(data) != `[{"id":1}]` || string(meta) != tt.meta {
			t.Errorf("%s: %s, %s, %v", tt.name, data, meta, err)
		}
	}
}

// A row with a File answers what the host gets from where the answer says; an author's test meets
// the rules of the host.
func TestFile(t *testing.T) {
	t.Parallel()
	op := pdk.Operation{
		Effect: pdk.Read, Method: "GET", Path: "/things/{id}", Content: abi.ContentBinary,
		File: &abi.File{Pointer: "/files/{number}/url", Suffixes: []string{"files.vendor.com"}, Range: "range"},
		Params: []pdk.Param{
			pdk.Path("id", pdk.String("Id.")), pdk.Input("number", pdk.Integer("Which.")).Required(), pdk.Input("range", pdk.String("Part.")),
		},
	}
	for _, tt := range []struct {
		name, answer string
		status       int
		params       string
		data, err    string
		requests     int
	}{
		{"a file", `{"files":[{},{"url":"https://a.files.vendor.com/f?s=%2F"}]}`, 200, `{"id":"1","number":1,"range":"bytes=0-1"}`, `{"content_type":"image/png","base64":"iQ=="}`, "", 2},
		{"elsewhere", `{"files":[{},{"url":"https://evil.com/f"}]}`, 200, `{"id":"1","number":1}`, "", "denied", 1},
		{"no such file", `{"files":[{},{}]}`, 200, `{"id":"1","number":1}`, "", "not_found", 1},
		{"a file that is gone", `{"files":[{"url":"https://files.vendor.com/f"}]}`, 404, `{"id":"1","number":0}`, "", "not_found: the file that Thing names cannot be had: its server answered with status 404", 2},
		{"a link that expired", `{"files":[{"url":"https://files.vendor.com/f"}]}`, 403, `{"id":"1","number":0}`, "", "vendor_error: the file that Thing names cannot be had: its server answered with status 403", 2},
	} {
		r := pdktest.Run(t, with(op), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.Host, "files.vendor.com") {
				if r.Header.Get("Accept") != "*/*" || r.URL.Path != "/f" {
					t.Errorf("%s: the store got %s with %v", tt.name, r.URL, r.Header)
				}
				w.Header().Set("Content-Type", "image/png")
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte("\x89"))
				return
			}
			if accept := r.Header.Get("Accept"); accept != "application/json" {
				t.Errorf("%s: the API was asked for %s", tt.name, accept)
			}
			_, _ = w.Write([]byte(tt.answer))
		}))
		data, _, err := r.Execute("things", "do", json.RawMessage(tt.params))
		if string(data) != tt.data || (err == nil) != (tt.err == "") || err != nil && !strings.HasPrefix(err.Error(), tt.err) {
			t.Errorf("%s: %s, %v", tt.name, data, err)
		}
		if n := len(r.Requests()); n != tt.requests {
			t.Errorf("%s: %d requests", tt.name, n)
		}
	}
	written := with(op)
	read, err := readTable(written.Table())
	if err != nil || !bytes.Equal(read.Rows(), written.Rows()) || read.Operations[0].File == nil || read.Operations[0].File.Suffixes[0] != "files.vendor.com" {
		t.Errorf("the table was read as %s, %v", read.Rows(), err)
	}
}
