package incidentio

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"time"
)

const slackTeam = "T02A1FSLE8J"

// createIncident returns the first incident again for a repeated idempotency key, regardless of the rest of the request.
func createIncident(c *call) (result, *apiError) {
	s, b, now := &c.v.store, c.body, c.stamp()
	if id, ok := s.incidentsByIdemp[b.Text("idempotency_key")]; ok {
		return one(s.incidents.Get(id))
	}
	is := incident{
		Name: cmp.Or(b.Text("name"), "Unnamed incident"), Summary: b.Text("summary"), Mode: cmp.Or(b.Text("mode"), "standard"),
		Visibility: b.Text("visibility"), SlackTeamID: cmp.Or(b.Text("slack_team_id"), slackTeam), Creator: c.actor(),
		RoleAssignments: []roleAssignment{}, CustomFieldEntries: []customFieldEntry{}, TimestampValues: []timestampValue{}, DurationMetrics: []durationMetric{},
		PostmortemDocumentIDs: []string{}, CreatedAt: now, UpdatedAt: now, number: s.nextIncident,
	}
	if err := c.setKind(&is); err != nil {
		return result{}, err
	}
	if err := c.setRetrospective(&is); err != nil {
		return result{}, err
	}
	for i := range s.timestamps.Rows {
		def := s.timestamps.Rows[i].Val
		v := timestampValue{IncidentTimestamp: def}
		if def.Name == "Reported at" {
			v.Value = &stampValue{now}
		}
		is.TimestampValues = append(is.TimestampValues, v)
	}
	for _, r := range s.roles.Rows {
		is.RoleAssignments = append(is.RoleAssignments, roleAssignment{Role: incidentRoleV1{r.Val, r.Val.required}})
	}
	if err := c.setIncident(&is, b, ""); err != nil {
		return result{}, err
	}
	is.ID = c.newID()
	is.Reference = "INC-" + strconv.Itoa(is.number)
	is.Permalink = "https://app.incident.io/northwind/incidents/" + strconv.Itoa(is.number)
	is.SlackChannelID = cmp.Or(is.SlackChannelID, "C"+is.ID[16:])
	is.SlackChannelName = cmp.Or(is.SlackChannelName, "inc-"+strconv.Itoa(is.number))
	s.nextIncident = max(s.nextIncident, is.number+1)
	s.incidentNumbers[is.number] = is.ID
	s.incidentsByIdemp[b.Text("idempotency_key")] = is.ID
	r := s.incidents.Insert(is.ID, newestFirst(now), is)
	status := is.IncidentStatus
	c.addUpdate(incidentUpdate{IncidentID: is.ID, NewIncidentStatus: &status, NewSeverity: is.Severity})
	return one(r)
}

// setKind sets type and status, the latter by default to the first that the type starts in.
func (c *call) setKind(is *incident) (err *apiError) {
	s, b := &c.v.store, c.body
	kind := s.types.Find(func(t *incidentType) bool { return t.IsDefault })
	if id := b.Text("incident_type_id"); b.Has("incident_type_id") {
		if kind = s.types.Get(id); kind == nil {
			return invalid("incident_type_id", "incident_type_id: no incident type %q", id)
		}
	}
	val := kind.Val
	is.IncidentType = &val
	if val.PrivateIncidentsOnly && is.Visibility != "private" {
		return invalid("visibility", "visibility must be private for incidents of type %q", val.Name)
	}
	start := "live"
	switch {
	case is.Mode == "retrospective":
		start = "closed"
	case val.CreateInTriage == "always":
		start = "triage"
	}
	is.IncidentStatus = s.statuses.Find(func(st *incidentStatus) bool { return st.Category == start }).Val
	return nil
}

func (c *call) setRetrospective(is *incident) *apiError {
	if !c.body.Has("retrospective_incident_options") {
		return nil
	}
	if is.Mode != "retrospective" {
		return invalid("retrospective_incident_options", "retrospective_incident_options is only for incidents of mode retrospective")
	}
	o := c.body.Object("retrospective_incident_options")
	if o.Has("external_id") {
		n := int(o.Int("external_id"))
		if _, taken := c.v.store.incidentNumbers[n]; taken || n <= 0 || n > 1_000_000_000 {
			return duplicate("retrospective_incident_options.external_id", "an incident with the reference INC-%d exists already", n)
		}
		is.number = n
	}
	is.PostmortemDocumentURL, is.SlackChannelID = o.Text("postmortem_document_url"), o.Text("slack_channel_id")
	return nil
}

