package incidentio

import (
	"fmt"
	"strconv"
	"time"
)

func (s *seeder) onCallDuty() {
	for i := range max(s.scale.Schedules, 2) {
		id, at := s.old()
		sc := schedule{
			ID: id, Name: teamNames[i%len(teamNames)] + " on call", Timezone: oneOf(s, []string{"Europe/London", "America/New_York", "Asia/Tokyo", "UTC"}),
			Permalink: "https://app.incident.io/northwind/on-call/schedules/" + id, Annotations: map[string]string{}, TeamIDs: []string{s.teams.Rows[i%len(s.teams.Rows)].ID},
			CreatedAt: at, UpdatedAt: at,
		}
		if n := i / len(teamNames); n > 0 {
			sc.Name += " " + strconv.Itoa(n+1)
		}
		if s.chance(30) {
			sc.HolidaysPublicConfig = &holidays{[]string{"GB", "FR"}}
		}
		for j := range 1 + s.rng.IntN(2) {
			r := rotation{
				ID: s.newID(at), Name: []string{"Primary", "Secondary"}[j], HandoverStartAt: at.Truncate(day).Add(9 * time.Hour),
				Handovers: []handover{{Interval: 1, IntervalType: oneOf(s, []string{"weekly", "weekly", "daily"})}}, Layers: []namedRef{{s.newID(at), "Layer one"}},
			}
			if s.chance(20) {
				r.Layers = append(r.Layers, namedRef{s.newID(at), "Layer two"})
			}
			for range 3 + s.rng.IntN(4) {
				r.users = append(r.users, *s.anyUser())
			}
			sc.Config.Rotations = append(sc.Config.Rotations, r)
		}
		s.schedules.Insert(id, at.UnixNano(), sc)
		for range s.rng.IntN(5) {
			r := oneOf(s, sc.Config.Rotations)
			start := s.now.Truncate(time.Hour).Add(time.Duration(s.rng.IntN(40*24)-20*24) * time.Hour)
			made := s.ago(21*day, 40*day)
			o := override{
				ID: s.newID(made), ScheduleID: id, RotationID: r.ID, LayerID: r.Layers[0].ID, StartAt: start,
				EndAt: start.Add(time.Duration(1+s.rng.IntN(48)) * time.Hour), User: *s.anyUser(), CreatedAt: made, UpdatedAt: made,
			}
			s.overrides.Insert(o.ID, o.StartAt.UnixNano(), o)
		}
	}
	for i := range 2 * len(teamNames) {
		id, at := s.old()
		level := func(target pathTarget) pathNode {
			return pathNode{ID: s.newID(at), Type: "level", Level: &pathLevel{Targets: []pathTarget{target}, TimeToAckSeconds: 300}}
		}
		s.escalationPaths.Insert(id, at.UnixNano(), escalationPath{
			ID: id, Name: fmt.Sprintf("%s path %d", teamNames[i%len(teamNames)], i/len(teamNames)+1),
			Path: []pathNode{
				level(pathTarget{ID: s.schedules.Rows[i%len(s.schedules.Rows)].ID, Type: "schedule", Urgency: "high"}),
				level(pathTarget{ID: s.anyUser().ID, Type: "user", Urgency: "high"}),
			},
			RepeatConfig: &repeatConfig{RepeatAfterSeconds: 600, TimesToRepeat: 2}, TeamIDs: []string{s.teams.Rows[i%len(s.teams.Rows)].ID},
			WorkingHours: []workingHours{{ID: "default", Name: "Working hours", Timezone: "Europe/London"}},
		})
	}
}

// alertSettings makes sources, attributes and routes. Only HTTP sources have a token that this package takes.
func (s *seeder) alertSettings() {
	for _, a := range []alertAttribute{{Name: "Service", Type: `Custom["Service"]`}, {Name: "Environment", Type: "String"}, {Name: "Hosts", Type: "String", Array: true}} {
		a.ID, _ = s.old()
		s.alertAttributes.Insert(a.ID, 0, a)
	}
	for i, kind := range []string{"http", "http", "datadog", "grafana", "http_custom", "email", "pager_duty", "sentry", "http", "heartbeat"} {
		id, at := s.old()
		src := alertSource{
			ID: id, Name: fmt.Sprintf("%s %d", kind, i+1), SourceType: kind, AutoResolveIncidentAlerts: s.chance(50), OwningTeamIDs: []string{oneOf(s, s.teams.Rows).ID},
			Template: map[string]any{"attributes": []any{}, "expressions": []any{}, "is_private": false},
		}
		switch kind {
		case "http":
			src.AlertEventsURL = "https://api.incident.io/v2/alert_events/http/" + id
			src.SecretToken = "src_" + s.newID(at)
		case "http_custom":
			src.HTTPCustomOptions = map[string]string{"transform_expression": "return {title: $.title}", "deduplication_key_path": "$.id"}
		case "email":
			src.EmailOptions = map[string]string{"email_address": "alerts-" + strconv.Itoa(i) + "@in." + mailDomain}
		}
		s.alertSources.Insert(id, at.UnixNano(), src)
	}
	for i := range 70 {
		id, at := s.old()
		s.alertRoutes.Insert(id, at.UnixNano(), alertRoute{ID: id, Name: fmt.Sprintf("Route %d to %s", i+1, teamNames[i%len(teamNames)]), Enabled: s.chance(85)})
	}
}

