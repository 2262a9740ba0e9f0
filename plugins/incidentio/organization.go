package main

import "github.com/agenthost/agenthost/pdk"

// organizationOperations are the operations on the organization and its people.
func organizationOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "identity", Action: "get", Title: "Get the identity of the API key", Effect: pdk.Read,
			Description: "What the API key of this connection is called and what it may do. Works with every API key.",
			Method:      "GET", Path: "/v1/identity",
			Data: "/identity", RateLimit: perKey,
		},
		{
			Entity: "users", Action: "list", Title: "List users", Effect: pdk.Read, Permission: "users.view",
			Description: "The people of the organization, with their roles and seats.",
			Method:      "GET", Path: "/v2/users",
			Params: []pdk.Param{
				pdk.Query("email", text("Only the one with this e-mail address.")),
				pdk.Query("slack_user_id", text("Only the one with this id in Slack.")),
				pdk.Query("include_inactive", pdk.Boolean("Whether to include people who have left.")),
			},
			Data: "/users", Meta: pageMeta, Page: page(10000), RateLimit: perKey,
			Examples: []string{`{"email":"ada@example.com"}`, `{"limit":100}`},
		},
		{
			Entity: "users", Action: "get", Title: "Get a user", Effect: pdk.Read, Permission: "users.view",
			Description: "One person.",
			Method:      "GET", Path: "/v2/users/{id}",
			Params: []pdk.Param{pdk.Path("id", id("Id of the user."))},
			Data:   "/user", RateLimit: perKey, Examples: oneID,
		},
		{
			Entity: "teams", Action: "list", Title: "List teams", Effect: pdk.Read, Permission: "catalog_entries.view",
			Description: "The teams of the organization, with their members.",
			Method:      "GET", Path: "/v3/teams",
			Data: "/teams", Meta: pageMeta, Page: page(250), RateLimit: perKey,
		},
		{
			Entity: "teams", Action: "get", Title: "Get a team", Effect: pdk.Read, Permission: "catalog_entries.view",
			Description: "One team, with its members and its entry in the catalog.",
			Method:      "GET", Path: "/v3/teams/{id}",
			Params: []pdk.Param{pdk.Path("id", id("Id of the team, as teams.list gives it."))},
			Data:   "/team", RateLimit: perKey, Examples: oneID,
		},
		{
			Entity: "workflows", Action: "list", Title: "List workflows", Effect: pdk.Read, Permission: "workflows.view",
			Description: "What incident.io does by itself when something happens. incident.io gives all of them at once.",
			Method:      "GET", Path: "/v2/workflows",
			List: true, Data: "/workflows", RateLimit: perKey,
		},
	}
}
