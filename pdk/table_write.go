package pdk

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Table returns the connector as a table: everything that a table can say, as JSON. Of an
// operation with a Handle it says handled: true; the function itself is code. Error and
// Failed are code, too.
func (c *Connector) Table() []byte { return c.appendTable(false) }

// Rows is [Connector.Table] with no more than calls need, for an interpreter of tables whose
// manifest and auth schema are known already. It begins with an index of the operations; see
// [ReadTable].
func (c *Connector) Rows() []byte { return c.appendTable(true) }

func (c *Connector) appendTable(short bool) []byte {
	o := openObject(make([]byte, 0, 16<<10+1<<10*len(c.Operations)))
	if short {
		o.mustStr(rowsAt, noRowsAt)
		c.writeIndex(o)
	}
	o.mustStr("name", c.Name)
	o.mustStr("title", c.Title)
	if !short {
		c.writeDeclarations(o)
	}
	o.str("accept", c.Accept)
	if c.Failures != nil {
		o.key("failures")
		o.b = c.Failures.append(o.b)
	}
	if !short && len(c.Definitions) > 0 {
		o.key("definitions")
		v := openObject(o.b)
		for _, d := range c.Definitions {
			v.key(d.Name)
			v.b = d.Schema.append(v.b)
		}
		o.b = v.close()
	}
	if !short && len(c.Records) > 0 {
		o.key("records")
		v := openObject(o.b)
		for _, name := range slices.Sorted(maps.Keys(c.Records)) {
			v.mustStr(name, strings.Join(strings.Fields(c.Records[name]), " "))
		}
		o.b = v.close()
	}
	o.key("operations")
	o.b = append(o.b, '[')
	if short {
		at := strconv.Itoa(len(o.b))
		copy(o.b[len(beforeRowsAt)+len(noRowsAt)-len(at):], at)
	}
	for i := range c.Operations {
		o.b = c.Operations[i].appendRow(appendComma(o.b, i), short)
	}
	o.b = append(o.b, ']')
	return o.close()
}

// writeIndex writes the names of the operations, each with the length of its row.
func (c *Connector) writeIndex(o *object) {
	o.key("index")
	o.b = append(o.b, '[')
	for i := range c.Operations {
		op := &c.Operations[i]
		o.b = appendStrings(appendComma(o.b, i), []string{op.Entity, op.Action, strconv.Itoa(len(op.appendRow(nil, true)))})
	}
	o.b = append(o.b, ']')
}

// writeDeclarations writes what only the manifest and the auth schema have.
func (c *Connector) writeDeclarations(o *object) {
	o.mustStr("version", c.Version)
	o.mustStr("description", c.Description)
	o.str("docs_url", c.DocsURL)
	c.writeOrigins(o)
	o.key("auth")
	o.b = append(o.b, c.AuthSchema()...)
}

func (op *Operation) appendRow(b []byte, short bool) []byte {
	o := openObject(b)
	o.mustStr("entity", op.Entity)
	o.mustStr("action", op.Action)
	if !short {
		o.str("title", op.Title)
		o.mustStr("description", op.Description)
	}
	o.mustStr("effect", string(op.Effect))
	o.bool("idempotent", op.Idempotent && !short)
	o.str("permission", op.Permission)
	o.bool("handled", op.Handle != nil)
	o.str("method", op.Method)
	o.str("path", op.Path)
	o.str("server", op.Server)
	o.str("raw_query", op.RawQuery)
	if len(op.Params) > 0 {
		o.key("params")
		v := openObject(o.b)
		for i := range op.Params {
			p := &op.Params[i]
			v.key(p.name)
			v.b = p.append(v.b, short)
		}
		o.b = v.close()
	}
	o.strs("any_of", op.AnyOf)
	o.str("content_type", op.ContentType)
	o.str("graphql", op.GraphQL)
	o.str("content", string(op.Content))
	appendFile(o, op.File)
	o.str("accept", op.Accept)
	o.bool("list", op.List)
	o.str("data", op.Data)
	o.bool("wrap", op.Wrap)
	o.bool("data_optional", op.DataOptional)
	o.str("filter", op.Filter)
	if len(op.Transform) > 0 {
		o.key("transform")
		v := openObject(o.b)
		for _, member := range op.Transform {
			v.mustStr(member[0], member[1])
		}
		o.b = v.close()
	}
	if len(op.Meta) > 0 {
		o.key("meta")
		v := openObject(o.b)
		for i := range op.Meta {
			m := &op.Meta[i]
			if m.Header == "" {
				v.mustStr(m.Name, m.Pointer)
				continue
			}
			v.key(m.Name)
			h := openObject(v.b)
			h.str("header", m.Header)
			h.str("link", m.Link)
			v.b = h.close()
		}
		o.b = v.close()
	}
	if op.Page != nil {
		o.key("page")
		o.b = op.Page.append(o.b)
	}
	if !short {
		op.writeDeclared(o)
	}
	return o.close()
}

