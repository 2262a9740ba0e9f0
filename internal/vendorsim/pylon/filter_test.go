package pylon

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

type m = map[string]any

// searchIDs runs a search over all pages.
func searchIDs(t *testing.T, v *Vendor, entity string, body m) []string {
	t.Helper()
	var out []string
	body["limit"] = 37
	delete(body, "cursor")
	for {
		rep := do(t, v, "POST", "/"+entity+"/search", body)
		if rep.status != 200 {
			t.Fatalf("%v: %s", body, rep.raw)
		}
		out = append(out, ids(rep.records(t))...)
		if !rep.body.Pagination.HasNext {
			return out
		}
		body["cursor"] = *rep.body.Pagination.Cursor
	}
}

// at reads a dotted path from a decoded record; what is missing or null is "".
func at(r m, path string) string {
	var cur any = r
	for key := range strings.SplitSeq(path, ".") {
		obj, _ := cur.(m)
		cur = obj[key]
	}
	switch x := cur.(type) {
	case nil:
		return ""
	case string:
		return x
	}
	return fmt.Sprint(cur)
}

func stringsAt(r m, key string) []string {
	var out []string
	items, _ := r[key].([]any)
	for _, it := range items {
		out = append(out, it.(string))
	}
	return out
}

// Filters are compared with a plain reading of the same records, taken from the answers and not from the store.
func TestFiltersAgainstBruteForce(t *testing.T) {
	t.Parallel()
	v := small(t)
	issues := do(t, v, "POST", "/issues/search", m{"limit": 999}).records(t)
	accounts := list(t, v, "/accounts?limit=999")
	contacts := list(t, v, "/contacts")
	users := list(t, v, "/users")
	tasks := list(t, v, "/tasks?limit=999")
	projects := do(t, v, "POST", "/projects/search", m{"limit": 999}).records(t)
	records := map[string][]m{"issues": issues, "accounts": accounts, "contacts": contacts, "users": users, "tasks": tasks, "projects": projects}
	if len(issues) != SmallScale().Issues {
		t.Fatalf("%d issues", len(issues))
	}

	acc, owner := at(issues[0], "account.id"), at(accounts[0], "owner.id")
	mid := testNow.Add(-12 * day).Format(time.RFC3339)
	later := testNow.Add(-5 * day).Format(time.RFC3339)
	state := func(s ...string) m { return m{"field": "state", "operator": "in", "values": s} }
	for i, tc := range []struct {
		entity string
		filter m
		want   func(m) bool
	}{
		{"issues", m{"field": "state", "operator": "equals", "value": "closed"}, func(r m) bool { return at(r, "state") == "closed" }},
		{"issues", state("new", "on_hold"), func(r m) bool { s := at(r, "state"); return s == "new" || s == "on_hold" }},
		{"issues", m{"field": "state", "operator": "not_in", "values": []string{"closed"}}, func(r m) bool { return at(r, "state") != "closed" }},
		{"issues", m{"field": "created_at", "operator": "time_is_after", "value": mid}, func(r m) bool { return at(r, "created_at") > mid }},
		{"issues", m{"field": "updated_at", "operator": "time_is_before", "value": mid}, func(r m) bool { return at(r, "updated_at") < mid }},
		{"issues", m{"field": "created_at", "operator": "time_range", "values": []string{mid, later}}, func(r m) bool { c := at(r, "created_at"); return c >= mid && c <= later }},
		{"issues", m{"field": "resolved_at", "operator": "time_is_after", "value": mid}, func(r m) bool { return at(r, "resolution_time") > mid }},
		{"issues", m{"field": "latest_message_activity_at", "operator": "time_is_before", "value": later}, func(r m) bool { return at(r, "latest_message_time") < later }},
		{"issues", m{"field": "account_id", "operator": "equals", "value": acc}, func(r m) bool { return at(r, "account.id") == acc }},
		{"issues", m{"field": "account_id", "operator": "is_unset"}, func(r m) bool { return at(r, "account.id") == "" }},
		{"issues", m{"field": "assignee_id", "operator": "is_set"}, func(r m) bool { return at(r, "assignee.id") != "" }},
		{"issues", m{"field": "assignee_id", "operator": "is_unset"}, func(r m) bool { return at(r, "assignee.id") == "" }},
		{"issues", m{"field": "tags", "operator": "contains", "value": "bug"}, func(r m) bool { return slices.Contains(stringsAt(r, "tags"), "bug") }},
		{"issues", m{"field": "tags", "operator": "does_not_contain", "value": "vip"}, func(r m) bool { return !slices.Contains(stringsAt(r, "tags"), "vip") }},
		{"issues", m{"field": "tags", "operator": "in", "values": []string{"api", "日本語"}}, func(r m) bool {
			return slices.Contains(stringsAt(r, "tags"), "api") || slices.Contains(stringsAt(r, "tags"), "日本語")
		}},
		{"issues", m{"field": "title", "operator": "string_contains", "value": "WEBHOOKS"}, func(r m) bool { return strings.Contains(at(r, "title"), "Webhooks") }},
		{"issues", m{"field": "body_html", "operator": "string_does_not_contain", "value": "screenshot"}, func(r m) bool { return !strings.Contains(at(r, "body_html"), "screenshot") }},
		{"issues", m{"field": "issue_type", "operator": "equals", "value": "ticket"}, func(r m) bool { return at(r, "type") == "ticket" }},
		{"issues", m{"field": "slack_channel_id", "operator": "in", "values": []string{"nope"}}, func(m) bool { return false }},
		{"issues", m{"field": "ticket_form_id", "operator": "is_set"}, func(r m) bool { return at(r, "source") == "form" }},
		{"issues", m{"field": "priority", "operator": "equals", "value": "high"}, func(r m) bool { return at(r, "custom_fields.priority.value") == "high" }},
		{"issues", m{"field": "affected_regions", "operator": "contains", "value": "eu-west"}, func(r m) bool { return at(r, "custom_fields.affected_regions.slug") != "" }},
		{"issues", m{"operator": "and", "subfilters": []m{state("closed"), {"field": "tags", "operator": "contains", "value": "bug"}}}, func(r m) bool {
			return at(r, "state") == "closed" && slices.Contains(stringsAt(r, "tags"), "bug")
		}},
		{"issues", m{"field": "", "operator": "or", "subfilters": []m{state("new"), {"operator": "and", "subfilters": []m{
			{"field": "account_id", "operator": "equals", "value": acc}, {"field": "created_at", "operator": "time_is_after", "value": mid},
		}}}}, func(r m) bool {
			return at(r, "state") == "new" || at(r, "account.id") == acc && at(r, "created_at") > mid
		}},
		{"accounts", m{"field": "name", "operator": "string_contains", "value": "café"}, func(r m) bool { return strings.Contains(strings.ToLower(at(r, "name")), "café") }},
		{"accounts", m{"field": "domains", "operator": "contains", "value": at(accounts[1], "primary_domain")}, func(r m) bool { return at(r, "id") == at(accounts[1], "id") }},
		{"accounts", m{"field": "external_ids", "operator": "is_unset"}, func(r m) bool { return len(r["external_ids"].([]any)) == 0 }},
		{"accounts", m{"field": "owner_id", "operator": "not_in", "values": []string{owner}}, func(r m) bool { return at(r, "owner.id") != owner }},
		{"accounts", m{"field": "arr", "operator": "greater_than", "value": "150000"}, func(r m) bool {
			var n int
			_, _ = fmt.Sscan(at(r, "custom_fields.arr.value"), &n)
			return n > 150000
		}},
		{"accounts", m{"field": "id", "operator": "in", "values": ids(accounts[3:6])}, func(r m) bool { return slices.Contains(ids(accounts[3:6]), at(r, "id")) }},
		{"contacts", m{"field": "email", "operator": "equals", "value": at(contacts[4], "email")}, func(r m) bool { return at(r, "email") == at(contacts[4], "email") }},
		{"contacts", m{"field": "account_id", "operator": "in", "values": ids(accounts[:2])}, func(r m) bool { return slices.Contains(ids(accounts[:2]), at(r, "account.id")) }},
		{"users", m{"field": "email", "operator": "not_in", "values": []string{at(users[0], "email")}}, func(r m) bool { return at(r, "id") != at(users[0], "id") }},
		{"tasks", m{"field": "status", "operator": "equals", "value": "completed"}, func(r m) bool { return at(r, "status") == "completed" }},
		{"tasks", m{"field": "due_date", "operator": "is_set"}, func(r m) bool { return at(r, "due_date") != "" }},
		{"tasks", m{"field": "assignee_id", "operator": "is_set"}, func(r m) bool { return at(r, "assignee.user.id") != "" }},
		{"tasks", m{"field": "project_id", "operator": "is_unset"}, func(r m) bool { return at(r, "project.id") == "" }},
		{"projects", m{"field": "is_archived", "operator": "equals", "value": "false"}, func(r m) bool { return at(r, "is_archived") == "false" }},
		{"projects", m{"field": "owner_id", "operator": "is_unset"}, func(r m) bool { return at(r, "owner_id") == "" }},
	} {
		var want []string
		for _, r := range records[tc.entity] {
			if tc.want(r) {
				want = append(want, at(r, "id"))
			}
		}
		if got := searchIDs(t, v, tc.entity, m{"filter": tc.filter}); !slices.Equal(got, want) {
			t.Errorf("case %d, %s %v: %d records, brute force finds %d", i, tc.entity, tc.filter, len(got), len(want))
		}
	}
}

