package tool

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/budget"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// abiCursor is the uniform name of the parameter that asks for a page.
const abiCursor = "cursor"

// skipPrefix starts a cursor with the number of records of a page that earlier results have,
// followed by the page's own cursor: skip:30:9NBOO. If a vendor's cursor has this prefix, it
// is wrapped as skip:0:.
const skipPrefix = "skip:"

// position is a place in the pages of an operation.
type position struct {
	cursor string // of the page, empty for the first
	skip   int    // records of that page
}

// hexPrefix starts a cursor with hidden characters, which a model cannot write as it is. It
// follows skipPrefix and a number. If a vendor's cursor has this prefix, it is written in
// hexadecimal digits, too.
const hexPrefix = "hex:"

func (p position) String() string {
	cursor := p.cursor
	if strings.HasPrefix(cursor, hexPrefix) || strings.ContainsFunc(cursor, budget.Hidden) {
		cursor = hexPrefix + hex.EncodeToString([]byte(cursor))
	}
	if p.skip == 0 && cursor == p.cursor && !strings.HasPrefix(cursor, skipPrefix) {
		return cursor
	}
	return skipPrefix + strconv.Itoa(p.skip) + ":" + cursor
}

func parsePosition(text string) position {
	if rest, ok := strings.CutPrefix(text, skipPrefix); ok {
		count, cursor, ok := strings.Cut(rest, ":")
		if n, err := strconv.Atoi(count); ok && err == nil && n >= 0 {
			if digits, ok := strings.CutPrefix(cursor, hexPrefix); ok {
				if plain, err := hex.DecodeString(digits); err == nil {
					cursor = string(plain)
				}
			}
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
		if !slices.Contains(names, rawjson.Unquote(name)) {
			continue
		}
		switch rawjson.KindOf(value) {
		case rawjson.Null:
			if !o.op.Paginated { // the operation does not know it
				return position{}, withCursor(params, "", names)
			}
		case rawjson.String:
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
