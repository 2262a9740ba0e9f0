package main

// records are the members of what operations answer, by entity, and by operation where it answers
// something else than the others of its entity.
var records = map[string]string{
	"incidents": `id external_issue_reference{issue_name issue_permalink provider} postmortem_document_ids[]
		postmortem_document_url name reference summary mode visibility permalink call_url slack_channel_id
		slack_channel_name slack_team_id has_debrief:boolean created_at:time updated_at:time creator{user{id name email role
		slack_user_id}} incident_status{id name description category rank:number created_at:time updated_at:time} severity{id name
		description rank:number created_at:time updated_at:time} incident_type{id name description create_in_triage
		is_default:boolean private_incidents_only:boolean created_at:time updated_at:time} incident_role_assignments[]{assignee{id
		name email role slack_user_id} role{id name description instructions required:boolean role_type shortform
		created_at:time updated_at:time}} custom_field_entries[]{custom_field{id name description field_type options[]:any}
		values[]:any} duration_metrics[]{duration_metric{id name}} incident_timestamp_values[]{incident_timestamp{id
		name rank:number} value{value}} workload_minutes_late:number workload_minutes_sleeping:number
		workload_minutes_total:number workload_minutes_working:number`,
	"incident_updates": `id merged_into_incident_id incident_id message created_at:time new_incident_status{id name description category
		rank:number created_at:time updated_at:time} new_severity{id name description rank:number created_at:time updated_at:time}
		updater{user{id name email role slack_user_id}}`,
	"incident_relationships": "id incident:object",
	"incident_attachments":   "id incident_id resource:object",
	"postmortem_documents":   `id created_at:time document_url editors[]:object exported_urls[] incident_id status title type updated_at:time`,
	"actions":                "id assignee:object completed_at:time created_at:time creator:object description incident_id status updated_at:time",
	"follow_ups": `id assignee:object assignee_team:object completed_at:time created_at:time creator:object description
		external_issue_reference:object incident_id labels[] priority:object status title updated_at:time`,
	"incident_roles":      "id name description instructions shortform role_type required:boolean created_at:time updated_at:time",
	"incident_statuses":   "id name description category rank:number created_at:time updated_at:time",
	"incident_timestamps": "id name rank:number",
	"severities":          "id name description rank:number created_at:time updated_at:time",
	"incident_types": `id create_in_triage created_at:time description is_default:boolean name owning_team_ids[]
		private_incidents_only:boolean updated_at:time`,
	"custom_fields": `id filter_by{catalog_attribute_id custom_field_id} fixed_filter{catalog_attribute_id values[]}
		group_by_catalog_attribute_id helptext_catalog_attribute_id name description field_type catalog_type_id
		created_at:time updated_at:time`,
	"custom_field_options": "id custom_field_id sort_key:integer value",
	"alerts": `id alert_group_ids[] title description status alert_source_id deduplication_key source_url created_at:time updated_at:time
		resolved_at:time attributes[]{attribute{id name type array:boolean} value{literal label catalog_entry:object}}`,
	"incident_alerts": "id alert:object alert_route_id incident:object",
	"alert_events":    "deduplication_key message status",
	"alert_sources": `id alert_events_url auto_resolve_incident_alerts:boolean auto_resolve_timeout_minutes:integer
		email_options:object heartbeat_options:object http_custom_options:object jira_options:object name
		owning_team_ids[] secret_token source_type template:object`,
	"alert_attributes": "id array:boolean emoji name required:boolean type",
	"alert_routes":     "id enabled:boolean name",
	"maintenance_windows": `id alert_condition_groups[]:object archived_at:time created_at:time end_at:time escalation_targets[]:object incident_id
		lead:object name notification_message notify_channels[]:object notify_end_minutes_before:integer
		notify_start_minutes_before:integer reroute_on_end:boolean resolve_on_end:boolean show_in_sidebar:boolean
		start_at:time updated_at:time`,
	"escalations": `id description title status escalation_path_id created_at:time updated_at:time creator{alert{id title} user{id name email
		role slack_user_id} workflow{id name}} priority{name} events[]{id event occurred_at:time urgency users[]{id name
		email role slack_user_id} channels[]{slack_channel_id slack_team_id microsoft_teams_channel_id
		microsoft_teams_team_id}} related_incidents[]{id name reference summary external_id:integer status_category
		visibility} related_alerts[]{id title description status alert_source_id deduplication_key source_url created_at:time
		updated_at:time resolved_at:time}`,
	"escalation_paths": `id current_responders[]:object name path[]:object repeat_config:object team_ids[] working_hours[]:object`,
	"schedules": `id next_shifts[]{end_at:time entry_id fingerprint layer_id rotation_id start_at:time user{id email name role
		slack_user_id}} permalink name timezone created_at:time updated_at:time annotations:object config{rotations[]{id name
		handover_start_at:time handovers[]:object layers[]:object}} team_ids[] holidays_public_config:object
		current_shifts[]{rotation_id fingerprint start_at:time end_at:time}`,
	"schedule_entries":   "final[]:object overrides[]:object scheduled[]:object",
	"schedule_overrides": "id created_at:time end_at:time layer_id rotation_id schedule_id start_at:time updated_at:time user:object",
	"catalog_types": `id dynamic_resource_parameter estimated_count:integer source_repo_url name description type_name color icon
		ranked:boolean is_editable:boolean registry_type semantic_type created_at:time updated_at:time last_synced_at:time
		annotations:object categories[] required_integrations[] schema{version:number attributes[]{id name type
		array:boolean mode}} engine_resource_type is_team_type:boolean owning_team_ids[] use_name_as_identifier:boolean`,
	"catalog_entries": `id aliases[] archived_at:time attribute_values:object catalog_type_id created_at:time external_id name rank:integer
		updated_at:time`,
	"identity": "dashboard_url name roles[] team_roles[] teams[]:object",
	"users": `id is_active:boolean seats{on_call response} name email role slack_user_id base_role{id name slug description}
		custom_roles[]:any`,
	"teams": "id catalog_entry:object members[]:object name",
	"workflows": `id condition_groups[]:object continue_on_step_error:boolean delay:object expressions[]:object folder
		include_private_escalations:boolean include_private_incidents:boolean name once_for[]:object owning_team_ids[]
		private_incident_scope runs_from runs_on_incident_modes[] runs_on_incidents shortform state steps[]:object
		trigger:object version:integer`,
	"status_pages":                 "id description name public_url",
	"status_page_structures":       "items[]:object",
	"status_page_incidents":        "id component_impacts[]:object incident_status name published_at:time status_page_id updates[]:object",
	"status_page_incident_updates": "id component_statuses[]:object incident_status message published_at:time status_page_incident_id",
}
