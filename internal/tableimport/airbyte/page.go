package airbyte

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/tableimport"
)

// No key of the documents says how to get the next page: the name of a parameter, and the
// name of what the answer has, must be matched.
var (
	limitNames = []string{
		"limit", "per_page", "page_size", "pageSize", "maxResults", "max_results", "PageSize", "MaxResultsPerPage", "page[size]", "page.size", "count",
		"first", "numResults", "rowLimit", "size",
	}
	tokenNames = []string{
		"cursor", "after", "page_token", "pageToken", "nextToken", "NextToken", "next_token", "nextPageToken", "start_cursor", "startCursor", "bookmark",
		"starting_after", "page.token", "page[cursor]", "page[after]", "start", "offset", "page",
	}
	// more are metas that say whether there is a next page.
	moreNames = []string{"has_more", "has_next_page", "hasNextPage", "hasMore", "more_records"}
	// totals are members of an answer that count records.
	totalNames = []string{"total", "total_items", "total_records", "total_count", "rowCount", "totalCount", "total_number"}
	pagesNames = []string{"page_count", "total_pages", "total_page", "pages"}
)

// page finds out how the vendor paginates, and takes the parameters of it from the row. It
// returns nil where it cannot tell: then callers use the vendor's parameters.
func (r *row) page(rec *records) tableimport.Map {
	if !rec.list || r.source.Text("x-airbyte-no-pagination") != "" {
		return nil
	}
	pick := func(list []string, kinds ...string) *parameter {
		for _, name := range list {
			for _, p := range r.params {
				if p.name == name && (p.in == "query" || p.in == "body") && p.as == "" && p.constant == nil && slices.Contains(kinds, kindOf(p.schema)) {
					return p
				}
			}
		}
		return nil
	}
	if r.query != "" { // the variables of a GraphQL document have their names
		pick = func(list []string, kinds ...string) *parameter {
			for _, name := range list {
				for _, p := range r.params {
					if p.name == name && p.in == "body" && p.constant == nil && (slices.Contains(kinds, kindOf(p.schema)) || kindOf(p.schema) == "") {
						return p
					}
				}
			}
			return nil
		}
	}
	limit := pick(limitNames, "integer")
	found := r.next(rec, pick)
	if found == nil {
		found = r.undeclared()
	}
	if found == nil {
		if r.source.Has("x-airbyte-meta-extractor") {
			r.guess("pagination", "meta", "nothing was found that leads to the next page, so the vendor's parameters stay")
		}
		return nil
	}
	cursor, page := found.cursor, found.page
	in := "query"
	if cursor.in == "body" {
		in = "body"
	}
	if limit != nil && (limit.in != cursor.in || page.Has("path")) {
		limit = nil
	}
	page.Set("in", in)
	if !page.Has("path") && !page.Has("cursor_names") {
		page.Set("cursor_name", wireOf(cursor))
	}
	if by := page.Text("by"); kindOf(cursor.schema) == "integer" && by != "offset" && by != "page" {
		page.Set("number", true)
	}
	if limit != nil {
		page.Set("limit_name", wireOf(limit))
		if most, ok := limit.schema.Get("maximum").(json.Number); ok {
			page.Set("max_limit", most)
		}
		if limit.send != nil {
			page.Set("default_limit", limit.send)
		}
	} else {
		page.Set("no_limit", true)
	}
	r.params = slices.DeleteFunc(r.params, func(p *parameter) bool { return p == cursor || p == limit })
	what := page.Text("cursor") + page.Text("header")
	switch page.Text("by") {
	case "offset", "page":
		what = "counting"
	case "record":
		what += " of the last record"
	}
	r.guess("pagination", "page", fmt.Sprintf("the next page is found by %s, and asked for with %s", what, cursor.name))
	order := tableimport.Map{}
	for _, key := range []string{"in", "by", "cursor", "header", "more", "total", "pages", "first", "send_first", "cursor_name", "cursor_names", "path", "alone", "limit_name", "no_limit", "max_limit", "default_limit", "number"} {
		if page.Has(key) {
			order.Set(key, page.Get(key))
		}
	}
	return order
}

