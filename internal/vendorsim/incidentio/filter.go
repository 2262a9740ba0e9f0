package incidentio

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// field is a property that can be filtered by. One of its functions is set.
type field[T any] struct {
	texts func(*T) []string
	byID  func(t *T, id string) []string
	time  func(*T) time.Time
	// rank makes gte and lte compare the ranks of what the ids in the query name.
	rank func(*T) (int, bool)
	// ranks finds the rank of an id, and known says whether an id can be filtered by.
	ranks func(id string) (int, bool)
	known func(id string) bool
}

// compile makes a predicate of conditions: all must hold, or one of them if either is set.
func compile[T any](conditions []condition, properties map[string]field[T], either bool) (func(*T) bool, *apiError) {
	tests := make([]func(*T) bool, 0, len(conditions))
	for _, c := range conditions {
		test, err := compileOne(c, properties[c.field])
		if err != nil {
			return nil, err
		}
		tests = append(tests, test)
	}
	if len(tests) == 0 {
		return nil, nil
	}
	return func(t *T) bool {
		for _, test := range tests {
			if test(t) == either {
				return either
			}
		}
		return !either
	}, nil
}

func compileOne[T any](c condition, f field[T]) (func(*T) bool, *apiError) {
	texts := f.texts
	if f.byID != nil {
		if !f.known(c.id) {
			return nil, invalid(c.name, "%s: no %s %q", c.name, strings.ReplaceAll(c.field, "_", " "), c.id)
		}
		texts = func(t *T) []string { return f.byID(t, c.id) }
	}
	switch c.operator {
	case "one_of", "is", "not_in":
		want := map[string]bool{}
		for _, v := range c.values {
			want[v] = true
		}
		not := c.operator == "not_in"
		return func(t *T) bool {
			return slices.ContainsFunc(texts(t), func(s string) bool { return want[s] }) != not
		}, nil
	case "starts_with":
		return func(t *T) bool {
			return slices.ContainsFunc(texts(t), func(s string) bool { return strings.HasPrefix(s, c.values[0]) })
		}, nil
	case "is_blank":
		want := c.values[0] == "true"
		return func(t *T) bool { return (len(texts(t)) == 0) == want }, nil
	case "date_range":
		span, _ := parseRange(c.values[0]) // checked before
		return func(t *T) bool { return span.holds(f.time(t)) }, nil
	}
	less := c.operator == "lte"
	if f.rank != nil {
		limit, ok := f.ranks(c.values[0])
		if !ok {
			return nil, invalid(c.name, "%s: no %s %q", c.name, c.field, c.values[0])
		}
		return func(t *T) bool {
			n, ok := f.rank(t)
			return ok && (n == limit || n < limit == less)
		}, nil
	}
	from, end, _ := parseMoment(c.values[0]) // checked before
	span := moments{from: from}
	if less {
		span = moments{end: end}
	}
	return func(t *T) bool { return span.holds(f.time(t)) }, nil
}

// moments is the time from from on and before end; a zero time is no bound.
type moments struct{ from, end time.Time }

func (m moments) holds(t time.Time) bool {
	return (m.from.IsZero() || !t.Before(m.from)) && (m.end.IsZero() || t.Before(m.end))
}

// parseMoment reads a date, which is a whole day in UTC, or an RFC 3339 time. end is the first instant behind it.
func parseMoment(s string) (from, end time.Time, ok bool) {
	if d, err := time.Parse(time.DateOnly, s); err == nil {
		return d, d.AddDate(0, 0, 1), true
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, t.Add(1), true
	}
	return time.Time{}, time.Time{}, false
}

func parseRange(s string) (moments, bool) {
	a, b, found := strings.Cut(s, "~")
	from, _, ok := parseMoment(a)
	_, end, ok2 := parseMoment(b)
	if !found || !ok || !ok2 || !from.Before(end) {
		return moments{}, false
	}
	return moments{from, end}, true
}

