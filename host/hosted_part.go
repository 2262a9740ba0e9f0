package host

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/internal/rawjson"
)

// part is the part of the Airbyte API's page that a caller asked for. Airbyte's connectors
// do not all know how long a page may be, and drop the parameter where they do not: then
// the host makes shorter pages of a long one, with cursors of its own that say where in
// which page the next begins.
type part struct {
	cursor string // of the service's page, empty for the first
	skip   int    // the records of it that the caller has
	limit  int    // how many more there may be; 0 is no limit
}

const (
	partPrefix = "agenthost-part."
	// maxSkip bounds what a cursor may say. No page is that long.
	maxSkip = 1 << 20
)

// partOf reads which part parameters ask for, and returns them with the service's own
// cursor in place of the host's.
func partOf(op *connector.Operation, params []byte) (part, []byte, error) {
	var p part
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
			if strings.HasPrefix(p.cursor, partPrefix) {
				ours = name
			}
		}
	}
	if ours == "" {
		return p, params, nil
	}
	skip, cursor, ok := readPart(p.cursor)
	if !ok {
		return p, nil, invalid(ours, fmt.Sprintf("the %s is none that an earlier page had", ours), "give meta.next_cursor of the page before as it is, or leave it out to start again")
	}
	p.skip, p.cursor = skip, cursor
	params, err := members(params, func(name string, value []byte) (string, []byte, error) {
		switch {
		case uniform(op, name) != "cursor":
			return name, value, nil
		case p.cursor == "":
			return "", nil, nil
		}
		return name, appendQuoted(nil, p.cursor), nil
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

// readPart reads a cursor that next made.
func readPart(cursor string) (skip int, of string, ok bool) {
	number, of, ok := strings.Cut(strings.TrimPrefix(cursor, partPrefix), ".")
	skip, err := strconv.Atoi(number)
	return skip, of, ok && err == nil && skip > 0 && skip <= maxSkip
}

// of cuts a page to the part, and lets its cursor lead to the rest of the page where there
// is one.
func (p part) of(page *Result) {
	if p.skip == 0 && p.limit == 0 || rawjson.KindOf(page.Data) != rawjson.Array {
		return
	}
	records := slices.Collect(rawjson.Elements(page.Data))
	records = records[min(p.skip, len(records)):]
	rest := p.limit > 0 && len(records) > p.limit
	if rest {
		records = records[:p.limit]
	}
	if !rest && p.skip == 0 {
		return
	}
	page.Data = slices.Concat([]byte{'['}, bytes.Join(records, []byte{','}), []byte{']'})
	if rest {
		page.NextCursor, page.HasMore = partPrefix+strconv.Itoa(p.skip+p.limit)+"."+p.cursor, true
		page.Meta = withPagination(page.Meta, page.NextCursor, true)
	}
}