func wireOf(p *parameter) string {
	return cmp.Or(p.as, p.name)
}

// continuation is a parameter that asks for the next page, and a page without the names of
// parameters.
type continuation struct {
	cursor *parameter
	page   tableimport.Map
}

// next matches the metas of the document with a parameter.
func (r *row) next(rec *records, pick func(list []string, kinds ...string) *parameter) *continuation {
	var more string
	var tokens, urls []string
	link := false
	for _, m := range r.source.Map("x-airbyte-meta-extractor") {
		text, _ := m.Value.(string)
		pointer, err := pointerOf(text)
		switch {
		case text == "@link.next":
			link = true
			continue
		case err != nil:
			continue
		}
		last := pointer[strings.LastIndex(pointer, "/")+1:]
		switch schema := r.im.at(rec.schema, pointer); {
		case slices.Contains(moreNames, last) || slices.Contains(moreNames, m.Key):
			more = pointer
		case kindOf(schema) == "boolean", kindOf(schema) == "array":
		case kindOf(schema) == "object":
			for _, name := range tokenNames {
				if schema.Map("properties").Has(name) {
					tokens = append(tokens, pointer+"/"+name)
				}
			}
		case isURL(schema, pointer, m.Key):
			urls = append(urls, pointer)
		case isToken(m.Key) || isToken(last):
			tokens = append(tokens, pointer)
		}
	}
	var page tableimport.Map
	cursor := pick(tokenNames, "string", "integer")
	switch {
	case cursor == nil:
		return nil
	case link:
		page.Set("header", "Link")
	case len(tokens) > 0 && !slices.Contains([]string{"page", "start"}, cursor.name) || len(tokens) > 0 && len(urls) == 0 && more == "":
		page.Set("cursor", tokens[0])
		page.Add("more", more)
	case len(urls) > 0:
		page.Set("by", "url")
		page.Set("cursor", urls[0])
	case more != "" && cursor.name == "starting_after":
		page.Set("by", "record")
		page.Set("cursor", "/id")
		page.Set("more", more)
	default:
		return r.counted(rec, more, pick)
	}
	return &continuation{cursor, page}
}

// elsewhere has what leads to the next page for vendors whose documents declare no parameter for it: by connector,
// what the vendors' own references say of the URL or the cursor that they answer with.
var elsewhere = map[string][]onward{
	"amazon-ads":         {{cursor: "/nextToken", in: "body", names: []string{"nextToken"}}},
	"gong":               {{cursor: "/records/cursor", in: "body", names: []string{"cursor"}}},
	"harvest":            {{cursor: "/links/next", names: []string{"page", "cursor"}}},
	"paypal-transaction": {{cursor: "/next_id", in: "query", names: []string{"start_id"}}},
	"salesforce":         {{cursor: "/nextRecordsUrl", of: "/query", path: "/query/{cursor}"}},
	"sendgrid":           {{cursor: "/_metadata/next", names: []string{"page_token"}}},
	"shopify":            {{link: true, names: []string{"page_info"}, alone: true}},
	"snapchat-marketing": {{cursor: "/paging/next_link", names: []string{"cursor"}}},
	"twilio":             {{cursor: "/next_page_uri", names: []string{"Page", "PageToken"}}},
	"woocommerce":        {{link: true, names: []string{"page"}}},
	"zendesk-talk":       {{cursor: "/next_page", names: []string{"page"}}},
}

// onward is how a vendor goes on to the next page. With in, the answer has a cursor; otherwise it has a URL, in the
// body or in the header Link.
type onward struct {
	cursor string // where the answer has it
	link   bool
	in     string // where the cursor goes
	names  []string
	of     string // the path of the operations, or all of them
	path   string // of all pages but the first
	alone  bool
}

