package main

import "github.com/agenthost/agenthost/pdk"

// definition has the list and the get operation of a setting. incident.io does not paginate these
// lists.
//
//go:noinline
func definition(entity, path, plural, singular, permission, what string) []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: entity, Action: "list", Title: "List " + plural, Effect: pdk.Read, Permission: permission,
			Description: what + " incident.io gives all of them at once.",
			Method:      "GET", Path: path, List: true, Data: "/" + entity, RateLimit: perKey,
		},
		{
			Entity: entity, Action: "get", Title: "Get " + singular, Effect: pdk.Read, Permission: permission,
			Description: what + " This gets one by its id.",
			Method:      "GET", Path: path + "/{id}", RateLimit: perKey,
			Params:   []pdk.Param{pdk.Path("id", id("Its id, as "+entity+".list gives it."))},
			Examples: oneID,
		},
	}
}

// settingOperations are the operations on severities, statuses, types, roles and so on.
func settingOperations() []pdk.Operation {
	roles := definition("incident_roles", "/v1/incident_roles", "incident roles", "an incident role", "incident_roles.view",
		"Roles that people can have in an incident, such as the lead. This comes from version 1 of the API, which incident.io calls deprecated, and says for each role whether it is required.")
	roles[1].Data = "/incident_role"
	newRoles := definition("incident_roles", "/v2/incident_roles", "incident roles (v2)", "an incident role (v2)", "incident_roles.view",
		"Roles that people can have in an incident, such as the lead, as version 2 of the API gives them: without required.")
	newRoles[0].Action, newRoles[1].Action, newRoles[1].Data = "list_v2", "get_v2", "/incident_role"
	statuses := definition("incident_statuses", "/v1/incident_statuses", "incident statuses", "an incident status", "incident_statuses.view",
		"Statuses that an incident can have, each in a category: triage, live, learning, paused, closed, declined, canceled or merged.")
	statuses[1].Data = "/incident_status"
	timestamps := definition("incident_timestamps", "/v2/incident_timestamps", "incident timestamps", "an incident timestamp", "",
		"Points in time that are recorded for an incident, such as when it was fixed: their names, not their values.")
	timestamps[1].Data = "/incident_timestamp"
	severities := definition("severities", "/v1/severities", "severities", "a severity", "severities.view",
		"Severities that an incident can have; a higher rank is graver.")
	severities[1].Data = "/severity"

	operations := append(append(append(append(roles, newRoles...), statuses...), timestamps...), severities...)
	return append(operations,
		pdk.Operation{
			Entity: "severities", Action: "create", Title: "Create a severity", Effect: pdk.Write, Permission: "organisation_settings.update",
			Description: "Adds a severity.",
			Method:      "POST", Path: "/v1/severities",
			Params: severityFields(),
			Data:   "/severity", RateLimit: perKey,
			Examples: []string{`{"name":"Critical","description":"Customers cannot work.","rank":4}`},
		},
		pdk.Operation{
			Entity: "severities", Action: "update", Title: "Update a severity", Effect: pdk.Write, Idempotent: true, Permission: "organisation_settings.update",
			Description: "Replaces the name and the description of a severity.",
			Method:      "PUT", Path: "/v1/severities/{id}",
			Params: append([]pdk.Param{pdk.Path("id", id("Id of the severity, as severities.list gives it."))}, severityFields()...),
			Data:   "/severity", RateLimit: perKey,
			Examples: []string{`{"id":"01FCNDV6P870EA6S7TK1DSYDG0","name":"Critical","description":"No customer can work."}`},
		},
		pdk.Operation{
			Entity: "severities", Action: "delete", Title: "Delete a severity", Effect: pdk.Delete, Idempotent: true, Permission: "organisation_settings.update",
			Description: "Removes a severity from those that incidents can have.",
			Method:      "DELETE", Path: "/v1/severities/{id}",
			Params:    []pdk.Param{pdk.Path("id", id("Id of the severity, as severities.list gives it."))},
			RateLimit: perKey, Examples: oneID,
		},
		pdk.Operation{
			Entity: "incident_types", Action: "list", Title: "List incident types", Effect: pdk.Read, Permission: "incident_types.view",
			Description: "Types that an incident can have. incident.io gives all of them at once.",
			Method:      "GET", Path: "/v1/incident_types",
			List: true, Data: "/incident_types", RateLimit: perKey,
		},
	)
}

