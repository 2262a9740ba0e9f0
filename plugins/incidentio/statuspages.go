package main

import "github.com/agenthost/agenthost/pdk"

// statusPageOperations are the operations on status pages.
func statusPageOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "status_pages", Action: "list", Title: "List status pages", Effect: pdk.Read,
			Description: "The status pages of the organization.",
			Method:      "GET", Path: "/v2/status_pages",
			Data: "/status_pages", Meta: pageMeta, Page: page(250), RateLimit: perKey,
		},
		{
			Entity: "status_page_structures", Action: "get", Title: "Get the structure of a status page", Effect: pdk.Read,
			Description: "What a status page shows: its components, alone and in groups, with their ids.",
			Method:      "GET", Path: "/v2/status_page_structures/{status_page_id}",
			Params: []pdk.Param{pdk.Path("status_page_id", id("Status page, as status_pages.list gives it."))},
			Data:   "/current_structure", RateLimit: perKey,
			Examples: []string{`{"status_page_id":"01FCNDV6P870EA6S7TK1DSYDG0"}`},
		},
		{
			Entity: "status_page_incidents", Action: "list", Title: "List incidents of a status page", Effect: pdk.Read,
			Description: "The incidents that were published on a status page, with their updates.",
			Method:      "GET", Path: "/v2/status_page_incidents",
			Params: []pdk.Param{
				pdk.Query("status_page_id", id("Status page, as status_pages.list gives it.")).Required(),
				pdk.Query("component_id", id("Only those of this component, as status_page_structures.get gives it.")),
				pdk.Query("group_id", id("Only those of this group of components.")),
				pdk.Query("sub_page_id", id("Only those of this sub-page.")),
				pdk.Query("start_at", pdk.DateTime("Only those from then on, RFC 3339.")),
				pdk.Query("end_at", pdk.DateTime("Only those until then, RFC 3339.")),
			},
			Data: "/status_page_incidents", Meta: pageMeta, Page: page(250), RateLimit: perKey,
			Examples: []string{`{"status_page_id":"01FCNDV6P870EA6S7TK1DSYDG0"}`},
		},
		{
			Entity: "status_page_incidents", Action: "get", Title: "Get an incident of a status page", Effect: pdk.Read,
			Description: "One incident that was published on a status page, with its updates.",
			Method:      "GET", Path: "/v2/status_page_incidents/{status_page_incident_id}",
			Params: []pdk.Param{pageIncidentID},
			Data:   "/status_page_incident", RateLimit: perKey,
			Examples: []string{`{"status_page_incident_id":"01FCNDV6P870EA6S7TK1DSYDG0"}`},
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
				pdk.Body("incident_status", workStatus()).Required(),
				pdk.Body("notify_subscribers", pdk.Boolean("Whether to write to the subscribers of the page.")).Required(),
				componentStatuses(),
			},
			Data: "/status_page_incident", RateLimit: perKey,
			Examples: []string{`{"idempotency_key":"checkout-2026-06-01","status_page_id":"01FCNDV6P870EA6S7TK1DSYDG0","name":"Checkout is slow","message":"We are looking into it.","incident_status":"investigating","notify_subscribers":false}`},
		},
		{
			Entity: "status_page_incidents", Action: "update", Title: "Rename an incident of a status page", Effect: pdk.Write, Idempotent: true,
			Permission:  "status_pages.publish_updates",
			Description: "Changes the headline of an incident on a status page. To say how it goes on, or that it is over, use status_page_incident_updates.create.",
			Method:      "PUT", Path: "/v2/status_page_incidents/{status_page_incident_id}",
			Params: []pdk.Param{pageIncidentID, pdk.Body("name", pdk.String("Headline of the incident.").Min(1).Max(200)).Required()},
			Data:   "/status_page_incident", RateLimit: perKey,
			Examples: []string{`{"status_page_incident_id":"01FCNDV6P870EA6S7TK1DSYDG0","name":"Checkout is slow in Europe"}`},
		},
		{
			Entity: "status_page_incident_updates", Action: "create", Title: "Update an incident on a status page", Effect: pdk.Write,
			Permission:  "status_pages.publish_updates",
			Description: "Tells customers how an incident on a status page goes on. The incident_status resolved ends it. Everybody can read it at once.",
			Method:      "POST", Path: "/v2/status_page_incident_updates",
			Params: []pdk.Param{
				pdk.Body("status_page_incident_id", id("Incident, as status_page_incidents.list gives it.")).Required(),
				pdk.Body("message", pdk.String("What customers should know.").Min(1).Max(4096)).Required(),
				pdk.Body("notify_subscribers", pdk.Boolean("Whether to write to the subscribers of the page.")).Required(),
				pdk.Body("incident_status", workStatus()),
				componentStatuses(),
			},
			Data: "/status_page_incident_update", RateLimit: perKey,
			Examples: []string{`{"status_page_incident_id":"01FCNDV6P870EA6S7TK1DSYDG0","message":"It works again.","incident_status":"resolved","notify_subscribers":true}`},
		},
	}
}

var pageIncidentID = pdk.Path("status_page_incident_id", id("Id of the incident, as status_page_incidents.list gives it."))

func workStatus() *pdk.Schema {
	return pdk.Enum("How far the work has come.", "investigating", "identified", "monitoring", "resolved")
}

func componentStatuses() pdk.Param {
	return pdk.Body("component_statuses", pdk.Array("Which parts are affected, and how.", pdk.Object("One part.",
		pdk.Prop("component_id", id("Id of the component, as status_page_structures.get gives it.")).Required(),
		pdk.Prop("component_status", pdk.Enum("How it is.", "operational", "degraded_performance", "partial_outage", "full_outage")).Required(),
	)).Max(maxItems))
}
