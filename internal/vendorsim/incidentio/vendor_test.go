package incidentio

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract/contracttest"
)

func TestEveryHandlerHasAnOperation(t *testing.T) {
	t.Parallel()
	routes := map[string]bool{}
	airbyte, deprecated, successors := 0, 0, 0
	for _, op := range Operations() {
		if routes[op.Route()] {
			t.Errorf("%s is there twice", op.Route())
		}
		routes[op.Route()] = true
		if op.Airbyte {
			airbyte++
		}
		if op.Deprecated {
			deprecated++
		}
		if op.SuccessorOf != "" {
			successors++
		}
	}
	if len(routes) != 78 || airbyte != 23 || deprecated != 4 || successors != 4 {
		t.Errorf("%d operations, %d of Airbyte's connector, %d deprecated with %d successors; want 78, 23, 4 and 4", len(routes), airbyte, deprecated, successors)
	}
	for route := range handlers() {
		if !routes[route] {
			t.Errorf("handler for %s, which is no operation", route)
		}
	}
}

func TestSameSeedSameData(t *testing.T) {
	t.Parallel()
	read := func(seed uint64) string {
		v := small(t, func(o *Options) { o.Seed = seed })
		out := ""
		for _, path := range []string{everyIncident, "/v2/alerts", "/v2/escalations", "/v2/users", "/v2/schedules", "/v3/catalog_types", "/v2/follow_ups", "/v2/alert_sources"} {
			out += string(do(t, v, "GET", path, nil).raw)
		}
		return out
	}
	first := read(1)
	if read(1) != first {
		t.Error("one seed made two organisations")
	}
	if read(2) == first {
		t.Error("two seeds made one organisation")
	}
}

func TestSizeOfTheDefault(t *testing.T) {
	t.Parallel()
	v := New(Options{Token: fullToken, Seed: 1, Now: func() time.Time { return testNow }})
	s := &v.store
	n := len(s.incidents.Rows) + len(s.incidentUpdates.Rows) + len(s.followUps.Rows) + len(s.actions.Rows) + len(s.alerts.Rows) + len(s.escalations.Rows) + len(s.catalogEntries.Rows) + len(s.users.Rows)
	if n < 10_000 {
		t.Errorf("%d records", n)
	}
}

// Every id in an answer must name something that can be fetched, and nothing may be dated after now.
func TestLinksResolve(t *testing.T) {
	t.Parallel()
	v := small(t)
	known := map[string]bool{}
	for _, path := range []string{
		"/v2/users?include_inactive=true&page_size=1000", everyIncident + "&page_size=250", "/v1/severities", "/v1/incident_statuses", "/v1/incident_types", "/v2/incident_roles",
		"/v2/incident_timestamps", "/v2/custom_fields", "/v3/catalog_types", "/v2/alert_sources", "/v3/teams?page_size=250", "/v2/workflows", "/v1/postmortem_documents?page_size=250",
		"/v2/schedules?page_size=1000",
	} {
		for _, id := range ids(list(t, v, path)) {
			known[id] = true
		}
	}
	for _, id := range rowIDs(&v.store.alerts, nil) {
		known[id] = true
	}
	for _, id := range append(rowIDs(&v.store.escalationPaths, nil), rowIDs(&v.store.catalogEntries, nil)...) {
		known[id] = true
	}
	links := map[string]bool{
		"incident_id": true, "merged_into_incident_id": true, "alert_source_id": true, "escalation_path_id": true, "catalog_type_id": true, "custom_field_id": true,
	}
	objects := map[string]bool{
		"user": true, "assignee": true, "incident_status": true, "severity": true, "incident_type": true, "role": true, "incident_timestamp": true, "custom_field": true,
		"new_incident_status": true, "new_severity": true, "incident": true, "alert": true, "workflow": true, "catalog_entry": true, "lead": true, "assignee_team": true,
	}
	seen := 0
	var check func(where string, v any)
	check = func(where string, v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				check(where, item)
			}
		case map[string]any:
			for name, inner := range v {
				id, isText := inner.(string)
				if o, isObject := inner.(map[string]any); isObject && objects[name] {
					id, isText = o["id"].(string)
				} else if !links[name] {
					isText = false
				}
				if isText {
					if seen++; !known[id] {
						t.Errorf("%s: %s %s does not resolve", where, name, id)
					}
				}
				if text, isText := inner.(string); isText && (name == "created_at" || name == "updated_at") {
					if at, err := time.Parse(time.RFC3339, text); err != nil || at.After(testNow) {
						t.Errorf("%s: %s is %s", where, name, text)
					}
				}
				check(where, inner)
			}
		}
	}
	service := v.store.catalogTypes.Find(func(c *catalogTypeV3) bool { return c.Name == "Service" }).ID
	for _, path := range []string{
		everyIncident + "&page_size=250", "/v2/alerts?page_size=50", "/v2/escalations?page_size=50", "/v2/incident_updates?page_size=250", "/v2/follow_ups", "/v2/actions", "/v1/postmortem_documents",
		"/v2/schedules", "/v3/teams", "/v3/catalog_entries?page_size=250&catalog_type_id=" + service, "/v1/maintenance_windows?page_size=50",
		"/v1/incident_relationships?incident_id=" + v.store.incidentRelations.Rows[0].Val.from,
	} {
		for _, r := range list(t, v, path) {
			check(path, r)
		}
	}
	if seen < 3000 {
		t.Errorf("only %d links seen", seen)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	now := testNow
	v := small(t, func(o *Options) { o.RateLimit, o.Now = true, func() time.Time { return now } })
	header := func(r reply, name string) int { n, _ := strconv.Atoi(r.header.Get(name)); return n }
	for i := range 60 {
		rep := do(t, v, "GET", "/v2/incidents?page_size=1", nil)
		if rep.status != 200 || header(rep, "X-RateLimit-Remaining") != 59-i || header(rep, "X-RateLimit-Used") != i+1 || rep.header.Get("X-RateLimit-Limit") != "60, 60;window=60" {
			t.Fatalf("request %d: %d %v", i, rep.status, rep.header)
		}
	}
	rep := do(t, v, "GET", "/v2/incidents?page_size=1", nil)
	f := rep.fault
	if rep.status != 429 || f.Type != "too_many_requests" || f.Errors[0].Code != "too_many_requests" || rep.header.Get("Retry-After") != "1" || header(rep, "X-RateLimit-Remaining") != 0 ||
		int64(header(rep, "X-RateLimit-Reset")) != now.Unix()+1 || f.RateLimit == nil || f.RateLimit.Limit != 60 || f.RateLimit.Name != limitIncidents || !f.RateLimit.RetryAfter.Equal(now.Add(time.Second)) {
		t.Errorf("61st: %d %v %s", rep.status, rep.header, rep.raw)
	}
	if rep := do(t, v, "GET", "/v2/incidents?page_size=1", nil, "Authorization", "Bearer "+readToken); rep.status != 200 {
		t.Errorf("another key: %s", rep.raw)
	}
	if rep := do(t, v, "GET", "/v2/incidents/101", nil); rep.status != 200 || header(rep, "X-RateLimit-Remaining") != 1200-61 {
		t.Errorf("one incident: %d %v; a refusal must not use up the other bucket", rep.status, rep.header)
	}
	now = now.Add(time.Second)
	if rep := do(t, v, "GET", "/v2/incidents?page_size=1", nil); rep.status != 200 || header(rep, "X-RateLimit-Remaining") != 0 {
		t.Errorf("a second later: %d %v", rep.status, rep.header)
	}
	if rep := do(t, v, "GET", "/v2/incidents?page_size=1", nil); rep.status != 429 {
		t.Errorf("a second later, twice: %d", rep.status)
	}
	now = now.Add(time.Hour)
	if rep := do(t, v, "GET", "/v2/incidents?page_size=1", nil); header(rep, "X-RateLimit-Remaining") != 59 {
		t.Errorf("an hour later the bucket holds more than a minute: %v", rep.header)
	}
}

