package main

import "github.com/agenthost/agenthost/pdk"

// projectOperations are the operations on projects and their milestones.
func projectOperations() []pdk.Operation {
	return []pdk.Operation{
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
			Entity: "projects", Action: "get", Title: "Get a project", Effect: pdk.Read,
			Description: "One project, with its dates and the template that it was made from.",
			Method:      "GET", Path: "/projects/{id}",
			Params: []pdk.Param{projectID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"prj_1"}`},
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
				projectID,
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
			Entity: "projects", Action: "delete", Title: "Delete a project", Effect: pdk.Delete, Idempotent: true,
			Description: "Removes a project, for good. To keep it out of sight, archive it with projects.update.",
			Method:      "DELETE", Path: "/projects/{id}",
			Params: []pdk.Param{projectID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"prj_1"}`},
		},
		{
			Entity: "milestones", Action: "get", Title: "Get a milestone", Effect: pdk.Read,
			Description: "One milestone of a project. Tasks name theirs: Pylon has no list of them.",
			Method:      "GET", Path: "/milestones/{id}",
			Params: []pdk.Param{milestoneID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"ms_1"}`},
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
				milestoneID,
				pdk.Body("name", text("Name of the milestone.")),
				pdk.Body("due_date", text("When it is due, RFC 3339.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"ms_1","due_date":"2026-06-30T00:00:00Z"}`},
		},
		{
			Entity: "milestones", Action: "delete", Title: "Delete a milestone", Effect: pdk.Delete, Idempotent: true,
			Description: "Removes a milestone from its project, for good.",
			Method:      "DELETE", Path: "/milestones/{id}",
			Params: []pdk.Param{milestoneID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"ms_1"}`},
		},
	}
}

var (
	projectID   = pdk.Path("id", id("Id of the project, as projects.search gives it."))
	milestoneID = pdk.Path("id", id("Id of the milestone, as tasks name it."))
)
