package incidentio

import (
	"slices"
	"testing"
	"time"
)

func TestEscalationIsCancelledOnce(t *testing.T) {
	t.Parallel()
	v := small(t)
	e := ok(t, v, "POST", "/v2/escalations", obj{"idempotency_key": "k", "title": "Help", "user_ids": []any{v.store.users.Rows[0].ID}})
	target := "/v2/escalations/" + e["id"].(string)
	if rep := do(t, v, "POST", target+"/actions/cancel", nil); rep.status != 200 || len(rep.raw) > 0 {
		t.Fatalf("%d %s", rep.status, rep.raw)
	}
	if got := ok(t, v, "GET", target, nil); got["status"] != "cancelled" || len(got["events"].([]any)) != 2 {
		t.Errorf("the escalation is %v", got)
	}
	if rep := do(t, v, "POST", target+"/actions/cancel", nil); rep.status != 422 {
		t.Errorf("once more: %s", rep.raw)
	}
	if rep := do(t, v, "POST", "/v2/escalations/none/actions/cancel", nil); rep.status != 404 {
		t.Errorf("an unknown one: %s", rep.raw)
	}
}

func TestResolvedAlertOpensAnew(t *testing.T) {
	t.Parallel()
	v := small(t)
	src := v.store.alertSources.Find(func(s *alertSource) bool { return s.SecretToken != "" }).Val
	send := func() string {
		rep := do(t, v, "POST", "/v2/alert_events/http/"+src.ID, obj{"title": "Down", "status": "firing", "deduplication_key": "k"}, "Authorization", "Bearer "+src.SecretToken)
		if rep.status != 202 {
			t.Fatalf("%s", rep.raw)
		}
		return v.store.alerts.Rows[0].ID
	}
	first := send()
	if again := send(); again != first {
		t.Error("one key made two alerts")
	}
	a := ok(t, v, "POST", "/v2/alerts/"+first+"/actions/resolve", nil)
	if a["status"] != "resolved" || a["resolved_at"] == nil {
		t.Errorf("the alert is %v", a)
	}
	if next := v.store.firing[src.ID+"/k"]; next != "" {
		t.Errorf("%s fires still", next)
	}
	if b := ok(t, v, "POST", "/v2/alerts/"+first+"/actions/resolve", nil); b["resolved_at"] != a["resolved_at"] {
		t.Errorf("resolved again, the alert is %v", b)
	}
}

func TestAlertsOfIncidents(t *testing.T) {
	t.Parallel()
	v := small(t)
	link := v.store.incidentAlerts.Rows[0].Val
	for _, filter := range []string{"&alert_id=" + link.alertID, "&incident_id=" + link.incidentID, "&alert_id=" + link.alertID + "&incident_id=" + link.incidentID} {
		rows := list(t, v, "/v2/incident_alerts?page_size=50"+filter)
		if len(rows) == 0 || len(rows) >= len(v.store.incidentAlerts.Rows) || !slices.ContainsFunc(rows, func(r map[string]any) bool { return r["id"] == link.ID }) {
			t.Errorf("%s: %d of %d", filter, len(rows), len(v.store.incidentAlerts.Rows))
		}
		if dig(rows[0], "alert", "title") == nil || dig(rows[0], "incident", "reference") == nil {
			t.Errorf("a link is %v", rows[0])
		}
	}
	if rep := do(t, v, "GET", "/v2/incident_alerts", nil); rep.status != 422 {
		t.Errorf("without page_size: %s", rep.raw)
	}
}

func TestOverrideIsChangedAndTakenAway(t *testing.T) {
	t.Parallel()
	v := small(t)
	sc := v.store.schedules.Rows[0].Val
	r := sc.Config.Rotations[0]
	body := obj{"schedule_id": sc.ID, "rotation_id": r.ID, "layer_id": r.Layers[0].ID, "start_at": testNow.Format(time.RFC3339),
		"end_at": testNow.Add(time.Hour).Format(time.RFC3339), "user": obj{"id": v.store.users.Rows[0].ID}}
	before := len(list(t, v, "/v2/schedule_overrides?page_size=250&schedule_id="+sc.ID))
	o := ok(t, v, "POST", "/v2/schedule_overrides", body)
	target := "/v2/schedule_overrides/" + o["id"].(string)
	if n := len(list(t, v, "/v2/schedule_overrides?page_size=250&schedule_id="+sc.ID+"&rotation_id="+r.ID+"&layer_id="+r.Layers[0].ID)); n == 0 {
		t.Error("the override is not listed")
	}
	delete(body, "schedule_id")
	body["user"], body["end_at"] = obj{"id": v.store.users.Rows[1].ID}, testNow.Add(2*time.Hour).Format(time.RFC3339)
	if got := ok(t, v, "PUT", target, body); dig(got, "user", "id") != v.store.users.Rows[1].ID || got["schedule_id"] != sc.ID || got["end_at"] == o["end_at"] {
		t.Errorf("the override is %v", got)
	}
	body["end_at"] = body["start_at"]
	if rep := do(t, v, "PUT", target, body); rep.status != 422 {
		t.Errorf("no time at all: %s", rep.raw)
	}
	if rep := do(t, v, "DELETE", target, nil); rep.status != 204 {
		t.Errorf("%s", rep.raw)
	}
	if after := len(list(t, v, "/v2/schedule_overrides?page_size=250&schedule_id="+sc.ID)); after != before {
		t.Errorf("%d overrides, %d before", after, before)
	}
}