func editIncident(c *call) (result, *apiError) {
	s := &c.v.store
	r := s.incidentAt(c.vars[0])
	if r == nil {
		return result{}, notFound("incident", c.vars[0])
	}
	is := r.Val
	is.RoleAssignments = slices.Clone(is.RoleAssignments)
	is.CustomFieldEntries = slices.Clone(is.CustomFieldEntries)
	is.TimestampValues = slices.Clone(is.TimestampValues)
	b := c.body.Object("incident")
	if err := c.setIncident(&is, b, "incident."); err != nil {
		return result{}, err
	}
	b.SetText("name", &is.Name)
	b.SetText("summary", &is.Summary)
	if b.Has("call_url") {
		if is.CallURL = b.Text("call_url"); is.CallURL != "" && !isWebURL(is.CallURL) {
			return result{}, invalid("incident.call_url", "incident.call_url must be an http or https URL")
		}
	}
	is.UpdatedAt = c.stamp()
	var u incidentUpdate
	if is.IncidentStatus.ID != r.Val.IncidentStatus.ID {
		status := is.IncidentStatus
		u.NewIncidentStatus = &status
	}
	if is.Severity != nil && (r.Val.Severity == nil || is.Severity.ID != r.Val.Severity.ID) {
		u.NewSeverity = is.Severity
	}
	if u.NewIncidentStatus != nil || u.NewSeverity != nil {
		u.IncidentID = is.ID
		c.addUpdate(u)
	}
	return one(s.incidents.Replace(r, is))
}

func (c *call) addUpdate(u incidentUpdate) {
	u.ID, u.Updater, u.CreatedAt = c.newID(), c.actor(), c.stamp()
	c.v.store.incidentUpdates.Insert(u.ID, newestFirst(u.CreatedAt), u)
}

// setIncident applies the fields that create and edit share; prefix leads to them in messages.
func (c *call) setIncident(is *incident, b fields, prefix string) *apiError {
	s := &c.v.store
	if b.Has("incident_status_id") {
		status, err := refIn(&s.statuses, prefix+"incident_status_id", "incident status", b.Text("incident_status_id"))
		if err != nil {
			return err
		}
		is.IncidentStatus = *status
	}
	if b.Has("severity_id") {
		severity, err := refIn(&s.severities, prefix+"severity_id", "severity", b.Text("severity_id"))
		if err != nil {
			return err
		}
		is.Severity = severity
	}
	if name := b.Text("slack_channel_name_override"); name != "" {
		is.SlackChannelName = name
	}
	for i, f := range b.Objects("incident_role_assignments") {
		path := fmt.Sprintf("%sincident_role_assignments[%d]", prefix, i)
		role, err := refIn(&s.roles, path+".incident_role_id", "incident role", f.Text("incident_role_id"))
		if err != nil {
			return err
		}
		a := roleAssignment{Role: incidentRoleV1{*role, role.required}}
		if f.Has("assignee") {
			if a.Assignee, err = c.userIn(path+".assignee", f.Object("assignee")); err != nil {
				return err
			}
		}
		is.RoleAssignments = put(is.RoleAssignments, a, func(have roleAssignment) bool { return have.Role.ID == role.ID })
	}
	for i, f := range b.Objects("incident_timestamp_values") {
		path := fmt.Sprintf("%sincident_timestamp_values[%d]", prefix, i)
		def, err := refIn(&s.timestamps, path+".incident_timestamp_id", "incident timestamp", f.Text("incident_timestamp_id"))
		if err != nil {
			return err
		}
		v := timestampValue{IncidentTimestamp: *def}
		if at, ok := f.Time("value"); ok {
			v.Value = &stampValue{at.UTC().Truncate(time.Millisecond)}
		}
		is.TimestampValues = put(is.TimestampValues, v, func(have timestampValue) bool { return have.IncidentTimestamp.ID == def.ID })
	}
	for i, f := range b.Objects("custom_field_entries") {
		e, err := c.customFieldEntry(fmt.Sprintf("%scustom_field_entries[%d]", prefix, i), f)
		if err != nil {
			return err
		}
		same := func(have customFieldEntry) bool { return have.CustomField.ID == e.CustomField.ID }
		if is.CustomFieldEntries = put(is.CustomFieldEntries, e, same); len(e.Values) == 0 {
			is.CustomFieldEntries = slices.DeleteFunc(is.CustomFieldEntries, same)
		}
	}
	return nil
}

