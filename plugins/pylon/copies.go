package main

import "github.com/agenthost/agenthost/pdk/abi"

// Seconds between two passes over records that seldom change, or that take a request for each issue,
// task or knowledge base.
const (
	hourly = 60 * 60
	daily  = 24 * hourly
)

// newest says by which time records are new. Their lists cannot be asked for what changed.
func newest(field string) *abi.SyncChanges { return &abi.SyncChanges{Field: field} }

// copies are the entities of which hosts can keep copies. Only the searches of issues and projects can be asked
// for what changed; whatever else was changed or deleted shows in a pass over everything.
var copies = []abi.Sync{
	{
		// GET /issues goes by the time of creation. The filter takes ranges; 30 days is what the vendor permits
		// there.
		Entity: "issues", List: "search",
		Changes: &abi.SyncChanges{
			Params: abi.RawMessage(`{"filter":{"operator":"and","subfilters":[{"field":"updated_at","operator":"time_is_after","value":""},{"field":"updated_at","operator":"time_is_before","value":""}]}}`),
			Param:  "/filter/subfilters/0/value", Until: "/filter/subfilters/1/value", MaxSeconds: 30 * daily,
			Field: "/updated_at", Start: "2020-01-01T00:00:00Z",
		},
		Writes: map[string]string{
			"issue_assignments.update": "/params/id", "issue_statuses.update": "/params/id", "external_issues.update": "/params/id",
			"issue_replies.create": "/params/id", "issue_notes.create": "/params/id",
		},
		Text:  []string{"title", "body_html", "tags"},
		Index: []string{"state", "number", "account.id", "assignee.id", "team.id", "requester.id", "created_at", "updated_at"},
	},
	{
		Entity: "messages", Each: &abi.SyncEach{Param: "/id", Of: "issues", As: "issue_id", Changed: "/latest_message_time"},
		Changes: newest("/timestamp"), FullSeconds: 7 * daily,
		Writes: map[string]string{"issue_replies.create": "/params/id", "issue_notes.create": "/params/id"},
		Text:   []string{"message_html", "author.name"}, Index: []string{"issue_id", "timestamp"},
	},
	{
		Entity: "issue_threads", Each: &abi.SyncEach{Param: "/id", Of: "issues", As: "issue_id"},
		IntervalSeconds: 7 * daily, Text: []string{"name"}, Index: []string{"issue_id"},
	},
	{
		Entity: "issue_followers", Each: &abi.SyncEach{Param: "/id", Of: "issues", As: "issue_id"},
		IntervalSeconds: 7 * daily, Index: []string{"issue_id"},
	},
	{
		// The update is that of an issue.
		Entity: "issue_statuses", Key: "/slug", Writes: map[string]string{"issue_statuses.update": ""}, IntervalSeconds: daily,
		Text: []string{"label"},
	},
	{
		Entity: "accounts", Changes: newest("/updated_at"),
		Text: []string{"name", "domains", "tags"}, Index: []string{"type", "owner.id", "primary_domain"},
	},
	{Entity: "contacts", Text: []string{"name", "email", "emails"}, Index: []string{"email", "account.id"}},
	{Entity: "users", Text: []string{"name", "email"}, Index: []string{"email", "status"}},
	{Entity: "user_roles", IntervalSeconds: daily, Text: []string{"name"}, Index: []string{"slug"}},
	{Entity: "teams", Text: []string{"name"}},
	{Entity: "audit_logs", Changes: newest("/action_happened_at"), IntervalSeconds: daily, Text: []string{"action"}, Index: []string{"object_id", "object_type", "actor_user_id", "action"}},
	{Entity: "activity_types", IntervalSeconds: daily, Text: []string{"label"}},
	{Entity: "tags", Text: []string{"value"}, Index: []string{"object_type"}},
	{
		Entity: "custom_fields", Each: &abi.SyncEach{Param: "/object_type", Values: []string{"account", "issue", "contact", "task", "project", "meeting", "opportunity"}, As: "object_type"},
		Changes: newest("/updated_at"), Text: []string{"label", "description"}, Index: []string{"object_type", "slug"},
	},
	{Entity: "ticket_forms", IntervalSeconds: daily, Text: []string{"name", "description_html"}},
	{
		Entity: "tasks", Changes: newest("/updated_at"), Fields: map[string]string{"due_date": "time"},
		Text: []string{"title", "body_html"}, Index: []string{"status", "account.id", "assignee.user.id", "project.id", "due_date"},
	},
	{
		Entity: "task_comments", Each: &abi.SyncEach{Param: "/id", Of: "tasks", As: "task_id"}, Changes: newest("/updated_at"),
		IntervalSeconds: daily, Text: []string{"body_html"}, Index: []string{"task_id"},
	},
	{
		// There is no other list of projects than the search.
		Entity: "projects", List: "search",
		Changes: &abi.SyncChanges{
			Params: abi.RawMessage(`{"filter":{"field":"updated_at","operator":"time_is_after"}}`), Param: "/filter/value",
			Field: "/updated_at", Start: "2020-01-01T00:00:00Z",
		},
		Fields: map[string]string{"start_date": "time", "end_date": "time"},
		Text:   []string{"name", "description_html"}, Index: []string{"account.id", "owner_id", "is_archived"},
	},
	{Entity: "knowledge_bases", IntervalSeconds: daily, Text: []string{"title"}},
	{
		Entity: "articles", Each: &abi.SyncEach{Param: "/kb_id", Of: "knowledge_bases", As: "kb_id"}, Changes: newest("/last_edited_at"),
		Text: []string{"title", "current_published_content_html", "current_draft_content_html"}, Index: []string{"kb_id", "collection_id", "is_published"},
	},
	{
		Entity: "collections", Each: &abi.SyncEach{Param: "/kb_id", Of: "knowledge_bases", As: "kb_id"},
		IntervalSeconds: daily, Text: []string{"title", "description"}, Index: []string{"kb_id"},
	},
	{Entity: "macro_groups", IntervalSeconds: daily, Text: []string{"title"}},
	{Entity: "macros", Changes: newest("/updated_at"), Text: []string{"name", "text_html"}, Index: []string{"macro_group_id"}},
}
