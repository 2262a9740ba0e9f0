package openapi

import (
	"maps"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/tableimport"
	"github.com/getkin/kin-openapi/openapi3"
)

// Names that vendors give to what pages need, as one word in lower case.
var (
	limitNames  = []string{"limit", "perpage", "pagesize", "maxresults", "maxitems", "count", "size", "itemsperpage", "pagelimit", "resultsperpage", "top", "take", "pagesizelimit"}
	cursorNames = []string{
		"cursor", "pagetoken", "nexttoken", "nextpagetoken", "continuationtoken", "pagecursor", "after", "nextcursor", "startcursor",
		"marker", "pageafter", "nextpage", "aftercursor", "paginationtoken", "continuation", "bookmark", "startingtoken", "pagekey", "afterid", "next",
	}
	nextNames   = []string{"nextcursor", "nextpagetoken", "nexttoken", "next", "endcursor", "cursor", "after", "continuationtoken", "nextpage", "nextpagecursor", "nextpageid", "bookmark", "paginationtoken", "nextkey", "lastid"}
	moreNames   = []string{"hasmore", "hasnextpage", "hasnext", "more", "moreavailable", "hasmoreresults"}
	totalNames  = []string{"total", "totalcount", "totalitems", "totalresults", "totalrecords", "totalelements"}
	pagesNames  = []string{"totalpages", "pages", "pagecount", "lastpage"}
	pageNames   = []string{"page", "pagenumber", "pageno", "pageindex", "currentpage"}
	offsetNames = []string{"offset", "skip", "start", "startat", "startindex", "from", "pageoffset"}
	holders     = []string{"meta", "metadata", "pagination", "paging", "pageinfo", "page", "links", "cursors", "responsemetadata", "cursor"}
)

// pageOf guesses how the vendor paginates, from the names of parameters and members.
func (r *row) pageOf() {
	if !r.answer.list || r.effect != "read" {
		return
	}
	place := openapi3.ParameterInQuery
	if r.op.method == "POST" {
		place = "body"
	}
	limit := r.find(place, limitNames)
	page := tableimport.Map{{Key: "in", Value: place}}
	at := r.byCursor(place, &page)
	if at < 0 {
		at = r.byCount(place, &page)
	}
	if at < 0 {
		return
	}
	// A parameter of both kinds would be one too many: the vendor must know without it.
	if limit < 0 || limit == at {
		page.Set("no_limit", true)
		limit = -1
	} else {
		p := &r.params[limit]
		if p.wire != "limit" {
			page.Set("limit_name", p.wire)
		}
		if v := viewOf(p.schema...); v.max != nil && *v.max >= 1 && *v.max < 1e9 {
			page.Set("max_limit", number(*v.max))
		}
		if p.required {
			page.Set("default_limit", number(50))
		}
	}
	gone := []string{r.params[at].wire}
	if limit >= 0 {
		gone = append(gone, r.params[limit].wire)
	}
	r.params = slices.DeleteFunc(r.params, func(p param) bool { return p.in == place && slices.Contains(gone, p.wire) })
	r.reserved = append(append(r.reserved, "cursor", "limit"), gone...)
	r.page = page
	r.guess("pagination", "page", "the next page is taken to be found by "+pageKind(page))
}

// pageKind says what leads to the next page, in words.
func pageKind(page tableimport.Map) string {
	switch by := page.Text("by"); {
	case page.Has("header"):
		return "the header " + page.Text("header")
	case by == "url":
		return "the URL at " + page.Text("cursor")
	case by == "offset":
		return "an offset"
	case by == "page":
		return "the number of the page"
	case by == "record":
		return "the id of the last record"
	}
	return "the cursor at " + page.Text("cursor")
}

// find is the number of the parameter of a place that has one of some names: the first name
// that there is.
func (r *row) find(place string, names []string) int {
	for _, name := range names {
		if at := slices.IndexFunc(r.params, func(p param) bool { return p.in == place && asks(p.wire, name) }); at >= 0 {
			return at
		}
	}
	return -1
}

