package main

import "github.com/agenthost/agenthost/pdk/abi"

// airbyte is Airbyte's connector of October 2026. It returns only the records of every answer.
var airbyte = abi.Airbyte{
	ConnectorType: "Incident-Io",
	DefinitionID:  "7926da90-399e-4f9f-9833-52d8dc3fcb29",
	Check:         &abi.OperationRef{Entity: "users", Action: "list"},
	Operations:    airbyteOperations,
	ContextStore: []abi.SearchEntity{
		{Entity: "incidents", Fields: []string{
			"created_at", "creator", "custom_field_entries", "duration_metrics", "has_debrief", "id",
			"incident_role_assignments", "incident_status", "incident_timestamp_values", "incident_type",
			"mode", "name", "permalink", "reference", "severity", "slack_channel_id",
			"slack_channel_name", "slack_team_id", "summary", "updated_at", "visibility",
			"workload_minutes_late", "workload_minutes_sleeping", "workload_minutes_total",
			"workload_minutes_working",
		}, Semantic: []string{"name"}},
		{Entity: "alerts", Fields: []string{
			"alert_source_id", "attributes", "created_at", "deduplication_key", "description", "id",
			"resolved_at", "source_url", "status", "title", "updated_at",
		}, Semantic: []string{"description"}},
		{Entity: "users", Fields: []string{"base_role", "custom_roles", "email", "id", "name", "role", "slack_user_id"}},
		{Entity: "incident_updates", Fields: []string{
			"created_at", "id", "incident_id", "message", "new_incident_status", "new_severity",
			"updater",
		}, Semantic: []string{"message"}},
		{Entity: "incident_roles", Fields: []string{
			"created_at", "description", "id", "instructions", "name", "required", "role_type",
			"shortform", "updated_at",
		}},
		{Entity: "incident_statuses", Fields: []string{"category", "created_at", "description", "id", "name", "rank", "updated_at"}},
		{Entity: "incident_timestamps", Fields: []string{"id", "name", "rank"}},
		{Entity: "severities", Fields: []string{"created_at", "description", "id", "name", "rank", "updated_at"}},
		{Entity: "custom_fields", Fields: []string{"created_at", "description", "field_type", "id", "name", "updated_at"}},
		{Entity: "catalog_types", Fields: []string{
			"annotations", "categories", "color", "created_at", "description", "icon", "id",
			"is_editable", "last_synced_at", "name", "ranked", "registry_type", "required_integrations",
			"schema", "type_name", "updated_at",
		}},
		{Entity: "schedules", Fields: []string{
			"annotations", "config", "created_at", "current_shifts", "id", "name", "timezone",
			"updated_at",
		}},
		{Entity: "escalations", Fields: []string{
			"created_at", "creator", "escalation_path_id", "events", "id", "priority", "related_alerts",
			"related_incidents", "status", "title", "updated_at",
		}},
	},
}
