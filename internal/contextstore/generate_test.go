package contextstore

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/contextstore/query"
)

// incidents are fields that the simulated Airbyte API copies, too.
func incidents() *query.Entity {
	return &query.Entity{Fields: []query.Field{
		{Name: "id", Type: query.Text, Indexed: true}, {Name: "name", Type: query.Text, Words: true}, {Name: "summary", Words: true},
		{Name: "mode", Indexed: true}, {Name: "visibility", Indexed: true}, {Name: "created_at", Type: query.Time}, {Name: "updated_at", Type: query.Time, Indexed: true, Updated: true},
		{Name: "has_debrief", Type: query.Boolean, Indexed: true}, {Name: "workload_minutes_total", Type: query.Number, Indexed: true}, {Name: "workload_minutes_late", Type: query.Number},
		{Name: "severity"}, {Name: "severity.name", Type: query.Text, Indexed: true}, {Name: "severity.rank", Type: query.Number}, {Name: "duration_metrics", Indexed: true}, {Name: "custom_field_entries"},
	}}
}

// source makes records and searches. What it makes depends on its seed only.
type source struct{ *rand.Rand }

func newSource(seed uint64) source { return source{rand.New(rand.NewPCG(seed, 1))} }

func pick[T any](s source, from ...T) T { return from[s.IntN(len(from))] }

var vocabulary = strings.Fields("login Login payment fails failed failing invoice customer e-mail mail API api2 timeout time-out database data base Zürich straße café naïve Ünïcode résumé don't x y 42 2026 v1.2.3 foo_bar a/b " +
	"東京 東京都 京都 請求書 障害報告 データベース 接続エラー 退款申请 系统故障 客户 東 上海 서울 회의 ภาษาไทย ประเทศ שלום привет")

func (s source) words(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(pick(s, " ", " ", " ", "", "-", ", ", "・", "\n", "!"))
		}
		b.WriteString(vocabulary[s.IntN(len(vocabulary))])
	}
	return b.String()
}

// moment is one of few times, so that some are equal.
func (s source) moment() time.Time {
	return time.Date(2026, 1, 1+s.IntN(20), s.IntN(3), 0, s.IntN(3), 0, time.UTC)
}

func (s source) moments() any {
	if s.IntN(6) == 0 {
		return nil
	}
	return s.moment().Format(time.RFC3339)
}

func (s source) number() any {
	switch s.IntN(8) {
	case 0:
		return nil
	case 1:
		return float64(s.IntN(40)) / 4
	}
	return s.IntN(12) - 2
}

func (s source) record(id string) Record {
	r := map[string]any{
		"id": id, "name": s.words(1 + s.IntN(5)), "mode": pick[any](s, "standard", "retrospective", "test", nil), "visibility": pick(s, "public", "private"),
		"created_at": s.moments(), "updated_at": s.moments(), "has_debrief": pick[any](s, true, false, nil), "workload_minutes_total": s.number(), "workload_minutes_late": s.number(),
	}
	if s.IntN(4) > 0 {
		r["summary"] = s.words(s.IntN(20))
	}
	if s.IntN(8) == 0 {
		r["summary"] = []any{s.words(3), map[string]any{"text": s.words(4)}}
	}
	if s.IntN(5) > 0 {
		r["severity"] = map[string]any{"name": pick(s, "minor", "major", "Critical"), "rank": s.IntN(4)}
	}
	if s.IntN(5) > 0 {
		list := []any{}
		for range s.IntN(4) {
			list = append(list, pick[any](s, "a", "b", "c", 1, 2, true, nil))
		}
		r["duration_metrics"] = list
	}
	if s.IntN(3) > 0 {
		list := []any{}
		for range s.IntN(3) {
			list = append(list, map[string]any{"name": pick(s, "team", "region", "product"), "value": pick[any](s, "eu", "us", 3, nil)})
		}
		r["custom_field_entries"] = list
	}
	if s.IntN(10) == 0 { // what a vendor sends beside what is declared
		r["mode"], r["severity"] = pick[any](s, 1, []any{"standard"}), pick[any](s, "major", nil)
	}
	raw, err := json.Marshal(r)
	if err != nil {
		panic(err)
	}
	updated := s.moment().Add(time.Duration(s.IntN(3)) * 100 * time.Millisecond)
	if at, is := r["updated_at"].(string); is {
		if updated, err = time.Parse(time.RFC3339, at); err != nil {
			panic(err)
		}
	}
	return Record{Key: id, JSON: raw, Updated: updated}
}