// byCursor finds a cursor, or a URL, in the answer and the parameter that takes it.
func (r *row) byCursor(place string, page *tableimport.Map) int {
	cursor := r.find(place, cursorNames)
	link := slices.ContainsFunc(slices.Collect(maps.Keys(r.answer.headers)), func(name string) bool { return strings.EqualFold(name, "link") })
	if link {
		at := cursor
		if at < 0 {
			at = r.find(place, pageNames)
		}
		if at >= 0 && place == openapi3.ParameterInQuery {
			r.cursorName(page, at)
			page.Set("header", "Link")
			return at
		}
	}
	pointer, found := r.member(nextNames)
	if found == nil {
		return r.byRecord(place, page)
	}
	url := found.format == "uri" || found.format == "url"
	if cursor < 0 && url {
		for _, names := range [][]string{offsetNames, pageNames} {
			if cursor = r.find(place, names); cursor >= 0 {
				break
			}
		}
	}
	if cursor < 0 || !slices.Contains(found.types, "string") && !slices.Contains(found.types, "integer") {
		return -1
	}
	r.cursorName(page, cursor)
	if url {
		page.Set("by", "url")
	}
	page.Set("cursor", pointer)
	if more, v := r.member(moreNames); v != nil && v.is("boolean") {
		page.Set("more", more)
	}
	if place == "body" && viewOf(r.params[cursor].schema...).is("integer") {
		page.Set("number", true)
	}
	return cursor
}

// byRecord finds a parameter that takes the id of the last record of a page.
func (r *row) byRecord(place string, page *tableimport.Map) int {
	at := r.find(place, []string{"startingafter", "afterid"})
	more, v := r.member(moreNames)
	if at < 0 || v == nil || !v.is("boolean") || r.answer.records == nil {
		return -1
	}
	if id := viewOf(r.answer.records.props["id"]...); !id.is("string") && !id.is("integer") {
		return -1
	}
	r.cursorName(page, at)
	page.Set("by", "record")
	page.Set("cursor", "/id")
	page.Set("more", more)
	return at
}

func (r *row) cursorName(page *tableimport.Map, at int) {
	if name := r.params[at].wire; name != "cursor" {
		page.Set("cursor_name", name)
	}
}

// byCount finds an offset or the number of a page.
func (r *row) byCount(place string, page *tableimport.Map) int {
	for _, kind := range []struct {
		by    string
		names []string
	}{{"page", pageNames}, {"offset", offsetNames}} {
		at := r.find(place, kind.names)
		if at < 0 || kind.by == "offset" && r.find(place, limitNames) < 0 {
			continue
		}
		v := viewOf(r.params[at].schema...)
		if !v.is("integer") && !v.is("number") || r.params[at].required && kind.by == "offset" && v.min != nil && *v.min > 0 {
			continue
		}
		r.cursorName(page, at)
		page.Set("by", kind.by)
		first := 0.0
		if kind.by == "page" {
			first = 1
			if v.fallback == 0.0 || v.min != nil && *v.min == 0 && v.fallback == nil {
				first = 0
			}
		}
		if first > 0 {
			page.Set("first", number(first))
		}
		page.Add("send_first", r.params[at].required)
		if total, v := r.member(totalNames); v != nil && (v.is("integer") || v.is("number")) {
			page.Set("total", total)
		}
		if pages, v := r.member(pagesNames); v != nil && v.is("integer") && kind.by == "page" {
			page.Set("pages", pages)
		}
		if more, v := r.member(moreNames); v != nil && v.is("boolean") {
			page.Set("more", more)
		}
		return at
	}
	return -1
}

// member finds a member of the answer by its name, beside the records or in an object there.
func (r *row) member(names []string) (pointer string, v *view) {
	e := r.answer.envelope
	if e == nil {
		return "", nil
	}
	for _, want := range names {
		for _, name := range e.names() {
			if asks(name, want) {
				if p := viewOf(e.props[name]...); !slices.Contains(p.types, "object") && !slices.Contains(p.types, "array") {
					return "/" + escape(name), p
				}
			}
		}
		for _, holder := range e.names() {
			if !asks(holder, holders...) {
				continue
			}
			inner := viewOf(e.props[holder]...)
			for _, name := range inner.names() {
				if asks(name, want) {
					if p := viewOf(inner.props[name]...); !slices.Contains(p.types, "object") && !slices.Contains(p.types, "array") {
						return "/" + escape(holder) + "/" + escape(name), p
					}
				}
			}
		}
	}
	return "", nil
}
