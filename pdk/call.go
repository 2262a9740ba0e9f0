package pdk

import (
	"time"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Call is one execution of an operation.
type Call struct {
	s         *session
	connector *Connector
	*row             // of the operation
	values    []Raw  // by field, as far as they are known
	params    Value  // if they stay in the host
	size      int    // of the input
	followed  string // the cursor, if it is more than a parameter
	lost      bool   // the response says that there are more pages, but not how to get them
	boundary  string // of a multipart body
	result    Result
}

// Entity returns the operation's entity.
func (c *Call) Entity() string { return c.op.Entity }

// Action returns the operation's action.
func (c *Call) Action() string { return c.op.Action }

// Log writes a line to the host's log, at one of the levels of package abi.
func (c *Call) Log(level int32, message string) { c.s.host.Log(level, message) }

// Sleep waits for d, at most 30 seconds, in steps of a millisecond, for example until an export
// is ready. A call may sleep 100 times. Sleeping uses no fuel, and other calls run in that time. If
// its deadline comes first, the call ends with a timeout. It does not wait in package pdktest, in
// plugin test and in a replay.
func (c *Call) Sleep(d time.Duration) error {
	ms := (max(d, 0) + time.Millisecond - 1) / time.Millisecond
	if c.s.host.Sleep(int32(min(ms, 1<<31-1))) < 0 {
		return c.s.lastError()
	}
	return nil
}

// Run executes the operation as its table says: it builds and sends the request, and makes an
// error of a bad answer and the result of a good one. Operations without a Handle run it; a
// Handle may call it too.
func (c *Call) Run() error {
	used := c.s.used
	var body []byte
	if c.row.body != bodyNone {
		body = c.body()
	}
	request := c.appendOwn(c.s.bytes(512))
	if c.s.fault != nil {
		return c.s.fault
	}
	resp, err := c.send(request, body, used)
	if err != nil {
		return err
	}
	if err := c.check(resp); err != nil {
		return err
	}
	if c.op.File != nil {
		if resp, err = c.Download(resp); err != nil {
			return err
		}
	}
	return c.Respond(resp)
}

// Respond makes the operation's result of a response, as its table says.
func (c *Call) Respond(resp *Response) error {
	if c.op.Page == nil {
		return c.respond(resp, nil)
	}
	return c.respond(resp, c.nextCursor(resp))
}

// NextCursor returns the cursor of the next page, "" on the last page. It is also "" if the vendor
// says that there are more pages but gives no usable cursor; the call's result then says so,
// with any cursor that [Call.RespondPage] gets.
func (c *Call) NextCursor(resp *Response) string { return c.nextCursor(resp).Text() }

// nextCursor returns the cursor as a JSON string; it is absent on the last page.
func (c *Call) nextCursor(resp *Response) Raw {
	c.lost = false
	page := c.op.Page
	if page == nil {
		return nil
	}
	more := page.more(resp)
	if page.counts() {
		return c.counted(resp, more)
	}
	if page.Header != "" {
		cursor := c.cursorOfHeader(resp)
		c.lost = more == "true" && !cursor.Exists()
		return cursor
	}
	if more == "false" {
		return nil
	}
	if page.Cursor == "" { // the connector has cursors of its own
		c.lost = more == "true"
		return nil
	}
	from := resp.Body
	if page.By == byRecord {
		from = c.last(resp)
	}
	cursor := from.Part(page.Cursor).Raw()
	switch cursor.Kind() {
	case JSONString:
		if len(cursor) > len(`""`) {
			if page.By == ByURL {
				return c.cursorOfURL(resp, cursor.Text())
			}
			return cursor
		}
	case JSONNumber:
		if n, ok := cursor.Int(); ok && n > 0 {
			return AppendString(nil, string(cursor))
		}
	case JSONArray, JSONObject:
		c.lost = true
	}
	c.lost = c.lost || more == "true"
	return nil
}

// RespondPage is [Call.Respond] with the connector's own next cursor; "" means the last page,
// unless the vendor says that there are more.
func (c *Call) RespondPage(resp *Response, next string) error {
	if page := c.op.Page; next == "" && page != nil && page.more(resp) == "true" {
		c.lost = true
	}
	if next == "" || c.lost {
		return c.respond(resp, nil)
	}
	return c.respond(resp, AppendString(nil, next))
}

func (c *Call) respond(resp *Response, next Raw) error {
	body, err := c.respondData(resp)
	if err != nil {
		return err
	}
	page, more := c.op.Page, boolText(next.Exists() || c.lost)
	for i := range c.op.Meta {
		m := &c.op.Meta[i]
		if m.Header != "" {
			if value := m.ofHeader(resp); value != "" && m.Name != abi.MetaNextCursor && m.Name != abi.MetaHasMore {
				c.result.raw(c.meta[i], text(AppendString(nil, value)))
			}
			continue
		}
		if same := page.same(m, more, next); same != "" {
			c.result.raw(c.meta[i], same)
			continue
		}
		if m.Name != abi.MetaNextCursor && m.Name != abi.MetaHasMore {
			c.result.value(c.meta[i], body.Part(m.Pointer))
		}
	}
	if page != nil {
		c.result.raw(`"`+abi.MetaNextCursor+`":`, orNull(next))
		c.result.raw(`"`+abi.MetaHasMore+`":`, more)
	}
	return nil
}

// same returns the value of has_more or next_cursor for the vendor's name of it, which must not
// contradict them, and "" for any other name. Inlined, it would make the frame of respond so large that
// a call needs more than its first stack.
//
//go:noinline
func (p *Page) same(m *Meta, more string, next Raw) string {
	if p == nil {
		return ""
	}
	switch {
	case m.Pointer == p.More:
		return more
	case m.Pointer == p.Cursor && p.By != ByURL && p.By != byRecord:
		return orNull(next)
	}
	return ""
}

func orNull(r Raw) string {
	if r.Exists() {
		return text(r)
	}
	return "null"
}

// respondData sets the result's data, an array for a list and an object otherwise, and returns the
// value that has its meta.
func (c *Call) respondData(resp *Response) (body Value, err error) {
	if c.op.Content != "" && c.op.Content != abi.ContentJSON {
		return body, c.respondContent(resp)
	}
	if c.project {
		return c.respondProjected(resp)
	}
	data := resp.Body.Part(c.op.Data)
	kind := data.Kind()
	if kind == JSONArray && c.op.list() || kind == JSONObject && !c.op.list() {
		c.result.Data(data)
		return resp.Body, nil
	}
	bodyKind := resp.Body.Kind()
	if bodyKind == JSONObject || bodyKind == JSONArray {
		body = resp.Body
	} else {
		kind = JSONInvalid // it is empty
	}
	switch {
	case !data.Exists() && bodyKind != JSONInvalid && c.op.Effect == Read && !c.op.DataOptional:
		return body, c.withoutRecords(resp)
	case c.op.list() && body.Exists() && (kind == JSONInvalid || kind == JSONNull):
		c.result.DataRaw(Raw("[]"))
	case c.op.list() && bodyKind != JSONInvalid:
		e := StatusError(resp)
		e.Kind, e.Message, e.Hint = abi.KindVendorError, resp.Vendor+" answered with something other than a list of records", ""
		return body, e
	case c.op.list(), c.op.Effect == Read && bodyKind == JSONInvalid && (resp.Body.Len() > 0 || resp.Status == 200 && resp.Header("Content-Type") != ""):
		// A proxy's page, or a truncated answer. A write may have happened, so there the
		// status decides.
		e := StatusError(resp)
		e.Kind, e.Message, e.Hint = abi.KindVendorError, resp.Vendor+" answered with "+notJSON(resp), ""
		return body, e
	case kind == JSONInvalid || kind == JSONNull:
		c.result.DataRaw(Raw("{}"))
	default:
		// The vendor succeeded; an odd answer must not turn that into an error.
		c.result.wrapped("value", data)
	}
	return body, nil
}

// notJSON says what a response has instead of JSON.
func notJSON(resp *Response) string {
	what := "something other than JSON"
	if resp.Body.Len() == 0 {
		what = "an empty body"
	}
	if contentType := resp.Header("Content-Type"); contentType != "" {
		return what + ", of the content type " + Shorten(contentType, 100)
	}
	return what + ", and no content type"
}

// Result returns the result, for a Handle that builds it itself.
func (c *Call) Result() *Result { return &c.result }
