package incidentio

import (
	"cmp"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// Sample is the parameters of a request that the vendor accepts as things stand.
type Sample struct {
	// Path holds the path variables by the vendor's names.
	Path map[string]string
	// Query and Body hold the parameters by name. Body values are what encoding/json would decode. Query values of format
	// "operators" are objects, {"one_of": [...]}; [EncodeQuery] writes them as the vendor reads them.
	Query map[string]any
	Body  map[string]any
	// AlertSourceToken is the token to send instead of an API key; empty when the operation takes an API key.
	AlertSourceToken string
}

// Sample makes valid parameters for op from the current data, so that a test can call all 78 operations without knowing
// any of them. With full false only what is required is set; with full true everything is, except after and what the token
// in the header replaces. Where the vendor requires one parameter of several, minimal samples have one.
//
// Names and keys that must be new differ at every call.
func (v *Vendor) Sample(op Operation, full bool) Sample {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.now().UTC().Truncate(time.Second)
	s := sampler{st: &v.store, op: op, now: now, fresh: v.store.newID(now)[16:]}
	s.types = contract.Sampler{Known: s.known, Now: now, Fresh: s.fresh}
	out := Sample{Path: map[string]string{}, Query: map[string]any{}, Body: map[string]any{}}
	for segment := range strings.SplitSeq(op.Path, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			out.Path[strings.TrimSuffix(name, "}")] = s.pathVariable()
		}
	}
	if op.AlertSourceToken {
		out.AlertSourceToken = s.alertSource().SecretToken
	}
	needed := map[string]string{"GET /v1/incident_attachments": "incident_id", "POST /v2/escalations": "escalation_path_id"}[op.Route()]
	for _, p := range op.Query {
		if p.Required || p.Name == needed || full && p.Name != "after" && !(op.AlertSourceToken && p.Name == "token") {
			out.Query[p.Name] = s.queryValue(p)
		}
	}
	for _, p := range op.Body {
		if p.Required || p.Name == needed || full {
			out.Body[p.Name] = s.types.Value(p)
		}
	}
	if in := out.Body["incident"]; in != nil && !full {
		out.Body["incident"] = map[string]any{"name": "Renamed " + s.fresh}
	}
	return out
}

type sampler struct {
	st    *store
	op    Operation
	now   time.Time
	fresh string
	types contract.Sampler
}

const updateField = "PUT /v2/custom_fields/{id}"

func lastID[T any](t *table[T]) string {
	if len(t.Rows) == 0 {
		return "none"
	}
	return t.Rows[len(t.Rows)-1].ID
}

func (s *sampler) alertSource() *alertSource {
	return &s.st.alertSources.Find(func(a *alertSource) bool { return a.SecretToken != "" }).Val
}

func (s *sampler) override() *override { return &s.st.overrides.Rows[0].Val }

func (s *sampler) fieldOfCatalog() *customField {
	return &s.st.customFields.Find(func(f *customField) bool { return f.CatalogTypeID != "" }).Val
}

// catalogType is the type that samples write entries of: it can be edited and none of its attributes is a link. Samples that
// change a custom field need its type.
func (s *sampler) catalogType() *catalogTypeV3 {
	if s.op.Route() == updateField {
		return &s.st.catalogTypes.Get(s.fieldOfCatalog().CatalogTypeID).Val
	}
	return &s.st.catalogTypes.Find(func(t *catalogTypeV3) bool { return t.IsTeamType }).Val
}

// first is the id of the first record of a kind, or "".
func (s *sampler) first(kind string) string {
	return map[string]string{
		"incident":             s.st.incidents.FirstID(),
		"incident_role":        s.st.roles.FirstID(),
		"incident_status":      s.st.statuses.FirstID(),
		"incident_timestamp":   s.st.timestamps.FirstID(),
		"incident_type":        s.st.types.FirstID(),
		"incident_attachment":  s.st.attachments.FirstID(),
		"severity":             s.st.severities.FirstID(),
		"custom_field":         s.st.customFields.FirstID(),
		"follow_up":            s.st.followUps.FirstID(),
		"action":               s.st.actions.FirstID(),
		"user":                 s.st.users.FirstID(),
		"team":                 s.st.teams.FirstID(),
		"catalog_type":         s.st.catalogTypes.FirstID(),
		"alert":                s.st.alerts.FirstID(),
		"escalation":           s.st.escalations.FirstID(),
		"escalation_path":      s.st.escalationPaths.FirstID(),
		"schedule":             s.st.schedules.FirstID(),
		"status_page":          s.st.statusPages.FirstID(),
		"status_page_incident": s.st.statusPageIncidents.FirstID(),
	}[kind]
}