func TestRateLimitOfTheKey(t *testing.T) {
	t.Parallel()
	now := testNow
	v := small(t, func(o *Options) { o.RateLimit, o.RatePerMinute, o.Now = true, 30, func() time.Time { return now } })
	for i := range 30 {
		if rep := do(t, v, "GET", "/v1/identity", nil); rep.status != 200 {
			t.Fatalf("request %d: %s", i, rep.raw)
		}
	}
	rep := do(t, v, "GET", "/v2/users", nil)
	if rep.status != 429 || rep.header.Get("Retry-After") != "2" || rep.fault.RateLimit.Name != limitDefault {
		t.Errorf("31st: %d %v %s", rep.status, rep.header, rep.raw)
	}
	now = now.Add(2 * time.Second)
	if rep := do(t, v, "GET", "/v2/users", nil); rep.status != 200 {
		t.Errorf("after Retry-After: %s", rep.raw)
	}
}

// Readers and writers at once; the race detector does the judging.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	v := small(t, func(o *Options) { o.RateLimit = true })
	inc := v.store.incidents.Rows[0].ID
	operations := Operations()
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 40 {
				do(t, v, "GET", "/v2/incidents?page_size=5&sort_by=created_at_oldest_first", nil)
				do(t, v, "GET", "/v2/schedules?page_size=3", nil)
				do(t, v, "POST", "/v2/incidents", obj{"idempotency_key": fmt.Sprint(g, i%20), "visibility": "public"})
				do(t, v, "POST", "/v2/incidents/"+inc+"/actions/edit", obj{"notify_incident_channel": false, "incident": obj{"name": fmt.Sprint(g, i)}})
				v.Sample(operations[i], true)
			}
		})
	}
	wg.Wait()
	if n := len(rowIDs(&v.store.incidents, nil)) - SmallScale().Incidents; n != 80 {
		t.Errorf("%d new incidents for 80 idempotency keys", n)
	}
}

func TestReferencesAreUnique(t *testing.T) {
	t.Parallel()
	v := small(t)
	var refs []string
	for _, r := range everything(t, v, everyIncident, 250) {
		refs = append(refs, r["reference"].(string))
		if !strings.HasPrefix(refs[len(refs)-1], "INC-") {
			t.Errorf("reference %q", refs[len(refs)-1])
		}
	}
	slices.Sort(refs)
	if len(slices.Compact(refs)) != SmallScale().Incidents {
		t.Error("references repeat")
	}
}

func BenchmarkGetIncident(b *testing.B) {
	v := New(Options{Token: fullToken, Seed: 1})
	benchmark(b, v, "/v2/incidents/"+v.store.incidents.Rows[10].ID)
}

func BenchmarkListIncidents(b *testing.B) {
	v := New(Options{Token: fullToken, Seed: 1})
	for _, size := range []string{"25", "250"} {
		b.Run(size, func(b *testing.B) { benchmark(b, v, "/v2/incidents?page_size="+size) })
	}
}

func BenchmarkListSchedules(b *testing.B) {
	benchmark(b, New(Options{Token: fullToken, Seed: 1}), "/v2/schedules")
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New(Options{Token: fullToken, Seed: 1})
	}
}

func benchmark(b *testing.B, v *Vendor, target string) {
	r := httptest.NewRequest("GET", target, nil)
	r.Header.Set("Authorization", "Bearer "+fullToken)
	contracttest.Measure(b, v, r)
}
