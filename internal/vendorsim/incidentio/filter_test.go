package incidentio

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// at digs in a decoded record: at(r, "incident_status", "id").
func at(r map[string]any, path ...string) string {
	for _, name := range path[:len(path)-1] {
		r, _ = r[name].(map[string]any)
	}
	s, _ := r[path[len(path)-1]].(string)
	return s
}

// everything reads a whole list in one go, or two.
func everything(t *testing.T, v *Vendor, target string, size int) []map[string]any {
	t.Helper()
	var out []map[string]any
	after := ""
	for {
		rep := do(t, v, "GET", fmt.Sprintf("%s&page_size=%d%s", target, size, after), nil)
		if rep.status != 200 {
			t.Fatalf("%s: %s", target, rep.raw)
		}
		out = append(out, rep.records(t)...)
		if rep.page.After == nil {
			return out
		}
		after = "&after=" + *rep.page.After
	}
}

// clause is a filter and what it means, told from the answer of the API alone.
type clause struct {
	name, operator string
	values         []string
	holds          func(r map[string]any) bool
}

func (c clause) add(q url.Values) { q[c.name+"["+c.operator+"]"] = c.values }

// choices is one_of or not_in over what get finds in a record.
func choices(name string, get func(map[string]any) []string, operator string, values ...string) clause {
	return clause{name, operator, values, func(r map[string]any) bool {
		found := slices.ContainsFunc(get(r), func(s string) bool { return slices.Contains(values, s) })
		return found == (operator != "not_in")
	}}
}

func textAt(path ...string) func(map[string]any) []string {
	return func(r map[string]any) []string {
		if s := at(r, path...); s != "" {
			return []string{s}
		}
		return nil
	}
}

// dates is a bound on a time; written values and meaning are given apart from each other.
func dates(name, operator, value string, from, end time.Time) clause {
	return clause{name, operator, []string{value}, func(r map[string]any) bool {
		got, err := time.Parse(time.RFC3339, at(r, name))
		return err == nil && (from.IsZero() || !got.Before(from)) && (end.IsZero() || got.Before(end))
	}}
}

