package airbyte

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/pdk/abi"
)

// statement is the SQL that this service knows: columns of one entity, a text that a column equals, and an order.
var statement = regexp.MustCompile(`(?is)^\s*select\s+(\*|\w+(?:\s*,\s*\w+)*)\s+from\s+(\w+)` +
	`(?:\s+where\s+(\w+)\s*=\s*'([^']*)')?(?:\s+order\s+by\s+(\w+))?\s*;?\s*$`)

// defaultRows is the default limit of a query.
const defaultRows = 1000

// sqlQuery answers one statement that reads.
func (s *Service) sqlQuery(ctx context.Context, c *connector, entity string, params json.RawMessage) (json.RawMessage, *abi.Error) {
	var q struct {
		SQL   string `json:"sql"`
		Limit *int   `json:"limit"`
	}
	if c.definition.Searchable[entity] == nil {
		return nil, &abi.Error{Kind: abi.KindUnknownOperation, Message: entity + " cannot be queried in the context store"}
	}
	if err := json.Unmarshal(params, &q); err != nil || q.SQL == "" {
		return nil, wrongQuery("sql", "sql is required, a text")
	}
	limit := defaultRows
	if q.Limit != nil {
		if limit = *q.Limit; limit < 1 {
			return nil, wrongQuery("limit", "limit is positive")
		}
	}
	parts := statement.FindStringSubmatch(q.SQL)
	if parts == nil {
		return nil, wrongQuery("sql", "only one statement is permitted, a SELECT")
	}
	columns, table, where, equals, order := parts[1], parts[2], parts[3], parts[4], parts[5]
	fields := c.definition.Searchable[table]
	chosen := fields
	if columns != "*" {
		chosen = strings.FieldsFunc(columns, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\t' })
	}
	for _, name := range slices.Concat(chosen, []string{where, order}) {
		if name != "" && !slices.Contains(fields, name) {
			return nil, wrongQuery("sql", "there is no column "+name+" of "+table)
		}
	}
	records, failed := s.copies(ctx, c, table)
	if failed != nil {
		return nil, failed
	}
	all := []map[string]any{}
	for _, raw := range records {
		if record, _ := decode(raw).(map[string]any); where == "" || record[where] == equals {
			all = append(all, record)
		}
	}
	if order != "" {
		slices.SortStableFunc(all, func(a, b map[string]any) int { return compare(a[order], b[order]) })
	}
	rows := []map[string]any{}
	for _, record := range all[:min(limit, len(all))] {
		row := make(map[string]any, len(chosen))
		for _, name := range chosen {
			row[name] = record[name]
		}
		rows = append(rows, row)
	}
	return found(rows, len(all) > limit)
}
