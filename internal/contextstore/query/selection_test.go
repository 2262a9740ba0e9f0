package query

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/rawjson"
)

type stored struct {
	key     string
	updated int64
	record  string
}

var shelf = []stored{
	{"a", 100, `{"id":"a","priority":2,"title":"x"}`},
	{"b", 300, `{"id":"b","priority":null,"title":"y"}`},
	{"c", 300, `{"id":"c","priority":10,"title":"x"}`},
	{"d", 200, `{"id":"d","title":"X"}`},
	{"e", 400, `{"id":"e","priority":"2","title":"` + strings.Repeat("é", 200) + `1"}`},
	{"f", 50, `{"id":"f","priority":-1,"title":"` + strings.Repeat("é", 200) + `0"}`},
}

func parse(t testing.TB, params string) *Query {
	t.Helper()
	q, err := Parse([]byte(params), issues())
	if err != nil {
		t.Fatalf("%s: %v", params, err)
	}
	return q
}

// pages returns the ids that a search finds, a page after the other.
func pages(t *testing.T, query string, limit int) string {
	t.Helper()
	var found []string
	cursor := ""
	for range 20 {
		q := parse(t, fmt.Sprintf(`{"query":%s,"limit":%d%s}`, query, limit, cursor))
		s, err := q.Select("here", 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range shelf {
			s.Add(r.key, at(r.updated), []byte(r.record))
		}
		p := s.Page()
		ids := ""
		for _, r := range p.Records {
			id, _, _ := rawjson.Pointer(r, "/id")
			ids += rawjson.Unquote(id)
		}
		found = append(found, ids)
		if p.Cursor == "" {
			break
		}
		cursor = fmt.Sprintf(`,"cursor":%q`, p.Cursor)
	}
	return strings.Join(found, " ")
}

func TestOrderAndPages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ query, want string }{
		{`{}`, "ebcdaf"},
		{`{"sort":[{"priority":"asc"}]}`, "faecbd"},
		{`{"sort":[{"priority":"desc"}]}`, "caefbd"},
		{`{"sort":[{"title":"asc"},{"priority":"desc"}]}`, "dcabef"}, // the ends of long texts do not count
		{`{"sort":[{"created_at":"asc"}]}`, "abcdef"},
		{`{"filter":{"eq":{"title":"x"}}}`, "ca"},
	} {
		for limit := 1; limit <= 7; limit++ {
			if got := strings.ReplaceAll(pages(t, c.query, limit), " ", ""); got != c.want {
				t.Errorf("%s by %d: %s, want %s", c.query, limit, got, c.want)
			}
		}
	}
	if got := pages(t, `{}`, 4); got != "ebcd af" {
		t.Errorf("pages %q", got)
	}
}

func TestPageOfBytes(t *testing.T) {
	t.Parallel()
	q := parse(t, `{"query":{"sort":[{"id":"asc"}]},"limit":5}`)
	s, err := q.Select("", len(shelf[0].record)+len(shelf[1].record))
	if err != nil {
		t.Fatal(err)
	}
	for i := range shelf { // the last one first
		r := shelf[len(shelf)-1-i]
		s.Add(r.key, at(r.updated), []byte(r.record))
	}
	if p := s.Page(); len(p.Records) != 2 || p.Cursor == "" || p.Found != 6 {
		t.Errorf("%s", p.Records)
	}
	s, _ = q.Select("", 1)
	s.Add("a", at(1), []byte(shelf[0].record))
	if p := s.Page(); len(p.Records) != 1 || p.Cursor != "" {
		t.Errorf("one record that is larger than a page: %s", p.Records)
	}
}

