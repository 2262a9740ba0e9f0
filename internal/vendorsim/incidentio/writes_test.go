package incidentio

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"testing"
	"time"
)

type obj = map[string]any

// dig follows names and indices into a decoded value.
func dig(v any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[s]
		case int:
			items, _ := v.([]any)
			if s >= len(items) {
				return nil
			}
			v = items[s]
		}
	}
	return v
}

func TestIncidentRoundTrip(t *testing.T) {
	t.Parallel()
	clock := testNow
	v := small(t, func(o *Options) { o.Now = func() time.Time { return clock } })
	s := &v.store
	lead, u := s.roles.Rows[0].ID, s.users.Rows[4].Val
	region, option := s.customFields.Rows[0].ID, s.customOptions.Rows[3].Val
	critical := s.severities.Rows[2].ID
	made := ok(t, v, "POST", "/v2/incidents", obj{
		"idempotency_key": "k1", "visibility": "public", "name": "Checkout <down> & out", "summary": "日本語", "severity_id": critical,
		"incident_role_assignments": []any{obj{"incident_role_id": lead, "assignee": obj{"email": u.Email}}},
		"custom_field_entries":      []any{obj{"custom_field_id": region, "values": []any{obj{"value_option_id": option.ID}}}},
		"incident_timestamp_values": []any{obj{"incident_timestamp_id": s.timestamps.Rows[2].ID, "value": "2026-08-20T11:00:00Z"}},
	})
	id := made["id"].(string)
	for _, want := range []struct {
		path []any
		want any
	}{
		{[]any{"name"}, "Checkout <down> & out"}, {[]any{"summary"}, "日本語"}, {[]any{"mode"}, "standard"}, {[]any{"severity", "id"}, critical},
		{[]any{"incident_status", "category"}, "live"}, {[]any{"incident_type", "is_default"}, true}, {[]any{"creator", "api_key", "name"}, "Automation"},
		{[]any{"incident_role_assignments", 0, "role", "id"}, lead}, {[]any{"incident_role_assignments", 0, "assignee", "id"}, u.ID},
		{[]any{"custom_field_entries", 0, "values", 0, "value_option", "value"}, option.Value},
		{[]any{"incident_timestamp_values", 2, "value", "value"}, "2026-08-20T11:00:00Z"}, {[]any{"incident_timestamp_values", 0, "value", "value"}, "2026-08-20T12:00:00Z"},
		{[]any{"created_at"}, "2026-08-20T12:00:00Z"}, {[]any{"slack_channel_name"}, fmt.Sprintf("inc-%d", s.nextIncident-1)},
	} {
		if got := dig(made, want.path...); got != want.want {
			t.Errorf("created: %v is %v, want %v", want.path, got, want.want)
		}
	}
	if got := list(t, v, "/v2/incidents?page_size=1")[0]; got["id"] != id {
		t.Error("the new incident is not the first of the list")
	}
	byNumber := ok(t, v, "GET", fmt.Sprintf("/v2/incidents/%d", s.nextIncident-1), nil)
	if byNumber["id"] != id || byNumber["reference"] != fmt.Sprintf("INC-%d", s.nextIncident-1) {
		t.Errorf("by number: %v %v", byNumber["id"], byNumber["reference"])
	}
	again := ok(t, v, "POST", "/v2/incidents", obj{"idempotency_key": "k1", "visibility": "private", "name": "Other"})
	if again["id"] != id || again["name"] != "Checkout <down> & out" {
		t.Error("the idempotency key made a second incident")
	}

	clock = clock.Add(time.Hour)
	closed := s.statuses.Find(func(st *incidentStatus) bool { return st.Category == "closed" }).ID
	edited := ok(t, v, "POST", "/v2/incidents/"+id+"/actions/edit", obj{"notify_incident_channel": false, "incident": obj{
		"incident_status_id": closed, "severity_id": s.severities.Rows[0].ID, "call_url": "https://meet.example/1",
		"custom_field_entries":      []any{obj{"custom_field_id": region, "values": []any{}}},
		"incident_role_assignments": []any{obj{"incident_role_id": lead}},
	}})
	if dig(edited, "incident_status", "id") != closed || edited["call_url"] != "https://meet.example/1" || edited["name"] != made["name"] ||
		len(edited["custom_field_entries"].([]any)) != 0 || dig(edited, "incident_role_assignments", 0, "assignee") != nil || edited["updated_at"] != "2026-08-20T13:00:00Z" {
		t.Errorf("edited: %v", edited)
	}
	if got := ok(t, v, "GET", "/v2/incidents/"+id, nil); fmt.Sprint(got) != fmt.Sprint(edited) {
		t.Error("get does not show the edit")
	}
	updates := list(t, v, "/v2/incident_updates?incident_id="+id)
	if len(updates) != 2 || dig(updates[0], "new_incident_status", "id") != closed || dig(updates[1], "new_severity", "id") != critical {
		t.Errorf("updates: %v", updates)
	}
	ok(t, v, "POST", "/v2/incidents/"+id+"/actions/edit", obj{"notify_incident_channel": false, "incident": obj{"name": "Renamed"}})
	if n := len(list(t, v, "/v2/incident_updates?incident_id="+id)); n != 2 {
		t.Errorf("a new name made an update: %d", n)
	}
	if got := list(t, v, "/v2/incidents?page_size=250&status[one_of]="+closed); !slices.Contains(ids(got), id) {
		t.Error("the filter does not see the edit")
	}
}

