package main

import (
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

var incidentID = pdk.Path("id", id("Id of the incident, or the number in its reference: 123 for INC-123."))

// incidentOperations are the operations on incidents themselves.
func incidentOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "incidents", Action: "list", Title: "List incidents", Effect: pdk.Read, Permission: "incidents.view",
			Description: "Incidents, newest first. Without a filter on status, status_category or mode, incident.io leaves out declined, canceled and merged incidents, tests and tutorials.",
			Method:      "GET", Path: "/v2/incidents", Handle: listFiltered,
			Params: []pdk.Param{
				pdk.Query("sort_by", pdk.Enum("Order of the incidents.", "created_at_newest_first", "created_at_oldest_first").Default(`"created_at_newest_first"`)),
				pdk.Query("filter_mode", pdk.Enum("Whether an incident must match all of the filters or any of them.", "all", "any")),
				among("status", "in these statuses", ", as incident_statuses.list gives them"),
				amongValues("status_category", "in these categories of statuses",
					"triage", "declined", "merged", "canceled", "live", "learning", "closed", "paused"),
				dates("created_at", "created"),
				dates("updated_at", "changed"),
				pdk.Query("severity", pdk.Object("Only those of these severities.",
					pdk.Prop("one_of", ids("Ids, one of which must be it, as severities.list gives them.")),
					pdk.Prop("not_in", ids("Ids, none of which may be it.")),
					pdk.Prop("gte", id("Id of a severity: it or a graver one. Not together with lte.")),
					pdk.Prop("lte", id("Id of a severity: it or a lesser one. Not together with gte.")),
				)),
				among("incident_type", "of these types", ", as incident_types.list gives them"),
				pdk.Query("incident_role", pdk.MapOf("Only those in which somebody has a role. The names of the members are ids of roles.",
					pdk.Object("Who has the role.",
						pdk.Prop("one_of", ids("Ids of users, one of whom must have it.")),
						pdk.Prop("is_blank", pdk.Boolean("true: nobody has it; false: somebody has.")),
					)).Max(maxFilters)),
				pdk.Query("custom_field", pdk.MapOf("Only those with a value in a custom field. The names of the members are ids of custom fields.",
					pdk.Object("What the field holds.",
						pdk.Prop("one_of", texts("Values, one of which it must hold: ids of options or catalog entries, or the values themselves.")),
						pdk.Prop("not_in", texts("Values, none of which it may hold.")),
						pdk.Prop("is_blank", pdk.Boolean("true: it is empty; false: it is not.")),
					)).Max(maxFilters)),
				pdk.Query("mode", pdk.Object("Only those of these modes.",
					pdk.Prop("one_of", pdk.Array("Modes, one of which must be it.", incidentMode("")).Max(maxItems)))),
			},
			Data: "/incidents", Meta: pageMeta, Page: page(250),
			RateLimit: abi.RateLimit{Requests: 60, PerSeconds: 60, Bucket: "incidents_list"},
			Examples: []string{
				`{"status_category":{"one_of":["live","triage"]},"limit":50}`,
				`{"created_at":{"gte":"2026-05-01","lte":"2026-05-31"},"sort_by":"created_at_oldest_first"}`,
				`{"custom_field":{"01FCNDV6P870EA6S7TK1DSYDG0":{"one_of":["01GBSQF3FHF7FWZQNWGHAVQ804"]}}}`,
			},
		},
		{
			Entity: "incidents", Action: "get", Title: "Get an incident", Effect: pdk.Read, Permission: "incidents.view",
			Description: "One incident, by its id or its number.",
			Method:      "GET", Path: "/v2/incidents/{id}", Params: []pdk.Param{incidentID},
			Data: "/incident", RateLimit: perKey,
			Examples: []string{`{"id":"123"}`},
		},
		{
			Entity: "incidents", Action: "create", Title: "Create an incident", Effect: pdk.Write, Idempotent: true, Permission: "incidents.create",
			Description: "Declares an incident. incident.io then makes its channel and tells people, as the organization set up.",
			Method:      "POST", Path: "/v2/incidents",
			Params: []pdk.Param{
				idempotencyKey("incident"),
				pdk.Body("visibility", pdk.Enum("Who can see it: everybody, or only those who are invited.", "public", "private")).Required(),
				pdk.Body("name", text("What is wrong, in a few words.")),
				pdk.Body("summary", prose("What is known so far.")),
				pdk.Body("severity_id", id("Severity, as severities.list gives it.")),
				pdk.Body("incident_type_id", id("Type, as incident_types.list gives it.")),
				pdk.Body("incident_status_id", id("Status, as incident_statuses.list gives it.")),
				pdk.Body("mode", incidentMode("standard for a real incident; retrospective for one that is over, which tells nobody; test or tutorial to try things out.")),
				pdk.Body("custom_field_entries", customFieldEntries()),
				pdk.Body("incident_role_assignments", roleAssignments()),
				pdk.Body("incident_timestamp_values", timestampValues()),
				pdk.Body("retrospective_incident_options", pdk.Object("For the mode retrospective.",
					pdk.Prop("external_id", pdk.Integer("Number that the incident shall have, if it has one in another system.")),
					pdk.Prop("postmortem_document_url", link("Where its post-mortem is.")),
					pdk.Prop("slack_channel_id", text("Slack channel where it was handled.")),
				)),
				pdk.Body("slack_channel_name_override", text("Name of the Slack channel, in place of the one that incident.io would choose.")),
				pdk.Body("slack_team_id", text("Slack workspace, where the organization has several.")),
			},
			Data: "/incident", RateLimit: perKey,
			Examples: []string{`{"idempotency_key":"checkout-5xx-2026-06-01","visibility":"public","name":"Checkout answers 500","severity_id":"01FCNDV6P870EA6S7TK1DSYDG0"}`},
		},
		{
			Entity: "incidents", Action: "update", Title: "Edit an incident", Effect: pdk.Write,
			Description: "Changes fields of an incident; what is not named stays.",
			Method:      "POST", Path: "/v2/incidents/{id}/actions/edit",
			Params: []pdk.Param{
				incidentID,
				pdk.Body("incident", pdk.Object("What to change.",
					pdk.Prop("name", text("What is wrong, in a few words.")),
					pdk.Prop("summary", prose("What is known so far.")),
					pdk.Prop("severity_id", id("Severity, as severities.list gives it.")),
					pdk.Prop("incident_status_id", id("Status, as incident_statuses.list gives it.")),
					pdk.Prop("call_url", link("Where the call takes place.")),
					pdk.Prop("custom_field_entries", customFieldEntries()),
					pdk.Prop("incident_role_assignments", roleAssignments()),
					pdk.Prop("incident_timestamp_values", timestampValues()),
					pdk.Prop("slack_channel_name_override", text("Name of the Slack channel.")),
				).Min(1)).Required(),
				pdk.Body("notify_incident_channel", pdk.Boolean("Whether to post the change in the incident's channel.")).Required(),
			},
			Data: "/incident", RateLimit: perKey,
			Examples: []string{`{"id":"01FCNDV6P870EA6S7TK1DSYDG0","incident":{"severity_id":"01FH5TZRWMNAFB0DZ23FD1TV96"},"notify_incident_channel":true}`},
		},
	}
}

