package incidentio

import (
	"cmp"
	"slices"
	"strings"
)

// hiddenByDefault are the categories that a list leaves out unless the query filters by status or status_category.
var hiddenByDefault = []string{"declined", "canceled", "merged"}

func listIncidents(c *call) (result, *apiError) {
	q := c.query
	match, err := compile(q.filters, c.v.store.incidentFields(), q.text("filter_mode") == "any")
	if err != nil {
		return result{}, err
	}
	allModes := q.filtersOn("mode")
	allStatuses := q.filtersOn("status") || q.filtersOn("status_category")
	return paginate(c, listing[incident]{
		table: &c.v.store.incidents, reversed: q.text("sort_by") == "created_at_oldest_first", counted: true,
		match: func(is *incident) bool {
			return (allModes || is.Mode == "standard" || is.Mode == "retrospective") &&
				(allStatuses || !slices.Contains(hiddenByDefault, is.IncidentStatus.Category)) &&
				(match == nil || match(is))
		},
	})
}

func getIncident(c *call) (result, *apiError) {
	if r := c.v.store.incidentAt(c.vars[0]); r != nil {
		return one(r)
	}
	return result{}, notFound("incident", c.vars[0])
}

func listIncidentUpdates(c *call) (result, *apiError) {
	q := listing[incidentUpdate]{table: &c.v.store.incidentUpdates}
	if id := c.query.text("incident_id"); id != "" {
		q.match = func(u *incidentUpdate) bool { return u.IncidentID == id }
	}
	return paginate(c, q)
}

// listIncidentRelationships answers 404 for an incident that does not exist: the incident is a required parameter.
func listIncidentRelationships(c *call) (result, *apiError) {
	id := c.query.text("incident_id")
	if c.v.store.incidents.Get(id) == nil {
		return result{}, notFound("incident", id)
	}
	return paginate(c, listing[incidentRelation]{
		table: &c.v.store.incidentRelations,
		match: func(l *incidentRelation) bool { return l.from == id },
	})
}

// listAttachments needs what the vendor's description asks for: an incident, or a resource by type and external id.
func listAttachments(c *call) (result, *apiError) {
	incidentID, externalID, kind := c.query.text("incident_id"), c.query.text("external_id"), c.query.text("resource_type")
	if incidentID == "" && (externalID == "" || kind == "") {
		return result{}, invalid("incident_id", "give incident_id, or external_id with resource_type")
	}
	return all(c.v.store.attachments.Matching(func(a *incidentAttachment) bool {
		return (incidentID == "" || a.IncidentID == incidentID) && (externalID == "" || a.Resource.ExternalID == externalID) &&
			(kind == "" || a.Resource.ResourceType == kind)
	}))
}

func createAttachment(c *call) (result, *apiError) {
	s, res := &c.v.store, c.body.Object("resource")
	id := c.body.Text("incident_id")
	if _, err := refIn(&s.incidents, "incident_id", "incident", id); err != nil {
		return result{}, err
	}
	to := attachedResource{
		ExternalID: res.Text("external_id"), Permalink: res.Text("url"), ResourceType: res.Text("resource_type"), Title: res.Text("title"),
	}
	switch {
	case to.ResourceType == "arbitrary_url" && to.Permalink == "":
		return result{}, required("resource.url")
	case to.ResourceType != "arbitrary_url" && to.ExternalID == "":
		return result{}, required("resource.external_id")
	case to.ExternalID == "":
		to.ExternalID = to.Permalink
	}
	if to.Permalink == "" {
		to.Permalink = "https://" + strings.ReplaceAll(to.ResourceType, "_", "-") + ".example/" + to.ExternalID
	}
	to.Title = cmp.Or(to.Title, to.ExternalID)
	have := s.attachments.Find(func(a *incidentAttachment) bool {
		return a.IncidentID == id && a.Resource.ResourceType == to.ResourceType && a.Resource.ExternalID == to.ExternalID
	})
	if have != nil {
		return result{}, duplicate("resource.external_id", "this resource is attached to the incident already, as %s", have.ID)
	}
	a := incidentAttachment{ID: c.newID(), IncidentID: id, Resource: to}
	return one(s.attachments.Insert(a.ID, 0, a))
}

func listPostmortems(c *call) (result, *apiError) {
	q := listing[postmortemDocument]{table: &c.v.store.postmortems, reversed: c.query.text("sort_by") == "created_at_oldest_first"}
	if id := c.query.text("incident_id"); id != "" {
		q.match = func(p *postmortemDocument) bool { return p.IncidentID == id }
	}
	return paginate(c, q)
}

func (c *call) ofIncident(id string) bool {
	if want := c.query.text("incident_id"); want != "" && want != id {
		return false
	}
	mode := c.query.text("incident_mode")
	return mode == "" || c.v.store.incidents.Get(id).Val.Mode == mode
}

func listActions(c *call) (result, *apiError) {
	return all(c.v.store.actions.Matching(func(a *action) bool { return c.ofIncident(a.IncidentID) }))
}

func listFollowUps(c *call) (result, *apiError) {
	team := c.query.text("assignee_team_id")
	return all(c.v.store.followUps.Matching(func(f *followUp) bool {
		return c.ofIncident(f.IncidentID) && (team == "" || f.AssigneeTeam != nil && f.AssigneeTeam.ID == team)
	}))
}
