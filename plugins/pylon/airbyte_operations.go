package main

import "github.com/agenthost/agenthost/pdk/abi"

// airbyteOperations are those of Airbyte's connector, with its parameters.
var airbyteOperations = []abi.AirbyteOperation{
	{Entity: "issues", Action: "list", Params: []string{"start_time", "end_time", "cursor"}},
	{Entity: "issues", Action: "create", Params: []string{
		"title", "body_html", "priority", "requester_email", "requester_name", "account_id",
		"assignee_id", "team_id", "tags",
	}},
	{Entity: "issues", Action: "get", Params: []string{"id"}},
	{Entity: "issues", Action: "update", Params: []string{
		"id", "state", "assignee_id", "team_id", "account_id", "tags",
	}},
	{Entity: "issues", Action: "delete", Params: []string{"id"}},
	{Entity: "issue_replies", Action: "create", Params: []string{
		"id", "body_html", "message_id", "user_id", "contact_id", "attachment_urls",
	}},
	{Entity: "issue_assignments", Action: "update", Params: []string{"id", "assignee_id", "team_id"}},
	{Entity: "issue_statuses", Action: "update", Params: []string{"id", "state"}},
	{Entity: "messages", Action: "list", Params: []string{"id", "cursor"}},
	{Entity: "issue_notes", Action: "create", Params: []string{"id", "body_html", "thread_id", "message_id"}},
	{Entity: "issue_threads", Action: "create", Params: []string{"id", "name"}},
	{Entity: "accounts", Action: "list", Params: []string{"cursor"}},
	{Entity: "accounts", Action: "create", Params: []string{
		"name", "domains", "primary_domain", "owner_id", "logo_url", "tags",
	}},
	{Entity: "accounts", Action: "get", Params: []string{"id"}},
	{Entity: "accounts", Action: "update", Params: []string{
		"id", "name", "domains", "primary_domain", "owner_id", "logo_url", "is_disabled", "tags",
	}},
	{Entity: "contacts", Action: "list", Params: []string{"cursor"}},
	{Entity: "contacts", Action: "create", Params: []string{"name", "email", "account_id", "avatar_url"}},
	{Entity: "contacts", Action: "get", Params: []string{"id"}},
	{Entity: "contacts", Action: "update", Params: []string{"id", "name", "email", "account_id"}},
	{Entity: "teams", Action: "list", Params: []string{"cursor"}},
	{Entity: "teams", Action: "create", Params: []string{"name"}},
	{Entity: "teams", Action: "get", Params: []string{"id"}},
	{Entity: "teams", Action: "update", Params: []string{"id", "name"}},
	{Entity: "tags", Action: "list", Params: []string{"cursor"}},
	{Entity: "tags", Action: "create", Params: []string{"value", "object_type", "hex_color"}},
	{Entity: "tags", Action: "get", Params: []string{"id"}},
	{Entity: "tags", Action: "update", Params: []string{"id", "value", "hex_color"}},
	{Entity: "users", Action: "list", Params: []string{"cursor"}},
	{Entity: "users", Action: "get", Params: []string{"id"}},
	{Entity: "custom_fields", Action: "list", Params: []string{"object_type", "cursor"}},
	{Entity: "custom_fields", Action: "get", Params: []string{"id"}},
	{Entity: "ticket_forms", Action: "list", Params: []string{"cursor"}},
	{Entity: "user_roles", Action: "list", Params: []string{"cursor"}},
	{Entity: "tasks", Action: "create", Params: []string{
		"title", "body_html", "status", "assignee_id", "project_id", "milestone_id", "due_date",
	}},
	{Entity: "tasks", Action: "update", Params: []string{"id", "title", "body_html", "status", "assignee_id"}},
	{Entity: "projects", Action: "create", Params: []string{
		"name", "account_id", "description_html", "start_date", "end_date",
	}},
	{Entity: "projects", Action: "update", Params: []string{"id", "name", "description_html", "is_archived"}},
	{Entity: "milestones", Action: "create", Params: []string{"name", "project_id", "due_date"}},
	{Entity: "milestones", Action: "update", Params: []string{"id", "name", "due_date"}},
	{Entity: "articles", Action: "create", Params: []string{
		"kb_id", "title", "body_html", "author_user_id", "slug", "is_published",
	}},
	{Entity: "articles", Action: "update", Params: []string{"kb_id", "article_id", "title", "body_html"}},
	{Entity: "collections", Action: "create", Params: []string{"kb_id", "title", "description", "slug"}},
	{Entity: "me", Action: "get"},
}
