package pdk

import "strings"

// bodyKind is the form of an operation's own body.
type bodyKind int

const (
	bodyNone bodyKind = iota
	bodyJSON
	bodyWhole   // JSON of a parameter that is the body, or whose members are in it
	bodyGraphQL // {"query":...,"variables":{...}}
	bodyForm
	bodyRelated
	bodyFormData
	bodyBytes
)

func (r *row) bodyKind() bodyKind {
	fields := r.fields[r.bodyAt:]
	essence, _, _ := strings.Cut(r.op.ContentType, ";")
	essence = strings.ToLower(strings.TrimSpace(essence))
	switch {
	case r.op.GraphQL != "":
		return bodyGraphQL
	case essence == "application/x-www-form-urlencoded":
		return bodyForm
	case essence == "multipart/related":
		return bodyRelated
	case essence == "multipart/form-data":
		return bodyFormData
	case essence != "" && essence != "application/json" && !strings.HasSuffix(essence, "+json"):
		return bodyBytes
	}
	for i := range fields {
		if fields[i].whole {
			return bodyWhole
		}
	}
	if len(fields) > 0 || essence != "" {
		return bodyJSON
	}
	return bodyNone
}

// body makes the body of the operation's own request, nil if it has none.
func (c *Call) body() []byte {
	switch c.row.body {
	case bodyNone:
		return nil
	case bodyJSON:
		b := c.appendMembers(c.s.bytes(c.size))
		if c.nested {
			b = c.nest(b, 0)
		}
		return b
	case bodyWhole:
		return c.nest(c.wholeBody(), 0)
	case bodyGraphQL:
		b := AppendString(append(make([]byte, 0, len(c.op.GraphQL)+c.size+64), `{"query":`...), c.document())
		if c.bodyAt < len(c.fields) {
			b = append(b, `,"variables":`...)
			b = c.nest(c.appendMembers(b), len(b))
		}
		return append(b, '}')
	case bodyForm:
		return c.form()
	case bodyRelated:
		return c.related()
	case bodyFormData:
		return c.formData()
	}
	for i := c.bodyAt; i < len(c.fields); i++ {
		if c.fields[i].whole {
			return c.bytes(i)
		}
	}
	return nil
}

// invalid ends the call with an error of its parameters.
func (c *Call) invalid(field, message, hint string) {
	if c.s.fault == nil {
		c.s.fault = InvalidParam(field, message, hint)
	}
}

// appendMembers appends an object of the parameters of the body, without those that are the whole
// body or a file.
func (c *Call) appendMembers(b []byte) []byte {
	b = append(b, '{')
	empty := len(b)
	for i := c.bodyAt; i < len(c.fields); i++ {
		f := &c.fields[i]
		if f.apart || !c.values[i].Exists() && !c.params.Exists() && !f.fallback.Exists() {
			continue
		}
		start := len(b)
		if start > empty {
			b = append(b, ',')
		}
		b = append(b, f.key...)
		before := len(b)
		if b = c.appendValue(b, i); len(b) == before {
			b = b[:start]
		}
	}
	return append(b, '}')
}

// wholeBody makes a JSON body of the parameter that is all of it. Other parameters replace its
// members of the same name.
func (c *Call) wholeBody() []byte {
	whole := c.bodyAt
	for !c.fields[whole].whole {
		whole++
	}
	value := c.value(whole)
	if len(c.fields)-c.bodyAt == 1 {
		return value
	}
	b := c.appendMembers(make([]byte, 0, c.size+64))
	b = b[:len(b)-1]
	for name, v := range value.Members() {
		if c.isMember(name) {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(AppendString(b, name), ':'), v...)
	}
	return append(b, '}')
}

func (c *Call) isMember(name string) bool {
	for i := c.bodyAt; i < len(c.fields); i++ {
		if f := &c.fields[i]; !f.whole && f.at == "" && f.wireName() == name {
			return true
		}
	}
	return false
}

// nest puts the parameters that have a place inside the body into the object that b has from start
// on.
func (c *Call) nest(b []byte, start int) []byte {
	if !c.nested {
		return b
	}
	object := Raw(b[start:])
	for i := c.bodyAt; i < len(c.fields); i++ {
		f := &c.fields[i]
		if value := c.value(i); f.at != "" && value.Exists() {
			object = object.with(f.at, value, !f.constant && !c.given(i).Exists())
		}
	}
	return append(b[:start:start], object...)
}

