package main

import "github.com/agenthost/agenthost/pdk/abi"

// daily are the seconds between two passes over records that take a request for each of many others.
const daily = 24 * 60 * 60

// sinceDay are the changes of lists with the filter updated_at. The vendor documents dates in it, and for alerts
// only ranges, which both ends make.
var sinceDay = abi.SyncChanges{Param: "/updated_at/gte", Until: "/updated_at/lte", Field: "/updated_at", Format: "date"}

// newest says by which time records are new. Their lists cannot be asked for what changed.
func newest(field string) *abi.SyncChanges { return &abi.SyncChanges{Field: field} }

// ofIncident are lists that there is one of for each incident.
var ofIncident = abi.SyncEach{Param: "/incident_id", Of: "incidents", As: "incident_id"}

// copies are the entities of which hosts can keep copies: all with a list but alert_sources, whose records hold
// tokens, and schedule_entries, which have no keys. What was deleted shows in a pass over everything.
var copies = []abi.Sync{
	{
		// Without the filter, the list leaves out incidents that were declined, canceled or merged.
		Entity: "incidents", Changes: &sinceDay,
		Params: abi.RawMessage(`{"status_category":{"one_of":["triage","declined","merged","canceled","live","learning","closed","paused"]}}`),
		Text:   []string{"name", "summary", "reference"},
		Index:  []string{"reference", "incident_status.category", "severity.name", "incident_type.name", "mode", "created_at", "updated_at"},
	},
	{Entity: "incident_updates", Changes: newest("/created_at"), Text: []string{"message"}, Index: []string{"incident_id"}},
	{Entity: "incident_relationships", Each: &ofIncident, IntervalSeconds: daily, Fields: map[string]string{"incident.id": "text"}, Index: []string{"incident_id", "incident.id"}},
	{Entity: "incident_attachments", Each: &ofIncident, IntervalSeconds: daily, Text: []string{"resource"}, Index: []string{"incident_id"}},
	{Entity: "postmortem_documents", Changes: newest("/updated_at"), Text: []string{"title"}, Index: []string{"incident_id", "status"}},
	{Entity: "actions", Changes: newest("/updated_at"), Text: []string{"description"}, Index: []string{"incident_id", "status"}},
	{Entity: "follow_ups", Changes: newest("/updated_at"), Text: []string{"title", "description"}, Index: []string{"incident_id", "status"}},
	{Entity: "incident_roles", Changes: newest("/updated_at"), Text: []string{"name", "description"}},
	{Entity: "incident_statuses", Changes: newest("/updated_at"), Text: []string{"name", "description"}, Index: []string{"category"}},
	{Entity: "incident_timestamps", Text: []string{"name"}},
	{Entity: "severities", Changes: newest("/updated_at"), Text: []string{"name", "description"}},
	{Entity: "incident_types", Changes: newest("/updated_at"), Text: []string{"name", "description"}},
	{Entity: "custom_fields", Changes: newest("/updated_at"), Text: []string{"name", "description"}, Index: []string{"field_type"}},
	{
		Entity: "custom_field_options", Each: &abi.SyncEach{Param: "/custom_field_id", Of: "custom_fields", As: "custom_field_id"},
		IntervalSeconds: daily, Text: []string{"value"}, Index: []string{"custom_field_id"},
	},
	{
		Entity: "alerts", Changes: &sinceDay,
		Text: []string{"title", "description"}, Index: []string{"status", "alert_source_id", "deduplication_key", "created_at"},
	},
	{Entity: "incident_alerts", Fields: map[string]string{"alert.id": "text", "incident.id": "text"}, Index: []string{"alert.id", "incident.id"}},
	{Entity: "alert_attributes", IntervalSeconds: daily, Text: []string{"name"}},
	{Entity: "alert_routes", IntervalSeconds: daily, Text: []string{"name"}},
	{Entity: "maintenance_windows", Changes: newest("/updated_at"), Text: []string{"name", "notification_message"}, Index: []string{"start_at", "end_at"}},
	{
		Entity: "escalations", Changes: &sinceDay,
		Text: []string{"title", "description"}, Index: []string{"status", "escalation_path_id", "created_at"},
	},
	{Entity: "escalation_paths", Text: []string{"name"}},
	{Entity: "schedules", Changes: newest("/updated_at"), Text: []string{"name"}},
	{
		Entity: "schedule_overrides", Each: &abi.SyncEach{Param: "/schedule_id", Of: "schedules", As: "schedule_id"}, Changes: newest("/updated_at"),
		Index: []string{"schedule_id", "start_at", "end_at"},
	},
	{Entity: "catalog_types", Changes: newest("/updated_at"), Text: []string{"name", "description"}, Index: []string{"type_name"}},
	{
		Entity: "catalog_entries", Each: &abi.SyncEach{Param: "/catalog_type_id", Of: "catalog_types", As: "catalog_type_id"}, Changes: newest("/updated_at"),
		Text: []string{"name", "aliases"}, Index: []string{"catalog_type_id", "external_id"},
	},
	{Entity: "users", Params: abi.RawMessage(`{"include_inactive":true}`), Text: []string{"name", "email"}, Index: []string{"email", "role"}},
	{Entity: "teams", Text: []string{"name"}},
	{Entity: "workflows", Text: []string{"name", "folder"}, Index: []string{"state"}},
	{Entity: "status_pages", Text: []string{"name", "description"}},
	{
		Entity: "status_page_incidents", Each: &abi.SyncEach{Param: "/status_page_id", Of: "status_pages", As: "status_page_id"}, Changes: newest("/published_at"),
		Writes: map[string]string{"status_page_incident_updates.create": "/params/status_page_incident_id"},
		Text:   []string{"name", "updates"}, Index: []string{"status_page_id", "incident_status"},
	},
}