// Random pairs of filters must pick exactly what a reader of the unfiltered list would, joined with all and with any.
func TestIncidentFiltersAgreeWithBruteForce(t *testing.T) {
	t.Parallel()
	v := small(t, func(o *Options) { o.Scale.Incidents = 60 })
	s := &v.store
	all := everything(t, v, everyIncident, 250)
	rng := rand.New(rand.NewPCG(1, 2))
	pick := func(ids []string) []string {
		out := []string{}
		for range 1 + rng.IntN(3) {
			if id := ids[rng.IntN(len(ids))]; !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
		return out
	}
	oneOrNot := func() string { return []string{"one_of", "not_in"}[rng.IntN(2)] }
	role, cause, region, text := s.roles.Rows[2].ID, s.customFields.Rows[1].ID, s.customFields.Rows[0].ID, s.customFields.Rows[3].ID
	assignee := func(r map[string]any) []string {
		for _, a := range r["incident_role_assignments"].([]any) {
			if a := a.(map[string]any); at(a, "role", "id") == role {
				return textAt("assignee", "id")(a)
			}
		}
		return nil
	}
	custom := func(id string) func(map[string]any) []string {
		return func(r map[string]any) (out []string) {
			for _, e := range r["custom_field_entries"].([]any) {
				if e := e.(map[string]any); at(e, "custom_field", "id") == id {
					for _, val := range e["values"].([]any) {
						out = append(out, at(val.(map[string]any), "value_option", "id")+at(val.(map[string]any), "value_text"))
					}
				}
			}
			return out
		}
	}
	blank := func(name string, get func(map[string]any) []string) clause {
		want := rng.IntN(2) == 0
		return clause{name, "is_blank", []string{fmt.Sprint(want)}, func(r map[string]any) bool { return (len(get(r)) == 0) == want }}
	}
	ranks := map[string]int{}
	for i, id := range rowIDs(&s.severities, nil) {
		ranks[id] = i
	}
	draw := func() clause {
		d := time.Date(2025, 9, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rng.IntN(360))
		day1, later := d.Format(time.DateOnly), d.AddDate(0, 0, rng.IntN(60))
		name := []string{"created_at", "updated_at"}[rng.IntN(2)]
		switch rng.IntN(13) {
		case 0:
			return choices("status", textAt("incident_status", "id"), oneOrNot(), pick(rowIDs(&s.statuses, nil))...)
		case 1:
			return choices("status_category", textAt("incident_status", "category"), oneOrNot(), pick([]string{"live", "closed", "merged", "paused", "learning"})...)
		case 2:
			return choices("severity", textAt("severity", "id"), oneOrNot(), pick(rowIDs(&s.severities, nil))...)
		case 3:
			id, up := pick(rowIDs(&s.severities, nil))[0], rng.IntN(2) == 0
			return clause{"severity", map[bool]string{true: "gte", false: "lte"}[up], []string{id}, func(r map[string]any) bool {
				rank, has := ranks[at(r, "severity", "id")]
				return has && (rank == ranks[id] || (rank > ranks[id]) == up)
			}}
		case 4:
			return choices("incident_type", textAt("incident_type", "id"), oneOrNot(), pick(rowIDs(&s.types, nil))...)
		case 5:
			return choices("incident_role["+role+"]", assignee, "one_of", pick(rowIDs(&s.users, nil))...)
		case 6:
			return blank("incident_role["+role+"]", assignee)
		case 7:
			return choices("custom_field["+cause+"]", custom(cause), oneOrNot(), pick(rowIDs(&s.customOptions, nil))...)
		case 8:
			return blank("custom_field["+region+"]", custom(region))
		case 9:
			return choices("custom_field["+text+"]", custom(text), "one_of", "We are looking into it.")
		case 10:
			return dates(name, "gte", day1, d, time.Time{})
		case 11:
			return dates(name, "lte", day1, time.Time{}, d.AddDate(0, 0, 1))
		default:
			return dates(name, "date_range", day1+"~"+later.Format(time.RFC3339), d, later.Add(time.Nanosecond))
		}
	}
	matched := 0
	for i := range 200 {
		a, b := draw(), draw()
		if field := func(c clause) string { n, _, _ := strings.Cut(c.name, "["); return n }; field(a) == field(b) {
			b = a
		}
		either := i%2 == 1
		q := url.Values{"page_size": {"250"}, "mode[one_of]": {"standard", "retrospective", "test", "tutorial"}}
		if either {
			q = url.Values{"page_size": {"250"}, "filter_mode": {"any"}}
		}
		a.add(q)
		b.add(q)
		allStatuses := strings.HasPrefix(a.name, "status") || strings.HasPrefix(b.name, "status")
		var want []string
		for _, r := range all {
			if !allStatuses && slices.Contains([]string{"declined", "canceled", "merged"}, at(r, "incident_status", "category")) {
				continue
			}
			if either && at(r, "mode") != "standard" && at(r, "mode") != "retrospective" {
				continue
			}
			if x, y := a.holds(r), b.holds(r); x && y || either && (x || y) {
				want = append(want, at(r, "id"))
			}
		}
		rep := do(t, v, "GET", "/v2/incidents?"+q.Encode(), nil)
		if rep.status != 200 {
			t.Fatalf("%v: %s", q, rep.raw)
		}
		if got := ids(rep.records(t)); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%v: %d incidents, want %d", q, len(got), len(want))
		}
		if *rep.page.Total != len(want) {
			t.Errorf("%v: total_record_count %d, want %d", q, *rep.page.Total, len(want))
		}
		matched += len(want)
	}
	if matched < 1000 {
		t.Errorf("the filters matched only %d incidents in all", matched)
	}
}