func TestSearchText(t *testing.T) {
	t.Parallel()
	v := small(t)
	var want []string
	for _, r := range do(t, v, "POST", "/issues/search", m{"limit": 999}).records(t) {
		if s := strings.ToLower(at(r, "title") + " " + at(r, "body_html")); strings.Contains(s, "team") && strings.Contains(s, "blocked") {
			want = append(want, at(r, "id"))
		}
	}
	if len(want) == 0 {
		t.Fatal("nothing to find")
	}
	if got := searchIDs(t, v, "issues", m{"search_text": "Blocked TEAM"}); !slices.Equal(got, want) {
		t.Errorf("%d found, want %d", len(got), len(want))
	}
}

func TestFilterRefusals(t *testing.T) {
	t.Parallel()
	v := small(t)
	deep := m{"field": "state", "operator": "equals", "value": "new"}
	for range maxFilterDepth {
		deep = m{"operator": "and", "subfilters": []m{deep}}
	}
	for _, tc := range []struct {
		entity string
		filter any
		says   string
	}{
		{"issues", "state=new", "object"},
		{"issues", nil, "object"},
		{"issues", m{}, "operator"},
		{"issues", m{"field": "state", "operator": "equal", "value": "new"}, "filter.operator must be one of"},
		{"issues", m{"field": "status", "operator": "equals", "value": "new"}, `cannot filter by "status"`},
		{"issues", m{"field": "plan", "operator": "equals", "value": "x"}, `cannot filter by "plan"`}, // a custom field of accounts
		{"issues", m{"field": "state", "operator": "string_contains", "value": "new"}, "equals, in, not_in"},
		{"issues", m{"field": "team_id", "operator": "is_set"}, "operator"},
		{"issues", m{"field": "state", "operator": "equals"}, "value is required"},
		{"issues", m{"field": "state", "operator": "in", "value": "new"}, "values is required"},
		{"issues", m{"field": "state", "operator": "equals", "value": 1}, "filter.value must not be a number"},
		{"issues", m{"field": "state", "operator": "in", "values": []any{1}}, "filter.values[0]"},
		{"issues", m{"field": "state", "operator": "equals", "value": "new", "not": true}, "filter.not"},
		{"issues", m{"field": "created_at", "operator": "time_is_after", "value": "yesterday"}, "RFC 3339"},
		{"issues", m{"field": "created_at", "operator": "time_range", "values": []string{"2026-01-01T00:00:00Z"}}, "start and the end"},
		{"issues", m{"field": "issue_type", "operator": "equals", "value": "bug"}, "conversation, ticket"},
		{"issues", m{"operator": "and"}, "subfilters is required"},
		{"issues", m{"operator": "or", "subfilters": []any{m{"operator": "and", "subfilters": []any{1}}}}, "filter.subfilters[0].subfilters[0]"},
		{"issues", m{"field": "state", "operator": "equals", "value": "new", "subfilters": []any{}}, "and and or only"},
		{"issues", deep, "too large"},
		{"accounts", m{"field": "arr", "operator": "greater_than", "value": "much"}, "number"},
		{"users", m{"field": "name", "operator": "equals", "value": "x"}, `"name"`},
		{"projects", m{"field": "is_archived", "operator": "equals", "value": "yes"}, "true, false"},
	} {
		rep := do(t, v, "POST", "/"+tc.entity+"/search", m{"filter": tc.filter})
		if rep.status != 400 || len(rep.body.Errors) == 0 || !strings.Contains(rep.body.Errors[0], tc.says) {
			t.Errorf("%s %v: %d %q, want 400 and %q", tc.entity, tc.filter, rep.status, rep.body.Errors, tc.says)
		}
	}
}

