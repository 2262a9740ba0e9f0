package query

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

func issues() *Entity {
	return &Entity{Fields: []Field{
		{Name: "id", Type: Text, Indexed: true}, {Name: "title", Type: Text, Words: true}, {Name: "state", Indexed: true}, {Name: "priority", Type: Number},
		{Name: "created_at", Type: Time}, {Name: "open", Type: Boolean}, {Name: "tags", Indexed: true}, {Name: "account"}, {Name: "account.size", Type: Number}, {Name: "links"},
	}}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	filter := func(f string) string { return `{"query":{"filter":` + f + `}}` }
	deep := strings.Repeat(`{"not":`, 20) + `{"eq":{"id":"a"}}` + strings.Repeat(`}`, 20)
	many := func(n int, one string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + "]"
	}
	for _, c := range []struct {
		params, field, message, hint string
		kind                         abi.Kind
	}{
		{`[]`, "query", "no JSON object", "", ""},
		{`{"query":`, "query", "no JSON object", "", ""},
		{`{}`, "query", `missing parameter "query"`, "", ""},
		{`{"query":[]}`, "query", "is an object", "", ""},
		{`{"query":{"filtre":{}}}`, "query.filtre", "unknown parameter", "did you mean filter?", ""},
		{filter(`{"equals":{"id":1}}`), "query.filter.equals", "there is no operator", "eq", ""},
		{filter(`{"contain":{"id":1}}`), "query.filter.contain", "there is no operator", "did you mean contains?", ""},
		{filter(`{"eq":{"titel":"x"}}`), "query.filter.eq.titel", "no field", "did you mean title?", ""},
		{filter(`{"and":[{"not":{"endswith":{"titel":"x"}}}]}`), "query.filter.and.0.not.endswith.titel", "no field", "did you mean title?", ""},
		{filter(`{"eq":{"id":1,"title":2}}`), "query.filter.eq", "one field", "", ""},
		{filter(`{"eq":"id"}`), "query.filter.eq", "one field", "", ""},
		{filter(`{}`), "query.filter", "operators", "", ""},
		{filter(`[]`), "query.filter", "operators", "", ""},
		{filter(`{"or":[]}`), "query.filter.or", "list of conditions", "", ""},
		{filter(`{"eq":{"links":[1]}}`), "query.filter.eq.links", "a text, a number", "", ""},
		{filter(`{"eq":{"priority":"high"}}`), "query.filter.eq.priority", "is a number", "without quotes", ""},
		{filter(`{"gt":{"created_at":"yesterday"}}`), "query.filter.gt.created_at", "is a time", "2026-12-01", ""},
		{filter(`{"gt":{"created_at":1764579000}}`), "query.filter.gt.created_at", "is a time", "", ""},
		{filter(`{"eq":{"open":"yes"}}`), "query.filter.eq.open", "is a boolean", "true or false", ""},
		{filter(`{"eq":{"account.size":true}}`), "query.filter.eq.account.size", "is a number", "", ""},
		{filter(`{"in":{"id":1}}`), "query.filter.in.id", "list of values", "", ""},
		{filter(`{"in":{"priority":[1,"x"]}}`), "query.filter.in.priority.1", "is a number", "", ""},
		{filter(`{"contains":{"title":1}}`), "query.filter.contains.title", "takes a text", "", ""},
		{filter(`{"contains":{"title":""}}`), "query.filter.contains.title", "takes a text", "", ""},
		{filter(`{"keyword":{"title":"...!"}}`), "query.filter.keyword.title", "no word", "", ""},
		{filter(`{"like":{"title":"a%b"}}`), "query.filter.like.title", "like has one text", "fuzzy", ""},
		{filter(`{"like":{"title":"%"}}`), "query.filter.like.title", "like has one text", "", ""},
		{`{"query":{"sort":[{"id":"up"}]}}`, "query.sort.0.id", "asc or desc", "", ""},
		{`{"query":{"sort":[{"ids":"asc"}]}}`, "query.sort.0.ids", "no field", "did you mean id?", ""},
		{`{"query":{"sort":{"id":"asc"}}}`, "query.sort", "is a list", "", ""},
		{`{"query":{},"limit":0}`, "limit", "1 to 1000", "", ""},
		{`{"query":{},"limit":1001}`, "limit", "1 to 1000", "", ""},
		{`{"query":{},"limit":"9"}`, "limit", "1 to 1000", "", ""},
		{`{"query":{},"cursor":1}`, "cursor", "no text", "", ""},
		{`{"query":{},"fields":"id"}`, "fields", "is a list", "", ""},
		{`{"query":{},"fields":["titel"]}`, "fields.0", "no field", "did you mean title?", ""},
		{`{"query":{},"fields":["id",["titel"]]}`, "fields.1", "no field", "did you mean title?", ""},
		{`{"query":{},"fields":[[]]}`, "fields.0", "a text, or a list", "", ""},
		// Bounds.
		{filter(deep), "query.filter" + strings.Repeat(".not", mostDepth), "deep", "", abi.KindLimitExceeded},
		{filter(`{"or":` + many(201, `{"eq":{"id":"a"}}`) + `}`), "query.filter.or.199", "at most 200 operators", "", abi.KindLimitExceeded},
		{filter(`{"in":{"id":` + many(1001, `"a"`) + `}}`), "query.filter.in.id.1000", "1000 values", "", abi.KindLimitExceeded},
		{filter(`{"contains":{"title":"` + strings.Repeat("a", 1001) + `"}}`), "query.filter.contains.title", "1000 bytes", "", abi.KindLimitExceeded},
		{filter(`{"eq":{"title":"` + strings.Repeat("a", 1001) + `"}}`), "query.filter.eq.title", "1000 bytes", "", abi.KindLimitExceeded},
		{filter(`{"eq":{"account` + strings.Repeat(".a", 10) + `":1}}`), "query.filter.eq.account" + strings.Repeat(".a", 10), "path is too long", "", abi.KindLimitExceeded},
		{`{"query":{"sort":` + many(9, `{"id":"asc"}`) + `}}`, "query.sort.8", "at most 8", "", abi.KindLimitExceeded},
		{`{"query":{},"fields":` + many(101, `"id"`) + `}`, "fields.100", "at most 100", "", abi.KindLimitExceeded},
		{`{"query":{},"x":"` + strings.Repeat("a", mostBytes) + `"}`, "query", "bytes", "", abi.KindLimitExceeded},
	} {
		_, err := Parse([]byte(c.params), issues())
		e, ok := errors.AsType[*abi.Error](err)
		if c.kind == "" {
			c.kind = abi.KindInvalidParams
		}
		if !ok || e.Kind != c.kind || e.Field != c.field || !strings.Contains(e.Message, c.message) || !strings.Contains(e.Hint, c.hint) {
			t.Errorf("%.300s: %#v", c.params, err)
		}
	}
}