func (s *sampler) pathVariable() string {
	switch s.op.Route() {
	case "POST /v2/escalations/{id}/actions/cancel":
		return s.st.escalations.Find((*escalation).open).ID
	case "DELETE /v1/severities/{id}":
		return lastID(&s.st.severities) // the seed links to the others
	case updateField:
		return s.fieldOfCatalog().ID
	case "DELETE /v2/custom_fields/{id}":
		return lastID(&s.st.customFields)
	}
	root := strings.Split(s.op.Path, "/")[2]
	switch root {
	case "severities":
		return s.first("severity")
	case "incident_statuses":
		return s.first("incident_status")
	case "status_page_structures":
		return s.first("status_page")
	case "catalog_entries":
		of := s.catalogType().ID
		// The last entry, so that deleting samples leaves those that the seed links to.
		for i := len(s.st.catalogEntries.Rows) - 1; i >= 0; i-- {
			if r := s.st.catalogEntries.Rows[i]; r.Val.CatalogTypeID == of {
				return r.ID
			}
		}
	case "schedule_overrides":
		return s.override().ID
	case "alert_events":
		return s.alertSource().ID
	}
	return cmp.Or(s.first(strings.TrimSuffix(root, "s")), "none")
}

// queryValue makes one operator of a filter, and any other value by its declaration.
func (s *sampler) queryValue(p Param) any {
	switch p.Format {
	case formatOperators:
		return s.operator(p)
	case formatOperatorsByID:
		return map[string]any{s.filterID(p.Name): s.operator(p)}
	case formatMap:
		return map[string]any{"sample": "value " + s.fresh}
	}
	if p.Name == "identifier" {
		return "team-1"
	}
	return s.types.Value(p)
}

func (s *sampler) filterID(name string) string {
	if name == "incident_role" || name == "custom_field" {
		return s.first(name)
	}
	return s.st.alertAttributes.FirstID()
}

func (s *sampler) operator(p Param) map[string]any {
	o := p.Fields[0]
	v := any("sample")
	switch {
	case len(o.Enum) > 0:
		v = o.Enum[0]
	case o.Format == "date":
		v = s.now.AddDate(0, -1, 0).Format(time.DateOnly)
	default:
		if id := s.linked(p.Name); id != "" {
			v = id
		}
	}
	if o.Type == "array" {
		v = []any{v}
	}
	return map[string]any{o.Name: v}
}

func (s *sampler) linked(name string) string {
	switch name {
	case "status":
		return s.first("incident_status")
	case "incident_role":
		return s.first("user")
	case "custom_field":
		return s.st.customOptions.FirstID()
	case "alert_source":
		return s.alertSource().ID
	}
	return s.first(name)
}

func (s *sampler) known(p Param) any {
	later := func(d time.Duration) any { return s.now.Add(d).Format(time.RFC3339) }
	sc := &s.st.schedules.Rows[0].Val
	if s.op.Method == "PUT" {
		sc = &s.st.schedules.Get(s.override().ScheduleID).Val
	}
	switch p.Name {
	case "page_size":
		return float64(25)
	case "rank":
		return float64(7)
	case "incident_status_id":
		return s.st.statuses.Find(func(st *incidentStatus) bool { return st.Category == "live" }).ID
	case "assignee_team_id":
		return s.first("team")
	case "user_ids":
		return s.first("user")
	case "custom_field_entries":
		return s.customFieldEntry()
	case "assignee", "user":
		return map[string]any{"id": s.first("user")}
	case "schedule_id":
		return sc.ID
	case "rotation_id":
		return sc.Config.Rotations[0].ID
	case "layer_id":
		return sc.Config.Rotations[0].Layers[0].ID
	case "start_at", "entry_window_start":
		return later(time.Hour)
	case "end_at", "entry_window_end":
		return later(5 * time.Hour)
	case "component_id":
		return s.st.statusPages.Rows[0].Val.components[0].ID
	case "mode":
		if s.op.Path == "/v2/incidents" { // so that retrospective_incident_options fits
			return "retrospective"
		}
	case "external_id":
		if p.Type == "integer" {
			return float64(s.st.nextIncident + 1000)
		}
		return "sample-" + s.fresh
	case "call_url", "url", "source_url", "postmortem_document_url":
		return "https://sample.example/" + s.fresh
	case "email":
		return s.st.users.Rows[0].Val.Email
	case "slack_user_id":
		return "U" + s.fresh
	case "name":
		return "Sample " + s.fresh
	}
	if v := s.knownOfCatalog(p); v != nil {
		return v
	}
	if kind, ok := strings.CutSuffix(p.Name, "_id"); ok {
		if id := s.first(kind); id != "" {
			return id
		}
	}
	return nil
}

func (s *sampler) knownOfCatalog(p Param) any {
	of := s.catalogType()
	switch p.Name {
	case "catalog_type_id":
		return of.ID
	case "catalog_attribute_id", "group_by_catalog_attribute_id", "helptext_catalog_attribute_id", "update_attributes":
		return of.Schema.Attributes[0].ID
	case "attribute_values":
		return map[string]any{
			of.Schema.Attributes[0].ID: map[string]any{"value": map[string]any{"literal": "#sample"}},
			of.Schema.Attributes[1].ID: map[string]any{"array_value": []any{map[string]any{"literal": "Reliability"}}},
		}
	}
	return nil
}

func (s *sampler) customFieldEntry() any {
	o := s.st.customOptions.Rows[0].Val
	return map[string]any{"custom_field_id": o.CustomFieldID, "values": []any{map[string]any{"value_option_id": o.ID}}}
}