// A refused write must leave no trace. The records are read only afterwards, and from another organisation of the same
// seed before: a record keeps the JSON of its first reading, which would hide what changed behind it.
func TestRefusedWritesChangeNothing(t *testing.T) {
	t.Parallel()
	v, untouched := small(t), small(t)
	read := func(v *Vendor) string {
		return string(do(t, v, "GET", everyIncident+"&page_size=250", nil).raw) + string(do(t, v, "GET", "/v2/incident_updates?page_size=250", nil).raw)
	}
	is := v.store.incidents.Find(func(is *incident) bool {
		return len(is.CustomFieldEntries) > 0 && is.CustomFieldEntries[0].Values[0].ValueOption != nil
	}).Val
	role, stamp, option := v.store.roles.Rows[0].ID, v.store.timestamps.Rows[0].ID, is.CustomFieldEntries[0]
	for _, good := range []obj{
		{"name": "x", "severity_id": v.store.severities.Rows[0].ID},
		{"incident_role_assignments": []any{obj{"incident_role_id": role}}},
		{"incident_timestamp_values": []any{obj{"incident_timestamp_id": stamp}}},
		{"custom_field_entries": []any{obj{"custom_field_id": option.CustomField.ID, "values": []any{}}}},
	} {
		// What is fine is applied first, and must not have reached the stored record when the rest is refused.
		for name, bad := range map[string]any{
			"incident_role_assignments": obj{"incident_role_id": "nothing"},
			"incident_timestamp_values": obj{"incident_timestamp_id": "nothing"},
			"custom_field_entries":      obj{"custom_field_id": "nothing", "values": []any{}},
		} {
			body := obj{}
			for k, val := range good {
				body[k] = val
			}
			have, _ := body[name].([]any)
			body[name] = append(slices.Clone(have), bad)
			if rep := do(t, v, "POST", "/v2/incidents/"+is.ID+"/actions/edit", obj{"notify_incident_channel": true, "incident": body}); rep.status != 422 {
				t.Fatalf("%v: %s", body, rep.raw)
			}
		}
	}
	if read(v) != read(untouched) {
		t.Error("a refused edit changed records")
	}
}

func TestRetrospectiveIncident(t *testing.T) {
	t.Parallel()
	v := small(t)
	is := ok(t, v, "POST", "/v2/incidents", obj{"idempotency_key": "r", "visibility": "public", "mode": "retrospective",
		"retrospective_incident_options": obj{"external_id": 90001, "postmortem_document_url": "https://docs.example/p", "slack_channel_id": "C123"}})
	if is["reference"] != "INC-90001" || dig(is, "incident_status", "category") != "closed" || is["postmortem_document_url"] != "https://docs.example/p" || is["slack_channel_id"] != "C123" {
		t.Errorf("%v", is)
	}
	next := ok(t, v, "POST", "/v2/incidents", obj{"idempotency_key": "r2", "visibility": "public"})
	if next["reference"] != "INC-90002" {
		t.Errorf("the next incident is %v", next["reference"])
	}
}