func TestLike(t *testing.T) {
	t.Parallel()
	for pattern, c := range map[string]struct{ note, matches, not string }{
		"%gin%": {`{"contains": {"title":"gin"}}`, "Login broken", "Log in"},
		"log%":  {`{"startswith": {"title":"log"}}`, "Login broken", "The log"},
		"%ken":  {`{"endswith": {"title":"ken"}}`, "Login BROKEN", "token 1"},
		"login": {"for the whole text", "Login", "Login broken"},
		"%a_b%": {`{"contains": {"title":"a_b"}}`, "x A_B x", "acb"},
	} {
		q, err := Parse(fmt.Appendf(nil, `{"query":{"filter":{"not":{"like":{"title":%q}}}}}`, pattern), issues())
		if err != nil {
			t.Fatal(err)
		}
		if len(q.Notes) != 1 || !strings.Contains(q.Notes[0], c.note) {
			t.Errorf("%s: %q", pattern, q.Notes)
		}
		for title, want := range map[string]bool{c.matches: false, c.not: true} {
			if got := matches(t, q, fmt.Sprintf(`{"title":%q}`, title)); got != want {
				t.Errorf("not like %s: %q: %v", pattern, title, got)
			}
		}
	}
}

func TestAcceptLike(t *testing.T) {
	t.Parallel()
	schema := Schema([]string{"title"})
	AcceptLike(schema)
	if text := fmt.Sprint(schema); !strings.Contains(text, "like:map[$ref:#/$defs/text]") {
		t.Errorf("%s", text)
	}
}

// FuzzParse: what is read says what it means of any record, and its index finds what it finds.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"query":{"filter":{"and":[{"gte":{"priority":1}},{"or":[{"startswith":{"title":"a"}},{"not":{"fuzzy":{"title":"a b"}}}]}]},"sort":[{"created_at":"desc"}]},"limit":3,"fields":["id",["account","size"]]}`,
		`{"query":{"filter":{"keyword":{"title":"\"東京 a\"* b*"},"any":{"tags":{"eq":{"name":null}}},"in":{"id":["a",1,true,null]},"array_contains":{"tags":"x"}}}}`,
		`{"query":{"filter":{"like":{"title":"%x%"}}},"cursor":"eyJzIjoiIn0"}`,
	} {
		f.Add(seed, `{"id":"a","title":"東京都 abc b","priority":"1.0","created_at":"2026-01-01","tags":["x",{"name":null}],"account":{"size":1e3}}`)
	}
	f.Fuzz(func(t *testing.T, params, record string) {
		e := issues()
		q, err := Parse([]byte(params), e)
		if err != nil {
			if _, ok := errors.AsType[*abi.Error](err); !ok {
				t.Fatalf("%v", err)
			}
			return
		}
		if len(record) > 64<<10 || !valid(record) {
			return
		}
		s, err := q.Select("x", 1<<20)
		if err != nil {
			return
		}
		s.Add("k", at(0), []byte(record))
		page := s.Page()
		if page.Found == 1 && !hasTerms(q.Terms(), NewIndexer(e).Terms([]byte(record))) {
			t.Errorf("the index does not find %s for %s", record, params)
		}
		for _, r := range page.Records {
			if !valid(string(r)) {
				t.Errorf("the answer %s", r)
			}
		}
	})
}
