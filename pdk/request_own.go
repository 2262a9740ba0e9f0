package pdk

import "slices"

// The request of an operation without a Handle is written from the table straight into JSON. The
// result is what appendRequest makes of [Call.Request], but constant parts and the caller's JSON
// are only copied.

// appendOwn appends the operation's own request.
func (c *Call) appendOwn(b []byte) []byte {
	start := len(b)
	w := requestWriter{b: append(b, c.head...)}
	for i := range c.fields[:c.queryEnd] {
		f := &c.fields[i]
		if f.in == InNone {
			continue
		}
		switch value := c.value(i); value.Kind() {
		case JSONInvalid: // absent
		case JSONArray, JSONObject:
			w.nested(f, value)
		default:
			w.text(f, value)
		}
	}
	b = w.close()
	if !c.plain {
		if c.op.RawQuery != "" || c.followed != "" {
			r := c.target()
			r.Headers = c.appendAllHeaders(r.Headers)
			return appendRequest(b[:start], r)
		}
		b = appendPairs(&object{b}, "headers", c.appendAllHeaders(nil))
	}
	return append(b, '}')
}

// appendAllHeaders appends every header of the operation's own request.
func (c *Call) appendAllHeaders(headers [][2]string) [][2]string {
	headers = c.appendHeaders(headers)
	if c.boundary != "" {
		headers = append(headers, [2]string{"Content-Type", c.op.ContentType + "; boundary=" + c.boundary})
	}
	for i := c.queryEnd; i < c.headerEnd; i++ {
		if value := c.value(i); value.Exists() {
			headers = append(headers, [2]string{c.fields[i].wireName(), joined(value)})
		}
	}
	return headers
}

// requestWriter writes the members path_params and query, in this order.
type requestWriter struct {
	b     []byte
	place Place // whose member is open
}

func (w *requestWriter) element(in Place) {
	switch {
	case in == w.place:
		w.b = append(w.b, ',')
	case in == InPath:
		w.b = append(w.b, `,"path_params":{`...)
	default:
		if w.place == InPath {
			w.b = append(w.b, '}')
		}
		w.b = append(w.b, `,"query":[`...)
	}
	w.place = in
}

// text writes a value that is neither an array nor an object, as text.
func (w *requestWriter) text(f *field, value Raw) {
	w.element(f.in)
	w.b = append(w.b, f.key...)
	if value[0] == '"' {
		w.b = append(w.b, value...)
	} else {
		w.b = append(append(append(w.b, '"'), value...), '"')
	}
	if f.in == InQuery {
		w.b = append(w.b, ']')
	}
}

// nested writes each part of an array or of an object.
func (w *requestWriter) nested(f *field, value Raw) {
	if f.in == InPath {
		w.element(InPath)
		w.b = AppendString(append(w.b, f.key...), string(value))
		return
	}
	for _, pair := range appendQuery(nil, f.wireName(), value, f.style) {
		w.element(InQuery)
		w.b = appendStrings(w.b, pair[:])
	}
}

func (w *requestWriter) close() []byte {
	switch w.place {
	case InPath:
		w.b = append(w.b, '}')
	case InQuery:
		w.b = append(w.b, ']')
	}
	return w.b
}

// value returns the value to send for a field, or an absent one.
func (c *Call) value(i int) Raw {
	if v := c.given(i); v.Exists() {
		return v
	}
	return c.fields[i].fallback
}

// appendValue appends what value returns. It copies a value of the host straight into b.
func (c *Call) appendValue(b []byte, i int) []byte {
	if c.values[i].Exists() || !c.params.Exists() {
		return append(b, c.value(i)...)
	}
	v := c.params.Part(c.fields[i].pointer)
	if !v.Exists() {
		return append(b, c.fields[i].fallback...)
	}
	n := v.Len()
	b = slices.Grow(b, n)
	c.s.readInto(v.handle, b[len(b):len(b)+n])
	return b[:len(b)+n]
}
