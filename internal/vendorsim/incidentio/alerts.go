package incidentio

import (
	"cmp"
	"crypto/subtle"
	"fmt"
	"strings"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

func listAlerts(c *call) (result, *apiError) {
	match, err := compile(c.query.filters, c.v.store.alertFields(), false)
	if err != nil {
		return result{}, err
	}
	return paginate(c, listing[alert]{table: &c.v.store.alerts, match: match})
}

// checkSourceToken takes the token of the alert source from the Authorization header or the query parameter token.
func (c *call) checkSourceToken(src *row[alertSource]) *apiError {
	token := c.query.text("token")
	if token == "" {
		var err *apiError
		if token, err = bearer(c.auth); err != nil {
			return err
		}
	}
	// An unknown source is refused like a wrong token, so that ids cannot be guessed.
	if src == nil || src.Val.SecretToken == "" || subtle.ConstantTimeCompare([]byte(token), []byte(src.Val.SecretToken)) != 1 {
		return badKey()
	}
	return nil
}

// createAlertEvent opens, updates or resolves the alert of the deduplication key. The vendor only accepts the event, so
// the answer does not name the alert; here the alert exists at once.
func createAlertEvent(c *call) (result, *apiError) {
	s, b, now := &c.v.store, c.body, c.stamp()
	src := s.alertSources.Get(c.vars[0])
	if err := c.checkSourceToken(src); err != nil {
		return result{}, err
	}
	id := c.newID()
	key := cmp.Or(b.Text("deduplication_key"), id)
	status, open := b.Text("status"), s.alerts.Get(s.firing[src.ID+"/"+key])
	if u := b.Text("source_url"); u != "" && !isWebURL(u) {
		return result{}, invalid("source_url", "source_url must be an http or https URL")
	}
	switch {
	case open != nil:
		a := open.Val
		a.Title, a.UpdatedAt = b.Text("title"), now
		a.Description = cmp.Or(b.Text("description"), a.Description)
		a.SourceURL = cmp.Or(b.Text("source_url"), a.SourceURL)
		if status == "resolved" {
			a.Status, a.ResolvedAt = "resolved", &now
			delete(s.firing, src.ID+"/"+key)
		}
		s.alerts.Replace(open, a)
	case status == "firing":
		a := alert{
			ID: id, Title: b.Text("title"), Description: b.Text("description"), Status: status, AlertSourceID: src.ID, DeduplicationKey: key,
			SourceURL: b.Text("source_url"), Attributes: s.attributesFrom(b.Object("metadata")), CreatedAt: now, UpdatedAt: now,
		}
		s.alerts.Insert(id, newestFirst(now), a)
		s.firing[src.ID+"/"+key] = id
	}
	return made(map[string]string{"status": "success", "message": "Event accepted for processing", "deduplication_key": key})
}

func (s *store) attributesFrom(metadata fields) []alertAttributeValue {
	out := []alertAttributeValue{}
	for _, r := range s.alertAttributes.Rows {
		v, ok := metadata[strings.ToLower(r.Val.Name)]
		if !ok {
			continue
		}
		value := alertAttributeValue{Attribute: r.Val}
		if items, many := v.([]any); many && r.Val.Array {
			for _, item := range items {
				value.ArrayValue = append(value.ArrayValue, literal{Literal: fmt.Sprint(item), Label: fmt.Sprint(item)})
			}
		} else {
			value.Value = &literal{Literal: fmt.Sprint(v), Label: fmt.Sprint(v)}
		}
		out = append(out, value)
	}
	return out
}

func resolveAlert(c *call, r *row[alert]) (result, *apiError) {
	s, now := &c.v.store, c.stamp()
	a := r.Val
	if a.Status == "resolved" {
		return one(r)
	}
	a.Status, a.ResolvedAt, a.UpdatedAt = "resolved", &now, now
	delete(s.firing, a.AlertSourceID+"/"+a.DeduplicationKey)
	return one(s.alerts.Replace(r, a))
}

func listIncidentAlerts(c *call) (result, *apiError) {
	s, alertID, incidentID := &c.v.store, c.query.text("alert_id"), c.query.text("incident_id")
	if alertID != "" && s.alerts.Get(alertID) == nil {
		return result{}, notFound("alert", alertID)
	}
	if incidentID != "" && s.incidents.Get(incidentID) == nil {
		return result{}, notFound("incident", incidentID)
	}
	return paginate(c, listing[incidentAlert]{
		table: &s.incidentAlerts,
		match: func(l *incidentAlert) bool {
			return (alertID == "" || l.alertID == alertID) && (incidentID == "" || l.incidentID == incidentID)
		},
		show: func(r *row[incidentAlert]) source {
			l := r.Val
			l.Alert, l.Incident = slimOf(&s.alerts.Get(l.alertID).Val), slim(&s.incidents.Get(l.incidentID).Val)
			return contract.Value{V: l}
		},
	})
}
