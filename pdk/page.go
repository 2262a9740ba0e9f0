package pdk

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// PageBy is what leads to the next page.
type PageBy string

// What leads to the next page, where it is not a cursor.
const (
	// ByURL is the URL of the next page, where a cursor would be. The cursor is the value
	// that it has for the parameter CursorName; the rest of it counts for nothing.
	ByURL PageBy = "url"
	// ByOffset is the number of records before the page, which the parameter has.
	ByOffset PageBy = "offset"
	// ByPage is the number of the page, which the parameter has.
	ByPage PageBy = "page"
	// byRecord is a member of the last record of the page, to which Cursor leads from there: /id.
	// There are more pages if More says so. Without it, a page without a record is the last one.
	byRecord PageBy = "record"
)

// Page says how a vendor paginates. The operation gets the
// parameters "cursor" and "limit", after its own, and its meta gets next_cursor
// and has_more. Where the vendor calls them otherwise, its names are parameters
// too, with the same meaning, so that callers who know the vendor are not
// surprised; a call that gives both names different values is refused.
type Page struct {
	// In is where both parameters go: [InQuery] or [InBody].
	In Place
	// By is what leads to the next page; empty means a cursor that the vendor gives, and "record" a
	// member of the last record, such as its id.
	By PageBy
	// First is the offset or the number of the first page, and SendFirst sends it.
	First     int64
	SendFirst bool
	// Total is a JSON Pointer to the number of all records, and Pages one to the number of
	// all pages. Without them, and without More, a page [ByOffset] or [ByPage] is the last
	// one if it has fewer records than the limit that was sent. One without a record is the last
	// in any case, unless More is true.
	Total, Pages string
	// CursorNames are the parameters of the query that go on to the next page, where one is not
	// enough, with [ByURL]. The cursor has them and their values.
	CursorNames []string
	// Path is the path of all pages but the first, with [ByURL]: /query/{cursor}. The cursor is
	// what the URL has there. They have no parameters of the query.
	Path string
	// Alone says that the vendor wants a cursor without other parameters of the query than the
	// limit and constants.
	Alone bool
	// CursorName and LimitName are the vendor's names; empty means cursor, limit.
	CursorName, LimitName string
	// NoLimit says that the vendor has no parameter for the length of a page. The limit is
	// then not sent, and the host cuts longer pages.
	NoLimit bool
	// MaxLimit is the vendor's largest number of records on a page; 0 means unknown.
	MaxLimit int64
	// DefaultLimit is sent if the caller gives no limit, for vendors that require one; 0 sends
	// none.
	DefaultLimit int64
	// Cursor is a JSON Pointer to the next cursor in the response, or with "record" in its last
	// record: a text, or a number above 0 such as that of the next page.
	Cursor string
	// Header is the name of the response header with the next cursor, for vendors that do not
	// put it into the body: X-Next-Page. In Link (RFC 8288), the cursor is the parameter
	// CursorName of the link with the relation next.
	Header string
	// More is a JSON Pointer to a boolean in the response that says whether there are more
	// pages. Without it, or if the value is missing, there are more if there is a cursor. If it
	// is true and there is no cursor, the caller gets the page, and then an error of kind
	// vendor_error.
	More string
	// Number says that the vendor's cursor is a number: callers may give one under the vendor's
	// name, and a body has one.
	Number bool
}

// more is the response's value of More as JSON, or empty.
func (p *Page) more(resp *Response) string {
	if p.More == "" {
		return ""
	}
	return string(resp.Body.Part(p.More).Raw())
}

// The uniform names of the parameters of pagination.
const (
	cursorParam = "cursor"
	limitParam  = "limit"
)

// maxCursor bounds a cursor in characters; vendors' cursors are a few hundred.
const maxCursor = 8192