func TestAlertAndEscalationFiltersAgreeWithBruteForce(t *testing.T) {
	t.Parallel()
	v := small(t)
	s := &v.store
	alerts := everything(t, v, "/v2/alerts?has_notes[is]=true", 50)
	withNotes := rowIDs(&s.alerts, func(a *alert) bool { return a.hasNotes })
	if !slices.Equal(ids(alerts), withNotes) || len(withNotes) == 0 {
		t.Errorf("alerts with notes: %d, want %d", len(alerts), len(withNotes))
	}
	if held := rowIDs(&s.alerts, func(a *alert) bool { return !a.maintenance }); !slices.Equal(ids(everything(t, v, "/v2/alerts?include_maintenance_window[is]=false", 50)), held) {
		t.Error("alerts without maintenance windows")
	}
	alerts = everything(t, v, "/v2/alerts?include_maintenance_window[is]=true", 50)
	if len(alerts) != len(s.alerts.Rows) {
		t.Fatalf("%d alerts of %d", len(alerts), len(s.alerts.Rows))
	}
	escalations := everything(t, v, "/v2/escalations?", 50)
	env := s.alertAttributes.Rows[1].ID
	related := func(name string) func(map[string]any) []string {
		return func(r map[string]any) []string {
			items, _ := r[name].([]any)
			var out []string
			for _, it := range items {
				out = append(out, at(it.(map[string]any), "id"))
			}
			return out
		}
	}
	attribute := func(id string) func(map[string]any) []string {
		return func(r map[string]any) (out []string) {
			for _, a := range r["attributes"].([]any) {
				a := a.(map[string]any)
				if at(a, "attribute", "id") != id {
					continue
				}
				if l := at(a, "value", "literal"); l != "" {
					out = append(out, l)
				}
				items, _ := a["array_value"].([]any)
				for _, l := range items {
					out = append(out, at(l.(map[string]any), "literal"))
				}
			}
			return out
		}
	}
	groups := func(r map[string]any) (out []string) {
		items, _ := r["alert_group_ids"].([]any)
		for _, it := range items {
			out = append(out, it.(string))
		}
		return out
	}
	hosts, noon := s.alertAttributes.Rows[2].ID, testNow.Add(-5*time.Hour)
	grouped := alerts[slices.IndexFunc(alerts, func(r map[string]any) bool { return len(groups(r)) > 0 })]
	var keyed string
	for _, r := range s.escalations.Rows {
		keyed = max(keyed, r.Val.idempotencyKey)
	}
	for _, tc := range []struct {
		path string
		from []map[string]any
		clause
	}{
		{"/v2/alerts", alerts, choices("status", textAt("status"), "one_of", "firing")},
		{"/v2/alerts", alerts, choices("status", textAt("status"), "not_in", "firing")},
		{"/v2/alerts", alerts, choices("alert_source", textAt("alert_source_id"), "one_of", s.alertSources.Rows[0].ID, s.alertSources.Rows[3].ID)},
		{"/v2/alerts", alerts, choices("alert_source", textAt("alert_source_id"), "not_in", s.alertSources.Rows[0].ID)},
		{"/v2/alerts", alerts, choices("deduplication_key", textAt("deduplication_key"), "is", at(alerts[9], "deduplication_key"))},
		{"/v2/alerts", alerts, choices("alert_group_id", groups, "one_of", groups(grouped)...)},
		{"/v2/alerts", alerts, choices("attributes["+env+"]", attribute(env), "one_of", "production")},
		{"/v2/alerts", alerts, choices("attributes["+hosts+"]", attribute(hosts), "one_of", "web-2", "web-9")},
		{"/v2/alerts", alerts, choices("attributes["+hosts+"]", attribute(hosts), "not_in", "web-2")},
		{"/v2/alerts", alerts, dates("created_at", "gte", noon.Format(time.RFC3339), noon, time.Time{})},
		{"/v2/alerts", alerts, dates("updated_at", "lte", "2026-08-19", time.Time{}, testNow.Truncate(day))},
		{"/v2/alerts", alerts, dates("updated_at", "date_range", "2026-08-20~2026-08-20", testNow.Truncate(day), testNow.Truncate(day).Add(day))},
		{"/v2/escalations", escalations, choices("status", textAt("status"), "one_of", "resolved", "expired")},
		{"/v2/escalations", escalations, choices("status", textAt("status"), "not_in", "resolved")},
		{"/v2/escalations", escalations, choices("escalation_path", textAt("escalation_path_id"), "one_of", s.escalationPaths.Rows[1].ID, s.escalationPaths.Rows[2].ID)},
		{"/v2/escalations", escalations, choices("escalation_path", textAt("escalation_path_id"), "not_in", s.escalationPaths.Rows[1].ID)},
		{"/v2/escalations", escalations, choices("alert", related("related_alerts"), "one_of", related("related_alerts")(escalations[slices.IndexFunc(escalations, func(r map[string]any) bool { return len(related("related_alerts")(r)) > 0 })])...)},
		{"/v2/escalations", escalations, choices("incident", related("related_incidents"), "not_in", s.incidents.Rows[0].ID)},
		{"/v2/escalations", escalations, dates("created_at", "gte", "2026-08-01", time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), time.Time{})},
	} {
		q := url.Values{}
		tc.add(q)
		var want []string
		for _, r := range tc.from {
			if tc.holds(r) {
				want = append(want, at(r, "id"))
			}
		}
		if len(want) == 0 || len(want) == len(tc.from) {
			t.Errorf("%v: matches %d of %d, which shows nothing", q, len(want), len(tc.from))
		}
		if got := ids(everything(t, v, tc.path+"?"+q.Encode(), 50)); !slices.Equal(got, want) {
			t.Errorf("%s %v: %d records, want %d", tc.path, q, len(got), len(want))
		}
	}
	for query, want := range map[string][]string{
		"idempotency_key[is]=" + keyed:      rowIDs(&s.escalations, func(e *escalation) bool { return e.idempotencyKey == keyed }),
		"idempotency_key[starts_with]=page": rowIDs(&s.escalations, func(e *escalation) bool { return e.idempotencyKey != "" }),
	} {
		if got := ids(everything(t, v, "/v2/escalations?"+query, 50)); !slices.Equal(got, want) || len(want) == 0 {
			t.Errorf("%s: %d, want %d", query, len(got), len(want))
		}
	}
}

