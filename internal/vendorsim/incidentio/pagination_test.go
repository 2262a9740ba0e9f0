package incidentio

import (
	"net/url"
	"slices"
	"strconv"
	"testing"
	"time"
)

// walk follows every page of a list.
func walk(t *testing.T, v *Vendor, target string, size int, between func(page int)) []string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	after := ""
	for page := 0; ; page++ {
		if page > 5000 {
			t.Fatal("pages without end")
		}
		q := u.Query()
		q.Set("page_size", strconv.Itoa(size))
		if after != "" {
			q.Set("after", after)
		}
		rep := do(t, v, "GET", u.Path+"?"+q.Encode(), nil)
		if rep.status != 200 {
			t.Fatalf("%s page %d: %s", target, page, rep.raw)
		}
		got := ids(rep.records(t))
		if len(got) > size || rep.page.PageSize != size {
			t.Fatalf("%s page %d: %d records, %+v", target, page, len(got), rep.page)
		}
		out = append(out, got...)
		if rep.page.After == nil {
			return out
		}
		after = *rep.page.After
		if len(got) != size || got[len(got)-1] != after {
			t.Fatalf("%s page %d: after %q is not the last record of a full page", target, page, after)
		}
		if between != nil {
			between(page)
		}
	}
}

func TestPagesHoldEveryRecordOnceInOrder(t *testing.T) {
	t.Parallel()
	v := small(t)
	s := &v.store
	field, service := s.customFields.Rows[0].ID, s.catalogTypes.Find(func(c *catalogTypeV3) bool { return c.Name == "Service" }).ID
	related := s.incidentRelations.Rows[0].Val.from
	backwards := func(in []string) []string { slices.Reverse(in); return in }
	for _, tc := range []struct {
		target string
		want   []string
	}{
		{everyIncident, rowIDs(&s.incidents, nil)},
		{everyIncident + "&sort_by=created_at_oldest_first", backwards(rowIDs(&s.incidents, nil))},
		{"/v2/incidents", rowIDs(&s.incidents, func(is *incident) bool {
			return (is.Mode == "standard" || is.Mode == "retrospective") && !slices.Contains([]string{"declined", "canceled", "merged"}, is.IncidentStatus.Category)
		})},
		{"/v2/alerts", rowIDs(&s.alerts, nil)},
		{"/v2/alerts?status[one_of]=resolved", rowIDs(&s.alerts, func(a *alert) bool { return a.Status == "resolved" })},
		{"/v2/escalations", rowIDs(&s.escalations, nil)},
		{"/v2/users?include_inactive=true", rowIDs(&s.users, nil)},
		{"/v2/users", rowIDs(&s.users, func(u *user) bool { return u.IsActive })},
		{"/v2/incident_updates", rowIDs(&s.incidentUpdates, nil)},
		{"/v2/schedules", rowIDs(&s.schedules, nil)},
		{"/v2/alert_routes", rowIDs(&s.alertRoutes, nil)},
		{"/v2/status_pages", rowIDs(&s.statusPages, nil)},
		{"/v3/teams", rowIDs(&s.teams, nil)},
		{"/v3/catalog_entries?catalog_type_id=" + service, rowIDs(&s.catalogEntries, func(e *catalogEntry) bool { return e.CatalogTypeID == service })},
		{"/v1/custom_field_options?custom_field_id=" + field, rowIDs(&s.customOptions, func(o *customFieldOption) bool { return o.CustomFieldID == field })},
		{"/v1/incident_relationships?incident_id=" + related, rowIDs(&s.incidentRelations, func(l *incidentRelation) bool { return l.from == related })},
		{"/v1/postmortem_documents", rowIDs(&s.postmortems, nil)},
		{"/v1/postmortem_documents?sort_by=created_at_oldest_first", backwards(rowIDs(&s.postmortems, nil))},
		{"/v1/maintenance_windows", rowIDs(&s.maintenance, nil)},
	} {
		if len(tc.want) == 0 {
			t.Errorf("%s: nothing to page through", tc.target)
		}
		for _, size := range []int{1, 3, len(tc.want), len(tc.want) + 1, 50} {
			if size > 50 {
				continue
			}
			if got := walk(t, v, tc.target, size, nil); !slices.Equal(got, tc.want) {
				t.Errorf("%s page_size=%d: %d records, want %d in order", tc.target, size, len(got), len(tc.want))
			}
		}
	}
}

