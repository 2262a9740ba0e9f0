package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// yamlWriter writes data and meta as YAML. Numbers keep the vendor's digits. Strings that
// YAML could misread get quotes.
type yamlWriter struct {
	w     io.Writer
	begun bool
}

func (y *yamlWriter) Single(data, meta json.RawMessage) error {
	var b bytes.Buffer
	b.WriteString("data:")
	yamlValue(&b, data, 1)
	b.WriteString("meta:")
	yamlValue(&b, orEmpty(meta), 1)
	_, err := y.w.Write(b.Bytes())
	return err
}

func (y *yamlWriter) Record(record json.RawMessage) error {
	var b bytes.Buffer
	if !y.begun {
		y.begun = true
		b.WriteString("data:\n")
	}
	b.WriteString("  -")
	yamlElement(&b, record, 2)
	_, err := y.w.Write(b.Bytes())
	return err
}

func (y *yamlWriter) End(meta json.RawMessage) error {
	if !y.begun {
		return y.Single(json.RawMessage("[]"), meta)
	}
	var b bytes.Buffer
	b.WriteString("meta:")
	yamlValue(&b, orEmpty(meta), 1)
	_, err := y.w.Write(b.Bytes())
	return err
}

// yamlValue writes a value after its key, and the end of its line.
func yamlValue(b *bytes.Buffer, raw []byte, depth int) {
	switch {
	case depth > maxIndent:
		b.WriteByte(' ')
		yamlFlow(b, raw)
		b.WriteByte('\n')
	case rawjson.KindOf(raw) == rawjson.Object && !empty(raw):
		b.WriteByte('\n')
		first := true
		yamlMembers(b, raw, depth, &first)
	case rawjson.KindOf(raw) == rawjson.Array && !empty(raw):
		b.WriteByte('\n')
		for element := range rawjson.Elements(raw) {
			indent(b, depth)
			b.WriteByte('-')
			yamlElement(b, element, depth+1)
		}
	default:
		b.WriteByte(' ')
		yamlScalar(b, raw)
		b.WriteByte('\n')
	}
}

// yamlElement writes a value after the dash of a list. The first key of an object follows on
// the same line.
func yamlElement(b *bytes.Buffer, raw []byte, depth int) {
	if rawjson.KindOf(raw) == rawjson.Object && !empty(raw) && depth <= maxIndent {
		b.WriteByte(' ')
		first := false
		yamlMembers(b, raw, depth, &first)
		return
	}
	yamlValue(b, raw, depth)
}

// yamlMembers writes members, each on its own line. indentFirst reports whether the first
// one needs indentation.
func yamlMembers(b *bytes.Buffer, raw []byte, depth int, indentFirst *bool) {
	for name, value := range rawjson.Members(raw) {
		if *indentFirst {
			indent(b, depth)
		}
		*indentFirst = true
		yamlString(b, rawjson.Unquote(name))
		b.WriteByte(':')
		yamlValue(b, value, depth+1)
	}
}

// yamlFlow writes a value in brackets and braces on one line.
func yamlFlow(b *bytes.Buffer, raw []byte) {
	before := rawjson.Open
	for t := range rawjson.Tokens(raw) {
		if t.Kind != rawjson.Close && before != rawjson.Open && before != rawjson.Name {
			b.WriteString(", ")
		}
		switch t.Kind {
		case rawjson.Name:
			yamlString(b, rawjson.Unquote(t.Raw))
			b.WriteString(": ")
		case rawjson.Scalar:
			yamlScalar(b, t.Raw)
		default:
			b.Write(t.Raw)
		}
		before = t.Kind
	}
}

func yamlScalar(b *bytes.Buffer, raw []byte) {
	switch rawjson.KindOf(raw) {
	case rawjson.String:
		yamlString(b, rawjson.Unquote(raw))
	case rawjson.Object:
		b.WriteString("{}")
	case rawjson.Array:
		b.WriteString("[]")
	default:
		b.Write(bytes.TrimSpace(raw))
	}
}

var (
	// plainYAML matches strings that every version of YAML reads as plain strings.
	plainYAML    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_./@+-]*( [A-Za-z0-9_./@+-]+)*$`)
	reservedYAML = regexp.MustCompile(`(?i)^(true|false|null|yes|no|on|off|y|n)$`)
)

// yamlString writes a string plain if that is safe, and in double quotes otherwise. Unlike
// in JSON, \u in YAML is a whole character and never half of a surrogate pair.
func yamlString(b *bytes.Buffer, text string) {
	if len(text) <= 200 && plainYAML.MatchString(text) && !reservedYAML.MatchString(text) {
		b.WriteString(text)
		return
	}
	b.WriteByte('"')
	for _, c := range strings.ToValidUTF8(text, "\uFFFD") {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\t':
			b.WriteString(`\t`)
		case c == '\r':
			b.WriteString(`\r`)
		case hostile(c) && c < 0x100:
			fmt.Fprintf(b, `\x%02x`, c)
		case hostile(c) && c > 0xffff:
			fmt.Fprintf(b, `\U%08x`, c)
		case hostile(c):
			fmt.Fprintf(b, `\u%04x`, c)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
}

// empty reports whether an array or object is empty.
func empty(raw []byte) bool {
	inside := bytes.TrimSpace(bytes.TrimSpace(raw)[1:])
	return len(inside) > 0 && (inside[0] == ']' || inside[0] == '}')
}

func indent(b *bytes.Buffer, depth int) {
	for range depth {
		b.WriteString("  ")
	}
}
