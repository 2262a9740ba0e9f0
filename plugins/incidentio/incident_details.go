package main

import "github.com/agenthost/agenthost/pdk"

// attachmentTypes are the kinds of things that an incident can point to.
var attachmentTypes = []string{
	"pager_duty_incident", "opsgenie_alert", "datadog_monitor_alert", "github_pull_request", "gitlab_merge_request",
	"sentry_issue", "jira_issue", "jsm_alert", "atlassian_statuspage_incident", "zendesk_ticket", "google_calendar_event",
	"outlook_calendar_event", "slack_file", "salesforce_case", "arbitrary_url", "scrubbed", "statuspage_incident",
}

// incidentDetailOperations are the operations on parts of an incident.
func incidentDetailOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "incident_updates", Action: "list", Title: "List incident updates", Effect: pdk.Read, Permission: "incidents.view",
			Description: "Updates that were posted on incidents, with the status and severity that each one set.",
			Method:      "GET", Path: "/v2/incident_updates",
			Params: []pdk.Param{pdk.Query("incident_id", id("Only those of this incident."))},
			Data:   "/incident_updates", Meta: pageMeta, Page: page(250), RateLimit: perKey,
			Examples: []string{`{"incident_id":"01FCNDV6P870EA6S7TK1DSYDG0"}`},
		},
		{
			Entity: "incident_relationships", Action: "list", Title: "List related incidents", Effect: pdk.Read, Permission: "incidents.view",
			Description: "The incidents that are related to an incident.",
			Method:      "GET", Path: "/v1/incident_relationships",
			Params: []pdk.Param{pdk.Query("incident_id", id("Id of the incident.")).Required()},
			Data:   "/incident_relationships", Meta: pageMeta, Page: page(250), RateLimit: perKey,
			Examples: []string{`{"incident_id":"01FCNDV6P870EA6S7TK1DSYDG0"}`},
		},
		{
			Entity: "incident_attachments", Action: "list", Title: "List attachments of incidents", Effect: pdk.Read, Permission: "attachments.view",
			Description: "Things elsewhere that incidents point to, such as pull requests and tickets: all of an incident, or the incidents of one thing by external_id and resource_type.",
			Method:      "GET", Path: "/v1/incident_attachments",
			Params: []pdk.Param{
				pdk.Query("incident_id", id("Only those of this incident.")),
				pdk.Query("external_id", text("Only this thing, by its id in its own system. Needs resource_type.")),
				pdk.Query("resource_type", pdk.Enum("Only things of this kind.", attachmentTypes...)),
			},
			List: true, Data: "/incident_attachments", RateLimit: perKey,
			Examples: []string{`{"incident_id":"01FCNDV6P870EA6S7TK1DSYDG0"}`, `{"resource_type":"github_pull_request","external_id":"acme/shop/42"}`},
		},
		{
			Entity: "incident_attachments", Action: "create", Title: "Attach something to an incident", Effect: pdk.Write, Permission: "attachments.create",
			Description: "Makes an incident point to something elsewhere.",
			Method:      "POST", Path: "/v1/incident_attachments",
			Params: []pdk.Param{
				pdk.Body("incident_id", id("Id of the incident.")).Required(),
				pdk.Body("resource", pdk.Object("What to point to.",
					pdk.Prop("resource_type", pdk.Enum("What it is; arbitrary_url for anything with a URL.", attachmentTypes...)).Required(),
					pdk.Prop("external_id", text("Its id in its own system, for every kind but arbitrary_url.")),
					pdk.Prop("url", link("Where it is, for arbitrary_url.")),
					pdk.Prop("title", text("What to call it, for arbitrary_url.")),
					pdk.Prop("emoji", text("Emoji to show beside it, for arbitrary_url.")),
				)).Required(),
			},
			Data: "/incident_attachment", RateLimit: perKey,
			Examples: []string{`{"incident_id":"01FCNDV6P870EA6S7TK1DSYDG0","resource":{"resource_type":"arbitrary_url","url":"https://status.example.com","title":"Status of the provider"}}`},
		},
		{
			Entity: "incident_attachments", Action: "delete", Title: "Detach something from an incident", Effect: pdk.Delete, Idempotent: true, Permission: "attachments.destroy",
			Description: "Makes an incident point to something no longer. The thing itself stays.",
			Method:      "DELETE", Path: "/v1/incident_attachments/{id}",
			Params:    []pdk.Param{pdk.Path("id", id("Id of the attachment, as incident_attachments.list gives it."))},
			RateLimit: perKey, Examples: oneID,
		},
		{
			Entity: "postmortem_documents", Action: "list", Title: "List post-mortems", Effect: pdk.Read, Permission: "incidents.view",
			Description: "Post-mortem documents of incidents: where each one is and how far it has come.",
			Method:      "GET", Path: "/v1/postmortem_documents",
			Params: []pdk.Param{
				pdk.Query("incident_id", id("Only those of this incident.")),
				pdk.Query("sort_by", pdk.Enum("Order of the documents.", "created_at_newest_first", "created_at_oldest_first").Default(`"created_at_newest_first"`)),
			},
			Data: "/postmortem_documents", Meta: pageMeta, Page: page(250), RateLimit: perKey,
		},
	}
}

// taskOperations are the operations on actions during an incident, and follow-ups after it.
func taskOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "actions", Action: "list", Title: "List actions", Effect: pdk.Read, Permission: "actions.view",
			Description: "Actions: what people do while an incident lasts. incident.io gives all of them at once.",
			Method:      "GET", Path: "/v2/actions",
			Params: []pdk.Param{pdk.Query("incident_id", id("Only those of this incident.")), taskMode},
			List:   true, Data: "/actions", RateLimit: perKey,
			Examples: []string{`{"incident_id":"01FCNDV6P870EA6S7TK1DSYDG0"}`},
		},
		{
			Entity: "actions", Action: "get", Title: "Get an action", Effect: pdk.Read, Permission: "actions.view",
			Description: "One action.",
			Method:      "GET", Path: "/v2/actions/{id}",
			Params: []pdk.Param{pdk.Path("id", id("Id of the action."))},
			Data:   "/action", RateLimit: perKey, Examples: oneID,
		},
		{
			Entity: "follow_ups", Action: "list", Title: "List follow-ups", Effect: pdk.Read, Permission: "actions.view",
			Description: "Follow-ups: what is to be done after an incident. incident.io gives all of them at once.",
			Method:      "GET", Path: "/v2/follow_ups",
			Params: []pdk.Param{
				pdk.Query("incident_id", id("Only those of this incident.")), taskMode,
				pdk.Query("assignee_team_id", id("Only those of this team, as teams.list gives it.")),
			},
			List: true, Data: "/follow_ups", RateLimit: perKey,
			Examples: []string{`{"incident_id":"01FCNDV6P870EA6S7TK1DSYDG0"}`},
		},
		{
			Entity: "follow_ups", Action: "get", Title: "Get a follow-up", Effect: pdk.Read, Permission: "actions.view",
			Description: "One follow-up.",
			Method:      "GET", Path: "/v2/follow_ups/{id}",
			Params: []pdk.Param{pdk.Path("id", id("Id of the follow-up."))},
			Data:   "/follow_up", RateLimit: perKey, Examples: oneID,
		},
	}
}

var taskMode = pdk.Query("incident_mode", pdk.Enum("Only those of incidents of this mode.", "standard", "retrospective", "test", "tutorial", "stream"))
