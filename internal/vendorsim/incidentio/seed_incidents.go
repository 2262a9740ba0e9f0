package incidentio

import (
	"fmt"
	"strconv"
	"time"
)

func (s *seeder) incidentsAndUpdates() {
	step := 400 * day / time.Duration(max(s.scale.Incidents, 1))
	modes := []string{"standard", "standard", "standard", "standard", "standard", "standard", "standard", "retrospective", "test", "tutorial"}
	for i := range s.scale.Incidents {
		at := s.now.Add(-step*time.Duration(s.scale.Incidents-i) + time.Duration(s.rng.Int64N(int64(step)))).Truncate(time.Second)
		service := oneOf(s, services)
		is := incident{
			ID: s.newID(at), Name: fmt.Sprintf(oneOf(s, symptoms), service), Mode: oneOf(s, modes), Visibility: "public", SlackTeamID: slackTeam, number: s.nextIncident,
			Creator: actor{User: s.anyUser()}, RoleAssignments: []roleAssignment{}, CustomFieldEntries: []customFieldEntry{}, TimestampValues: []timestampValue{},
			DurationMetrics: []durationMetric{}, PostmortemDocumentIDs: []string{}, CreatedAt: at, UpdatedAt: s.between(at, 20*day), HasDebrief: s.chance(20),
		}
		s.nextIncident++
		s.incidentNumbers[is.number] = is.ID
		n := strconv.Itoa(is.number)
		is.Reference, is.Permalink, is.SlackChannelID, is.SlackChannelName = "INC-"+n, "https://app.incident.io/northwind/incidents/"+n, "C"+is.ID[16:], "inc-"+n
		if s.chance(80) {
			is.Summary = "Customers of " + service + " see errors & delays <since the deploy>."
		}
		if s.chance(5) {
			is.Visibility = "private"
		}
		if s.chance(30) {
			is.CallURL = "https://meet.example/" + n
		}
		if i%7 == 0 {
			w := anyRow(s, &s.workflows).Val
			is.Creator = actor{Workflow: &namedRef{w.ID, w.Name}}
		}
		s.statusOf(&is)
		s.detailsOf(&is)
		if s.chance(40) && is.IncidentStatus.Category == "closed" {
			s.postmortemOf(&is)
		}
		s.incidents.Insert(is.ID, newestFirst(at), is)
	}
	rows := s.incidents.Rows
	for i := range s.scale.Updates {
		if len(rows) == 0 {
			break
		}
		is := rows[i%len(rows)].Val
		at := s.between(is.CreatedAt, 2*day)
		u := incidentUpdate{ID: s.newID(at), IncidentID: is.ID, Message: oneOf(s, updateMessages), Updater: actor{User: s.anyUser()}, CreatedAt: at}
		if i < len(rows) {
			status := is.IncidentStatus
			if u.NewIncidentStatus, u.NewSeverity = &status, is.Severity; status.Category == "merged" {
				u.MergedIntoIncidentID = oneOf(s, rows).ID
			}
		}
		s.incidentUpdates.Insert(u.ID, newestFirst(at), u)
	}
	for i := range len(rows) {
		other := oneOf(s, rows)
		if other.ID == rows[i].ID || i%2 == 1 && i > 20 {
			continue
		}
		at := s.now.Add(-time.Duration(i) * time.Minute)
		for _, pair := range [][2]*row[incident]{{rows[i], other}, {other, rows[i]}} {
			l := incidentRelation{ID: s.newID(at), Incident: slim(&pair[1].Val), from: pair[0].ID}
			s.incidentRelations.Insert(l.ID, newestFirst(at), l)
		}
	}
}

// statusOf closes most old incidents; a few were declined, merged or canceled.
func (s *seeder) statusOf(is *incident) {
	category := oneOf(s, []string{"closed", "closed", "closed", "closed", "closed", "closed", "learning", "declined", "merged", "canceled"})
	if s.now.Sub(is.CreatedAt) < 20*day {
		category = oneOf(s, []string{"live", "live", "paused", "triage", "learning", "closed"})
	}
	matching := []incidentStatus{}
	for _, r := range s.statuses.Rows {
		if r.Val.Category == category {
			matching = append(matching, r.Val)
		}
	}
	is.IncidentStatus = oneOf(s, matching)
	if s.chance(90) {
		sev := s.severities.Rows[[]int{0, 0, 0, 1, 1, 2}[s.rng.IntN(6)]].Val
		is.Severity = &sev
	}
	if s.chance(95) {
		t := s.types.Rows[0].Val
		if s.chance(25) {
			t = s.types.Rows[1+2*s.rng.IntN(2)].Val
		}
		is.IncidentType = &t
	}
}