func TestAlertEvents(t *testing.T) {
	t.Parallel()
	clock := testNow
	v := small(t, func(o *Options) { o.Now = func() time.Time { return clock } })
	var src obj
	for _, r := range list(t, v, "/v2/alert_sources") {
		if r["secret_token"] != nil {
			src = r
		}
	}
	u, _ := url.Parse(src["alert_events_url"].(string))
	token := src["secret_token"].(string)
	event := func(query, header string, body obj) obj {
		t.Helper()
		rep := do(t, v, "POST", u.Path+query, body, "Authorization", header)
		if rep.status != 202 {
			t.Fatalf("%s", rep.raw)
		}
		var out obj
		_ = json.Unmarshal(rep.raw, &out)
		return out
	}
	find := func() []obj { return list(t, v, "/v2/alerts?deduplication_key[is]=disk/1") }
	event("", "Bearer "+token, obj{"title": "Disk full", "status": "resolved", "deduplication_key": "disk/1"})
	if len(find()) != 0 {
		t.Error("resolving what does not fire made an alert")
	}
	got := event("", "Bearer "+token, obj{"title": "Disk full", "status": "firing", "deduplication_key": "disk/1", "metadata": obj{"environment": "production", "hosts": []any{"a", "b"}, "other": 1}})
	if got["status"] != "success" || got["deduplication_key"] != "disk/1" {
		t.Errorf("%v", got)
	}
	clock = clock.Add(time.Minute)
	event("?token="+token, "", obj{"title": "Disk fuller", "status": "firing", "deduplication_key": "disk/1"})
	alerts := find()
	if len(alerts) != 1 || alerts[0]["title"] != "Disk fuller" || alerts[0]["status"] != "firing" || alerts[0]["created_at"] == alerts[0]["updated_at"] {
		t.Fatalf("after two events: %v", alerts)
	}
	if dig(alerts[0], "attributes", 0, "value", "literal") != "production" || dig(alerts[0], "attributes", 1, "array_value", 1, "literal") != "b" {
		t.Errorf("attributes: %v", alerts[0]["attributes"])
	}
	event("", "Bearer "+token, obj{"title": "Disk fine", "status": "resolved", "deduplication_key": "disk/1"})
	event("", "Bearer "+token, obj{"title": "Disk full again", "status": "firing", "deduplication_key": "disk/1"})
	alerts = find()
	if len(alerts) != 2 || alerts[0]["status"] != "firing" || alerts[1]["status"] != "resolved" || alerts[1]["resolved_at"] == nil {
		t.Errorf("after resolving and firing again: %v", alerts)
	}
	if got := event("", "Bearer "+token, obj{"title": "No key", "status": "firing"}); got["deduplication_key"] == "" {
		t.Errorf("no key made up: %v", got)
	}
}

func TestEscalationRoundTrip(t *testing.T) {
	t.Parallel()
	v := small(t)
	s := &v.store
	path, inc, u := s.escalationPaths.Rows[0].ID, s.incidents.Rows[0].ID, s.users.Rows[1].ID
	shown := ok(t, v, "GET", "/v2/escalation_paths/"+path, nil)
	responders := shown["current_responders"].([]any)
	if len(responders) == 0 || dig(shown, "path", 0, "level", "targets", 0, "type") != "schedule" {
		t.Fatalf("path: %v", shown)
	}
	e := ok(t, v, "POST", "/v2/escalations", obj{"title": "Help", "idempotency_key": "e1", "escalation_path_id": path, "incident_id": inc, "user_ids": []any{u}})
	if e["status"] != "triggered" || dig(e, "related_incidents", 0, "id") != inc || dig(e, "events", 0, "users", 0, "id") != dig(responders[0], "id") ||
		dig(e, "events", 0, "users", len(responders), "id") != u {
		t.Errorf("%v", e)
	}
	if again := ok(t, v, "POST", "/v2/escalations", obj{"title": "Other", "idempotency_key": "e1", "user_ids": []any{u}}); again["id"] != e["id"] {
		t.Error("the idempotency key made a second escalation")
	}
	if got := list(t, v, "/v2/escalations?idempotency_key[is]=e1"); len(got) != 1 || got[0]["id"] != e["id"] {
		t.Errorf("by key: %v", got)
	}
	if got := ok(t, v, "GET", "/v2/escalations/"+e["id"].(string), nil); fmt.Sprint(got) != fmt.Sprint(e) {
		t.Error("get differs from create")
	}
}