func TestPublishedIncidentEnds(t *testing.T) {
	t.Parallel()
	v := small(t)
	pg := v.store.statusPages.Rows[0].Val
	structure := ok(t, v, "GET", "/v2/status_page_structures/"+pg.ID, nil)
	component := dig(structure, "items", 0, "component", "component_id")
	i := ok(t, v, "POST", "/v2/status_page_incidents", obj{"idempotency_key": "k", "status_page_id": pg.ID, "name": "Slow", "message": "We look.",
		"incident_status": "investigating", "notify_subscribers": false, "component_statuses": []any{obj{"component_id": component, "component_status": "full_outage"}}})
	target := "/v2/status_page_incidents/" + i["id"].(string)
	if got := ok(t, v, "PUT", target, obj{"name": "Very slow"}); got["name"] != "Very slow" || got["incident_status"] != "investigating" {
		t.Errorf("the incident is %v", got)
	}
	update := func(more obj) obj {
		body := obj{"status_page_incident_id": i["id"], "message": "News.", "notify_subscribers": true}
		for name, value := range more {
			body[name] = value
		}
		return body
	}
	if got := ok(t, v, "POST", "/v2/status_page_incident_updates", update(nil)); got["incident_status"] != "investigating" || got["status_page_incident_id"] != i["id"] {
		t.Errorf("the update is %v", got)
	}
	ok(t, v, "POST", "/v2/status_page_incident_updates", update(obj{"incident_status": "resolved"}))
	got := ok(t, v, "GET", target, nil)
	if got["incident_status"] != "resolved" || len(got["updates"].([]any)) != 3 || dig(got, "component_impacts", 0, "end_at") == nil {
		t.Errorf("the incident is %v", got)
	}
	for _, body := range []obj{update(obj{"incident_status": "gone"}), {"message": "x", "notify_subscribers": true}, update(obj{"component_statuses": []any{obj{"component_id": "none", "component_status": "operational"}}})} {
		if rep := do(t, v, "POST", "/v2/status_page_incident_updates", body); rep.status != 422 {
			t.Errorf("%v: %s", body, rep.raw)
		}
	}
	rows := list(t, v, "/v2/status_page_incidents?page_size=250&status_page_id="+pg.ID+"&start_at="+testNow.Add(-time.Minute).Format(time.RFC3339))
	if len(rows) != 1 || rows[0]["id"] != i["id"] {
		t.Errorf("%d incidents since a minute ago", len(rows))
	}
}

func TestSettingsAreReplacedAndRemoved(t *testing.T) {
	t.Parallel()
	v := small(t)
	s := ok(t, v, "POST", "/v1/severities", obj{"name": "Odd", "description": "d"})
	target := "/v1/severities/" + s["id"].(string)
	if got := ok(t, v, "PUT", target, obj{"name": "Odder", "description": "e"}); got["name"] != "Odder" || got["rank"] != s["rank"] {
		t.Errorf("the severity is %v", got)
	}
	if rep := do(t, v, "PUT", target, obj{"name": v.store.severities.Rows[0].Val.Name, "description": "e"}); rep.status != 409 {
		t.Errorf("a name that is taken: %s", rep.raw)
	}
	if rep := do(t, v, "DELETE", target, nil); rep.status != 202 {
		t.Errorf("%d %s", rep.status, rep.raw)
	}
	f := ok(t, v, "POST", "/v2/custom_fields", obj{"name": "Odd", "description": "d", "field_type": "text"})
	field := "/v2/custom_fields/" + f["id"].(string)
	if got := ok(t, v, "PUT", field, obj{"name": "Odder", "description": "e"}); got["name"] != "Odder" || got["field_type"] != "text" {
		t.Errorf("the field is %v", got)
	}
	if rep := do(t, v, "PUT", field, obj{"name": "Odder", "description": "e", "field_type": "link"}); rep.status != 422 {
		t.Errorf("another type: %s", rep.raw)
	}
	attachment := "/v1/incident_attachments/" + v.store.attachments.Rows[0].ID
	for _, path := range []string{field, attachment} {
		if rep := do(t, v, "DELETE", path, nil); rep.status != 204 {
			t.Errorf("%s: %s", path, rep.raw)
		}
	}
	for _, path := range []string{target, field, attachment} {
		if rep := do(t, v, "DELETE", path, nil); rep.status != 404 {
			t.Errorf("%s once more: %s", path, rep.raw)
		}
	}
}