// put replaces the item that same accepts, or adds one. The slice must not be shared.
func put[T any](items []T, item T, same func(T) bool) []T {
	if i := slices.IndexFunc(items, same); i >= 0 {
		items[i] = item
		return items
	}
	return append(items, item)
}

func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

// customFieldEntry reads the values of one custom field; an empty list clears it.
func (c *call) customFieldEntry(path string, f fields) (customFieldEntry, *apiError) {
	s := &c.v.store
	def, err := refIn(&s.customFields, path+".custom_field_id", "custom field", f.Text("custom_field_id"))
	if err != nil {
		return customFieldEntry{}, err
	}
	e := customFieldEntry{CustomField: s.fieldInfo(def), Values: []customFieldValue{}}
	for i, v := range f.Objects("values") {
		at := fmt.Sprintf("%s.values[%d]", path, i)
		value, err := s.customValue(at, def, v)
		if err != nil {
			return e, err
		}
		e.Values = append(e.Values, value)
	}
	if def.FieldType != "multi_select" && len(e.Values) > 1 {
		return e, invalid(path+".values", "%s.values: custom field %q takes one value", path, def.Name)
	}
	return e, nil
}

func (s *store) fieldInfo(def *customField) customFieldInfo {
	info := customFieldInfo{ID: def.ID, Name: def.Name, Description: def.Description, FieldType: def.FieldType, Options: []customFieldOption{}}
	for _, r := range s.customOptions.Rows {
		if r.Val.CustomFieldID == def.ID {
			info.Options = append(info.Options, r.Val)
		}
	}
	return info
}

// customValue accepts only the value_ field for the type of the custom field.
func (s *store) customValue(at string, def *customField, v fields) (customFieldValue, *apiError) {
	want := map[string]string{"text": "value_text", "link": "value_link", "numeric": "value_numeric"}[def.FieldType]
	switch {
	case want != "":
	case def.CatalogTypeID != "":
		want = "value_catalog_entry_id"
	default:
		want = "value_option_id"
	}
	for name := range v {
		if name != want && name != "id" {
			return customFieldValue{}, invalid(at+"."+name, "%s.%s: custom field %q takes %s", at, name, def.Name, want)
		}
	}
	text := v.Text(want)
	at += "." + want
	if text == "" {
		return customFieldValue{}, required(at)
	}
	switch want {
	case "value_option_id":
		o, err := refIn(&s.customOptions, at, "custom field option", text)
		if err == nil && o.CustomFieldID != def.ID {
			err = invalid(at, "%s: option %q belongs to another custom field", at, text)
		}
		return customFieldValue{ValueOption: o}, err
	case "value_catalog_entry_id":
		e, err := refIn(&s.catalogEntries, at, "catalog entry", text)
		if err != nil {
			return customFieldValue{}, err
		}
		if e.CatalogTypeID != def.CatalogTypeID {
			return customFieldValue{}, invalid(at, "%s: entry %q is of another catalog type", at, text)
		}
		return customFieldValue{ValueCatalogEntry: &catalogRef{e.ID, e.Name, e.CatalogTypeID}}, nil
	case "value_link":
		if !isWebURL(text) {
			return customFieldValue{}, invalid(at, "%s must be an http or https URL", at)
		}
		return customFieldValue{ValueLink: text}, nil
	case "value_numeric":
		if _, err := strconv.ParseFloat(text, 64); err != nil {
			return customFieldValue{}, invalid(at, "%s must be a number, as a string", at)
		}
		return customFieldValue{ValueNumeric: text}, nil
	}
	return customFieldValue{ValueText: text}, nil
}
