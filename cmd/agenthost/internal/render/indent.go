package render

import (
	"bytes"

	"github.com/agenthost/agenthost/internal/rawjson"
)

// maxIndent is the number of levels with indentation. Without a limit, a small value that
// nests deeply would become very large. Deeper levels go on one line.
const maxIndent = 16

// indented returns a JSON value with each member and element on its own line. Each line
// starts with prefix.
func indented(raw []byte, prefix string) []byte {
	if !rawjson.Valid(raw) {
		return raw
	}
	var b bytes.Buffer
	depth, before := 0, rawjson.Open
	line := func() {
		if depth <= maxIndent {
			b.WriteByte('\n')
			b.WriteString(prefix)
			indent(&b, depth)
		}
	}
	for t := range rawjson.Tokens(raw) {
		switch {
		case t.Kind == rawjson.Close:
			depth--
			if before != rawjson.Open && depth < maxIndent {
				line()
			}
		case before == rawjson.Name:
			b.WriteString(": ")
		default:
			if before != rawjson.Open {
				b.WriteByte(',')
			}
			if depth > 0 {
				line()
			}
		}
		b.Write(t.Raw)
		if t.Kind == rawjson.Open {
			depth++
		}
		before = t.Kind
	}
	return b.Bytes()
}
