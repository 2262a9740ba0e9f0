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
	params    Value  // where they stay in the host
	size      int    // of the input
	lost      bool   // the response says that there are more pages, and not how to get them
	boundary  string // of the body that is multipart
	result    Result
}

// Entity returns the entity of the operation that runs.
func (c *Call) Entity() string { return c.op.Entity }

// Action returns the action of the operation that runs.
func (c *Call) Action() string { return c.op.Action }

// Log writes a line to the host's log, at one of the levels of package abi.
func (c *Call) Log(level int32, message string) { c.s.host.Log(level, message) }

// Sleep waits for d, at most 30 seconds, in steps of a millisecond: until an export is ready,
// say. A call may sleep 100 times. It uses no fuel, and others run meanwhile. The call ends
// with a timeout if its deadline comes first. In tests with package pdktest, in plugin test
// and in a replay nothing waits.
func (c *Call) Sleep(d time.Duration) error {
	ms := (max(d, 0) + time.Millisecond - 1) / time.Millisecond
	if c.s.host.Sleep(int32(min(ms, 1<<31-1))) < 0 {
		return c.s.lastError()
	}
	return nil
}

// Run executes the operation as its table says: build the request, send it, make
// an error of a bad answer and the result of a good one. It is what happens to an
// operation without a Handle; a Handle may call it too.
func (c *Call) Run() error {
	used := c.s.used
	body := c.body()
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
	return c.Respond(resp)
}

// Respond makes the operation's result of a response, as its table says.
func (c *Call) Respond(resp *Response) error {
	if c.op.Page == nil {
		return c.respond(resp, nil)
	}
	return c.respond(resp, c.nextCursor(resp))
}

// NextCursor returns the cursor of the next page, "" on the last page. It is also "" where the
// vendor says that there are more pages and gives no cursor that leads to them. The result of
// the call then says so, whatever cursor [Call.RespondPage] gets.
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
	cursor := resp.Body.Part(page.Cursor).Raw()
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

// RespondPage is [Call.Respond] with a next cursor of the connector's own; "" says
// that this is the last page, unless the vendor says that there are more.
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
		if page != nil {
			// The vendor's names for has_more and next_cursor never contradict them.
			if m.Pointer == page.More {
				c.result.raw(c.meta[i], more)
				continue
			}
			if m.Pointer == page.Cursor {
				c.result.raw(c.meta[i], orNull(next))
				continue
			}
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

func orNull(r Raw) string {
	if r.Exists() {
		return text(r)
	}
	return "null"
}

// respondData sets the result's data, an array for a list and an object otherwise, and
// returns where its meta is to be looked for.
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
		kind = JSONInvalid // nothing is in it
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
		// A proxy's page, or an answer that broke off. Of a write it would not be known
		// whether it happened, so that is left to the status.
		e := StatusError(resp)
		e.Kind, e.Message, e.Hint = abi.KindVendorError, resp.Vendor+" answered with "+notJSON(resp), ""
		return body, e
	case kind == JSONInvalid || kind == JSONNull:
		c.result.DataRaw(Raw("{}"))
	default:
		// The vendor did what was asked; an odd answer must not make an error of it.
		c.result.wrapped("value", data)
	}
	return body, nil
}

// notJSON says what a response has in the place of JSON.
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

// Result returns the result, for operations that make it by hand.
func (c *Call) Result() *Result { return &c.result }
