package query

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/rawjson"
)

func valid(record string) bool {
	return rawjson.Valid([]byte(record)) && rawjson.KindOf([]byte(record)) == rawjson.Object
}

func at(ms int64) time.Time { return time.UnixMilli(ms) }

func matches(t testing.TB, q *Query, record string) bool {
	t.Helper()
	s, err := q.Select("", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	s.Add("k", at(1), []byte(record))
	return s.Page().Found == 1
}

// hasTerms reports whether an index with the terms of a record finds it.
func hasTerms(want *Terms, have []string) bool {
	if want == nil {
		return true
	}
	for _, one := range want.All {
		if !hasTerms(one, have) {
			return false
		}
	}
	for _, one := range want.Any {
		if hasTerms(one, have) {
			return true
		}
	}
	for _, one := range have {
		if one == want.Term || want.Beginning && strings.HasPrefix(one, want.Term) {
			return true
		}
	}
	return len(want.All) > 0
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		filter   string
		yes, not []string
	}{
		{`{"eq":{"title":"a"}}`, []string{`{"title":"a"}`, `{"title":"x","title":"a"}`, `{"titl\u0065":"a"}`}, []string{`{"title":"A"}`, `{}`, `{"title":["a"]}`, `{"title":"a","title":"x"}`}},
		{`{"eq":{"state":null}}`, []string{`{"state":null}`, `{}`}, []string{`{"state":false}`, `{"state":0}`, `{"state":""}`}},
		{`{"eq":{"state":1}}`, []string{`{"state":1}`, `{"state":1.0}`, `{"state":10e-1}`}, []string{`{"state":"1"}`, `{"state":true}`}},
		{`{"eq":{"state":9007199254740993}}`, []string{`{"state":9007199254740993}`}, []string{`{"state":9007199254740992}`}},
		{`{"eq":{"state":12345678901234567890}}`, []string{`{"state":12345678901234567890}`, `{"state":1234567890123456789e1}`}, []string{`{"state":12345678901234567891}`}},
		{`{"eq":{"priority":"3"}}`, []string{`{"priority":3}`, `{"priority":"3.0"}`}, []string{`{"priority":"x"}`, `{"priority":"3 "}`}},
		{`{"eq":{"created_at":"2026-12-01T10:00:00+01:00"}}`, []string{`{"created_at":"2026-12-01T09:00:00Z"}`, `{"created_at":"2026-12-01T09:00:00.000"}`, `{"created_at":"2026-12-01 09:00:00"}`}, []string{`{"created_at":"2026-12-01T10:00:00Z"}`, `{"created_at":"2026-12-01T09:00:00.001Z"}`}},
		{`{"lt":{"created_at":"2026-12-01"}}`, []string{`{"created_at":"2026-11-30T23:59:59Z"}`, `{"created_at":"2026-12-01T00:30:00+01:00"}`}, []string{`{"created_at":"2026-12-01"}`, `{"created_at":null}`, `{"created_at":"soon"}`}},
		{`{"neq":{"state":"a"}}`, []string{`{"state":"b"}`, `{}`, `{"state":["a"]}`}, []string{`{"state":"a"}`}},
		{`{"gt":{"priority":9}}`, []string{`{"priority":10}`, `{"priority":"10"}`, `{"priority":9.5}`}, []string{`{"priority":9}`, `{"priority":null}`, `{"priority":"9a"}`}},
		{`{"lte":{"title":"b"}}`, []string{`{"title":"b"}`, `{"title":"a"}`, `{"title":"B"}`}, []string{`{"title":"ba"}`, `{"title":1}`}},
		{`{"gte":{"account.size":2}}`, []string{`{"account":{"size":2}}`}, []string{`{"account":{}}`, `{"account":[{"size":2}]}`, `{"account.size":2}`, `{"account":{"size":2},"account":{}}`}},
		{`{"in":{"state":["a",1,null]}}`, []string{`{"state":"a"}`, `{"state":1.0}`, `{}`}, []string{`{"state":"1"}`, `{"state":["a"]}`, `{"state":false}`}},
		{`{"in":{"state":[]}}`, nil, []string{`{"state":"a"}`, `{}`}},
		{`{"startswith":{"title":"Lo"}}`, []string{`{"title":"login"}`}, []string{`{"title":"xlo"}`, `{"title":null}`}},
		{`{"endswith":{"title":"IN"}}`, []string{`{"title":"login"}`}, []string{`{"title":"login "}`}},
		{`{"contains":{"title":"og in"}}`, []string{`{"title":"Log in"}`}, []string{`{"title":"login"}`, `{"title":["log in"]}`}},
		{`{"contains":{"title":"京"}}`, []string{`{"title":"東京"}`, `{"title":"京都"}`, `{"title":"a京b"}`}, []string{`{"title":"東"}`}},
		{`{"contains":{"title":"東京都"}}`, []string{`{"title":"新東京都庁"}`}, []string{`{"title":"東京 都"}`}},
		{`{"array_contains":{"tags":"a"}}`, []string{`{"tags":["b","a"]}`}, []string{`{"tags":"a"}`, `{"tags":["A",["a"]]}`, `{}`}},
		{`{"array_contains":{"tags":null}}`, []string{`{"tags":[null]}`}, []string{`{"tags":[]}`, `{}`}},
		{`{"any":{"tags":{"eq":{"name":"a"},"gt":{"n":1}}}}`, []string{`{"tags":[{"name":"b"},{"name":"a","n":2}]}`}, []string{`{"tags":[{"name":"a"},{"n":2}]}`, `{"tags":{"name":"a","n":2}}`, `{"tags":["a"]}`}},
		{`{"not":{"eq":{"state":"a"}}}`, []string{`{}`}, []string{`{"state":"a"}`}},
		{`{"or":[{"eq":{"state":"a"}},{"eq":{"state":"b"}}],"not":{"eq":{"open":true}}}`, []string{`{"state":"b"}`}, []string{`{"state":"b","open":true}`, `{"state":"c"}`}},
		// keyword: whole words, beginnings* and "phrases", one of which is there.
		{`{"keyword":{"title":"login payment"}}`, []string{`{"title":"Login!"}`, `{"title":"a PAYMENT b"}`}, []string{`{"title":"logins"}`, `{"title":"pay"}`}},
		{`{"keyword":{"title":"log*"}}`, []string{`{"title":"a login"}`, `{"title":"log"}`}, []string{`{"title":"blog"}`}},
		{`{"keyword":{"title":"\"log in\""}}`, []string{`{"title":"please log-in now"}`}, []string{`{"title":"in log"}`, `{"title":"log me in"}`, `{"title":"blog in"}`}},
		{`{"keyword":{"title":"\"log in\"*"}}`, []string{`{"title":"log inside"}`}, []string{`{"title":"log out"}`}},
		{`{"keyword":{"title":"e-mail"}}`, []string{`{"title":"an e mail"}`}, []string{`{"title":"email"}`}},
		{`{"keyword":{"title":"東京"}}`, []string{`{"title":"新東京駅"}`, `{"title":"abc東京"}`}, []string{`{"title":"東 京"}`, `{"title":"京東"}`}},
		{`{"keyword":{"title":"東"}}`, []string{`{"title":"関東"}`, `{"title":"東北"}`}, []string{`{"title":"北"}`}},
		{`{"keyword":{"title":"\"東 京\""}}`, []string{`{"title":"東・京"}`}, []string{`{"title":"東京"}`}},
		{`{"keyword":{"title":"ไทย"}}`, []string{`{"title":"ภาษาไทยครับ"}`}, []string{`{"title":"ไท"}`}},
		{`{"keyword":{"title":"login"}}`, []string{`{"title":["x",{"a":[1,"a login"]}]}`, `{"title":{"x":"Log\u0069n"}}`}, []string{`{"title":{"login":"x"}}`, `{"title":["log","in"]}`, `{"title":true}`}},
		{`{"keyword":{"title":"ñandú"}}`, []string{`{"title":"El ÑANDÚ"}`}, []string{`{"title":"nandu"}`}},
		// fuzzy: words that begin with these, in this order.
		{`{"fuzzy":{"title":"pay fail"}}`, []string{`{"title":"Payment has failed"}`}, []string{`{"title":"failed payment"}`, `{"title":"repay fails"}`}},
		{`{"fuzzy":{"title":"東京 駅"}}`, []string{`{"title":"東京の新駅"}`}, []string{`{"title":"駅は東京"}`}},
	} {
		q, err := Parse([]byte(`{"query":{"filter":`+c.filter+`}}`), issues())
		if err != nil {
			t.Fatalf("%s: %v", c.filter, err)
		}
		x := NewIndexer(issues())
		for want, records := range map[bool][]string{true: c.yes, false: c.not} {
			for _, r := range records {
				if got := matches(t, q, r); got != want {
					t.Errorf("%s of %s: %v", c.filter, r, got)
				}
				if want && !hasTerms(q.Terms(), x.Terms([]byte(r))) {
					t.Errorf("%s: the index with %q does not find %s", c.filter, x.Terms([]byte(r)), r)
				}
			}
		}
	}
}

