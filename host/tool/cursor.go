package tool

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/host/budget"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// abiCursor is the uniform name of the parameter that asks for a page.
const abiCursor = "cursor"

// skipPrefix starts a cursor that says how many records of a page were shown already,
// and then the page's own cursor: skip:30:9NBOO. A vendor's cursor that happens to start
// so is wrapped as skip:0:.
const skipPrefix = "skip:"

// position is a place in the pages of an operation.
type position struct {
	cursor string // of the page, empty for the first
	skip   int    // records of that page
}

func (p position) String() string {
	if p.skip == 0 && !strings.HasPrefix(p.cursor, skipPrefix) {
		return p.cursor
	}
	return skipPrefix + strconv.Itoa(p.skip) + ":" + p.cursor
}

func parsePosition(text string) position {
	if rest, ok := strings.CutPrefix(text, skipPrefix); ok {
		count, cursor, ok := strings.Cut(rest, ":")
		if n, err := strconv.Atoi(count); ok && err == nil && n >= 0 {
			return position{cursor, n}
		}
	}
	return position{cursor: text}
}

// at takes the position out of an operation's parameters. The vendor's own name for the
// cursor means the same as ours.
func (o *operation) at(params json.RawMessage) (position, json.RawMessage) {
	names := cursorNames(o.op)
	for name, value := range rawjson.Members(params) {
		if slices.Contains(names, rawjson.Unquote(name)) && rawjson.KindOf(value) == rawjson.String {
			p := parsePosition(rawjson.Unquote(value))
			if p.String() == p.cursor && o.op.Paginated {
				return p, params // as the caller wrote it
			}
			return p, withCursor(params, p.cursor, names)
		}
	}
	return position{}, params
}

// cursorNames are the parameters that hold a cursor: ours, and the vendor's.
func cursorNames(op *abi.Operation) []string {
	names := []string{abiCursor}
	for alias, name := range op.Aliases {
		if name == abiCursor {
			names = append(names, alias)
		}
	}
	return names
}

// withCursor returns params with a cursor in the place of any that they have.
func withCursor(params json.RawMessage, cursor string, names []string) json.RawMessage {
	var b bytes.Buffer
	b.WriteByte('{')
	for name, value := range rawjson.Members(params) {
		if slices.Contains(names, rawjson.Unquote(name)) {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	if cursor != "" {
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.WriteString(`"cursor":`)
		b.Write(budget.AppendText(nil, cursor))
	}
	b.WriteByte('}')
	return b.Bytes()
}
