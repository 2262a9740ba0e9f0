package backend

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/rawjson"
)

// Slice is the piece of a page that a caller asked for. Some vendors, and some of Airbyte's
// connectors, have no parameter for the length of a page. Then the host cuts a long page into
// shorter ones, with cursors of its own that say which page they continue, and where in it.
type Slice struct {
	cursor string // of the whole page, empty for the first
	skip   int    // the records of it that the caller has
	limit  int    // how many more there may be; 0 is no limit
}

const (
	cursorPrefix = "agenthost-part."
	// maxSkip bounds what a cursor may say. No page is that long.
	maxSkip = 1 << 20
)

// SliceOf reads which piece of a page parameters ask for, and returns them with the cursor of the
// whole page in place of the host's.
func SliceOf(op *connector.Operation, params []byte) (Slice, []byte, error) {
	var p Slice
	if !op.Paginated {
		return p, params, nil
	}
	var ours string // the name of a cursor that the host made
	for raw, value := range rawjson.Members(params) {
		name := rawjson.Unquote(raw)
		switch uniform(op, name) {
		case "limit":
			p.limit = count(value)
		case "cursor":
			p.cursor = rawjson.Unquote(value)
			if strings.HasPrefix(p.cursor, cursorPrefix) {
				ours = name
			}
		}
	}
	if ours == "" {
		return p, params, nil
	}
	skip, cursor, ok := readCursor(p.cursor)
	if !ok {
		return p, nil, fault.Invalid(ours, fmt.Sprintf("the %s is not from an earlier page", ours), "set it to meta.next_cursor of the previous page, unchanged, or omit it to start again")
	}
	p.skip, p.cursor = skip, cursor
	params, err := Members(params, func(name string, value []byte) (string, []byte, error) {
		switch {
		case uniform(op, name) != "cursor":
			return name, value, nil
		case p.cursor == "":
			return "", nil, nil
		}
		return name, AppendText(nil, p.cursor), nil
	})
	return p, params, err
}

// uniform is the uniform name of a parameter.
func uniform(op *connector.Operation, name string) string {
	if of, ok := op.Aliases[name]; ok {
		return of
	}
	return name
}

// count is a JSON number as a count of records.
func count(value []byte) int {
	n, err := strconv.ParseFloat(string(value), 64)
	if err != nil || n < 1 || n > math.MaxInt32 {
		return 0
	}
	return int(n)
}

// readCursor reads a cursor that next made.
func readCursor(cursor string) (skip int, of string, ok bool) {
	number, of, ok := strings.Cut(strings.TrimPrefix(cursor, cursorPrefix), ".")
	skip, err := strconv.Atoi(number)
	return skip, of, ok && err == nil && skip > 0 && skip <= maxSkip
}

// Cut shortens a page to the piece. Where something of the page is left, the cursor leads to
// that.
func (p Slice) Cut(page *Result) {
	if p.skip == 0 && p.limit == 0 || rawjson.KindOf(page.Data) != rawjson.Array {
		return
	}
	out, n, rest := []byte{'['}, 0, false
	for record := range rawjson.Elements(page.Data) {
		if n++; n <= p.skip {
			continue
		}
		if rest = p.limit > 0 && n > p.skip+p.limit; rest {
			break
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, record...)
	}
	if !rest && p.skip == 0 {
		return
	}
	out = append(out, ']')
	page.Data = out
	if rest {
		page.NextCursor, page.HasMore = cursorPrefix+strconv.Itoa(p.skip+p.limit)+"."+p.cursor, true
		page.Meta, page.Stopped = WithPagination(page.Meta, page.NextCursor, true), nil
	}
}

// Members writes an object anew, with what change makes of each member; a member without
// a name is dropped.
func Members(object []byte, change func(name string, value []byte) (string, []byte, error)) ([]byte, error) {
	b := []byte{'{'}
	for raw, value := range rawjson.Members(object) {
		name, value, err := change(rawjson.Unquote(raw), value)
		if err != nil {
			return nil, err
		}
		if name == "" {
			continue
		}
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(append(AppendText(b, name), ':'), value...)
	}
	return append(b, '}'), nil
}