// TestTermsAreNarrow: an index is of no use that finds everything.
func TestTermsAreNarrow(t *testing.T) {
	t.Parallel()
	x := NewIndexer(issues())
	terms := x.Terms([]byte(`{"id":"a","title":"Login fails in 東京 office","state":"open","tags":["x"]}`))
	for _, filter := range []string{
		`{"eq":{"state":"closed"}}`, `{"in":{"state":["closed",null]}}`, `{"array_contains":{"tags":"y"}}`, `{"eq":{"id":"b"},"keyword":{"title":"login"}}`,
		`{"eq":{"title":"payment"}}`, `{"startswith":{"title":"logi fa"}}`, `{"contains":{"title":"x payment x"}}`, `{"endswith":{"title":"in payment"}}`, `{"contains":{"title":"大阪"}}`,
		`{"keyword":{"title":"payment"}}`, `{"keyword":{"title":"pay*"}}`, `{"keyword":{"title":"京東"}}`, `{"fuzzy":{"title":"log pay"}}`, `{"or":[{"eq":{"state":"closed"}},{"keyword":{"title":"x"}}]}`,
	} {
		q, err := Parse([]byte(`{"query":{"filter":`+filter+`}}`), issues())
		if err != nil {
			t.Fatal(err)
		}
		if hasTerms(q.Terms(), terms) {
			t.Errorf("%s: the index finds another record", filter)
		}
	}
	for _, term := range terms {
		for _, r := range term {
			if r < 0x80 && classOf(r) != letter || 'A' <= r && r <= 'Z' {
				t.Errorf("the term %q has %q", term, r)
			}
		}
	}
}

// TestManyWords: a record with more words than there are terms for is found all the same.
func TestManyWords(t *testing.T) {
	t.Parallel()
	var long strings.Builder
	for i := range 6000 {
		fmt.Fprintf(&long, "w%d ", i)
	}
	huge := strings.Repeat("a ", mostIndexText)
	list := strings.Repeat(`"a",`, 200) + `"z"`
	x := NewIndexer(issues())
	for filter, record := range map[string]string{
		`{"keyword":{"title":"w5999"}}`:     `{"title":"` + long.String() + `"}`,
		`{"contains":{"title":" end now"}}`: `{"title":"` + huge + ` end now"}`,
		`{"array_contains":{"tags":"z"}}`:   `{"tags":[` + list + `]}`,
	} {
		q, err := Parse([]byte(`{"query":{"filter":`+filter+`}}`), issues())
		if err != nil {
			t.Fatal(err)
		}
		terms := x.Terms([]byte(record))
		if !matches(t, q, record) || !hasTerms(q.Terms(), terms) || len(terms) > mostTerms {
			t.Errorf("%s is not found; %d terms", filter, len(terms))
		}
	}
}