// The parameters that are no operators.
func TestPlainFilters(t *testing.T) {
	t.Parallel()
	v := small(t)
	s := &v.store
	inc := s.actions.Rows[0].Val.IncidentID
	teamID := s.teams.Rows[0].ID
	for i := range s.followUps.Rows {
		if team := s.followUps.Rows[i].Val.AssigneeTeam; team != nil {
			teamID = team.ID
		}
	}
	mode := func(id string) string { return s.incidents.Get(id).Val.Mode }
	u := s.users.Rows[0].Val
	team1 := s.catalogEntries.Find(func(e *catalogEntry) bool { return e.ExternalID == "team-1" }).Val
	customer := s.catalogEntries.Find(func(e *catalogEntry) bool { return e.ExternalID == "cus-2" }).Val
	a := s.attachments.Rows[0].Val
	for _, tc := range []struct {
		target string
		want   []string
	}{
		{"/v2/actions", rowIDs(&s.actions, nil)},
		{"/v2/actions?incident_id=" + inc, rowIDs(&s.actions, func(a *action) bool { return a.IncidentID == inc })},
		{"/v2/actions?incident_mode=standard", rowIDs(&s.actions, func(a *action) bool { return mode(a.IncidentID) == "standard" })},
		{"/v2/follow_ups?incident_mode=retrospective", rowIDs(&s.followUps, func(f *followUp) bool { return mode(f.IncidentID) == "retrospective" })},
		{"/v2/follow_ups?assignee_team_id=" + teamID, rowIDs(&s.followUps, func(f *followUp) bool { return f.AssigneeTeam != nil && f.AssigneeTeam.ID == teamID })},
		{"/v2/incident_updates?page_size=250&incident_id=" + inc, rowIDs(&s.incidentUpdates, func(u *incidentUpdate) bool { return u.IncidentID == inc })},
		{"/v2/users?email=" + u.Email, []string{u.ID}},
		{"/v2/users?email=nobody@x.example", []string{}},
		{"/v1/postmortem_documents?incident_id=" + s.postmortems.Rows[0].Val.IncidentID, []string{s.postmortems.Rows[0].ID}},
		{"/v1/incident_attachments?incident_id=" + a.IncidentID, rowIDs(&s.attachments, func(o *incidentAttachment) bool { return o.IncidentID == a.IncidentID })},
		{"/v1/incident_attachments?resource_type=" + a.Resource.ResourceType + "&external_id=" + url.QueryEscape(a.Resource.ExternalID), []string{a.ID}},
		{"/v3/catalog_entries?page_size=5&identifier=team-1&catalog_type_id=" + team1.CatalogTypeID, []string{team1.ID}},
		{"/v3/catalog_entries?page_size=5&identifier=" + team1.Name + "&catalog_type_id=" + team1.CatalogTypeID, []string{}}, // the type does not use names
		{"/v3/catalog_entries?page_size=5&identifier=" + url.QueryEscape(customer.Name) + "&catalog_type_id=" + customer.CatalogTypeID, []string{customer.ID}},
		{"/v1/maintenance_windows?page_size=50&status=active", rowIDs(&s.maintenance, func(m *maintenanceWindow) bool { return !m.StartAt.After(testNow) && m.EndAt.After(testNow) })},
		{"/v1/maintenance_windows?page_size=50&status=upcoming", rowIDs(&s.maintenance, func(m *maintenanceWindow) bool { return m.StartAt.After(testNow) })},
		{"/v1/maintenance_windows?page_size=50&status=past", rowIDs(&s.maintenance, func(m *maintenanceWindow) bool { return !m.EndAt.After(testNow) })},
	} {
		if got := ids(list(t, v, tc.target)); !slices.Equal(got, tc.want) {
			t.Errorf("%s: %d records, want %d", tc.target, len(got), len(tc.want))
		}
	}
	if list(t, v, "/v1/maintenance_windows?page_size=50&status=active")[0] == nil {
		t.Error("no maintenance window is active")
	}
}