// with is an object with a value at a JSON Pointer. A value that is there stays if soft is set.
func (r Raw) with(pointer string, value Raw, soft bool) Raw {
	name, rest, deeper := strings.Cut(strings.TrimPrefix(pointer, "/"), "/")
	name = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
	if deeper {
		rest = "/" + rest
	}
	b, done := Raw{'{'}, false
	member := func(name string, v Raw) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(AppendString(b, name), ':'), v...)
	}
	for n, v := range r.Members() {
		if n == name {
			done = true
			switch object := v.Kind() == JSONObject; {
			case deeper && (object || !soft):
				v = v.with(rest, value, soft)
			case !soft:
				v = value
			}
		}
		member(n, v)
	}
	switch {
	case done:
	case deeper:
		member(name, Raw("{}").with(rest, value, soft))
	default:
		member(name, value)
	}
	return append(b, '}')
}

// document is the GraphQL document, with its selections of fields.
func (c *Call) document() string {
	document := c.op.GraphQL
	for i := c.headerEnd; i < c.bodyAt; i++ {
		f := &c.fields[i]
		selection := ""
		if !c.given(i).Exists() {
			selection = f.fallback.Text() // the table's own, which may be more than names
		}
		for path := range c.value(i).Elements() {
			names := strings.Split(path.Text(), ".")
			for _, name := range names {
				if !isName(name) {
					c.invalid(f.name, f.name+" has "+Shorten(path.Text(), 60)+", which is no field", "write names of GraphQL with dots between them, such as owner.name")
					return ""
				}
			}
			selection += strings.Join(names, " { ") + strings.Repeat(" }", len(names)-1) + " "
		}
		document = strings.ReplaceAll(document, "{{"+f.wireName()+"}}", strings.TrimRight(selection, " "))
	}
	return document
}

// isName reports whether a text is a name of GraphQL, which cannot end or begin a selection.
func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}

// form makes a body of type application/x-www-form-urlencoded. A null is an empty value.
func (c *Call) form() []byte {
	var pairs [][2]string
	for i := c.bodyAt; i < len(c.fields); i++ {
		f, value := &c.fields[i], c.value(i)
		if !f.whole {
			pairs = appendQuery(pairs, f.wireName(), value, f.style)
			continue
		}
		for name, inner := range value.Members() {
			pairs = appendQuery(pairs, name, inner, f.style)
		}
	}
	var b []byte
	for i, pair := range pairs {
		if i > 0 {
			b = append(b, '&')
		}
		b = appendFormText(append(appendFormText(b, pair[0]), '='), pair[1])
	}
	return b
}

func appendFormText(b []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		switch c := s[i]; {
		case c|0x20 >= 'a' && c|0x20 <= 'z', c >= '0' && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b = append(b, c)
		case c == ' ':
			b = append(b, '+')
		default:
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return b
}

// bytes returns the bytes that a parameter encodes.
func (c *Call) bytes(i int) []byte {
	value := c.value(i)
	switch {
	case !value.Exists():
		return nil
	case !c.fields[i].base64:
		return []byte(scalar(value))
	}
	return c.decoded(i, value)
}

// decoded returns the bytes that a value of a parameter encodes.
func (c *Call) decoded(i int, value Raw) []byte {
	b, ok := decodeBase64(value.Text())
	if name := c.fields[i].name; !ok {
		c.invalid(name, name+" is not base64", "encode the bytes with the standard alphabet and padding of RFC 4648")
	}
	return b
}

// decodeBase64 decodes the standard encoding (RFC 4648, section 4), with its padding.
func decodeBase64(s string) ([]byte, bool) {
	if len(s)%4 != 0 {
		return nil, false
	}
	b := make([]byte, 0, len(s)/4*3)
	for i := 0; i < len(s); i += 4 {
		v, pad := 0, 0
		for _, c := range []byte(s[i : i+4]) {
			digit := base64Digit(c)
			switch {
			case c == '=' && i+4 == len(s):
				pad++
			case digit < 0 || pad > 0:
				return nil, false
			}
			v = v<<6 | max(digit, 0)
		}
		if pad > 2 {
			return nil, false
		}
		b = append(b, byte(v>>16), byte(v>>8), byte(v))
		b = b[:len(b)-pad]
	}
	return b, true
}

func base64Digit(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/':
		return 63
	}
	return -1
}