// severityFields are the parameters of create and update.
func severityFields() []pdk.Param {
	return []pdk.Param{
		pdk.Body("name", pdk.String("What to call it.").Min(1).Max(50)).Required(),
		pdk.Body("description", prose("When an incident is of this severity.")).Required(),
		pdk.Body("rank", pdk.Integer("Its place among the severities; a higher one is graver.")),
	}
}

// customFieldOperations are the operations on custom fields of incidents.
func customFieldOperations() []pdk.Operation {
	fields := definition("custom_fields", "/v2/custom_fields", "custom fields", "a custom field", "custom_fields.view",
		"Fields that the organization has added to incidents, with their types.")
	fields[1].Data = "/custom_field"
	return append(fields,
		pdk.Operation{
			Entity: "custom_fields", Action: "create", Title: "Create a custom field", Effect: pdk.Write, Permission: "organisation_settings.update",
			Description: "Adds a field to incidents.",
			Method:      "POST", Path: "/v2/custom_fields",
			Params: append([]pdk.Param{
				pdk.Body("field_type", pdk.Enum("What it holds.", "single_select", "multi_select", "text", "link", "numeric")).Required(),
				pdk.Body("catalog_type_id", id("Catalog type whose entries are the choices of a select field.")),
			}, customFieldDetails()...),
			Data: "/custom_field", RateLimit: perKey,
			Examples: []string{`{"name":"Affected teams","description":"Teams that must help.","field_type":"multi_select","catalog_type_id":"01FCNDV6P870EA6S7TK1DSYDG0"}`},
		},
		pdk.Operation{
			Entity: "custom_fields", Action: "update", Title: "Update a custom field", Effect: pdk.Write, Idempotent: true, Permission: "organisation_settings.update",
			Description: "Replaces what a custom field is called and what it offers. Its type stays.",
			Method:      "PUT", Path: "/v2/custom_fields/{id}",
			Params: append([]pdk.Param{pdk.Path("id", id("Id of the custom field, as custom_fields.list gives it."))}, customFieldDetails()...),
			Data:   "/custom_field", RateLimit: perKey,
			Examples: []string{`{"id":"01FCNDV6P870EA6S7TK1DSYDG0","name":"Affected teams","description":"Teams that must help or know."}`},
		},
		pdk.Operation{
			Entity: "custom_fields", Action: "delete", Title: "Delete a custom field", Effect: pdk.Delete, Idempotent: true, Permission: "organisation_settings.update",
			Description: "Removes a field from incidents, for good.",
			Method:      "DELETE", Path: "/v2/custom_fields/{id}",
			Params:    []pdk.Param{pdk.Path("id", id("Id of the custom field, as custom_fields.list gives it."))},
			RateLimit: perKey, Examples: oneID,
		},
		pdk.Operation{
			Entity: "custom_field_options", Action: "list", Title: "List options of a custom field", Effect: pdk.Read, Permission: "custom_fields.view",
			Description: "The choices of a custom field of type single_select or multi_select that has no catalog type.",
			Method:      "GET", Path: "/v1/custom_field_options",
			Params: []pdk.Param{pdk.Query("custom_field_id", id("Id of the custom field.")).Required()},
			Data:   "/custom_field_options", Meta: pageMeta, Page: page(250), RateLimit: perKey,
			Examples: []string{`{"custom_field_id":"01FCNDV6P870EA6S7TK1DSYDG0"}`},
		},
	)
}

// customFieldDetails are the parameters of create and update.
func customFieldDetails() []pdk.Param {
	return []pdk.Param{
		pdk.Body("name", pdk.String("What to call it.").Min(1).Max(50)).Required(),
		pdk.Body("description", prose("What the field is for.")).Required(),
		pdk.Body("filter_by", pdk.Object("Offer only the catalog entries that go with the value of another field.",
			pdk.Prop("catalog_attribute_id", id("Attribute of the catalog type that must agree.")).Required(),
			pdk.Prop("custom_field_id", id("The other field.")).Required(),
		)),
		pdk.Body("fixed_filter", pdk.Object("Offer only some of the catalog entries.",
			pdk.Prop("catalog_attribute_id", id("Attribute of the catalog type to look at.")).Required(),
			pdk.Prop("values", texts("Values, one of which it must have.")).Required(),
		)),
		pdk.Body("group_by_catalog_attribute_id", id("Attribute by which to group the choices.")),
		pdk.Body("helptext_catalog_attribute_id", id("Attribute to show as a help beside each choice.")),
	}
}
