package incidentio

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// createStatusPageIncident publishes an incident. For a repeated idempotency key it returns the first one again.
func createStatusPageIncident(c *call) (result, *apiError) {
	s, b, now := &c.v.store, c.body, c.stamp()
	pg, err := refIn(&s.statusPages, "status_page_id", "status page", b.Text("status_page_id"))
	if err != nil {
		return result{}, err
	}
	key := b.Text("idempotency_key")
	if r := s.statusPageIncidents.Find(func(i *statusPageIncident) bool { return i.idempotencyKey == key }); r != nil {
		return one(r)
	}
	up := statusPageUpdate{Message: b.Text("message"), ToStatus: b.Text("incident_status"), ComponentStatuses: []componentStatus{}, PublishedAt: now}
	i := statusPageIncident{
		StatusPageID: pg.ID, Name: b.Text("name"), IncidentStatus: up.ToStatus, ComponentImpacts: []componentImpact{}, PublishedAt: now, idempotencyKey: key,
	}
	if err := c.setComponents(pg, &i, &up); err != nil {
		return result{}, err
	}
	i.ID, up.ID = c.newID(), c.newID()
	i.Updates = []statusPageUpdate{up}
	return one(s.statusPageIncidents.Insert(i.ID, newestFirst(now), i))
}

func (c *call) setComponents(pg *statusPage, i *statusPageIncident, up *statusPageUpdate) *apiError {
	for n, f := range c.body.Objects("component_statuses") {
		at := fmt.Sprintf("component_statuses[%d].component_id", n)
		id := f.Text("component_id")
		if !slices.ContainsFunc(pg.components, func(c namedRef) bool { return c.ID == id }) {
			return invalid(at, "%s: this status page has no component %q", at, id)
		}
		status := f.Text("component_status")
		up.ComponentStatuses = append(up.ComponentStatuses, componentStatus{id, status})
		i.endImpact(id, up.PublishedAt)
		if status != "operational" {
			i.ComponentImpacts = append(i.ComponentImpacts, componentImpact{ComponentID: id, Status: status, StartAt: up.PublishedAt})
		}
	}
	return nil
}

// endImpact ends the impact on a component; an empty id means all of them.
func (i *statusPageIncident) endImpact(component string, at time.Time) {
	i.ComponentImpacts = slices.Clone(i.ComponentImpacts)
	for n := range i.ComponentImpacts {
		if impact := &i.ComponentImpacts[n]; impact.EndAt == nil && (component == "" || impact.ComponentID == component) {
			impact.EndAt = &at
		}
	}
}

// getStatusPageStructure returns the components. There are no groups.
func getStatusPageStructure(_ *call, r *row[statusPage]) (result, *apiError) {
	items := []any{}
	for _, component := range r.Val.components {
		items = append(items, map[string]any{"component": map[string]any{"component_id": component.ID, "name": component.Name}})
	}
	return made(map[string]any{"items": items})
}

// listStatusPageIncidents finds no incidents in a group or on a sub-page, because these pages have neither.
func listStatusPageIncidents(c *call) (result, *apiError) {
	q := c.query
	page, component := q.text("status_page_id"), q.text("component_id")
	if c.v.store.statusPages.Get(page) == nil {
		return result{}, notFound("status page", page)
	}
	from, _ := time.Parse(time.RFC3339Nano, q.text("start_at")) // checked before
	until, err := time.Parse(time.RFC3339Nano, q.text("end_at"))
	grouped := q.has("group_id") || q.has("sub_page_id")
	return paginate(c, listing[statusPageIncident]{table: &c.v.store.statusPageIncidents, match: func(i *statusPageIncident) bool {
		return !grouped && i.StatusPageID == page && !i.PublishedAt.Before(from) && (err != nil || !i.PublishedAt.After(until)) &&
			(component == "" || slices.ContainsFunc(i.ComponentImpacts, func(impact componentImpact) bool { return impact.ComponentID == component }))
	}})
}

func updateStatusPageIncident(c *call, r *row[statusPageIncident]) (result, *apiError) {
	s := &c.v.store
	i := r.Val
	i.Name = c.body.Text("name")
	return one(s.statusPageIncidents.Replace(r, i))
}

// createStatusPageIncidentUpdate publishes an update. Without incident_status the status stays; resolved ends the impact
// on all components.
func createStatusPageIncidentUpdate(c *call) (result, *apiError) {
	s, b, now := &c.v.store, c.body, c.stamp()
	i, err := refIn(&s.statusPageIncidents, "status_page_incident_id", "status page incident", b.Text("status_page_incident_id"))
	if err != nil {
		return result{}, err
	}
	up := statusPageUpdate{Message: b.Text("message"), ToStatus: cmp.Or(b.Text("incident_status"), i.IncidentStatus), ComponentStatuses: []componentStatus{}, PublishedAt: now}
	if err := c.setComponents(&s.statusPages.Get(i.StatusPageID).Val, i, &up); err != nil {
		return result{}, err
	}
	if i.IncidentStatus = up.ToStatus; up.ToStatus == "resolved" {
		i.endImpact("", now)
	}
	up.ID = c.newID()
	i.Updates = append(slices.Clone(i.Updates), up)
	s.statusPageIncidents.Replace(s.statusPageIncidents.Get(i.ID), *i)
	return made(struct {
		ID                   string            `json:"id"`
		StatusPageIncidentID string            `json:"status_page_incident_id"`
		IncidentStatus       string            `json:"incident_status"`
		Message              string            `json:"message"`
		ComponentStatuses    []componentStatus `json:"component_statuses"`
		PublishedAt          time.Time         `json:"published_at"`
	}{up.ID, i.ID, up.ToStatus, up.Message, up.ComponentStatuses, now})
}
