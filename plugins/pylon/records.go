package main

// records are the members of what operations answer, by entity, and by operation where it answers
// something else than the others of its entity.
var records = map[string]string{
	"issues": `id active_time_by_user[]{active_time_seconds:integer business_hours_active_time_seconds:integer user_id}
		active_time_seconds:integer business_hours_active_time_seconds:integer child_issues[]{id number:integer}
		first_response_breach_time:time parent_issue_group{id number:integer} resolution_breach_time:time
		team_slas[]{first_response{breach_time:time business_hours_seconds:integer seconds:integer time}
		resolution{breach_time:time business_hours_seconds:integer seconds:integer time} team_id} account{id} assignee{id
		email} attachment_urls[] author_unverified:boolean body_html business_hours_first_response_seconds:integer
		business_hours_resolution_seconds:integer business_hours_time_in_status_seconds:object
		chat_widget_info{page_url} created_at:time csat_responses[]{comment score:integer} custom_fields:object
		customer_portal_visible:boolean external_issues[]{external_id link source} first_response_seconds:integer
		first_response_time:time latest_message_time:time link number:integer number_of_touches:integer requester{id email}
		resolution_seconds:integer resolution_time:time slack{channel_id message_ts workspace_id} snoozed_until_time:time source
		state tags[] team{id} title time_in_status_seconds:object type updated_at:time`,
	"issue_assignments": `id active_time_by_user[]{active_time_seconds:integer business_hours_active_time_seconds:integer user_id}
		active_time_seconds:integer business_hours_active_time_seconds:integer child_issues[]{id number:integer}
		first_response_breach_time:time parent_issue_group{id number:integer} resolution_breach_time:time
		team_slas[]{first_response{breach_time:time business_hours_seconds:integer seconds:integer time}
		resolution{breach_time:time business_hours_seconds:integer seconds:integer time} team_id} account{id} assignee{id
		email} attachment_urls[] author_unverified:boolean body_html business_hours_first_response_seconds:integer
		business_hours_resolution_seconds:integer business_hours_time_in_status_seconds:object
		chat_widget_info{page_url} created_at:time csat_responses[]{comment score:integer} custom_fields:object
		customer_portal_visible:boolean external_issues[]{external_id link source} first_response_seconds:integer
		first_response_time:time latest_message_time:time link number:integer number_of_touches:integer requester{id email}
		resolution_seconds:integer resolution_time:time slack{channel_id message_ts workspace_id} snoozed_until_time:time source
		state tags[] team{id} title time_in_status_seconds:object type updated_at:time`,
	"issue_statuses": `id active_time_by_user[]{active_time_seconds:integer business_hours_active_time_seconds:integer user_id}
		active_time_seconds:integer business_hours_active_time_seconds:integer child_issues[]{id number:integer}
		first_response_breach_time:time parent_issue_group{id number:integer} resolution_breach_time:time
		team_slas[]{first_response{breach_time:time business_hours_seconds:integer seconds:integer time}
		resolution{breach_time:time business_hours_seconds:integer seconds:integer time} team_id} account{id} assignee{id
		email} attachment_urls[] author_unverified:boolean body_html business_hours_first_response_seconds:integer
		business_hours_resolution_seconds:integer business_hours_time_in_status_seconds:object
		chat_widget_info{page_url} created_at:time csat_responses[]{comment score:integer} custom_fields:object
		customer_portal_visible:boolean external_issues[]{external_id link source} first_response_seconds:integer
		first_response_time:time latest_message_time:time link number:integer number_of_touches:integer requester{id email}
		resolution_seconds:integer resolution_time:time slack{channel_id message_ts workspace_id} snoozed_until_time:time source
		state tags[] team{id} title time_in_status_seconds:object type updated_at:time`,
	"issue_statuses.list": "slug category is_archived:boolean is_default_status:boolean label",
	"issue_followers":     "id type",
	"external_issues": `id account:object active_time_by_user[]:object active_time_seconds:integer assignee:object attachment_urls[]
		author_unverified:boolean body_html business_hours_active_time_seconds:integer
		business_hours_first_response_seconds:integer business_hours_resolution_seconds:integer
		business_hours_time_in_status_seconds:object chat_widget_info:object child_issues[]:object created_at:time
		csat_responses[]:object custom_fields:object customer_portal_visible:boolean external_issues[]:object
		first_response_breach_time:time first_response_seconds:integer first_response_time:time latest_message_time:time link
		number:integer number_of_touches:integer parent_issue_group:object requester:object resolution_breach_time:time
		resolution_seconds:integer resolution_time:time slack:object snoozed_until_time:time source state tags[] team:object
		team_slas[]:object time_in_status_seconds:object title type updated_at:time`,
	"messages": `id author{avatar_url contact{id email} name user{id email}} email_info{bcc_emails[] cc_emails[] from_email
		message_id to_emails[]} file_urls[] is_private:boolean message_html source thread_id timestamp:time`,
	"issue_replies": "id issue_id",
	"issue_notes":   "id issue_id body_html timestamp:time",
	"issue_threads": "id channel_id issue_id source thread_id name",
	"attachments":   "id description name url",
	"accounts": `id crm_settings{details[]{id source}} updated_at:time channels[]{channel_id source is_primary:boolean} created_at:time
		custom_fields:object domain domains[] external_ids:any is_disabled:boolean latest_customer_activity_time:time name
		owner{id email} primary_domain tags[] type`,
	"account_activities":        "success:boolean",
	"activity_types":            "id icon_url label slug",
	"account_highlights":        "id account_id content_html created_at:time expires_at:time updated_at:time",
	"account_highlights.delete": "success:boolean",
	"contacts": `id external_ids[]{external_id label} primary_phone_number account{id} avatar_url custom_fields:object email
		emails[] integration_user_ids[]{id source} name phone_numbers[] portal_role portal_role_id`,
	"me":         "id user{id email} avatar_url email emails[] name role_id status",
	"users":      "id role{id name slug} avatar_url email emails[] name role_id status",
	"user_roles": "id name slug",
	"teams":      "id name users[]{id email}",
	"audit_logs": `id action action_happened_at:time actor_contact_id actor_user_id attributes:object created_at:time link metadata:object
		object_id object_type source`,
	"tags": "id hex_color object_type value",
	"custom_fields": `id created_at:time default_value default_values[] description is_read_only:boolean label number_metadata{currency
		decimal_places:integer format} object_type select_metadata{options[]{label slug}} slug source type updated_at:time`,
	"ticket_forms": "id description_html fields[]{description_html name slug type} is_public:boolean name slug url",
	"tasks": `id account{id external_ids[]{external_id label}} assignee{contact{id email} user{id email}} body_html created_at:time
		custom_fields:object customer_portal_visible:boolean due_date milestone{id} parent_task_id project{id} status
		subtask_ids[] title updated_at:time assignee_id project_id milestone_id`,
	"task_comments": "id author:object body_html created_at:time is_internal:boolean last_edited_at:time task_id updated_at:time",
	"projects": `id account{id external_ids[]{external_id label}} archived_at:time created_at:time custom_fields:object
		customer_portal_visible:boolean description_html end_date is_archived:boolean name owner_id project_template{id}
		start_date updated_at:time account_id`,
	"milestones":      `id account{id external_ids[]{external_id label}} created_at:time due_date name project{id} updated_at:time project_id`,
	"knowledge_bases": "id default_language slug supported_languages[] title",
	"articles": `id approval_info{requested_at:time reviewed_at:time reviewed_by_user_id status} author_user_id collection_id created_at:time
		current_draft_content_html current_published_content_html identifier is_published:boolean is_unlisted:boolean
		last_edited_at:time last_published_at:time slug tags[]{id hex_color object_type value} title url
		visibility_config{ai_agent_access allowed_agent_ids[] customer_visibility_condition{field operator
		subfilters[]:object value values[]} visibility} body_html updated_at:time`,
	"collections": `id created_at:time description icon parent_collection_id slug title visibility_config{ai_agent_access
		allowed_agent_ids[] visibility}`,
	"macro_groups": "id created_at:time title updated_at:time",
	"macros": `id actions[]:object created_at:time has_actions:boolean macro_group_id name text_html text_type updated_at:time
		visibility:object`,
}
