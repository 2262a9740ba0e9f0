package pylon

import (
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract/contracttest"
)

func TestEveryHandlerHasAnOperation(t *testing.T) {
	t.Parallel()
	ops := Operations()
	airbyte := 0
	for _, op := range ops {
		if op.Airbyte {
			airbyte++
		}
	}
	if len(ops) != 95 || airbyte != 43 {
		t.Errorf("%d operations, %d of Airbyte's connector; want 95 and 43", len(ops), airbyte)
	}
	routes := mergedRoutes()
	for route := range handlers() {
		if _, ok := routes[route]; !ok {
			t.Errorf("handler for %s, which is no operation", route)
		}
	}
}

func TestSameSeedSameData(t *testing.T) {
	t.Parallel()
	read := func(seed uint64) string {
		v := small(t, func(o *Options) { o.Seed = seed })
		out := ""
		for _, path := range []string{"/issues?" + last30Days(), "/accounts", "/contacts", "/tasks", "/audit-logs", "/users"} {
			out += string(do(t, v, "GET", path, nil).body.Data)
		}
		return out
	}
	first := read(1)
	if read(1) != first {
		t.Error("one seed made two organizations")
	}
	if read(2) == first {
		t.Error("two seeds made one organization")
	}
}

// The benchmarks of the host rely on these sizes.
func TestBenchmarkSizes(t *testing.T) {
	t.Parallel()
	v := New(Options{Token: fullToken, Seed: 1, Now: func() time.Time { return testNow }})
	for _, tc := range []struct {
		limit    string
		min, max int
	}{{"100", 93_000, 103_000}, {"1000", 935_000, 1_030_000}} {
		rep := do(t, v, "GET", "/issues?limit="+tc.limit+"&"+last30Days(), nil)
		if n := len(rep.raw); n < tc.min || n > tc.max {
			t.Errorf("limit=%s: %d records, %d bytes, want %d to %d", tc.limit, len(rep.records(t)), n, tc.min, tc.max)
		}
		if got := rep.records(t); tc.limit == "1000" && len(got) != 1000 {
			t.Errorf("%d records, want 1000", len(got))
		}
	}
}

// Every id in an answer must name something that can be fetched.
func TestLinksResolve(t *testing.T) {
	t.Parallel()
	v := small(t)
	known := map[string]bool{}
	for _, path := range []string{"/accounts?limit=999", "/contacts", "/users", "/teams", "/user-roles", "/tasks?limit=999"} {
		for _, id := range ids(list(t, v, path)) {
			known[id] = true
		}
	}
	for _, id := range ids(do(t, v, "POST", "/projects/search", map[string]any{"limit": 999}).records(t)) {
		known[id] = true
	}
	check := func(record map[string]any, links ...string) {
		for _, link := range links {
			if to, ok := record[link].(map[string]any); ok && !known[to["id"].(string)] {
				t.Errorf("%v: %s %v does not resolve", record["id"], link, to["id"])
			}
		}
	}
	for _, is := range list(t, v, "/issues?"+last30Days()) {
		check(is, "account", "requester", "assignee", "team")
		msgs := list(t, v, "/issues/"+is["id"].(string)+"/messages")
		if len(msgs) == 0 || msgs[0]["message_html"] != is["body_html"] {
			t.Errorf("issue %v: first message is not its body", is["number"])
		}
		for _, m := range msgs {
			if at, err := time.Parse(time.RFC3339, m["timestamp"].(string)); err != nil || at.After(testNow) {
				t.Errorf("message at %v, after now", m["timestamp"])
			}
		}
	}
	for _, r := range list(t, v, "/tasks?limit=999") {
		check(r, "account", "project")
	}
	for _, r := range list(t, v, "/contacts") {
		check(r, "account")
	}
	for _, r := range list(t, v, "/accounts?limit=999") {
		check(r, "owner")
	}
}

func TestIssuesOfTheLast30Days(t *testing.T) {
	t.Parallel()
	v := small(t)
	got := list(t, v, "/issues?"+last30Days())
	if want := SmallScale().Issues * 5 / 8; len(got) < want {
		t.Fatalf("%d issues in the last 30 days, want at least %d", len(got), want)
	}
	if !slices.IsSortedFunc(got, func(a, b map[string]any) int {
		if a["created_at"].(string) >= b["created_at"].(string) {
			return -1
		}
		return 1
	}) {
		t.Error("not newest first")
	}
}

func BenchmarkGetIssue(b *testing.B) {
	v := New(Options{Token: fullToken, Seed: 1})
	id := v.store.issues.Rows[10].ID
	r := httptest.NewRequest("GET", "/issues/"+id, nil)
	r.Header.Set("Authorization", "Bearer "+fullToken)
	contracttest.Measure(b, v, r)
}

func BenchmarkListIssues(b *testing.B) {
	v := New(Options{Token: fullToken, Seed: 1})
	now := time.Now()
	for _, limit := range []string{"100", "1000"} {
		b.Run(limit, func(b *testing.B) {
			r := httptest.NewRequest("GET", "/issues?start_time="+now.Add(-29*day).UTC().Format(time.RFC3339)+"&end_time="+now.UTC().Format(time.RFC3339)+"&limit="+limit, nil)
			r.Header.Set("Authorization", "Bearer "+fullToken)
			contracttest.Measure(b, v, r)
		})
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New(Options{Token: fullToken, Seed: 1})
	}
}
