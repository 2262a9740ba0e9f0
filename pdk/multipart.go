package pdk

import (
	"cmp"
	"strconv"
	"strings"
)

// related makes a body of type multipart/related: JSON, and the bytes of a file. The same
// parameters give the same bytes and boundary.
func (c *Call) related() []byte {
	members := c.appendMembers(nil)
	var file []byte
	media := ""
	for i := c.bodyAt; i < len(c.fields); i++ {
		if f := &c.fields[i]; f.base64 {
			file, media = c.bytes(i), c.mediaType(f)
		}
	}
	c.boundary = boundary(text(members), text(file))
	line := "--" + c.boundary
	b := make([]byte, 0, len(members)+len(file)+512)
	b = append(append(append(b, line...), "\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"...), members...)
	b = append(append(append(b, "\r\n"+line+"\r\nContent-Type: "...), cmp.Or(media, unknownMedia)...), "\r\n\r\n"...)
	return append(append(b, file...), "\r\n"+line+"--\r\n"...)
}

// unknownMedia is the type of bytes of which nothing is known.
const unknownMedia = "application/octet-stream"

// mediaType is the media type of a file.
func (c *Call) mediaType(f *field) string {
	if f.mediaOf == "" {
		return unknownMedia
	}
	media := c.Param(f.mediaOf).Text()
	for i := range len(media) {
		if media[i] < ' ' || media[i] > '~' {
			c.invalid(f.mediaOf, f.mediaOf+" is not a media type", "write it as type/subtype, on one line")
			return unknownMedia
		}
	}
	return cmp.Or(media, unknownMedia)
}

// boundary returns a boundary that none of several contents has, in steps that grow with
// their length: a content holds as many numbers after the name at most as it holds the name.
func boundary(contents ...string) string {
	const name, digits = "agenthost-boundary-", 8
	holds := 0
	for _, content := range contents {
		holds += strings.Count(content, name)
	}
	taken := make([]bool, holds+1)
	for _, content := range contents {
		for holds > 0 {
			at := strings.Index(content, name)
			if at < 0 {
				break
			}
			content = content[at+len(name):]
			n, err := strconv.ParseUint(content[:min(digits, len(content))], 16, 32)
			if err == nil && n < uint64(len(taken)) {
				taken[n] = true
			}
		}
	}
	free := 0
	for taken[free] {
		free++
	}
	number := strconv.FormatUint(uint64(free), 16)
	return name + strings.Repeat("0", digits-len(number)) + number
}

// A formPart is a part of a body of type multipart/form-data (RFC 7578).
type formPart struct{ name, file, media, content string }

// formData makes a body of type multipart/form-data: a part for each parameter, and for each
// element of an array. Objects are JSON.
func (c *Call) formData() []byte {
	var parts []formPart
	for i := c.bodyAt; i < len(c.fields); i++ {
		f, value := &c.fields[i], c.value(i)
		switch {
		case f.base64:
			parts = c.appendFiles(parts, i, value)
		case f.whole:
			for name, inner := range value.Members() {
				parts = appendParts(parts, name, inner, f.style)
			}
		default:
			parts = appendParts(parts, f.wireName(), value, f.style)
		}
	}
	contents, size := make([]string, len(parts)), 64
	for i, p := range parts {
		contents[i] = p.content
		size += len(p.name) + len(p.file) + len(p.media) + len(p.content) + 256
	}
	c.boundary = boundary(contents...)
	b := make([]byte, 0, size)
	for _, p := range parts {
		b = appendQuoted(append(b, "--"+c.boundary+"\r\nContent-Disposition: form-data; name="...), p.name)
		if p.file != "" {
			b = appendQuoted(append(b, "; filename="...), p.file)
		}
		if p.media != "" {
			b = append(append(b, "\r\nContent-Type: "...), p.media...)
		}
		b = append(append(append(b, "\r\n\r\n"...), p.content...), "\r\n"...)
	}
	return append(b, "--"+c.boundary+"--\r\n"...)
}

// appendFiles appends the file that a value encodes, or those of an array.
func (c *Call) appendFiles(parts []formPart, i int, value Raw) []formPart {
	f := &c.fields[i]
	part := formPart{name: f.wireName(), file: f.wireName(), media: c.mediaType(f)}
	if f.nameOf != "" {
		part.file = cmp.Or(c.Param(f.nameOf).Text(), part.file)
	}
	switch value.Kind() {
	case JSONInvalid, JSONNull:
	case JSONArray:
		if f.style == StyleBrackets {
			part.name += "[]"
		}
		for element := range value.Elements() {
			part.content = text(c.decoded(i, element))
			parts = append(parts, part)
		}
	default:
		part.content = text(c.decoded(i, value))
		parts = append(parts, part)
	}
	return parts
}

// appendParts appends a value of a form: an array as its elements, an object as JSON.
func appendParts(parts []formPart, name string, value Raw, style Style) []formPart {
	switch kind := value.Kind(); {
	case kind == JSONInvalid || kind == JSONNull:
		return parts
	case kind == JSONObject:
		return append(parts, formPart{name: name, media: "application/json", content: text(value)})
	case kind == JSONArray && style != StyleComma:
		n := 0
		for element := range value.Elements() {
			of := name
			switch style {
			case StyleBrackets:
				of += "[]"
			case StyleIndices:
				of += "[" + strconv.Itoa(n) + "]"
			}
			if element.Kind() == JSONArray {
				parts = append(parts, formPart{name: of, media: "application/json", content: text(element)})
			} else {
				parts = appendParts(parts, of, element, style)
			}
			n++
		}
		return parts
	}
	return append(parts, formPart{name: name, content: joined(value)})
}

// appendQuoted appends a name in quotes. What would end it or the line is escaped as browsers do
// (https://html.spec.whatwg.org/#multipart-form-data).
func appendQuoted(b []byte, name string) []byte {
	const hex = "0123456789ABCDEF"
	b = append(b, '"')
	for i := range len(name) {
		if c := name[i]; c < ' ' || c == '"' || c == 0x7f {
			b = append(b, '%', hex[c>>4], hex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return append(b, '"')
}
