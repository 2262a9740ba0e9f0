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
			Entity: "workflows", Action: "list", Title: "List workflows", Effect: pdk.Read, Permission: "workflows.view",
			Description: "What incident.io does by itself when something happens. incident.io gives all of them at once.",
			Method:      "GET", Path: "/v2/workflows",
			List: true, Data: "/workflows", RateLimit: perKey,
		},
	}
}

// statusPageOperations are the operations on what customers are told.
func statusPageOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "status_pages", Action: "list", Title: "List status pages", Effect: pdk.Read,
			Description: "The status pages of the organization.",
			Method:      "GET", Path: "/v2/status_pages",
			Data: "/status_pages", Meta: pageMeta, Page: page(250), RateLimit: perKey,
		},
		{
			Entity: "status_page_incidents", Action: "create", Title: "Publish an incident on a status page", Effect: pdk.Write, Idempotent: true,
			Permission:  "status_pages.publish_updates",
			Description: "Tells customers about an incident, on a status page and, if wanted, by mail. Everybody can read it at once.",
			Method:      "POST", Path: "/v2/status_page_incidents",
			Params: []pdk.Param{
				idempotencyKey("incident"),
				pdk.Body("status_page_id", id("Status page, as status_pages.list gives it.")).Required(),
				pdk.Body("name", pdk.String("Headline of the incident.").Min(1).Max(200)).Required(),
				pdk.Body("message", pdk.String("What customers should know.").Min(1).Max(4096)).Required(),
				pdk.Body("incident_status", pdk.Enum("How far the work has come.", "investigating", "identified", "monitoring", "resolved")).Required(),
				pdk.Body("notify_subscribers", pdk.Boolean("Whether to write to the subscribers of the page.")).Required(),
				pdk.Body("component_statuses", pdk.Array("Which parts are affected, and how.", pdk.Object("One part.",
					pdk.Prop("component_id", id("Id of the component.")).Required(),
					pdk.Prop("component_status", pdk.Enum("How it is.", "operational", "degraded_performance", "partial_outage", "full_outage")).Required(),
				)).Max(maxItems)),
			},
			Data: "/status_page_incident", RateLimit: perKey,
			Examples: []string{`{"idempotency_key":"checkout-2026-06-01","status_page_id":"01FCNDV6P870EA6S7TK1DSYDG0","name":"Checkout is slow","message":"We are looking into it.","incident_status":"investigating","notify_subscribers":false}`},
		},
	}
}
