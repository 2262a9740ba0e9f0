package pdk

import (
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Request is an HTTP request to the vendor. It names a server and a path template that the running
// operation declares; the host refuses others. The host adds the origin, the credential, Accept,
// Accept-Encoding and User-Agent.
type Request struct {
	// Server is the id of a server; empty means the connection's.
	Server string
	Method string
	// Path is the declared template: /issues/{id}.
	Path string
	// PathParams are names and unescaped values of the template's parameters.
	PathParams [][2]string
	// Query holds unescaped names and values in the order in which they are sent.
	Query [][2]string
	// Headers holds names and values.
	Headers [][2]string
	Body    []byte
}

// SetQuery sets the value of a query parameter, in its place if there is one and
// at the end otherwise. An empty value removes it.
func (r *Request) SetQuery(name, value string) {
	for i := range r.Query {
		if r.Query[i][0] != name {
			continue
		}
		if value == "" {
			r.Query = append(r.Query[:i], r.Query[i+1:]...)
		} else {
			r.Query[i][1] = value
		}
		return
	}
	if value != "" {
		r.Query = append(r.Query, [2]string{name, value})
	}
}

// SetBody sets a member of a JSON body, in its place if there is one and at the end
// otherwise. An absent value removes it.
func (r *Request) SetBody(name string, value Raw) {
	body := append(make([]byte, 0, len(r.Body)+len(name)+len(value)+4), '{')
	member := func(name string, value Raw) {
		if len(body) > 1 {
			body = append(body, ',')
		}
		body = append(append(AppendString(body, name), ':'), value...)
	}
	done := !value.Exists()
	for n, v := range Raw(r.Body).Members() {
		switch {
		case n != name:
			member(n, v)
		case !done:
			member(name, value)
			done = true
		}
	}
	if !done {
		member(name, value)
	}
	body = append(body, '}')
	r.Body = body
}

// Response is the vendor's answer to a request.
type Response struct {
	// Status is the HTTP status.
	Status int
	// Body is the body, decoded from its transfer and content encoding.
	Body Value
	// Vendor is the title of the connector, for messages.
	Vendor string
	// Permission is the operation's, for messages.
	Permission string
}

// OK reports whether the status is 2xx.
func (r *Response) OK() bool { return r.Status >= 200 && r.Status < 300 }

// Header returns the value of a header, or "" if it is missing. Several values are
// joined by ", ".
func (r *Response) Header(name string) string {
	v := r.Body
	if !v.Exists() {
		return ""
	}
	h := v.s.host.HTTPHeader(v.handle, name)
	if h == 0 || v.s.failed(h) {
		return ""
	}
	b, err := Value{v.s, h}.Bytes(64 << 10)
	if err != nil {
		return ""
	}
	return string(b)
}

// Send sends a request and returns the response, of any status. The error is an [abi.Error]: the
// host denied the request, a limit was reached, or the vendor could not be reached.
func (c *Call) Send(r *Request) (*Response, error) {
	if c.s.fault != nil {
		return nil, c.s.fault
	}
	used := c.s.used
	return c.send(appendRequest(c.s.bytes(512), r), r.Body, used)
}

// send sends a request as JSON. It frees the session's memory from used on.
func (c *Call) send(request, body []byte, used int) (*Response, error) {
	h := c.s.host.HTTPSend(request, body)
	c.s.used = used
	if h <= 0 {
		return nil, c.s.lastError()
	}
	status := c.s.host.HTTPStatus(h)
	if status < 0 {
		return nil, c.s.lastError()
	}
	resp := &c.s.response
	if resp.Body.Exists() { // the body of an earlier request
		resp = new(Response)
	}
	*resp = Response{Status: int(status), Body: Value{c.s, h}, Vendor: c.connector.Title, Permission: c.op.Permission}
	return resp, nil
}

// Do is [Call.Send], but also returns an error, made by [Connector.Error], for a response with
// another status than 2xx or that [Connector.Failed] reports.
func (c *Call) Do(r *Request) (*Response, error) {
	resp, err := c.Send(r)
	if err == nil {
		err = c.check(resp)
	}
	if err != nil {
		return nil, err
	}
	return resp, nil
}

// Download gets the file that a response names, whose request declares an [abi.File]. The host takes
// the URL from the response and sends it no credential. An answer with another status than 2xx is an
// error, which does not blame the credential.
func (c *Call) Download(of *Response) (*Response, error) {
	if c.s.fault != nil {
		return nil, c.s.fault
	}
	used := c.s.used
	o := openObject(c.s.bytes(32))
	o.int("file", int64(of.Body.handle))
	resp, err := c.send(o.close(), nil, used)
	if err != nil || resp.OK() {
		return resp, err
	}
	e := StatusError(resp)
	if e.Kind == abi.KindAuthFailed || e.Kind == abi.KindPermissionDenied || e.Kind == abi.KindInvalidParams {
		e.Kind = abi.KindVendorError
	}
	e.Message = "the file that " + resp.Vendor + " names cannot be had: its server answered with status " + strconv.Itoa(resp.Status)
	e.Hint = "call again for a new address of the file"
	return nil, e
}

// check makes an error of a failed response.
func (c *Call) check(resp *Response) error {
	if c.silent && resp.OK() {
		return nil
	}
	return c.failure(resp)
}

// failure is check for a response that may have failed.
func (c *Call) failure(resp *Response) error {
	failures := c.connector.Failures
	if resp.OK() && (c.connector.Failed == nil || !c.connector.Failed(resp)) && (failures == nil || !failures.has(resp)) {
		return nil
	}
	if makeError := c.connector.Error; makeError != nil {
		if e := makeError(resp); e != nil {
			return e
		}
		return StatusError(resp)
	}
	return failures.makeError(resp, c.connector.table().items)
}

// Request builds the operation's request from its table and the parameters.
func (c *Call) Request() *Request {
	r := c.target()
	r.Body = c.body()
	r.Headers = c.appendAllHeaders(r.Headers)
	return r
}

// target builds the request without its headers and its body.
func (c *Call) target() *Request {
	s := c.s
	r := &s.request
	if r.Method != "" { // an earlier request
		r = new(Request)
	} else {
		r.PathParams, r.Query, r.Headers = s.path[:0], s.query[:0], s.headers[:0]
	}
	r.Server, r.Method, r.Path = c.op.Server, c.op.Method, c.op.Path
	page := c.op.Page
	if c.followed != "" && page.Path != "" {
		r.Path = page.Path
		r.PathParams = append(r.PathParams, [2]string{cursorParam, c.followed})
	}
	for i := range c.fields[:c.queryEnd] {
		f := &c.fields[i]
		if c.followed != "" && !page.keeps(f) {
			continue
		}
		switch f.in {
		case InPath:
			if value := c.value(i); value.Exists() {
				r.PathParams = append(r.PathParams, [2]string{f.wireName(), scalar(value)})
			}
		case InQuery:
			r.Query = appendQuery(r.Query, f.wireName(), c.value(i), f.style)
		}
	}
	if c.op.RawQuery != "" {
		for i := range r.Query {
			r.Query[i][1] = rawValue(r.Query[i][1], c.op.RawQuery)
		}
	}
	return r
}

// rawValue escapes a value of a query whose values the vendor wants with some characters
// unescaped: see [Operation.RawQuery].
func rawValue(value, keep string) string {
	nested := strings.HasPrefix(value, "(") || strings.HasPrefix(value, "List(")
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(value)+16)
	for i := range len(value) {
		c := value[i]
		switch {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == '~',
			(nested || c == ',') && strings.IndexByte(keep, c) >= 0,
			nested && c == '%' && len(value)-i > 2 && unhex(value[i+1]) < 16 && unhex(value[i+2]) < 16:
			b = append(b, c)
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}

// appendQuery appends a value's parts in their order.
func appendQuery(query [][2]string, name string, value Raw, style Style) [][2]string {
	switch value.Kind() {
	case JSONInvalid:
		return query
	case JSONArray:
		if style == StyleComma {
			return append(query, [2]string{name, joined(value)})
		}
		i := 0
		for element := range value.Elements() {
			of := name
			switch style {
			case StyleBrackets:
				of += "[]"
			case StyleIndices:
				of += "[" + strconv.Itoa(i) + "]"
			}
			query = appendQuery(query, of, element, style)
			i++
		}
	case JSONObject:
		for member, inner := range value.Members() {
			query = appendQuery(query, name+"["+member+"]", inner, style)
		}
	default:
		query = append(query, [2]string{name, scalar(value)})
	}
	return query
}

// joined is a value as one text; commas join the elements of an array.
func joined(value Raw) string {
	if value.Kind() != JSONArray {
		return scalar(value)
	}
	all := ""
	for element := range value.Elements() {
		if all != "" {
			all += ","
		}
		all += scalar(element)
	}
	return all
}

// scalar is a value in a path or query string: a text without quotes, anything else as JSON.
func scalar(value Raw) string {
	if value.Kind() == JSONString {
		return value.Text()
	}
	return string(value)
}