func FuzzSplitName(f *testing.F) {
	for _, s := range []string{"a", "a[b]", "a[b][c]", "a[", "a]", "[a]", "a[]", "a[b]c", "a[b[c]]", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		field, keys, ok := splitName(name)
		if !ok {
			return
		}
		again := field
		for _, k := range keys {
			again += "[" + k + "]"
		}
		if again != name || field == "" || strings.ContainsAny(field+strings.Join(keys, ""), "[]") {
			t.Errorf("%q splits into %q and %q", name, field, keys)
		}
	})
}

func FuzzQuery(f *testing.F) {
	v := small(f)
	for _, s := range []string{
		"status[one_of]=x&page_size=5", "created_at[date_range]=2026-01-01~2026-02-01", "custom_field[x][one_of]=y", "severity[gte]=1&severity[lte]=2",
		"created_at[gte]=2026-01-01T00:00:00Z", "filter_mode=any&mode[one_of]=test", "%5B=1", "after=x", everyIncident[len("/v2/incidents?"):],
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, path := range []string{"/v2/incidents", "/v2/alerts", "/v2/escalations"} {
			ep := func() *endpoint { n, _, _ := v.routes.Find(path); return n.ByMethod["GET"] }()
			q, err := checkQuery(raw, &ep.op)
			if err != nil {
				if err.status != 400 && err.status != 422 {
					t.Fatalf("%q: %d", raw, err.status)
				}
				continue
			}
			if _, err := ep.handle(&call{v: v, ep: ep, now: testNow, query: q}); err != nil && err.status != 422 {
				t.Fatalf("%q: %d", raw, err.status)
			}
		}
	})
}
