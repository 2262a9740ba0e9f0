package airbyte

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/vendorsim/contract"
	"github.com/agenthost/agenthost/pdk/abi"
)

type query struct {
	Query *struct {
		Filter json.RawMessage     `json:"filter"`
		Sort   []map[string]string `json:"sort"`
	} `json:"query"`
	Semantic *semantic         `json:"semantic"`
	Limit    *int              `json:"limit"`
	Cursor   string            `json:"cursor"`
	Fields   []json.RawMessage `json:"fields"`
}

const defaultSearchLimit = 1000

// search finds records of the context store: rows with the searchable fields.
func (s *Service) search(ctx context.Context, c *connector, entity string, params json.RawMessage) (json.RawMessage, *abi.Error) {
	start := time.Now()
	fields := c.definition.Searchable[entity]
	if fields == nil {
		return nil, &abi.Error{Kind: abi.KindUnknownOperation, Message: fmt.Sprintf("%s cannot be searched in the context store", entity)}
	}
	var q query
	if err := json.Unmarshal(params, &q); err != nil || (q.Query == nil) == (q.Semantic == nil) {
		return nil, wrongQuery("query", "query is required, an object with filter and sort, or semantic")
	}
	limit := defaultSearchLimit
	if q.Limit != nil {
		if limit = *q.Limit; limit < 1 || limit > defaultSearchLimit {
			return nil, wrongQuery("limit", "limit is from 1 to 1000")
		}
	}
	if q.Semantic != nil {
		return s.searchByMeaning(ctx, c, entity, q.Semantic, limit)
	}
	var match condition
	if q.Query.Filter != nil {
		var err error
		if match, err = parseCondition(decode(q.Query.Filter), fields); err != nil {
			return nil, wrongQuery("query.filter", err.Error())
		}
	}
	paths, failed := q.paths(fields)
	if failed != nil {
		return nil, failed
	}
	records, failed := s.copies(ctx, c, entity)
	if failed != nil {
		return nil, failed
	}
	var rows []map[string]any
	for _, raw := range records {
		record, _ := decode(raw).(map[string]any)
		row := map[string]any{}
		for _, name := range fields {
			row[name] = record[name]
		}
		if match == nil || match(row) {
			rows = append(rows, row)
		}
	}
	if failed := sortRows(rows, q.Query.Sort, fields); failed != nil {
		return nil, failed
	}
	return q.page(rows, paths, limit, time.Since(start))
}

func wrongQuery(field, message string) *abi.Error {
	return &abi.Error{Kind: abi.KindInvalidParams, Field: field, Message: message}
}