// maxFilters bounds how many roles or fields a filter names.
const maxFilters = 50

//go:noinline
func incidentMode(description string) *pdk.Schema {
	return pdk.Enum(description, "standard", "retrospective", "test", "tutorial")
}

//go:noinline
func customFieldEntries() *pdk.Schema {
	return pdk.Array("Values of custom fields. A field that is named is replaced as a whole; others stay.", pdk.Object("One field.",
		pdk.Prop("custom_field_id", id("Field, as custom_fields.list gives it.")).Required(),
		pdk.Prop("values", pdk.Array("Its values; an empty array clears it, and only multi_select takes several.", pdk.Object("One value. Which member it needs depends on the type of the field.",
			pdk.Prop("value_text", prose("For text.")),
			pdk.Prop("value_link", link("For link.")),
			pdk.Prop("value_numeric", text("For numeric: a number, written as text.")),
			pdk.Prop("value_option_id", id("For single_select and multi_select: an option, as custom_field_options.list gives it.")),
			pdk.Prop("value_catalog_entry_id", id("For fields of a catalog type: an entry, as catalog_entries.list gives it.")),
			pdk.Prop("value_timestamp", text("For a time, RFC 3339.")),
			pdk.Prop("id", id("Id of a value that is there, to change it.")),
		)).Max(maxItems)).Required(),
	)).Max(maxItems)
}

//go:noinline
func roleAssignments() *pdk.Schema {
	return pdk.Array("Who has which role.", pdk.Object("One role.",
		pdk.Prop("incident_role_id", id("Role, as incident_roles.list gives it.")).Required(),
		pdk.Prop("assignee", user("Who has it; leave it out to take the role away.")),
	)).Max(maxItems)
}

//go:noinline
func timestampValues() *pdk.Schema {
	return pdk.Array("When things happened.", pdk.Object("One point in time.",
		pdk.Prop("incident_timestamp_id", id("Timestamp, as incident_timestamps.list gives it.")).Required(),
		pdk.Prop("value", pdk.DateTime("When it was; leave it out to clear it.")),
	)).Max(maxItems)
}