func TestOverridesReplaceShifts(t *testing.T) {
	t.Parallel()
	v := small(t)
	s := &v.store
	s.overrides = table[override]{}
	sc := s.schedules.Rows[0].Val
	rot := sc.Config.Rotations[0]
	from, end := testNow, testNow.Add(21*day)
	target := "/v2/schedule_entries?" + url.Values{"schedule_id": {sc.ID}, "entry_window_start": {from.Format(time.RFC3339)}, "entry_window_end": {end.Format(time.RFC3339)}}.Encode()
	who := func(entries map[string]any, kind, layer string, at time.Time) (out []string) {
		for _, sh := range entries[kind].([]any) {
			start, _ := time.Parse(time.RFC3339, dig(sh, "start_at").(string))
			stop, _ := time.Parse(time.RFC3339, dig(sh, "end_at").(string))
			if dig(sh, "layer_id") == layer && !at.Before(start) && at.Before(stop) {
				out = append(out, dig(sh, "user", "id").(string))
			}
		}
		return out
	}
	layer := rot.Layers[0].ID
	planned := map[time.Time]string{}
	entries := ok(t, v, "GET", target, nil)
	for at := from; at.Before(end); at = at.Add(6 * time.Hour) {
		got := who(entries, "final", layer, at)
		if len(got) != 1 {
			t.Fatalf("%v: %d people on a layer", at, len(got))
		}
		planned[at] = got[0]
	}
	a, b := s.users.Rows[10].ID, s.users.Rows[11].ID
	add := func(user string, start, stop time.Time) {
		got := ok(t, v, "POST", "/v2/schedule_overrides", obj{"schedule_id": sc.ID, "rotation_id": rot.ID, "layer_id": layer,
			"start_at": start.Format(time.RFC3339), "end_at": stop.Format(time.RFC3339), "user": obj{"id": user}})
		if dig(got, "user", "id") != user || got["start_at"] != start.Format(time.RFC3339) {
			t.Fatalf("%v", got)
		}
	}
	// The second reaches into the first and wins there.
	add(a, from.Add(2*day), from.Add(4*day))
	add(b, from.Add(3*day), from.Add(5*day))
	entries = ok(t, v, "GET", target, nil)
	for at, was := range planned {
		want := was
		switch since := at.Sub(from); {
		case since >= 3*day && since < 5*day:
			want = b
		case since >= 2*day && since < 3*day:
			want = a
		}
		if got := who(entries, "final", layer, at); len(got) != 1 || got[0] != want {
			t.Errorf("%v: %v on call, want %v", at, got, want)
		}
		if got := who(entries, "scheduled", layer, at); len(got) != 1 || got[0] != was {
			t.Errorf("%v: the plan changed", at)
		}
	}
	if n := len(entries["overrides"].([]any)); n != 2 {
		t.Errorf("%d overrides in the window", n)
	}
}

func TestNobodyIsOnCallBeforeTheRotationStarts(t *testing.T) {
	t.Parallel()
	v := small(t)
	sc := v.store.schedules.Rows[0].Val
	start := sc.Config.Rotations[0].HandoverStartAt
	q := url.Values{"schedule_id": {sc.ID}, "entry_window_start": {start.Add(-20 * day).Format(time.RFC3339)}, "entry_window_end": {start.Add(time.Hour).Format(time.RFC3339)}}
	entries := ok(t, v, "GET", "/v2/schedule_entries?"+q.Encode(), nil)
	scheduled := entries["scheduled"].([]any)
	for _, sh := range scheduled {
		if dig(sh, "start_at") != start.Format(time.RFC3339) {
			t.Errorf("a shift at %v, before %v", dig(sh, "start_at"), start)
		}
	}
	if len(scheduled) == 0 {
		t.Error("nobody is on call when the rotation starts")
	}
}