func (s *seeder) detailsOf(is *incident) {
	for i, r := range s.roles.Rows {
		a := roleAssignment{Role: incidentRoleV1{r.Val, r.Val.required}}
		if i < 2 || s.chance(30) {
			a.Assignee = s.anyUser()
		}
		is.RoleAssignments = append(is.RoleAssignments, a)
	}
	for i, r := range s.timestamps.Rows {
		v := timestampValue{IncidentTimestamp: r.Val}
		if i == 0 {
			v.Value = &stampValue{is.CreatedAt}
		} else if at := is.CreatedAt.Add(time.Duration(i) * 20 * time.Minute); is.IncidentStatus.Category == "closed" && at.Before(s.now) {
			v.Value = &stampValue{at}
		}
		is.TimestampValues = append(is.TimestampValues, v)
	}
	minutes := s.rng.IntN(600)
	for i, m := range s.metrics {
		is.DurationMetrics = append(is.DurationMetrics, durationMetric{m, minutes * 60 / (i + 1)})
	}
	is.WorkloadMinutesTotal = float64(minutes)
	is.WorkloadMinutesWorking, is.WorkloadMinutesLate, is.WorkloadMinutesSleeping = float64(minutes/2), float64(minutes/4), float64(minutes-minutes/2-minutes/4)
	for _, r := range s.customFields.Rows {
		if !s.chance(35) {
			continue
		}
		e := customFieldEntry{CustomField: s.fieldInfo(&r.Val), Values: []customFieldValue{{}}}
		v := &e.Values[0]
		switch r.Val.FieldType {
		case "text":
			v.ValueText = "We are looking into it."
		case "link":
			v.ValueLink = "https://dashboards.example/d/" + strconv.Itoa(is.number)
		case "numeric":
			v.ValueNumeric = strconv.Itoa(s.rng.IntN(9000))
		default:
			if r.Val.CatalogTypeID != "" {
				if entry := s.catalogEntries.Find(func(e *catalogEntry) bool { return e.CatalogTypeID == r.Val.CatalogTypeID }); entry != nil {
					v.ValueCatalogEntry = &catalogRef{entry.ID, entry.Val.Name, entry.Val.CatalogTypeID}
				}
				break
			}
			option := oneOf(s, e.CustomField.Options)
			v.ValueOption = &option
		}
		// The vendor repeats all options of a field in every incident that has it; a few keep the data small.
		if len(e.CustomField.Options) > 3 {
			e.CustomField.Options = e.CustomField.Options[:3]
		}
		is.CustomFieldEntries = append(is.CustomFieldEntries, e)
	}
}

func (s *seeder) postmortemOf(is *incident) {
	at := s.between(is.CreatedAt, 10*day)
	p := postmortemDocument{
		ID: s.newID(at), IncidentID: is.ID, Title: "Post-mortem: " + is.Name, Type: oneOf(s, []string{"in_app", "external"}), Status: oneOf(s, []string{"in_progress", "in_review", "completed"}),
		Editors: []userRef{*s.anyUser()}, ExportedURLs: []string{}, CreatedAt: at, UpdatedAt: s.between(at, 10*day),
	}
	p.DocumentURL = "https://docs.example/postmortems/" + p.ID
	is.PostmortemDocumentIDs, is.PostmortemDocumentURL = []string{p.ID}, p.DocumentURL
	s.postmortems.Insert(p.ID, newestFirst(at), p)
}

