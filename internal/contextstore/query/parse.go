package query

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/rawjson"
)

// Bounds of a search.
const (
	DefaultLimit = 10
	MostRecords  = 1000 // of a page
	mostBytes    = 64 << 10
	mostDepth    = 16   // conditions in conditions
	mostParts    = 200  // operators of a filter
	mostValues   = 1000 // operands of in, together
	mostText     = 1000 // bytes of an operand
	mostSort     = 8
	mostFields   = 100
	mostPath     = 10 // names in a path
)

// Query is a search that was understood. It is not changed, and several goroutines may use it.
type Query struct {
	// Limit is how many records a page has at most.
	Limit int
	// Notes are what a caller should know of how the search was understood.
	Notes []string

	filter *node // nil for all records
	sort   []sortKey
	fields *branch // nil for all
	cursor string
	paths  paths
	entity *Entity
	digest uint64 // of filter and sort, which a cursor belongs to
}

// Entity is what the search was read with.
func (q *Query) Entity() *Entity { return q.entity }

type sortKey struct {
	slot int
	kind Type
	desc bool
	// recent says that the key is the time by which records are ordered, the newest first.
	recent bool
}

// Parse reads the parameters of a search: query with filter and sort, limit, cursor and fields. Other
// parameters are the caller's.
//
// # Errors
//
// An *[abi.Error] of kind invalid_params. Its field is the path to what is wrong, and its hint the
// nearest name that there is.
func Parse(params []byte, e *Entity) (*Query, error) {
	if len(params) > mostBytes {
		return nil, fault.LimitExceeded("query", fmt.Sprintf("the search has %d bytes, and may have %d", len(params), mostBytes), "search for less at once")
	}
	if rawjson.KindOf(params) != rawjson.Object || rawjson.Check(params) != nil {
		return nil, fault.Invalid("query", "the parameters are no JSON object", `write {"query": {"filter": ...}}`)
	}
	q := &Query{Limit: DefaultLimit, entity: e}
	p := &parser{q: q, e: e, names: e.names()}
	asked := false
	for rawName, raw := range rawjson.Members(params) {
		var err error
		switch name := rawjson.Unquote(rawName); name {
		case "query":
			asked = true
			err = p.query(raw)
		case "limit":
			err = p.limit(raw)
		case "cursor":
			if q.cursor = rawjson.Unquote(raw); q.cursor == "" {
				err = fault.Invalid(name, "the cursor is no text", "take next_cursor of the page before, or leave it out")
			}
		case "fields":
			err = p.fields(raw)
		}
		if err != nil {
			return nil, err
		}
	}
	if !asked {
		return nil, fault.Invalid("query", `missing parameter "query"`, `write {"query": {}} for all records`)
	}
	return q, nil
}

// parser reads one search. It counts what it reads.
type parser struct {
	q     *Query
	e     *Entity
	names []string
	parts int
	in    int // values
}

func (p *parser) query(raw []byte) error {
	if rawjson.KindOf(raw) != rawjson.Object {
		return fault.Invalid("query", "query is an object with filter and sort", `write {"query": {"filter": ..., "sort": [...]}}`)
	}
	digest := fnv.New64a()
	for rawName, v := range rawjson.Members(raw) {
		name := rawjson.Unquote(rawName)
		at := "query." + name
		var err error
		switch name {
		case "filter":
			p.q.filter, err = p.condition(at, v, nil, 0)
		case "sort":
			err = p.sort(at, v)
		default:
			err = unknown(at, fmt.Sprintf("unknown parameter %q", name), name, []string{"filter", "sort"})
		}
		if err != nil {
			return err
		}
		_, _ = fmt.Fprintf(digest, "%s %d %s", name, len(v), v)
	}
	p.q.digest = digest.Sum64()
	return nil
}

func unknown(at, message, name string, known []string) error {
	return fault.Invalid(at, message, fault.Hint(name, known))
}

