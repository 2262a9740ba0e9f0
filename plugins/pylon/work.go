package main

import "github.com/agenthost/agenthost/pdk"

const taskStates = "not_started, in_progress or completed."

// workOperations are the operations on tasks, projects and milestones.
func workOperations() []pdk.Operation {
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
			Entity: "projects", Action: "search", Title: "Search projects", Effect: pdk.Read,
			Description: "Projects that match a filter.",
			Method:      "POST", Path: "/projects/search",
			Params: []pdk.Param{filter("status (equals, in, not_in); account_id (equals, in, not_in, is_set); owner_id (equals, in, not_in, is_set, is_unset); " +
				"is_archived (equals); created_at, updated_at (time_is_after, time_is_before, time_range); and the slug of any custom field.")},
			Data: "/data", Meta: pageMeta, Page: bodyPage(), RateLimit: perMinute(20),
			Examples: []string{`{"filter":{"field":"account_id","operator":"equals","value":"acc_1"}}`},
		},
		{
			Entity: "projects", Action: "create", Title: "Create a project", Effect: pdk.Write,
			Description: "Adds a project for an account.",
			Method:      "POST", Path: "/projects",
			Params: []pdk.Param{
				pdk.Body("name", text("Name of the project.")).Required(),
				pdk.Body("account_id", id("Account that the project is for.")).Required(),
				pdk.Body("description_html", html("What the project is about, as HTML.")),
				pdk.Body("start_date", text("When it starts, RFC 3339.")),
				pdk.Body("end_date", text("When it ends, RFC 3339.")),
				portalVisible,
				pdk.Body("owner_id", id("User who is responsible.")),
				pdk.Body("project_template_id", id("Template to start from.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"name":"Onboarding","account_id":"acc_1"}`},
		},
		{
			Entity: "projects", Action: "update", Title: "Update a project", Effect: pdk.Write, Idempotent: true,
			Description: "Changes fields of a project, or archives it; what is not named stays.",
			Method:      "PATCH", Path: "/projects/{id}",
			Params: []pdk.Param{
				pdk.Path("id", id("Id of the project.")),
				pdk.Body("name", text("Name of the project.")),
				pdk.Body("description_html", html("What the project is about, as HTML.")),
				pdk.Body("is_archived", pdk.Boolean("Archive it, or take it out of the archive.")),
				customFields(),
				portalVisible,
				pdk.Body("start_date", text("When it starts, RFC 3339.")),
				pdk.Body("end_date", text("When it ends, RFC 3339.")),
				pdk.Body("owner_id", id("User who is responsible.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"prj_1","is_archived":true}`},
		},
		{
			Entity: "milestones", Action: "create", Title: "Create a milestone", Effect: pdk.Write,
			Description: "Adds a milestone to a project.",
			Method:      "POST", Path: "/milestones",
			Params: []pdk.Param{
				pdk.Body("name", text("Name of the milestone.")).Required(),
				pdk.Body("project_id", id("Project that it belongs to.")).Required(),
				pdk.Body("due_date", text("When it is due, RFC 3339.")),
				pdk.Body("account_id", id("Account that it is for.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"name":"Go live","project_id":"prj_1"}`},
		},
		{
			Entity: "milestones", Action: "update", Title: "Update a milestone", Effect: pdk.Write, Idempotent: true,
			Description: "Renames a milestone or moves its date.",
			Method:      "PATCH", Path: "/milestones/{id}",
			Params: []pdk.Param{
				pdk.Path("id", id("Id of the milestone.")),
				pdk.Body("name", text("Name of the milestone.")),
				pdk.Body("due_date", text("When it is due, RFC 3339.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"ms_1","due_date":"2026-06-30T00:00:00Z"}`},
		},
	}
}

var (
	taskID        = pdk.Path("id", id("Id of the task."))
	portalVisible = pdk.Body("customer_portal_visible", pdk.Boolean("Show it in the customer portal."))
)

// taskFields are what create and update have in common.
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
