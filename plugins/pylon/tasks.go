package main

import "github.com/agenthost/agenthost/pdk"

const taskStates = "not_started, in_progress or completed."

// taskOperations are the operations on tasks and the comments on them.
func taskOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "tasks", Action: "list", Title: "List tasks", Effect: pdk.Read,
			Description: "All tasks.",
			Method:      "GET", Path: "/tasks",
			Data: "/data", Meta: pageMeta, Page: queryPage(999), RateLimit: perMinute(60),
		},
		{
			Entity: "tasks", Action: "search", Title: "Search tasks", Effect: pdk.Read,
			Description: "Tasks that match a filter.",
			Method:      "POST", Path: "/tasks/search",
			Params: []pdk.Param{filter("status (equals, in, not_in); account_id, assignee_id, milestone_id (equals, in, not_in, is_set); " +
				"project_id (equals, in, not_in, is_set, is_unset); created_at, updated_at, due_date (time_is_after, time_is_before, time_range); " +
				"and the slug of any custom field.")},
			Data: "/data", Meta: pageMeta, Page: bodyPage(), RateLimit: perMinute(20),
			Examples: []string{`{"filter":{"field":"status","operator":"equals","value":"in_progress"}}`},
		},
		{
			Entity: "tasks", Action: "get", Title: "Get a task", Effect: pdk.Read,
			Description: "One task, with its status and its assignee.",
			Method:      "GET", Path: "/tasks/{id}",
			Params: []pdk.Param{taskID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"task_1"}`},
		},
		{
			Entity: "tasks", Action: "create", Title: "Create a task", Effect: pdk.Write,
			Description: "Adds a task.",
			Method:      "POST", Path: "/tasks",
			Params: append([]pdk.Param{
				pdk.Body("title", text("Title of the task.")).Required(),
				pdk.Body("account_id", id("Account that the task is for.")),
				pdk.Body("parent_task_id", id("Task that this one is a part of.")),
			}, taskFields()...),
			Data: "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"title":"Send the contract","status":"not_started","due_date":"2026-07-01T00:00:00Z"}`},
		},
		{
			Entity: "tasks", Action: "update", Title: "Update a task", Effect: pdk.Write, Idempotent: true,
			Description: "Changes fields of a task; what is not named stays.",
			Method:      "PATCH", Path: "/tasks/{id}",
			Params: append([]pdk.Param{taskID, pdk.Body("title", text("Title of the task."))}, taskFields()...),
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"tsk_1","status":"completed"}`},
		},
		{
			Entity: "tasks", Action: "delete", Title: "Delete a task", Effect: pdk.Delete, Idempotent: true,
			Description: "Removes a task, for good.",
			Method:      "DELETE", Path: "/tasks/{id}",
			Params: []pdk.Param{taskID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"tsk_1"}`},
		},
		{
			Entity: "task_comments", Action: "list", Title: "List the comments on a task", Effect: pdk.Read, List: true,
			Description: "What people wrote about a task.",
			Method:      "GET", Path: "/tasks/{id}/comments",
			Params: []pdk.Param{taskID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"tsk_1"}`},
		},
		{
			Entity: "task_comments", Action: "create", Title: "Comment on a task", Effect: pdk.Write,
			Description: "Adds a comment to a task.",
			Method:      "POST", Path: "/tasks/{id}/comments",
			Params: []pdk.Param{
				taskID,
				pdk.Body("body_html", html("The comment, as HTML.")).Required(),
				pdk.Body("is_internal", pdk.Boolean("Whether only the organization sees it.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"tsk_1","body_html":"<p>The contract is signed.</p>","is_internal":true}`},
		},
		{
			Entity: "task_comments", Action: "update", Title: "Update a comment on a task", Effect: pdk.Write, Idempotent: true,
			Description: "Replaces the text of a comment.",
			Method:      "PATCH", Path: "/tasks/{id}/comments/{comment_id}",
			Params: []pdk.Param{taskID, commentID, pdk.Body("body_html", html("The comment, as HTML.")).Required()},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"tsk_1","comment_id":"cmt_1","body_html":"<p>The contract is signed and filed.</p>"}`},
		},
		{
			Entity: "task_comments", Action: "delete", Title: "Delete a comment on a task", Effect: pdk.Delete, Idempotent: true,
			Description: "Removes a comment from a task, for good.",
			Method:      "DELETE", Path: "/tasks/{id}/comments/{comment_id}",
			Params: []pdk.Param{taskID, commentID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"tsk_1","comment_id":"cmt_1"}`},
		},
	}
}

var (
	taskID        = pdk.Path("id", id("Id of the task."))
	commentID     = pdk.Path("comment_id", id("Id of the comment, as task_comments.list gives it."))
	portalVisible = pdk.Body("customer_portal_visible", pdk.Boolean("Show it in the customer portal."))
)

// taskFields are the parameters of create and update.
func taskFields() []pdk.Param {
	return []pdk.Param{
		pdk.Body("body_html", html("What is to be done, as HTML.")),
		pdk.Body("status", text(taskStates)),
		pdk.Body("assignee_id", clearableID("User who does it.")),
		pdk.Body("project_id", id("Project that it belongs to.")),
		pdk.Body("milestone_id", id("Milestone that it belongs to.")),
		pdk.Body("due_date", text("When it is due, RFC 3339.")),
		customFields(),
		portalVisible,
	}
}