func (s *seeder) workOnIncidents() {
	rows := s.incidents.Rows
	if len(rows) == 0 {
		return
	}
	for range s.scale.Actions {
		is := oneOf(s, rows).Val
		at := s.between(is.CreatedAt, day)
		a := action{
			ID: s.newID(at), IncidentID: is.ID, Description: fmt.Sprintf(oneOf(s, chores), oneOf(s, services)), Status: oneOf(s, []string{"outstanding", "completed", "completed", "not_doing"}),
			Creator: actor{User: s.anyUser()}, CreatedAt: at, UpdatedAt: s.between(at, day),
		}
		if s.chance(70) {
			a.Assignee = s.anyUser()
		}
		if a.Status == "completed" {
			done := a.UpdatedAt
			a.CompletedAt = &done
		}
		s.actions.Insert(a.ID, newestFirst(at), a)
	}
	for i := range s.scale.FollowUps {
		is := oneOf(s, rows).Val
		at := s.between(is.CreatedAt, 10*day)
		f := followUp{
			ID: s.newID(at), IncidentID: is.ID, Title: fmt.Sprintf(oneOf(s, chores), oneOf(s, services)), Description: "Agreed in the debrief.",
			Status: oneOf(s, []string{"outstanding", "outstanding", "completed", "deleted", "not_doing"}), Creator: actor{User: s.anyUser()}, Labels: []string{}, CreatedAt: at, UpdatedAt: s.between(at, 30*day),
		}
		switch {
		case i%4 == 0:
			t := anyRow(s, &s.teams).Val
			f.AssigneeTeam = &namedRef{t.ID, t.Name}
		case s.chance(70):
			f.Assignee = s.anyUser()
		}
		if s.chance(50) {
			p := oneOf(s, s.priorities)
			f.Priority = &p
		}
		if s.chance(30) {
			n := strconv.Itoa(1000 + i)
			f.ExternalIssueReference = &externalIssue{"jira", "REL-" + n, "https://jira.example/browse/REL-" + n}
			f.Labels = append(f.Labels, "reliability")
		}
		if f.Status == "completed" {
			done := f.UpdatedAt
			f.CompletedAt = &done
		}
		s.followUps.Insert(f.ID, newestFirst(at), f)
	}
	for i := range s.scale.Attachments {
		n := strconv.Itoa(5000 + i)
		kind := []string{"github_pull_request", "sentry_issue", "jira_issue", "pager_duty_incident"}[i%4]
		a := incidentAttachment{ID: s.newID(s.now), IncidentID: rows[i%len(rows)].ID, Resource: attachedResource{
			ExternalID: "northwind/app/pull/" + n, Permalink: "https://work.example/" + kind + "/" + n, ResourceType: kind, Title: "Fix " + oneOf(s, services),
		}}
		s.attachments.Insert(a.ID, int64(i), a)
	}
}

func (s *seeder) publicPages() {
	for i := range 28 {
		id, at := s.old()
		p := statusPage{ID: id, Name: "Northwind status " + strconv.Itoa(i+1), Description: "Status of our services", PublicURL: "https://status-" + strconv.Itoa(i+1) + "." + mailDomain}
		for _, name := range services[:5] {
			p.components = append(p.components, namedRef{s.newID(at), name})
		}
		s.statusPages.Insert(id, at.UnixNano(), p)
	}
	for i := range 60 {
		start := s.now.Add(time.Duration(i-40) * 36 * time.Hour).Truncate(time.Hour)
		made := s.ago(90*day, 100*day)
		m := maintenanceWindow{
			ID: s.newID(made), Name: "Upgrade " + services[i%len(services)], Lead: *s.anyUser(), StartAt: start, EndAt: start.Add(time.Duration(1+i%60) * time.Hour),
			AlertConditionGroups: []map[string]any{}, EscalationTargets: []map[string]string{}, NotifyChannels: []map[string]string{},
			NotifyStartMinutesBefore: 30, ResolveOnEnd: s.chance(50), ShowInSidebar: true, CreatedAt: made, UpdatedAt: made,
		}
		s.maintenance.Insert(m.ID, -start.UnixNano(), m)
	}
}

func (s *seeder) publicIncidents() {
	pg := s.statusPages.Rows[0].Val
	for i := range 30 {
		at := s.ago(time.Hour, 90*day)
		component := pg.components[i%len(pg.components)]
		in := statusPageIncident{
			ID: s.newID(at), StatusPageID: pg.ID, Name: component.Name + " is slow", IncidentStatus: "investigating", PublishedAt: at,
			ComponentImpacts: []componentImpact{{ComponentID: component.ID, Status: "degraded_performance", StartAt: at}},
			Updates: []statusPageUpdate{{
				ID: s.newID(at), Message: "We are looking into it.", ToStatus: "investigating", PublishedAt: at,
				ComponentStatuses: []componentStatus{{component.ID, "degraded_performance"}},
			}},
		}
		s.statusPageIncidents.Insert(in.ID, newestFirst(at), in)
	}
}
