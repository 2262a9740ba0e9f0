package incidentio

import (
	"fmt"
	"slices"
)

func listStatusPages(c *call) (result, *apiError) {
	return paginate(c, listing[statusPage]{table: &c.v.store.statusPages})
}

// createStatusPageIncident publishes. It answers the first incident made with an idempotency key again.
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
	for n, f := range b.Objects("component_statuses") {
		at := fmt.Sprintf("component_statuses[%d].component_id", n)
		id := f.Text("component_id")
		if !slices.ContainsFunc(pg.components, func(c namedRef) bool { return c.ID == id }) {
			return result{}, invalid(at, "%s: this status page has no component %q", at, id)
		}
		status := f.Text("component_status")
		up.ComponentStatuses = append(up.ComponentStatuses, componentStatus{id, status})
		if status != "operational" {
			i.ComponentImpacts = append(i.ComponentImpacts, componentImpact{ComponentID: id, Status: status, StartAt: now})
		}
	}
	i.ID, up.ID = c.newID(), c.newID()
	i.Updates = []statusPageUpdate{up}
	return one(s.statusPageIncidents.Insert(i.ID, newestFirst(now), i))
}