func (s *seeder) alertsAndEscalations() {
	incidents := s.incidents.Rows
	for i := range s.scale.Alerts {
		at := s.now.Add(-time.Duration(s.scale.Alerts-i) * 7 * time.Minute).Truncate(time.Second)
		src := anyRow(s, &s.alertSources).Val
		service := oneOf(s, services)
		a := alert{
			ID: s.newID(at), Title: fmt.Sprintf(oneOf(s, symptoms), service), Description: "See the **dashboard** of " + service, Status: "firing", AlertSourceID: src.ID,
			DeduplicationKey: fmt.Sprintf("%s/%d", service, i), SourceURL: "https://monitoring.example/alerts/" + strconv.Itoa(i), Attributes: []alertAttributeValue{},
			CreatedAt: at, UpdatedAt: at, hasNotes: s.chance(10), maintenance: s.chance(5),
		}
		if s.chance(30) {
			a.AlertGroupIDs = []string{fmt.Sprintf("01GROUP%019d", i/5)}
		}
		env := s.alertAttributes.Rows[1].Val
		text := oneOf(s, []string{"production", "staging"})
		a.Attributes = append(a.Attributes, alertAttributeValue{Attribute: env, Value: &literal{Literal: text, Label: text}})
		if s.chance(40) {
			a.Attributes = append(a.Attributes, alertAttributeValue{Attribute: s.alertAttributes.Rows[2].Val, ArrayValue: []literal{{Literal: "web-1", Label: "web-1"}, {Literal: "web-2", Label: "web-2"}}})
		}
		if s.chance(80) {
			end := s.between(at, 6*time.Hour)
			a.Status, a.ResolvedAt, a.UpdatedAt = "resolved", &end, end
		} else {
			s.firing[src.ID+"/"+a.DeduplicationKey] = a.ID
		}
		s.alerts.Insert(a.ID, newestFirst(at), a)
	}
	statuses := []string{"pending", "triggered", "acked", "resolved", "resolved", "resolved", "expired", "cancelled", "snoozed", "delayed", "pending_repeat"}
	for i := range s.scale.Escalations {
		path := s.escalationPaths.Rows[i%len(s.escalationPaths.Rows)].Val
		e := escalation{
			Status: oneOf(s, statuses), EscalationPathID: path.ID, Priority: priority{oneOf(s, []string{"Urgent", "Low"})}, RelatedIncidents: []slimIncident{}, RelatedAlerts: []slimAlert{},
		}
		switch {
		case len(s.alerts.Rows) > 0 && i%3 > 0:
			a := anyRow(s, &s.alerts).Val
			e.Title, e.Creator, e.CreatedAt = a.Title, actor{Alert: &titledRef{a.ID, a.Title}}, a.CreatedAt
			e.RelatedAlerts = append(e.RelatedAlerts, slimOf(&a))
		case len(incidents) > 0:
			is := oneOf(s, incidents).Val
			e.Title, e.Creator, e.CreatedAt, e.idempotencyKey = is.Name, actor{User: s.anyUser()}, is.CreatedAt, fmt.Sprintf("page-%d", i)
			e.RelatedIncidents = append(e.RelatedIncidents, slim(&is))
			e.EscalationPathID = ""
		default:
			continue
		}
		e.Description, e.ID, e.UpdatedAt = "Paging for "+e.Title, s.newID(e.CreatedAt), s.between(e.CreatedAt, time.Hour)
		e.Events = []escalationEvent{{ID: s.newID(e.CreatedAt), Event: "triggered", OccurredAt: e.CreatedAt, Urgency: "high", Users: []userRef{*s.anyUser()}, Channels: []eventChannel{}}}
		if e.Status == "acked" || e.Status == "resolved" {
			e.Events = append(e.Events, escalationEvent{
				ID: s.newID(e.UpdatedAt), Event: e.Status, OccurredAt: e.UpdatedAt, Users: e.Events[0].Users, Channels: []eventChannel{{"C" + e.ID[16:], slackTeam}},
			})
		}
		if e.idempotencyKey != "" {
			s.escalationsByID[e.idempotencyKey] = e.ID
		}
		s.escalations.Insert(e.ID, newestFirst(e.CreatedAt), e)
	}
}

func (s *seeder) incidentLinks() {
	for i := 0; i < len(s.alerts.Rows) && len(s.incidents.Rows) > 0; i += 5 {
		a := s.alerts.Rows[i]
		l := incidentAlert{ID: s.newID(a.Val.CreatedAt), AlertRouteID: anyRow(s, &s.alertRoutes).ID, alertID: a.ID, incidentID: anyRow(s, &s.incidents).ID}
		s.incidentAlerts.Insert(l.ID, a.Pos.At, l)
	}
}