func TestCurrentShiftsAreTheFinalEntries(t *testing.T) {
	t.Parallel()
	v := small(t)
	for _, sc := range list(t, v, "/v2/schedules") {
		id := sc["id"].(string)
		entries := ok(t, v, "GET", "/v2/schedule_entries?schedule_id="+id, nil)
		now := map[string]bool{}
		for _, sh := range entries["final"].([]any) {
			start, _ := time.Parse(time.RFC3339, dig(sh, "start_at").(string))
			stop, _ := time.Parse(time.RFC3339, dig(sh, "end_at").(string))
			if !testNow.Before(start) && testNow.Before(stop) {
				now[fmt.Sprint(dig(sh, "layer_id"), dig(sh, "user", "id"))] = true
			}
		}
		current := sc["current_shifts"].([]any)
		for _, sh := range current {
			if !now[fmt.Sprint(dig(sh, "layer_id"), dig(sh, "user", "id"))] {
				t.Errorf("%s: %v is not on call by the entries", id, dig(sh, "user", "name"))
			}
		}
		if len(current) != len(now) || len(current) == 0 || len(sc["next_shifts"].([]any)) != len(current) {
			t.Errorf("%s: %d current, %d by entries, %d next", id, len(current), len(now), len(sc["next_shifts"].([]any)))
		}
	}
}

func TestCatalogRoundTrip(t *testing.T) {
	t.Parallel()
	v := small(t)
	s := &v.store
	of := s.catalogTypes.Find(func(c *catalogTypeV3) bool { return c.Name == "Service" }).Val
	owner, languages, tier := of.Schema.Attributes[0].ID, of.Schema.Attributes[1].ID, of.Schema.Attributes[2].ID
	count := func() float64 { return ok(t, v, "GET", "/v3/catalog_types/"+of.ID, nil)["estimated_count"].(float64) }
	before := count()
	e := ok(t, v, "POST", "/v3/catalog_entries", obj{"catalog_type_id": of.ID, "name": "New service", "external_id": "svc-new", "aliases": []any{"ns"}, "attribute_values": obj{
		owner: obj{"value": obj{"literal": "team-2"}}, languages: obj{"array_value": []any{obj{"literal": "Go"}, obj{"literal": "SQL"}}},
	}})
	if dig(e, "attribute_values", owner, "value", "catalog_entry", "name") != teamNames[1] || dig(e, "attribute_values", languages, "array_value", 1, "literal") != "SQL" || count() != before+1 {
		t.Errorf("%v", e)
	}
	target := "/v3/catalog_entries/" + e["id"].(string)
	e = ok(t, v, "PUT", target, obj{"name": "Renamed", "update_attributes": []any{languages, tier}, "attribute_values": obj{
		tier: obj{"value": obj{"literal": "tier-1"}}, owner: obj{"value": obj{"literal": "team-3"}},
	}})
	if e["name"] != "Renamed" || dig(e, "attribute_values", owner, "value", "label") != teamNames[1] || dig(e, "attribute_values", languages) != nil ||
		dig(e, "attribute_values", tier, "value", "label") != "Tier 1" || e["external_id"] != "svc-new" {
		t.Errorf("update of some attributes: %v", e)
	}
	e = ok(t, v, "PUT", target, obj{"name": "Renamed", "attribute_values": obj{owner: obj{"value": obj{"literal": "team-3"}}}})
	if dig(e, "attribute_values", owner, "value", "label") != teamNames[2] || dig(e, "attribute_values", tier) != nil {
		t.Errorf("update of all attributes: %v", e)
	}
	if got := list(t, v, "/v3/catalog_entries?page_size=5&identifier=ns&catalog_type_id="+of.ID); len(got) != 1 || got[0]["id"] != e["id"] {
		t.Errorf("by alias: %v", got)
	}
	if rep := do(t, v, "DELETE", target, nil); rep.status != 204 {
		t.Errorf("%d %s", rep.status, rep.raw)
	}
	if rep := do(t, v, "DELETE", target, nil); rep.status != 404 || count() != before {
		t.Errorf("deleted twice: %d, %v entries", rep.status, count())
	}
}

