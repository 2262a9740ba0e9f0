package main

import (
	"errors"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// alertOperations are the operations on alerts and their events.
func alertOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "alerts", Action: "list", Title: "List alerts", Effect: pdk.Read, Permission: "alerts.view",
			Description: "Alerts that monitoring and other sources have sent, newest first.",
			Method:      "GET", Path: "/v2/alerts", Handle: listFiltered,
			Params: []pdk.Param{
				amongValues("status", "of these statuses", "firing", "resolved"),
				among("alert_source", "of these sources", ", as alert_sources.list gives them"),
				pdk.Query("deduplication_key", pdk.Object("Only the one with this key.", pdk.Prop("is", text("The key that its source gave it.")))),
				pdk.Query("alert_group_id", pdk.Object("Only those of these groups.", pdk.Prop("one_of", ids("Ids of groups.")))),
				dates("created_at", "created"),
				dates("updated_at", "changed"),
				pdk.Query("attributes", pdk.MapOf("Only those with a value in an attribute. The names of the members are ids of attributes, as alert_attributes.list gives them.",
					pdk.Object("What the attribute holds.",
						pdk.Prop("one_of", texts("Values, one of which it must hold.")),
						pdk.Prop("not_in", texts("Values, none of which it may hold.")),
					)).Max(maxFilters)),
				pdk.Query("has_notes", pdk.Object("Only those with notes, or without.", pdk.Prop("is", pdk.Boolean("Whether they have notes.")))),
				pdk.Query("include_maintenance_window", pdk.Object("Whether to include alerts that a maintenance window holds back.", pdk.Prop("is", pdk.Boolean("Whether to include them.")))),
			},
			Data: "/alerts", Meta: pageMeta, Page: sizedPage(50), RateLimit: perKey,
			Examples: []string{`{"status":{"one_of":["firing"]},"limit":50}`, `{"created_at":{"gte":"2026-05-01"},"has_notes":{"is":true}}`},
		},
		{
			Entity: "alerts", Action: "get", Title: "Get an alert", Effect: pdk.Read, Permission: "alerts.view",
			Description: "One alert.",
			Method:      "GET", Path: "/v2/alerts/{id}",
			Params: []pdk.Param{pdk.Path("id", id("Id of the alert."))},
			Data:   "/alert", RateLimit: perKey, Examples: oneID,
		},
		{
			Entity: "alerts", Action: "resolve", Title: "Resolve an alert", Effect: pdk.Write, Permission: "alerts.resolve",
			Description: "Says that what an alert is about is well again.",
			Method:      "POST", Path: "/v2/alerts/{id}/actions/resolve",
			Params: []pdk.Param{pdk.Path("id", id("Id of the alert, as alerts.list gives it."))},
			Data:   "/alert", RateLimit: perKey, Examples: oneID,
		},
		{
			Entity: "incident_alerts", Action: "list", Title: "List alerts of incidents", Effect: pdk.Read, Permission: "alerts.view",
			Description: "Which alerts belong to which incidents: those of an incident, or the incidents of an alert.",
			Method:      "GET", Path: "/v2/incident_alerts",
			Params: []pdk.Param{
				pdk.Query("incident_id", id("Only those of this incident.")),
				pdk.Query("alert_id", id("Only those of this alert.")),
			},
			Data: "/incident_alerts", Meta: pageMeta, Page: sizedPage(50), RateLimit: perKey,
			Examples: []string{`{"incident_id":"01FCNDV6P870EA6S7TK1DSYDG0"}`},
		},
		{
			Entity: "alert_events", Action: "create", Title: "Send an alert event", Effect: pdk.Write,
			Description: "Tells an HTTP alert source that something is wrong, or that it is well again. Needs a connection whose credential is the alert_source_token of that source.",
			Method:      "POST", Path: "/v2/alert_events/http/{alert_source_config_id}", Handle: createAlertEvent,
			Params: []pdk.Param{
				pdk.Path("alert_source_config_id", id("Id of the alert source, as alert_sources.list gives it.")),
				pdk.Body("title", text("What is wrong, in a few words.")).Required(),
				pdk.Body("status", pdk.Enum("firing opens an alert; resolved closes the one with the same deduplication_key.", "firing", "resolved")).Required(),
				pdk.Body("deduplication_key", text("What makes two events speak of the same alert. incident.io makes one up if it is left out.")),
				pdk.Body("description", prose("More about it, as Markdown.")),
				pdk.Body("metadata", pdk.Map("Anything else, for the source's attributes to pick from.").Max(maxItems)),
				pdk.Body("source_url", link("Where to look at the problem.")),
			},
			RateLimit: perKey,
			Examples:  []string{`{"alert_source_config_id":"01GW2G3V0S59R238FAHPDS1R66","title":"Disk is full on db-1","status":"firing","deduplication_key":"db-1/disk","metadata":{"team":"storage"}}`},
		},
	}
}

// createAlertEvent explains a likely refusal: the connection has an API key, which events do not
// accept.
func createAlertEvent(c *pdk.Call) error {
	err := c.Run()
	var e *abi.Error
	if errors.As(err, &e) && e.Kind == abi.KindAuthFailed {
		e.Hint = "use a connection whose credential is alert_source_token, the token in the settings of this alert source; an API key does not do"
	}
	return err
}

// alertingOperations are the operations on sources and routes of alerts.
func alertingOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "alert_sources", Action: "list", Title: "List alert sources", Effect: pdk.Read, Permission: "alert_sources.view",
			Description: "Where alerts come from, such as monitoring systems. incident.io gives all of them at once.",
			Method:      "GET", Path: "/v2/alert_sources",
			List: true, Data: "/alert_sources", RateLimit: perKey,
		},
		{
			Entity: "alert_attributes", Action: "list", Title: "List alert attributes", Effect: pdk.Read, Permission: "alert_schema.view",
			Description: "The attributes that alerts can have, with their types. incident.io gives all of them at once.",
			Method:      "GET", Path: "/v2/alert_attributes",
			List: true, Data: "/alert_attributes", RateLimit: perKey,
		},
		{
			Entity: "alert_routes", Action: "list", Title: "List alert routes", Effect: pdk.Read, Permission: "alert_routes.view",
			Description: "Rules that say what alerts lead to: which of them page people or open incidents.",
			Method:      "GET", Path: "/v2/alert_routes",
			Data: "/alert_routes", Meta: pageMeta, Page: sizedPage(50), RateLimit: perKey,
		},
		{
			Entity: "maintenance_windows", Action: "list", Title: "List maintenance windows", Effect: pdk.Read, Permission: "maintenance_windows.view",
			Description: "Times in which alerts are held back because work is going on.",
			Method:      "GET", Path: "/v1/maintenance_windows",
			Params: []pdk.Param{pdk.Query("status", pdk.Enum("Only those that are on, to come, or over.", "active", "upcoming", "past"))},
			Data:   "/maintenance_windows", Meta: pageMeta, Page: page(50), RateLimit: perKey,
			Examples: []string{`{"status":"active"}`},
		},
	}
}