// Any JSON is either refused with 400 or makes a predicate that runs; a negative operator must be the exact negation
// of its positive one.
func FuzzFilter(f *testing.F) {
	f.Add(`{"field":"state","operator":"equals","value":"new"}`)
	f.Add(`{"operator":"or","subfilters":[{"field":"tags","operator":"in","values":["a"]},{"field":"created_at","operator":"time_range","values":["2026-01-01T00:00:00Z","2026-02-01T00:00:00Z"]}]}`)
	f.Add(`{"field":"refund_amount","operator":"less_than_or_equals","value":"NaN"}`)
	f.Add(`[{}]`)
	v := small(f)
	positive := map[string]string{"not_in": "in", "does_not_contain": "contains", "string_does_not_contain": "string_contains", "not_equals": "equals", "is_unset": "is_set"}
	f.Fuzz(func(t *testing.T, text string) {
		var doc any
		if json.Unmarshal([]byte(text), &doc) != nil {
			return
		}
		compile := func(doc any) (predicate[issue], *apiError) {
			fc := filterCompiler[issue]{schema: &issueSchema, isField: func(kind, slug string) bool { return v.store.customField(kind, slug) != nil }}
			return fc.compile(doc, "filter", 1)
		}
		p, err := compile(doc)
		if err != nil {
			if err.status != 400 || len(err.messages) != 1 {
				t.Errorf("%+v", err)
			}
			return
		}
		var opposite predicate[issue]
		if obj := doc.(m); positive[fields(obj).Text("operator")] != "" {
			obj["operator"] = positive[fields(obj).Text("operator")]
			opposite, _ = compile(obj)
		}
		for _, r := range v.store.issues.Rows[:20] {
			if got := p(&r.Val); opposite != nil && got == opposite(&r.Val) {
				t.Errorf("%s: a record passes both or neither of a filter and its negation", text)
			}
		}
	})
}
