package incidentio

import (
	"fmt"
	"slices"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

func listEscalations(c *call) (result, *apiError) {
	match, err := compile(c.query.filters, escalationFields(), false)
	if err != nil {
		return result{}, err
	}
	return paginate(c, listing[escalation]{table: &c.v.store.escalations, match: match})
}

// createEscalation pages the first level of a path, or users. For a repeated idempotency key it returns the first
// escalation again.
func createEscalation(c *call) (result, *apiError) {
	s, b, now := &c.v.store, c.body, c.stamp()
	key := b.Text("idempotency_key")
	if id, ok := s.escalationsByID[key]; ok {
		return one(s.escalations.Get(id))
	}
	e := escalation{
		Title: b.Text("title"), Description: b.Text("description"), Status: "triggered", EscalationPathID: b.Text("escalation_path_id"), Creator: c.actor(),
		Priority: priority{"Urgent"}, RelatedIncidents: []slimIncident{}, RelatedAlerts: []slimAlert{}, CreatedAt: now, UpdatedAt: now, idempotencyKey: key,
	}
	paged := []userRef{}
	if e.EscalationPathID != "" {
		path, err := refIn(&s.escalationPaths, "escalation_path_id", "escalation path", e.EscalationPathID)
		if err != nil {
			return result{}, err
		}
		paged = append(paged, s.responders(path, c.now)...)
	}
	for i, id := range b.Texts("user_ids") {
		u, err := refIn(&s.users, fmt.Sprintf("user_ids[%d]", i), "user", id)
		if err != nil {
			return result{}, err
		}
		paged = append(paged, u.userRef)
	}
	if e.EscalationPathID == "" && len(paged) == 0 {
		return result{}, invalid("escalation_path_id", "give escalation_path_id or user_ids")
	}
	if id := b.Text("incident_id"); id != "" {
		is, err := refIn(&s.incidents, "incident_id", "incident", id)
		if err != nil {
			return result{}, err
		}
		e.RelatedIncidents = append(e.RelatedIncidents, slim(is))
	}
	e.ID = c.newID()
	e.Events = []escalationEvent{{ID: c.newID(), Event: "triggered", OccurredAt: now, Urgency: "high", Users: paged, Channels: []eventChannel{}}}
	s.escalationsByID[key] = e.ID
	return one(s.escalations.Insert(e.ID, newestFirst(now), e))
}

// cancelEscalation stops paging. The answer is empty.
func cancelEscalation(c *call, r *row[escalation]) (result, *apiError) {
	s, now := &c.v.store, c.stamp()
	e := r.Val
	if !e.open() {
		return result{}, invalid("", "the escalation is %s and pages nobody any more", e.Status)
	}
	e.Status, e.UpdatedAt = "cancelled", now
	e.Events = append(slices.Clone(e.Events), escalationEvent{ID: c.newID(), Event: "cancelled", OccurredAt: now, Users: []userRef{}, Channels: []eventChannel{}})
	s.escalations.Replace(r, e)
	return result{}, nil
}

func (e *escalation) open() bool {
	return e.Status != "resolved" && e.Status != "expired" && e.Status != "cancelled"
}

func listEscalationPaths(c *call) (result, *apiError) {
	return paginate(c, listing[escalationPath]{table: &c.v.store.escalationPaths, show: func(r *row[escalationPath]) source {
		path := r.Val
		path.CurrentResponders = c.v.store.responders(&path, c.now)
		return contract.Value{V: path}
	}})
}

func getEscalationPath(c *call, r *row[escalationPath]) (result, *apiError) {
	path := r.Val
	path.CurrentResponders = c.v.store.responders(&path, c.now)
	return made(path)
}