func TestSettingsRoundTrip(t *testing.T) {
	t.Parallel()
	v := small(t)
	sev := ok(t, v, "POST", "/v1/severities", obj{"name": "Catastrophic", "description": "d"})
	if sev["rank"] != 3.0 || fmt.Sprint(ok(t, v, "GET", "/v1/severities/"+sev["id"].(string), nil)) != fmt.Sprint(sev) {
		t.Errorf("%v", sev)
	}
	ok(t, v, "POST", "/v2/incidents", obj{"idempotency_key": "s", "visibility": "public", "severity_id": sev["id"]})
	if n := len(list(t, v, "/v2/incidents?severity[gte]="+sev["id"].(string))); n != 1 {
		t.Errorf("%d incidents of the new severity", n)
	}
	service := v.store.catalogTypes.Find(func(c *catalogTypeV3) bool { return c.Name == "Service" }).Val
	f := ok(t, v, "POST", "/v2/custom_fields", obj{"name": "Broken service", "description": "d", "field_type": "multi_select", "catalog_type_id": service.ID, "group_by_catalog_attribute_id": service.Schema.Attributes[0].ID})
	entry := v.store.catalogEntries.Find(func(e *catalogEntry) bool { return e.CatalogTypeID == service.ID }).Val
	is := ok(t, v, "POST", "/v2/incidents", obj{"idempotency_key": "f", "visibility": "public",
		"custom_field_entries": []any{obj{"custom_field_id": f["id"], "values": []any{obj{"value_catalog_entry_id": entry.ID}}}}})
	if dig(is, "custom_field_entries", 0, "values", 0, "value_catalog_entry", "name") != entry.Name {
		t.Errorf("%v", is["custom_field_entries"])
	}
	if got := list(t, v, fmt.Sprintf("/v2/incidents?custom_field[%s][one_of]=%s", f["id"], entry.ID)); len(got) != 1 || got[0]["id"] != is["id"] {
		t.Errorf("by the new field: %v", ids(got))
	}
	a := ok(t, v, "POST", "/v1/incident_attachments", obj{"incident_id": is["id"], "resource": obj{"resource_type": "github_pull_request", "external_id": "northwind/app/pull/1"}})
	if got := list(t, v, "/v1/incident_attachments?incident_id="+is["id"].(string)); len(got) != 1 || got[0]["id"] != a["id"] {
		t.Errorf("attachments: %v", got)
	}
	rep := do(t, v, "POST", "/v1/incident_attachments", obj{"incident_id": is["id"], "resource": obj{"resource_type": "github_pull_request", "external_id": "northwind/app/pull/1"}})
	if rep.status != 409 {
		t.Errorf("attached twice: %s", rep.raw)
	}
}

func TestStatusPageIncident(t *testing.T) {
	t.Parallel()
	v := small(t)
	pg := v.store.statusPages.Rows[0].Val
	body := obj{"idempotency_key": "p", "incident_status": "identified", "message": "m", "name": "n", "notify_subscribers": true, "status_page_id": pg.ID, "component_statuses": []any{
		obj{"component_id": pg.components[0].ID, "component_status": "partial_outage"}, obj{"component_id": pg.components[1].ID, "component_status": "operational"},
	}}
	is := ok(t, v, "POST", "/v2/status_page_incidents", body)
	if len(is["component_impacts"].([]any)) != 1 || dig(is, "component_impacts", 0, "status") != "partial_outage" || len(dig(is, "updates", 0, "component_statuses").([]any)) != 2 {
		t.Errorf("%v", is)
	}
	if again := ok(t, v, "POST", "/v2/status_page_incidents", body); again["id"] != is["id"] {
		t.Error("the idempotency key published twice")
	}
}