func (p *parser) limit(raw []byte) error {
	n, err := strconv.Atoi(string(raw))
	if err != nil || n < 1 || n > MostRecords {
		return fault.Invalid("limit", fmt.Sprintf("limit is a number from 1 to %d", MostRecords), "take the next page with the cursor")
	}
	p.q.Limit = n
	return nil
}

func (p *parser) sort(at string, raw []byte) error {
	if rawjson.KindOf(raw) != rawjson.Array {
		return fault.Invalid(at, "sort is a list", `write [{"field": "desc"}]`)
	}
	i := 0
	for one := range rawjson.Elements(raw) {
		at := fmt.Sprintf("%s.%d", at, i)
		if i++; i > mostSort {
			return fault.LimitExceeded(at, fmt.Sprintf("a search sorts by at most %d fields", mostSort), "sort by fewer fields")
		}
		name, direction, err := p.single(at, one)
		if err != nil {
			return err
		}
		at += "." + name
		path, err := p.path(at, name, nil)
		if err != nil {
			return err
		}
		way := rawjson.Unquote(direction)
		if way != "asc" && way != "desc" {
			return unknown(at, "a field is sorted asc or desc", way, []string{"asc", "desc"})
		}
		f := p.e.field(path)
		p.q.sort = append(p.q.sort, sortKey{slot: p.q.paths.add(path), kind: f.Type, desc: way == "desc", recent: f.Updated && f.Type == Time && way == "desc"})
	}
	return nil
}

// single returns the one member of an object.
func (p *parser) single(at string, raw []byte) (name string, v []byte, err error) {
	n := 0
	if rawjson.KindOf(raw) == rawjson.Object {
		for key, member := range rawjson.Members(raw) {
			name, v = rawjson.Unquote(key), member
			n++
		}
	}
	if n != 1 {
		return "", nil, fault.Invalid(at, "this is an object with one field", `write {"field": ...}; several conditions stand beside each other, each with its operator, or in and`)
	}
	return name, v, nil
}

// path reads the name of a field, which is one of an element of a list where within is its path.
func (p *parser) path(at, name string, within []string) ([]string, error) {
	path := strings.Split(name, ".")
	if len(path) > mostPath || len(name) > mostText {
		return nil, fault.LimitExceeded(at, "the path is too long", fmt.Sprintf("name at most %d members", mostPath))
	}
	return p.known(at, path, within)
}

func (p *parser) known(at string, path, within []string) ([]string, error) {
	if within == nil && !slices.Contains(p.names, path[0]) {
		return nil, unknown(at, fmt.Sprintf("the records have no field %q that can be searched", path[0]), path[0], p.names)
	}
	return path, nil
}

func (p *parser) fields(raw []byte) error {
	const name = "fields"
	if rawjson.KindOf(raw) != rawjson.Array {
		return fault.Invalid(name, "fields is a list", `write ["name", "account.id"]`)
	}
	var all paths
	i := 0
	for one := range rawjson.Elements(raw) {
		at := fmt.Sprintf("%s.%d", name, i)
		if i++; i > mostFields {
			return fault.LimitExceeded(at, fmt.Sprintf("a search names at most %d fields", mostFields), "leave fields out for all of them")
		}
		var path []string
		if rawjson.KindOf(one) == rawjson.String {
			path = strings.Split(rawjson.Unquote(one), ".")
		} else if json.Unmarshal(one, &path) != nil || len(path) == 0 {
			return fault.Invalid(at, "a field is a text, or a list of the names that lead to it", `write "account.id" or ["account", "id"]`)
		}
		if len(path) > mostPath {
			return fault.LimitExceeded(at, "the path is too long", fmt.Sprintf("name at most %d members", mostPath))
		}
		if _, err := p.known(at, path, nil); err != nil {
			return err
		}
		all.add(path)
	}
	if i > 0 {
		p.q.fields = &all.root
	}
	return nil
}
