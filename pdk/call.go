package pdk

import "github.com/agenthost/agenthost/pdk/abi"

// Call is one execution of an operation.
type Call struct {
	s         *session
	connector *Connector
	row       // of the operation
	arguments []argument
	size      int
	result    Result
}

// argument is a parameter that the caller gave.
type argument struct {
	name  string
	value Raw
}

// Entity returns the entity of the operation that runs.
func (c *Call) Entity() string { return c.op.Entity }

// Action returns the action of the operation that runs.
func (c *Call) Action() string { return c.op.Action }

// Param returns a parameter as the caller wrote it; it is absent where the caller
// gave none.
func (c *Call) Param(name string) Raw {
	// The last one counts where a name occurs twice, as for encoding/json.
	for i := len(c.arguments) - 1; i >= 0; i-- {
		if c.arguments[i].name == name {
			return c.arguments[i].value
		}
	}
	return nil
}

// Log writes a line to the host's log, at one of the levels of package abi.
func (c *Call) Log(level int32, message string) { c.s.host.Log(level, message) }

// Run executes the operation as its table says: build the request, send it, make
// an error of a bad answer and the result of a good one. It is what happens to an
// operation without a Handle; a Handle may call it too.
func (c *Call) Run() error {
	resp, err := c.Do(c.Request())
	if err != nil {
		return err
	}
	return c.Respond(resp)
}

// Respond makes the operation's result of a response, as its table says.
func (c *Call) Respond(resp *Response) error {
	if c.op.Page == nil {
		return c.RespondPage(resp, "")
	}
	return c.RespondPage(resp, c.NextCursor(resp))
}

// NextCursor returns the cursor of the next page, "" on the last page.
func (c *Call) NextCursor(resp *Response) string {
	page := c.op.Page
	if page == nil || resp.Body.Kind() != JSONObject {
		return ""
	}
	if page.More != "" {
		if more := resp.Body.Part(page.More); more.Kind() == JSONBool && !more.Bool() {
			return ""
		}
	}
	return resp.Body.Part(page.Cursor).Text()
}

// RespondPage is [Call.Respond] with a next cursor of the connector's own; "" says
// that this is the last page.
func (c *Call) RespondPage(resp *Response, next string) error {
	body := resp.Body
	if k := body.Kind(); k != JSONObject && k != JSONArray {
		body = Value{}
	}
	if err := c.respondData(resp, body); err != nil {
		return err
	}
	for _, m := range c.op.Meta {
		// The vendor's names for has_more and next_cursor never contradict them.
		if c.op.Page != nil && m.Pointer == c.op.Page.More {
			c.result.MetaBool(m.Name, next != "")
			continue
		}
		if c.op.Page != nil && m.Pointer == c.op.Page.Cursor {
			c.metaCursor(m.Name, next)
			continue
		}
		if m.Name != abi.MetaNextCursor && m.Name != abi.MetaHasMore && body.Exists() {
			c.result.Meta(m.Name, body.Part(m.Pointer))
		}
	}
	if c.op.Page != nil {
		c.metaCursor(abi.MetaNextCursor, next)
		c.result.MetaBool(abi.MetaHasMore, next != "")
	}
	return nil
}

func (c *Call) metaCursor(name, next string) {
	if next == "" {
		c.result.MetaRaw(name, Raw("null"))
		return
	}
	c.result.MetaText(name, next)
}

// respondData sets the result's data: an array for a list, an object otherwise.
func (c *Call) respondData(resp *Response, body Value) error {
	var data Value
	if body.Exists() {
		data = body.Part(c.op.Data)
	}
	kind := data.Kind()
	switch {
	case c.op.list() && kind == JSONArray, !c.op.list() && kind == JSONObject:
		c.result.Data(data)
	case c.op.list() && body.Exists() && (kind == JSONInvalid || kind == JSONNull):
		c.result.DataRaw(Raw("[]"))
	case c.op.list():
		e := StatusError(resp)
		e.Kind, e.Message, e.Hint = abi.KindVendorError, resp.Vendor+" answered with something other than a list of records", ""
		return e
	case c.op.Effect == Read && resp.Body.Kind() == JSONInvalid && resp.Body.Len() > 0:
		// A proxy's page, or an answer that broke off. Of a write it would not be known
		// whether it happened, so that is left to the status.
		e := StatusError(resp)
		e.Kind, e.Message, e.Hint = abi.KindVendorError, resp.Vendor+" answered with something other than JSON", ""
		return e
	case kind == JSONInvalid || kind == JSONNull:
		c.result.DataRaw(Raw("{}"))
	default:
		// The vendor did what was asked; an odd answer must not make an error of it.
		c.result.wrapped("value", data)
	}
	return nil
}

// Result returns the result, for operations that make it by hand.
func (c *Call) Result() *Result { return &c.result }