// params returns the operation's parameters and those of its pagination.
func (op *Operation) params() []Param {
	if op.Page == nil {
		return op.Params
	}
	p := op.Page
	cursor := String("Where to go on: next_cursor of the page before. Leave it out for the first page.").Min(1).Max(maxCursor)
	alias := cursor
	if p.Number {
		alias = AnyOf("", cursor, Integer("").Min(0))
	}
	var start Raw
	if p.counts() {
		cursor, alias = cursor.Max(18).Pattern("^[0-9]+$"), Integer("").Min(0)
		if p.SendFirst {
			start = strconv.AppendInt(nil, p.First, 10)
		}
	}
	limit := Integer("How many records to return at most.").Min(1)
	if p.MaxLimit > 0 {
		limit = limit.Max(p.MaxLimit)
	}
	var fallback Raw
	if p.DefaultLimit > 0 {
		fallback = Raw(strconv.FormatInt(p.DefaultLimit, 10))
		limit = limit.Default(string(fallback))
	}
	limitIn, cursorIn := p.In, p.In
	if len(p.CursorNames) > 0 || p.Path != "" {
		cursorIn = InNone
	}
	if p.NoLimit {
		limitIn = InNone
	}
	all := make([]Param, 0, len(op.Params)+4+len(p.CursorNames))
	all = append(all, op.Params...)
	all = append(all,
		Param{name: cursorParam, in: cursorIn, wire: p.CursorName, schema: cursor, fallback: start},
		Param{name: limitParam, in: limitIn, wire: p.LimitName, schema: limit, fallback: fallback})
	for _, name := range p.CursorNames {
		all = append(all, Param{name: name, in: p.In, constant: true, ofCursor: true})
	}
	for vendor, uniform := range p.aliases {
		schema := alias
		if uniform == limitParam {
			schema = limit
		}
		all = append(all, Param{name: vendor, in: InNone, schema: schema.Describe("The vendor's name for " + uniform + "; give one of the two.")})
	}
	return all
}

// aliases ranges over the vendor's names of the uniform parameters.
func (p *Page) aliases(yield func(vendor, uniform string) bool) {
	if p.CursorName != "" && p.CursorName != cursorParam && !yield(p.CursorName, cursorParam) {
		return
	}
	if p.LimitName != "" && p.LimitName != limitParam {
		yield(p.LimitName, limitParam)
	}
}

// counts says whether the cursor is a number that we count.
func (p *Page) counts() bool { return p.By == ByOffset || p.By == ByPage }

// cursorOfHeader returns the cursor that a response's header has.
func (c *Call) cursorOfHeader(resp *Response) Raw {
	page := c.op.Page
	if strings.EqualFold(page.Header, "Link") {
		return c.cursorOfURL(resp, resp.Link("next"))
	}
	cursor := strings.TrimSpace(resp.Header(page.Header))
	switch {
	case page.By == ByURL:
		return c.cursorOfURL(resp, cursor)
	case cursor == "":
		return nil
	}
	return AppendString(nil, cursor)
}

// cursorOfURL returns the cursor that the URL of the next page has, which is "" on the last
// page.
func (c *Call) cursorOfURL(resp *Response, next string) Raw {
	if next == "" {
		return nil
	}
	page := c.op.Page
	names := page.CursorNames
	var cursor string
	switch {
	case page.Path != "":
		cursor = page.ofPath(next)
	case len(names) > 0:
		cursor = text(page.ofQuery(next))
	default:
		names = []string{cmp.Or(page.CursorName, cursorParam)}
		cursor = queryValue(next, names[0])
	}
	if cursor != "" {
		return AppendString(nil, cursor)
	}
	if c.s.fault == nil {
		lacks := "no parameter " + strings.Join(names, ", ")
		if page.Path != "" {
			lacks = "another path than " + page.Path
		}
		c.s.fault = &abi.Error{Kind: abi.KindVendorError, Message: resp.Vendor + "'s link to the next page has " + lacks}
	}
	return nil
}

// ofPath is what the path of a URL has in the place of the cursor, or "".
func (p *Page) ofPath(url string) string {
	before, after, _ := strings.Cut(p.Path, "{"+cursorParam+"}")
	if at := strings.LastIndexByte(before, '}'); at >= 0 {
		before = before[at+1:] // the values of other parameters are the call's
	}
	if at := strings.IndexAny(url, "?#"); at >= 0 {
		url = url[:at]
	}
	at := strings.LastIndex(url, before)
	if at < 0 {
		return ""
	}
	cursor, ok := strings.CutSuffix(url[at+len(before):], after)
	if !ok || strings.ContainsAny(cursor, "/+") {
		return ""
	}
	cursor, _ = unescape(cursor)
	return cursor
}

// ofQuery are the parameters of CursorNames that a URL has, as a form.
func (p *Page) ofQuery(url string) []byte {
	var b []byte
	for _, name := range p.CursorNames {
		value := queryValue(url, name)
		if value == "" {
			continue
		}
		if len(b) > 0 {
			b = append(b, '&')
		}
		b = appendFormText(append(appendFormText(b, name), '='), value)
	}
	return b
}