// undeclared finds out how the vendor paginates where the document does not say it.
func (r *row) undeclared() *continuation {
	for _, o := range elsewhere[r.im.report.Connector] {
		if r.query != "" || o.of != "" && o.of != r.to || o.in != "body" && r.method != "GET" || !r.leads(o) {
			continue
		}
		if slices.ContainsFunc(r.params, func(p *parameter) bool { return p.name == "start_time" }) {
			continue // an export of what has changed since then, which always has a next page
		}
		cursor := &parameter{name: strings.Join(o.names, ", ") + o.path, in: cmp.Or(o.in, "query")}
		for _, p := range r.params {
			if p.name == cursor.name && p.in == cursor.in {
				cursor = p
			}
		}
		r.im.undeclared[r.name] = !slices.Contains(r.params, cursor)
		var page tableimport.Map
		if o.link {
			page.Set("header", "Link")
		} else {
			page.Set("cursor", o.cursor)
		}
		if o.in == "" && !o.link {
			page.Set("by", "url")
		}
		if len(o.names) > 1 {
			var names []any
			for _, name := range o.names {
				names = append(names, name)
			}
			page.Set("cursor_names", names)
		}
		page.Add("path", o.path)
		page.Add("alone", o.alone)
		return &continuation{cursor, page}
	}
	return nil
}

// leads reports whether the document says that the answer has what leads on.
func (r *row) leads(o onward) bool {
	for _, m := range r.source.Map("x-airbyte-meta-extractor") {
		text, _ := m.Value.(string)
		if pointer, err := pointerOf(text); o.link && text == "@link.next" || err == nil && pointer == o.cursor && o.cursor != "" {
			return true
		}
	}
	return false
}

// counted is a page whose number or offset the connector counts.
func (r *row) counted(rec *records, more string, pick func(list []string, kinds ...string) *parameter) *continuation {
	var page tableimport.Map
	cursor, by := pick([]string{"offset", "startAt", "startRow", "start"}, "integer"), "offset"
	if cursor == nil {
		cursor, by = pick([]string{"page", "page_number", "pageNumber"}, "integer"), "page"
	}
	if cursor == nil {
		return nil
	}
	first := json.Number("0")
	if by == "page" {
		first = "1"
		if at, ok := cursor.schema.Get("minimum").(json.Number); ok {
			first = at
		}
		if at, ok := cursor.schema.Get("default").(json.Number); ok {
			first = at
		}
	}
	page.Set("by", by)
	if first != "0" {
		page.Set("first", first)
	}
	if cursor.send != nil {
		page.Set("send_first", true)
	}
	page.Add("more", more)
	total, pages := r.count(rec, totalNames), r.count(rec, pagesNames)
	page.Add("total", total)
	if by == "page" {
		page.Add("pages", pages)
	}
	return &continuation{cursor, page}
}

// count finds a number in the answer that counts records or pages: at its root, or beside what
// the metas lead to.
func (r *row) count(rec *records, names []string) string {
	places := []string{""}
	for _, m := range r.source.Map("x-airbyte-meta-extractor") {
		text, _ := m.Value.(string)
		if pointer, err := pointerOf(text); err == nil {
			places = append(places, pointer, pointer[:max(strings.LastIndex(pointer, "/"), 0)])
		}
	}
	for _, place := range places {
		schema := r.im.at(rec.schema, place)
		for _, name := range names {
			if kindOf(r.im.resolve(schema.Map("properties").Get(name))) == "integer" {
				return place + "/" + name
			}
		}
	}
	return ""
}

// isURL reports whether a meta is the URL of the next page.
func isURL(schema tableimport.Map, pointer, name string) bool {
	if format := schema.Text("format"); format == "uri" || format == "url" {
		return true
	}
	text := strings.ToLower(schema.Text("description") + " " + fmt.Sprint(schema.Get("example")))
	if strings.Contains(text, "http") || strings.Contains(text, "url") || strings.Contains(text, "link") {
		return true
	}
	for _, end := range []string{"links/next", "paging/next", "next_url", "next_link", "next_page_url", "link"} {
		if strings.HasSuffix(pointer, end) || strings.HasSuffix(name, end) {
			return true
		}
	}
	return name == "next_page" && strings.HasSuffix(pointer, "/next_page")
}

// isToken reports whether a name is that of a cursor of the next page.
func isToken(name string) bool {
	name = strings.ToLower(strings.ReplaceAll(name, "_", ""))
	for _, end := range []string{"cursor", "nexttoken", "nextpagetoken", "after", "nextoffset", "next", "bookmark", "nextpage", "offset", "token"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return false
}