type object = map[string]any

// sharedOnly are the operators that have one meaning here and in the Airbyte API.
func (s source) condition(depth int, sharedOnly bool) object {
	if depth > 0 && s.IntN(3) == 0 {
		switch s.IntN(4) {
		case 0:
			return object{"not": s.condition(depth-1, sharedOnly)}
		case 1:
			return object{"and": []object{s.condition(depth-1, sharedOnly), s.condition(depth-1, sharedOnly)}}
		case 2:
			return object{"or": []object{s.condition(depth-1, sharedOnly), s.condition(depth-1, sharedOnly), s.condition(depth-1, sharedOnly)}}
		}
		a, b := s.condition(0, sharedOnly), s.condition(0, sharedOnly)
		for k, v := range b {
			a[k] = v
		}
		return a
	}
	operator := pick(s, "eq", "eq", "neq", "gt", "gte", "lt", "lte", "in", "in", "startswith", "endswith", "contains", "contains", "array_contains", "any", "keyword", "keyword", "fuzzy")
	if sharedOnly && (operator == "keyword" || operator == "fuzzy") {
		operator = "contains"
	}
	switch operator {
	case "startswith", "endswith", "contains":
		return object{operator: object{pick(s, "name", "summary", "severity.name", "id"): s.part()}}
	case "keyword":
		var items []string
		for range 1 + s.IntN(3) {
			items = append(items, pick(s, s.words(1), `"`+s.words(2)+`"`, s.words(1)+"*"))
		}
		return object{operator: object{pick(s, "name", "summary"): "x" + strings.Join(items, " ")[1-s.IntN(2):]}}
	case "fuzzy":
		return object{operator: object{pick(s, "name", "summary"): "x " + strings.ReplaceAll(s.words(1+s.IntN(2)), "\n", " ")}}
	case "array_contains":
		return object{operator: object{"duration_metrics": pick[any](s, "a", "b", "z", 1, true, nil)}}
	case "any":
		return object{operator: object{"custom_field_entries": pick(s, object{"eq": object{"name": "team"}}, object{"eq": object{"value": pick[any](s, "eu", 3, nil)}}, object{"contains": object{"name": "e"}, "neq": object{"value": "us"}})}}
	}
	field := pick(s, "id", "name", "mode", "visibility", "created_at", "updated_at", "has_debrief", "workload_minutes_total", "workload_minutes_late", "severity.name", "severity.rank")
	if operator == "in" {
		list := []any{}
		for range 1 + s.IntN(3) {
			list = append(list, s.operand(field))
		}
		return object{operator: object{field: list}}
	}
	return object{operator: object{field: s.operand(field)}}
}

// part is a piece of a text, cut between any two characters.
func (s source) part() string {
	runes := []rune(s.words(1 + s.IntN(2)))
	from := s.IntN(len(runes))
	return string(runes[from : from+1+s.IntN(len(runes)-from)])
}

func (s source) operand(field string) any {
	if s.IntN(10) == 0 {
		return nil
	}
	switch field {
	case "created_at", "updated_at":
		return s.moment().Format(time.RFC3339)
	case "has_debrief":
		return s.IntN(2) == 0
	case "workload_minutes_total", "workload_minutes_late", "severity.rank":
		if v := s.number(); v != nil {
			return v
		}
		return 3
	case "mode":
		return pick(s, "standard", "retrospective", "none")
	case "visibility":
		return pick(s, "public", "private")
	case "severity.name":
		return pick(s, "minor", "major", "Critical", "critical")
	case "name":
		return s.words(1)
	}
	return fmt.Sprintf("i%03d", s.IntN(400))
}

// search makes the query of a search.
func (s source) search(sharedOnly bool) object {
	q := object{}
	if s.IntN(12) > 0 {
		q["filter"] = s.condition(3, sharedOnly)
	}
	if sharedOnly { // ids are unique, and never null
		q["sort"] = []object{{"id": pick(s, "asc", "desc")}}
		return q
	}
	if n := s.IntN(3); n > 0 {
		fields := []string{"id", "name", "mode", "created_at", "updated_at", "workload_minutes_total", "has_debrief", "severity.rank", "duration_metrics"}
		s.Shuffle(len(fields), func(i, j int) { fields[i], fields[j] = fields[j], fields[i] })
		var keys []object
		for _, f := range slices.Clone(fields[:n]) {
			keys = append(keys, object{f: pick(s, "asc", "desc")})
		}
		q["sort"] = keys
	}
	return q
}