// follow reads a cursor that is more than a parameter.
func (c *Call) follow() error {
	page := c.op.Page
	cursor := c.Param(cursorParam).Text()
	if cursor == "" {
		return nil
	}
	if page.Alone || page.Path != "" {
		c.followed = cursor
	}
	known := len(page.CursorNames) == 0
	for i := range c.fields {
		if f := &c.fields[i]; f.ofCursor {
			if value := queryValue("?"+cursor, f.wireName()); value != "" {
				c.values[i], known = AppendString(nil, value), true
			}
		}
	}
	if !known {
		return InvalidParam(cursorParam, "the cursor is not one of this operation", "pass next_cursor of the page before")
	}
	return nil
}

// keeps says whether the request of a page after the first has a parameter.
func (p *Page) keeps(f *field) bool {
	switch {
	case f.in == InPath:
		return p.Path == "" || strings.Contains(p.Path, "{"+f.wireName()+"}")
	case p.Path != "":
		return false
	}
	return f.constant || f.name == cursorParam || f.name == limitParam
}

// counted returns the next cursor where it is an offset or the number of a page.
func (c *Call) counted(resp *Response, more string) Raw {
	p := c.op.Page
	at, ok := Raw(c.value(c.index(cursorParam)).number()).Int()
	if !ok {
		at = p.First
	}
	limit := int64(0)
	if !p.NoLimit {
		limit, _ = c.value(c.index(limitParam)).Int()
	}
	pointer, _, _ := strings.Cut(c.op.Data, "/*")
	n, next := int64(0), at+1
	if records := resp.Body.Part(pointer); records.Kind() == JSONArray {
		n = int64(records.Count())
	}
	before := (at-p.First)*limit + n
	if p.By == ByOffset {
		next, before = at+n, at-p.First+n
	}
	goesOn := n > 0 && n >= limit
	if p.By == ByPage && limit == 0 { // the pages before had at least as many records, so more than total is the end
		before = (at - p.First + 1) * n
	}
	if p.Total != "" {
		if total, ok := resp.Body.Part(p.Total).Int(); ok {
			goesOn = n > 0 && before < total
		}
	}
	if p.Pages != "" && p.By == ByPage {
		if pages, ok := resp.Body.Part(p.Pages).Int(); ok {
			goesOn = n > 0 && next-p.First < pages
		}
	}
	if more != "" && more != "null" {
		goesOn = more == "true"
	}
	if c.lost = goesOn && next <= at; !goesOn || c.lost {
		return nil
	}
	return AppendString(nil, strconv.FormatInt(next, 10))
}

// last is the last record of a response, absent if it has none.
func (c *Call) last(resp *Response) Value {
	pointer, _, _ := strings.Cut(c.op.Data, "/*")
	records := resp.Body.Part(pointer)
	n := 0
	if records.Kind() == JSONArray {
		n = records.Count()
	}
	if n == 0 {
		return Value{}
	}
	return records.Part("/" + strconv.Itoa(n-1))
}

// number is the text of a number, or of a string that has one.
func (r Raw) number() []byte {
	if r.Kind() == JSONString {
		return []byte(r.Text())
	}
	return r
}

// appendAliases appends the member aliases of the manifest, if there are any.
func (op *Operation) appendAliases(o *object) []byte {
	if op.Page == nil {
		return o.b
	}
	var list *object
	for vendor, uniform := range op.Page.aliases {
		if list == nil {
			o.key("aliases")
			list = openObject(o.b)
		}
		list.mustStr(vendor, uniform)
	}
	if list == nil {
		return o.b
	}
	return list.close()
}

// unalias gives the parameters of pagination their uniform names.
func (c *Call) unalias() *abi.Error {
	for _, a := range c.row.aliases {
		given := c.given(a[0])
		if !given.Exists() {
			continue
		}
		if same := c.given(a[1]); same.Exists() && !bytes.Equal(same, given) && (given.Kind() != JSONString || same.Text() != given.Text()) {
			vendor, uniform := c.fields[a[0]].name, c.fields[a[1]].name
			return InvalidParam(vendor, vendor+" and "+uniform+" are two names of one parameter, and they differ", "give one of them")
		}
		c.values[a[1]] = given
	}
	return c.numberCursor()
}

// numberCursor turns the cursor into a number if the vendor wants one.
func (c *Call) numberCursor() *abi.Error {
	if page := c.op.Page; page == nil || page.In != InBody || !page.Number && !page.counts() {
		return nil
	}
	i := c.index(cursorParam)
	given := c.given(i)
	if !given.Exists() {
		return nil
	}
	number := Raw(given.number())
	if n, ok := number.Int(); !ok || n < 0 {
		return InvalidParam(cursorParam, "the cursor is not a number", "pass next_cursor of the page before")
	}
	c.values[i] = number
	return nil
}
