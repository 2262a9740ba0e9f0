package pdk_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/pdktest"
)

// linked returns the target that Link headers have for a relation.
func linked(t *testing.T, relation string, headers ...string) string {
	t.Helper()
	return link(t, func(r *pdk.Response) string { return r.Link(relation) }, headers...)
}

// link runs a call whose vendor answers with Link headers, and returns what look finds there.
func link(t *testing.T, look func(*pdk.Response) string, headers ...string) (found string) {
	t.Helper()
	c := with(pdk.Operation{
		Effect: pdk.Read, Method: "GET", Path: "/things",
		Handle: func(c *pdk.Call) error {
			resp, err := c.Do(c.Request())
			if err != nil {
				return err
			}
			found = look(resp)
			return c.Respond(resp)
		},
	})
	r := pdktest.Run(t, c, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Link"] = headers
		_, _ = w.Write([]byte(`{}`))
	}))
	if _, _, err := r.Execute("things", "do", nil); err != nil {
		t.Error(err)
	}
	return found
}

func TestLink(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, relation, header, want string }{
		{"one", "next", `<https://a.example/x?page=2>; rel="next"`, "https://a.example/x?page=2"},
		{"the second", "next", `<https://a.example/x?page=1>; rel="prev", <https://a.example/x?page=3>; rel="next", <l>; rel="last"`, "https://a.example/x?page=3"},
		{"commas and semicolons in both", "next", `<x?a=1,2;3>; title="a, b; c"; rel="next"`, "x?a=1,2;3"},
		{"a token", "next", `<x>;rel=next;title*=UTF-8'de'n%C3%A4chste`, "x"},
		{"several relations", "next", `<x>; rel="Last  NEXT"`, "x"},
		{"white space", "next", " , <x> ; rel = \"next\" ;", "x"},
		{"escapes", "next", `<x>; title="\"; rel=\"prev"; rel="\n\e\xt"`, "x"},
		{"the first rel counts", "next", `<x>; rel="prev"; rel="next"`, ""},
		{"an anchor", "next", `<x>; rel="next"; anchor="#other", <y>; rel="next"`, "y"},
		{"a part of a relation", "next", `<x>; rel="nextish"`, ""},
		{"an extension", "https://a.example/r", `<x>; rel="https://a.example/R"`, "x"},
		{"none", "next", "", ""},
		{"no target", "next", `https://a.example/; rel="next"`, ""},
		{"an open target", "next", `<https://a.example/; rel="next"`, ""},
		{"a space in a target", "next", `<x y>; rel="next"`, ""},
		{"an open text", "next", `<x>; rel="next`, ""},
		{"an open escape", "next", `<x>; rel="next\`, ""},
		{"no comma", "next", `<x>; rel="prev" <y>; rel="next"`, ""},
		{"no value", "next", `<x>; rel=, <y>; rel="next"`, ""},
		{"no semicolon", "next", `<x> rel="next"`, ""},
	} {
		if got := linked(t, tt.relation, tt.header); got != tt.want {
			t.Errorf("%s: %q leads to %q, want %q", tt.name, tt.header, got, tt.want)
		}
	}
	if got := linked(t, "next", `<a>; rel="prev"`, `<b>; rel="next"`); got != "b" {
		t.Errorf("two headers lead to %q", got)
	}
}

func TestLinkParam(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ url, name, want string }{
		{"https://a.example/x?page=2&per_page=5", "page", "2"},
		{"?page=2&page=3", "page", "2"},
		{"/x?a=%C3%A9+b%2B&b=1", "a", "é b+"},
		{"/x?fi%6Cter%5Bid%5D=7", "filter[id]", "7"},
		{"/x?page=%", "page", ""},
		{"/x?page=%4", "page", ""},
		{"/x?page=%zz", "page", ""},
		{"/x?%=1&page=2", "page", "2"},
		{"/x?page", "page", ""},
		{"/x#?page=2", "page", ""},
		{"/x?page=2#page=3", "page", "2"},
		{"/x?Page=2", "page", ""},
		{"", "page", ""},
	} {
		if got := link(t, func(r *pdk.Response) string { return r.LinkParam("next", tt.name) }, "<"+tt.url+`>; rel="next"`); got != tt.want {
			t.Errorf("%s of %q is %q, want %q", tt.name, tt.url, got, tt.want)
		}
	}
}

// What a vendor writes into a header ends in a target that it wrote, and takes no more than
// linear time.
func FuzzLink(f *testing.F) {
	f.Add(`<https://a.example/x?page=1>; rel="prev", <y>; rel="next"; title="\""`)
	f.Add(`<x>;;;,,<y>;a=;rel`)
	f.Fuzz(func(t *testing.T, header string) {
		if strings.ContainsFunc(header, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Skip()
		}
		if got := linked(t, "next", header); got != "" && !strings.Contains(header, "<"+got+">") {
			t.Errorf("%q leads to %q", header, got)
		}
		_ = link(t, func(r *pdk.Response) string { return r.LinkParam("next", "a") }, header)
	})
}
