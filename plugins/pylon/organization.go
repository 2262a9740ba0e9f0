package main

import "github.com/agenthost/agenthost/pdk"

// organizationOperations are the operations on users, teams, roles and the audit log.
func organizationOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "me", Action: "get", Title: "Get the caller", Effect: pdk.Read,
			Description: "The organization and the user that the token belongs to.",
			Method:      "GET", Path: "/me",
			Data: "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{}`},
		},
		{
			Entity: "users", Action: "list", Title: "List users", Effect: pdk.Read,
			Description: "The users of the organization: the people who work on issues.",
			Method:      "GET", Path: "/users",
			Data: "/data", Meta: pageMeta, Page: wholePage(), RateLimit: perMinute(60),
		},
		{
			Entity: "users", Action: "search", Title: "Search users", Effect: pdk.Read,
			Description: "Users that match a filter.",
			Method:      "POST", Path: "/users/search",
			Params: []pdk.Param{filter("email (equals, in, not_in).")},
			Data:   "/data", Meta: pageMeta, Page: bodyPage(), RateLimit: perMinute(20),
			Examples: []string{`{"filter":{"field":"email","operator":"equals","value":"grace@example.com"}}`},
		},
		{
			Entity: "users", Action: "get", Title: "Get a user", Effect: pdk.Read,
			Description: "One user of the organization.",
			Method:      "GET", Path: "/users/{id}",
			Params: []pdk.Param{userID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"usr_1"}`},
		},
		{
			Entity: "users", Action: "update", Title: "Update a user", Effect: pdk.Write, Idempotent: true,
			Description: "Changes the name, picture, role or status of a user.",
			Method:      "PATCH", Path: "/users/{id}",
			Params: []pdk.Param{
				userID,
				pdk.Body("name", text("Name of the user.")),
				pdk.Body("avatar_url", url("URL of a picture.")),
				pdk.Body("role_id", id("Role, as user_roles.list gives it.")),
				pdk.Body("status", text("Status of the user, such as active or away.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"usr_1","status":"away"}`},
		},
		{
			Entity: "user_roles", Action: "list", Title: "List user roles", Effect: pdk.Read,
			Description: "The roles that users can have.",
			Method:      "GET", Path: "/user-roles",
			Data: "/data", Meta: pageMeta, Page: wholePage(), RateLimit: perMinute(60),
		},
		{
			Entity: "teams", Action: "list", Title: "List teams", Effect: pdk.Read,
			Description: "The teams of the organization, with their members.",
			Method:      "GET", Path: "/teams",
			Data: "/data", Meta: pageMeta, Page: wholePage(), RateLimit: perMinute(60),
		},
		{
			Entity: "teams", Action: "get", Title: "Get a team", Effect: pdk.Read,
			Description: "One team, with its members.",
			Method:      "GET", Path: "/teams/{id}",
			Params: []pdk.Param{teamID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"team_1"}`},
		},
		{
			Entity: "teams", Action: "create", Title: "Create a team", Effect: pdk.Write,
			Description: "Adds a team.",
			Method:      "POST", Path: "/teams",
			Params: []pdk.Param{pdk.Body("name", text("Name of the team.")), pdk.Body("user_ids", ids("Its members."))},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(10),
			Examples: []string{`{"name":"Tier 2","user_ids":["usr_1"]}`},
		},
		{
			Entity: "teams", Action: "update", Title: "Update a team", Effect: pdk.Write, Idempotent: true,
			Description: "Renames a team or replaces its members.",
			Method:      "PATCH", Path: "/teams/{id}",
			Params: []pdk.Param{teamID, pdk.Body("name", text("Name of the team.")), pdk.Body("user_ids", ids("All its members."))},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"team_1","user_ids":["usr_1","usr_2"]}`},
		},
		{
			Entity: "audit_logs", Action: "list", Title: "List the audit log", Effect: pdk.Read,
			Description: "What users and contacts did in the organization.",
			Method:      "GET", Path: "/audit-logs",
			Data: "/data", Meta: pageMeta, Page: queryPage(999), RateLimit: perMinute(60),
			Examples: []string{`{"limit":100}`},
		},
	}
}

var (
	userID = pdk.Path("id", id("Id of the user."))
	teamID = pdk.Path("id", id("Id of the team."))
)