// paths are the fields to answer, each a list of keys or a text with dots.
func (q *query) paths(fields []string) ([][]string, *abi.Error) {
	var paths [][]string
	for _, raw := range q.Fields {
		var path []string
		if rawjson.KindOf(raw) == rawjson.String {
			path = strings.Split(rawjson.Unquote(raw), ".")
		} else if json.Unmarshal(raw, &path) != nil {
			return nil, wrongQuery("fields", "a field is a list of keys")
		}
		if len(path) == 0 || !slices.Contains(fields, path[0]) {
			return nil, wrongQuery("fields", fmt.Sprintf("%s is not searchable", raw))
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// page answers the rows from the cursor on. A cursor belongs to its query.
func (q *query) page(rows []map[string]any, paths [][]string, limit int, took time.Duration) (json.RawMessage, *abi.Error) {
	hash := fnv.New32a()
	_, _ = hash.Write(q.Query.Filter)
	prefix := fmt.Sprintf("s%08x.", hash.Sum32())
	from := 0
	if q.Cursor != "" {
		text, ok := strings.CutPrefix(q.Cursor, prefix)
		n, err := strconv.Atoi(text)
		if !ok || err != nil || n < 0 {
			return nil, wrongQuery("cursor", "the cursor belongs to another query")
		}
		from = n
	}
	from = min(from, len(rows))
	to := min(from+limit, len(rows))
	data := make([]any, 0, to-from)
	for _, row := range rows[from:to] {
		if paths == nil {
			data = append(data, row)
			continue
		}
		kept := map[string]any{}
		for _, path := range paths {
			take(row, path, kept)
		}
		data = append(data, kept)
	}
	var cursor any
	if to < len(rows) {
		cursor = prefix + strconv.Itoa(to)
	}
	return contract.Encode(map[string]any{
		"data": data, "meta": map[string]any{"has_more": to < len(rows), "cursor": cursor, "took_ms": took.Milliseconds()},
	}), nil
}

func sortRows(rows []map[string]any, by []map[string]string, fields []string) *abi.Error {
	type key struct {
		field string
		sign  int
	}
	var keys []key
	for _, one := range by {
		if len(one) != 1 {
			return wrongQuery("query.sort", "an element names one field")
		}
		for field, direction := range one {
			sign, ok := map[string]int{"asc": 1, "desc": -1}[direction]
			if !ok || !slices.Contains(fields, strings.Split(field, ".")[0]) {
				return wrongQuery("query.sort", fmt.Sprintf("%q cannot be sorted %q", field, direction))
			}
			keys = append(keys, key{field, sign})
		}
	}
	slices.SortStableFunc(rows, func(a, b map[string]any) int {
		for _, k := range keys {
			if order := compare(at(a, k.field), at(b, k.field)); order != 0 {
				return k.sign * order
			}
		}
		return 0
	})
	return nil
}

// copies are the records of an entity, copied when they are first asked for.
func (s *Service) copies(ctx context.Context, c *connector, entity string) ([]json.RawMessage, *abi.Error) {
	c.contextStore.mu.Lock()
	defer c.contextStore.mu.Unlock()
	if records, ok := c.contextStore.records[entity]; ok {
		return records, nil
	}
	var records []json.RawMessage
	for _, params := range s.listings(ctx, c, entity) {
		more, err := s.all(ctx, c, entity, params)
		if err != nil {
			return nil, err
		}
		records = append(records, more...)
	}
	if c.contextStore.records == nil {
		c.contextStore.records = make(map[string][]json.RawMessage)
	}
	c.contextStore.records[entity] = records
	return records, nil
}

// copiedIssues is of how many issues the messages are copied.
const copiedIssues = 20

// listings are the parameters of the lists that together have all records of an entity.
func (s *Service) listings(ctx context.Context, c *connector, entity string) []map[string]any {
	now := s.now().UTC()
	recent := map[string]any{"start_time": now.AddDate(0, 0, -30).Format(time.RFC3339), "end_time": now.Format(time.RFC3339)}
	switch c.definition.Slug + "." + entity {
	case "pylon.issues":
		return []map[string]any{recent}
	case "pylon.messages":
		issues, _ := s.all(ctx, c, "issues", recent)
		var lists []map[string]any
		for _, issue := range issues[:min(len(issues), copiedIssues)] {
			id, _, _ := rawjson.Pointer(issue, "/id")
			lists = append(lists, map[string]any{"id": rawjson.Unquote(id)})
		}
		return lists
	case "pylon.custom_fields":
		var lists []map[string]any
		for _, of := range []string{"account", "issue", "contact"} {
			lists = append(lists, map[string]any{"object_type": of})
		}
		return lists
	}
	return []map[string]any{{}}
}

func (s *Service) all(ctx context.Context, c *connector, entity string, params map[string]any) ([]json.RawMessage, *abi.Error) {
	var records []json.RawMessage
	for {
		raw := contract.Encode(params) // texts
		data, meta, err := s.run(ctx, c, entity, "list", raw)
		if err != nil {
			return nil, err
		}
		for record := range rawjson.Elements(data) {
			records = append(records, record)
		}
		next, _, _ := rawjson.Pointer(meta, "/"+abi.MetaNextCursor)
		if rawjson.KindOf(next) != rawjson.String {
			return records, nil
		}
		params[c.definition.CursorParam] = rawjson.Unquote(next)
	}
}

// at is the value at a path with dots.
func at(row map[string]any, path string) any {
	var v any = row
	for name := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = object[name]
	}
	return v
}

// compare orders two values: null first, then false and true, numbers, and texts.
func compare(a, b any) int {
	if rank(a) != rank(b) {
		return cmp.Compare(rank(a), rank(b))
	}
	switch a := a.(type) {
	case bool:
		b, _ := b.(bool)
		return cmp.Compare(bit(a), bit(b))
	case json.Number:
		b, _ := b.(json.Number)
		return cmp.Compare(float(a), float(b))
	case string:
		b, _ := b.(string)
		return cmp.Compare(a, b)
	}
	return 0
}

func float(n json.Number) float64 {
	f, err := n.Float64()
	if err != nil {
		return 0 // no JSON that was decoded has such a number
	}
	return f
}

func rank(v any) int {
	switch v.(type) {
	case nil:
		return 0
	case bool:
		return 1
	case json.Number:
		return 2
	case string:
		return 3
	}
	return 4
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