// everyIncident lifts what the default list leaves out.
const everyIncident = "/v2/incidents?mode[one_of]=standard&mode[one_of]=retrospective&mode[one_of]=test&mode[one_of]=tutorial" +
	"&status_category[one_of]=triage&status_category[one_of]=declined&status_category[one_of]=merged&status_category[one_of]=canceled" +
	"&status_category[one_of]=live&status_category[one_of]=learning&status_category[one_of]=closed&status_category[one_of]=paused"

// After names a record, not a number of records: what is added or removed meanwhile changes nothing about the others.
func TestPagingWhileRecordsComeAndGo(t *testing.T) {
	t.Parallel()
	clock := testNow
	v := small(t, func(o *Options) { o.Now = func() time.Time { return clock } })
	before := rowIDs(&v.store.incidentUpdates, nil)
	got := walk(t, v, "/v2/incident_updates", 10, func(int) {
		clock = clock.Add(time.Minute)
		ok(t, v, "POST", "/v2/incidents", map[string]any{"visibility": "public", "idempotency_key": clock.String()})
	})
	if !slices.Equal(got, before) {
		t.Errorf("new updates at the head: %d records, want the %d there were", len(got), len(before))
	}
	service := v.store.catalogTypes.Find(func(c *catalogTypeV3) bool { return c.Name == "Service" }).ID
	entries := rowIDs(&v.store.catalogEntries, func(e *catalogEntry) bool { return e.CatalogTypeID == service })
	got = walk(t, v, "/v3/catalog_entries?catalog_type_id="+service, 2, func(page int) {
		// Both records of the page just sent go, and with them the one that after names.
		ok(t, v, "DELETE", "/v3/catalog_entries/"+entries[2*page], nil)
		ok(t, v, "DELETE", "/v3/catalog_entries/"+entries[2*page+1], nil)
	})
	if !slices.Equal(got, entries) {
		t.Errorf("deleting on the way: %d records, want %d", len(got), len(entries))
	}
}

func TestPageSizes(t *testing.T) {
	t.Parallel()
	v := small(t, func(o *Options) { o.Scale.Incidents, o.Scale.Schedules = 700, 30 })
	rep := do(t, v, "GET", "/v2/incidents?page_size=500", nil)
	if n := len(rep.records(t)); n != 250 || rep.page.PageSize != 250 || rep.page.After == nil || rep.page.Total == nil || *rep.page.Total <= 250 {
		t.Errorf("page_size=500: %d records, %+v; the server caps at 250", n, rep.page)
	}
	if n := len(list(t, v, "/v2/incidents")); n != 25 {
		t.Errorf("default: %d records, want 25", n)
	}
	for size, want := range map[string]bool{"25": true, "26": false} {
		for _, sc := range list(t, v, "/v2/schedules?page_size="+size) {
			if _, has := sc["next_shifts"]; has != want {
				t.Fatalf("page_size=%s: next_shifts %v, want %v", size, has, want)
			}
		}
	}
	if n := len(list(t, v, "/v2/alerts")); n != 25 {
		t.Errorf("alerts without page_size: %d records, want 25", n)
	}
}

// /v2 leaves after out at the end, /v1 and /v3 say null.
func TestHowPagesEnd(t *testing.T) {
	t.Parallel()
	v := small(t)
	for target, want := range map[string]string{
		"/v2/status_pages?page_size=250":                     `{"page_size":250}`,
		"/v3/teams?page_size=250":                            `{"after":null,"page_size":250}`,
		"/v1/maintenance_windows?page_size=50&status=active": `{"after":null,"page_size":50}`,
	} {
		if got := string(do(t, v, "GET", target, nil).body["pagination_meta"]); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}