// writeDeclared writes what only the manifest has.
func (op *Operation) writeDeclared(o *object) {
	if len(op.Requests) > 0 {
		o.key("requests")
		o.b = appendTemplates(o.b, op.Requests)
	}
	op.writeRateLimit(o)
	o.texts("examples", op.Examples)
	o.texts("answers", op.Answers)
	if op.Result != nil {
		o.key("result")
		o.b = op.Result.append(o.b)
	}
}

func (p *Param) append(b []byte, short bool) []byte {
	o := openObject(b)
	o.mustStr("in", places[p.in])
	o.str("as", p.wire)
	o.bool("required", p.required && p.in != InPath && (!short || p.config != ""))
	if p.fallback.Exists() {
		key := "send"
		if p.constant && p.config == "" {
			key = "const"
		}
		o.key(key)
		o.b = append(o.b, p.fallback...)
	}
	if p.style != StyleForm {
		o.mustStr("style", styles[p.style])
	}
	o.bool("whole", p.whole)
	o.bool("base64", p.base64)
	o.str("media_type_from", p.mediaOf)
	o.str("file_name_from", p.nameOf)
	o.str("at", p.at)
	o.str("text", p.made)
	o.str("config", p.config)
	if p.images.Exists() {
		o.key("map")
		o.b = append(o.b, p.images...)
	}
	switch {
	case p.schema == nil || p.constant && p.config != "":
	case !short:
		o.key("schema")
		o.b = p.schema.append(o.b)
	case p.config != "": // without a schema, callers could not set it
		o.key("schema")
		o.b = append(o.b, "{}"...)
	}
	return o.close()
}

func (p *Page) append(b []byte) []byte {
	o := openObject(b)
	o.mustStr("in", places[p.In])
	o.str("by", string(p.By))
	o.int("first", p.First)
	o.bool("send_first", p.SendFirst)
	o.str("total", p.Total)
	o.str("pages", p.Pages)
	o.str("cursor_name", p.CursorName)
	o.strs("cursor_names", p.CursorNames)
	o.str("path", p.Path)
	o.bool("alone", p.Alone)
	o.str("limit_name", p.LimitName)
	o.bool("no_limit", p.NoLimit)
	o.int("max_limit", p.MaxLimit)
	o.int("default_limit", p.DefaultLimit)
	o.str("cursor", p.Cursor)
	o.str("header", p.Header)
	o.str("more", p.More)
	o.bool("number", p.Number)
	return o.close()
}

func (f *Failures) append(b []byte) []byte {
	o := openObject(b)
	if len(f.If) > 0 {
		o.key("if")
		o.b = append(o.b, '[')
		for i, c := range f.If {
			v := openObject(appendComma(o.b, i))
			if v.str("header", c.Header); c.Header == "" {
				v.mustStr("pointer", c.Pointer)
			}
			if c.Equals != "" {
				v.key("equals")
				v.b = append(v.b, c.Equals...)
			}
			v.bool("not", c.Not)
			o.b = v.close()
		}
		o.b = append(o.b, ']')
	}
	o.strs("message", f.Message)
	o.strs("item", f.Item)
	o.strs("retry_after", f.RetryAfter)
	o.strs("code", f.Code)
	o.strs("field", f.Field)
	o.strs("request_id", f.RequestID)
	if len(f.Codes) > 0 {
		o.key("codes")
		v := openObject(o.b)
		for _, c := range f.Codes {
			v.int(c.Code, int64(c.Status))
		}
		o.b = v.close()
	}
	return o.close()
}