// TestStop: a page that ends before its candidates do goes on where it ended.
func TestStop(t *testing.T) {
	t.Parallel()
	q := parse(t, `{"query":{},"limit":3}`)
	s, _ := q.Select("", 1<<20)
	s.Add("e", at(4000), []byte(`{"id":"e"}`))
	s.Add("d", at(3500), []byte(`{"id":"d"}`))
	if s.Done(at(3999)) {
		t.Error("a page with room is done")
	}
	s.Stop(at(3999))
	p := s.Page()
	if len(p.Records) != 1 || p.Cursor == "" {
		t.Fatalf("%s", p.Records)
	}
	q = parse(t, `{"query":{},"limit":3,"cursor":"`+p.Cursor+`"}`)
	s, err := q.Select("", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if from, ok := s.From(); !ok || !from.Equal(at(3999)) {
		t.Errorf("the next page is from %v", from)
	}
	for _, r := range []stored{{"e", 4000, `{}`}, {"d", 3999, `{}`}, {"c", 3500, `{}`}, {"b", 1000, `{}`}, {"a", 999, `{}`}} {
		s.Add(r.key, at(r.updated), []byte(r.record))
	}
	if !s.Done(at(998)) || s.Done(at(999)) {
		t.Error("a full page is not done, or too early")
	}
	if p := s.Page(); len(p.Records) != 3 || p.Cursor == "" {
		t.Errorf("%s %q", p.Records, p.Cursor)
	}
}

func TestCursorBelongsToItsSearch(t *testing.T) {
	t.Parallel()
	cursorOf := func(params, scope string) string {
		s, err := parse(t, params).Select(scope, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range shelf {
			s.Add(r.key, at(r.updated), []byte(r.record))
		}
		return s.Page().Cursor
	}
	cursor := cursorOf(`{"query":{"filter":{"neq":{"id":"z"}},"sort":[{"id":"asc"}]},"limit":1}`, "here")
	for _, c := range []struct{ params, scope string }{
		{`{"query":{"filter":{"neq":{"id":"y"}},"sort":[{"id":"asc"}]},"cursor":%q}`, "here"},
		{`{"query":{"filter":{"neq":{"id":"z"}},"sort":[{"id":"desc"}]},"cursor":%q}`, "here"},
		{`{"query":{"filter":{"neq":{"id":"z"}}},"cursor":%q}`, "here"},
		{`{"query":{"filter":{"neq":{"id":"z"}},"sort":[{"id":"asc"}]},"cursor":%q}`, "there"},
		{`{"query":{"filter":{"neq":{"id":"z"}},"sort":[{"id":"asc"}]},"cursor":"%%%.3s"}`, "here"},
	} {
		if _, err := parse(t, fmt.Sprintf(c.params, cursor)).Select(c.scope, 1); err == nil {
			t.Errorf("%s: no error", c.params)
		}
	}
	if _, err := parse(t, fmt.Sprintf(`{"query":{"filter":{"neq":{"id":"z"}},"sort":[{"id":"asc"}]},"limit":2,"fields":["id"],"cursor":%q}`, cursor)).Select("here", 1); err != nil {
		t.Errorf("its own search: %v", err)
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	record := `{"id":"a","account":{"name":"n","size":3,"owner":{"id":1}},"tags":[{"name":1}],"x":1}`
	for fields, want := range map[string]string{
		`["id"]`: `{"id":"a"}`,
		`[["account","size"],"account.owner.id"]`: `{"account":{"size":3,"owner":{"id":1}}}`,
		`["account","account.size"]`:              `{"account":{"name":"n","size":3,"owner":{"id":1}}}`,
		`["tags.name","title"]`:                   `{"tags":[{"name":1}]}`,
		`[]`:                                      record,
	} {
		s, err := parse(t, `{"query":{},"fields":`+fields+`}`).Select("", 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		s.Add("a", at(0), []byte(record))
		if p := s.Page(); len(p.Records) != 1 || string(p.Records[0]) != want {
			t.Errorf("%s: %s", fields, p.Records)
		}
	}
}

// TestSearchIsLinear: what a search takes grows as the record does, for every operator.
func TestSearchIsLinear(t *testing.T) {
	filters := []string{
		`{"eq":{"title":"a"}}`, `{"in":{"tags":["a","b"]}}`, `{"contains":{"title":"` + strings.Repeat("a", 500) + `b"}}`, `{"endswith":{"title":"a"}}`, `{"array_contains":{"tags":"x"}}`,
		`{"fuzzy":{"title":"` + strings.Repeat("a ", 400) + `b"}}`, `{"keyword":{"title":"\"` + strings.Repeat("a ", 400) + `b\" 東東東東東東東東東東*"}}`, `{"any":{"tags":{"any":{"x":{"eq":{"y":1}}}}}}`,
	}
	records := map[string]func(n int) string{
		"words":  func(n int) string { return `{"title":"` + strings.Repeat("a ", n) + `"}` },
		"letter": func(n int) string { return `{"title":"` + strings.Repeat("a", 2*n) + `"}` },
		"glyphs": func(n int) string { return `{"title":"` + strings.Repeat("東", n) + `"}` },
		"twice":  func(n int) string { return `{` + strings.Repeat(`"title":"a",`, n/4) + `"title":""}` },
		"tags":   func(n int) string { return `{"tags":[` + strings.Repeat(`{"x":[{}]},`, n/4) + `1]}` },
	}
	for _, filter := range filters {
		q := parse(t, `{"query":{"filter":`+filter+`,"sort":[{"title":"asc"}]}}`)
		for name, record := range records {
			took := func(n int) time.Duration {
				raw := []byte(record(n))
				best := time.Hour
				for range 3 {
					s, err := q.Select("", 1)
					if err != nil {
						t.Fatal(err)
					}
					begun := time.Now()
					s.Add("k", at(0), raw)
					best = min(best, time.Since(begun))
				}
				return best
			}
			once, more := time.Hour, time.Hour
			for tries := 0; more > 32*once && more > 20*time.Millisecond || tries == 0; tries++ {
				if tries == 20 { // others use the processors, too, but not each time
					t.Errorf("%s of %s: %v becomes %v at eight times the length", filter, name, once, more)
					break
				}
				once, more = min(once, took(10_000)), min(more, took(80_000))
			}
		}
	}
}