func (s *store) incidentFields() map[string]field[incident] {
	return map[string]field[incident]{
		"status":          {texts: func(is *incident) []string { return []string{is.IncidentStatus.ID} }},
		"status_category": {texts: func(is *incident) []string { return []string{is.IncidentStatus.Category} }},
		"mode":            {texts: func(is *incident) []string { return []string{is.Mode} }},
		"created_at":      {time: func(is *incident) time.Time { return is.CreatedAt }},
		"updated_at":      {time: func(is *incident) time.Time { return is.UpdatedAt }},
		"incident_type": {texts: func(is *incident) []string {
			if is.IncidentType == nil {
				return nil
			}
			return []string{is.IncidentType.ID}
		}},
		"severity": {
			texts: func(is *incident) []string {
				if is.Severity == nil {
					return nil
				}
				return []string{is.Severity.ID}
			},
			rank: func(is *incident) (int, bool) {
				if is.Severity == nil {
					return 0, false
				}
				return s.severities.Get(is.Severity.ID).Val.Rank, true
			},
			ranks: func(id string) (int, bool) {
				if r := s.severities.Get(id); r != nil {
					return r.Val.Rank, true
				}
				return 0, false
			},
		},
		"incident_role": {
			known: func(id string) bool { return s.roles.Get(id) != nil },
			byID: func(is *incident, id string) []string {
				for _, a := range is.RoleAssignments {
					if a.Role.ID == id && a.Assignee != nil {
						return []string{a.Assignee.ID}
					}
				}
				return nil
			},
		},
		"custom_field": {
			known: func(id string) bool { return s.customFields.Get(id) != nil },
			byID: func(is *incident, id string) []string {
				for _, e := range is.CustomFieldEntries {
					if e.CustomField.ID == id {
						return e.keys()
					}
				}
				return nil
			},
		},
	}
}

// keys are the values in the form of a filter: options and catalog entries by id, others as they are.
func (e customFieldEntry) keys() []string {
	var out []string
	for _, v := range e.Values {
		switch {
		case v.ValueOption != nil:
			out = append(out, v.ValueOption.ID)
		case v.ValueCatalogEntry != nil:
			out = append(out, v.ValueCatalogEntry.ID)
		default:
			out = append(out, v.ValueText+v.ValueLink+v.ValueNumeric)
		}
	}
	return out
}

func (s *store) alertFields() map[string]field[alert] {
	return map[string]field[alert]{
		"deduplication_key": {texts: func(a *alert) []string { return []string{a.DeduplicationKey} }},
		"status":            {texts: func(a *alert) []string { return []string{a.Status} }},
		"alert_source":      {texts: func(a *alert) []string { return []string{a.AlertSourceID} }},
		"alert_group_id":    {texts: func(a *alert) []string { return a.AlertGroupIDs }},
		"created_at":        {time: func(a *alert) time.Time { return a.CreatedAt }},
		"updated_at":        {time: func(a *alert) time.Time { return a.UpdatedAt }},
		"has_notes":         {texts: func(a *alert) []string { return []string{strconv.FormatBool(a.hasNotes)} }},
		// true, the default, includes them; false leaves them out.
		"include_maintenance_window": {texts: func(a *alert) []string {
			if a.maintenance {
				return []string{"true"}
			}
			return []string{"true", "false"}
		}},
		"attributes": {
			known: func(id string) bool { return s.alertAttributes.Get(id) != nil },
			byID: func(a *alert, id string) []string {
				var out []string
				for _, v := range a.Attributes {
					if v.Attribute.ID != id {
						continue
					}
					for _, l := range append(slices.Clone(v.ArrayValue), deref(v.Value)...) {
						if out = append(out, l.Literal); l.CatalogEntry != nil {
							out[len(out)-1] = l.CatalogEntry.ID
						}
					}
				}
				return out
			},
		},
	}
}

func deref[T any](p *T) []T {
	if p == nil {
		return nil
	}
	return []T{*p}
}

func escalationFields() map[string]field[escalation] {
	return map[string]field[escalation]{
		"escalation_path": {texts: func(e *escalation) []string { return deref(contract.Optional(e.EscalationPathID)) }},
		"status":          {texts: func(e *escalation) []string { return []string{e.Status} }},
		"created_at":      {time: func(e *escalation) time.Time { return e.CreatedAt }},
		"updated_at":      {time: func(e *escalation) time.Time { return e.UpdatedAt }},
		"idempotency_key": {texts: func(e *escalation) []string { return deref(contract.Optional(e.idempotencyKey)) }},
		"alert": {texts: func(e *escalation) (out []string) {
			for _, a := range e.RelatedAlerts {
				out = append(out, a.ID)
			}
			return out
		}},
		"incident": {texts: func(e *escalation) (out []string) {
			for _, is := range e.RelatedIncidents {
				out = append(out, is.ID)
			}
			return out
		}},
	}
}