// Deprecated endpoints and their successors show the same things, but for the fields that the specification tells apart.
func TestSuccessors(t *testing.T) {
	t.Parallel()
	v := small(t)
	for _, tc := range []struct {
		old, new         string
		onlyOld, onlyNew []string
	}{
		{"/v1/incident_roles", "/v2/incident_roles", []string{"required"}, nil},
		{"/v2/catalog_types", "/v3/catalog_types", []string{"semantic_type"}, []string{"is_team_type", "owning_team_ids", "use_name_as_identifier"}},
	} {
		old, fresh := list(t, v, tc.old), list(t, v, tc.new)
		if len(old) != len(fresh) || len(old) == 0 {
			t.Fatalf("%s: %d records, %s: %d", tc.old, len(old), tc.new, len(fresh))
		}
		for i := range old {
			id := old[i]["id"].(string)
			if a, b := ok(t, v, "GET", tc.old+"/"+id, nil), ok(t, v, "GET", tc.new+"/"+id, nil); fmt.Sprint(a) != fmt.Sprint(old[i]) || fmt.Sprint(b) != fmt.Sprint(fresh[i]) {
				t.Errorf("%s: get and list differ", id)
			}
			for _, name := range tc.onlyOld {
				if _, has := old[i][name]; !has {
					t.Errorf("%s lacks %s", tc.old, name)
				}
				delete(old[i], name)
			}
			for _, name := range tc.onlyNew {
				if _, has := fresh[i][name]; !has {
					t.Errorf("%s lacks %s", tc.new, name)
				}
				delete(fresh[i], name)
			}
			if fmt.Sprint(old[i]) != fmt.Sprint(fresh[i]) {
				t.Errorf("%s: %v\n%v", id, old[i], fresh[i])
			}
		}
	}
}

func TestCustomFieldValues(t *testing.T) {
	t.Parallel()
	v := small(t)
	s := &v.store
	id := s.incidents.Rows[0].ID
	field := func(name string) string {
		return s.customFields.Find(func(f *customField) bool { return f.Name == name }).ID
	}
	options := func(name string) []string {
		return rowIDs(&s.customOptions, func(o *customFieldOption) bool { return o.CustomFieldID == field(name) })
	}
	customer := s.catalogEntries.Find(func(e *catalogEntry) bool { return e.ExternalID == "cus-2" }).ID
	set := func(name string, values ...any) reply {
		return do(t, v, "POST", "/v2/incidents/"+id+"/actions/edit", obj{"notify_incident_channel": false, "incident": obj{
			"custom_field_entries": []any{obj{"custom_field_id": field(name), "values": values}},
		}})
	}
	for _, tc := range []struct {
		name   string
		values []any
		status int
	}{
		{"Customer message", []any{obj{"value_text": "Désolé"}}, 200},
		{"Customer message", []any{obj{"value_text": "a"}, obj{"value_text": "b"}}, 422},
		{"Customer message", []any{obj{"value_text": ""}}, 422},
		{"Customer message", []any{obj{}}, 422},
		{"Dashboard", []any{obj{"value_link": "https://d.example/1"}}, 200},
		{"Dashboard", []any{obj{"value_link": "d.example/1"}}, 422},
		{"Affected users", []any{obj{"value_numeric": "12.5"}}, 200},
		{"Affected users", []any{obj{"value_numeric": "many"}}, 422},
		{"Affected users", []any{obj{"value_numeric": 12.5}}, 422},
		{"Cause", []any{obj{"value_option_id": options("Cause")[2]}}, 200},
		{"Cause", []any{obj{"value_option_id": options("Affected region")[2]}}, 422},
		{"Cause", []any{obj{"value_option_id": "nothing"}}, 422},
		{"Affected region", []any{obj{"value_option_id": options("Affected region")[0]}, obj{"value_option_id": options("Affected region")[1]}}, 200},
		{"Affected service", []any{obj{"value_catalog_entry_id": customer}}, 422},
		{"Affected service", []any{obj{"value_catalog_entry_id": "nothing"}}, 422},
	} {
		rep := set(tc.name, tc.values...)
		if rep.status != tc.status {
			t.Errorf("%s %v: %d %s", tc.name, tc.values, rep.status, rep.raw)
		}
		if tc.status != 200 {
			continue
		}
		var is obj
		if err := json.Unmarshal(rep.body["incident"], &is); err != nil {
			t.Fatal(err)
		}
		found := false
		for _, e := range is["custom_field_entries"].([]any) {
			if dig(e, "custom_field", "name") == tc.name {
				found = len(dig(e, "values").([]any)) == len(tc.values)
			}
		}
		if !found {
			t.Errorf("%s: not in the answer", tc.name)
		}
	}
}
