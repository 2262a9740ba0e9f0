package main

import "github.com/agenthost/agenthost/pdk"

// catalogOperations are the operations on the catalog of services, teams and so on.
func catalogOperations() []pdk.Operation {
	types := definition("catalog_types", "/v2/catalog_types", "catalog types", "a catalog type", "catalog_types.view",
		"Types of things in the catalog, with their attributes. This comes from version 2 of the API, which incident.io calls deprecated, and says what semantic_type each one has.")
	types[1].Data = "/catalog_type"
	newTypes := definition("catalog_types", "/v3/catalog_types", "catalog types (v3)", "a catalog type (v3)", "catalog_types.view",
		"Types of things in the catalog, with their attributes, as version 3 of the API gives them: with owning_team_ids, is_team_type and use_name_as_identifier, without semantic_type.")
	newTypes[0].Action, newTypes[1].Action, newTypes[1].Data = "list_v3", "get_v3", "/catalog_type"

	return append(append(types, newTypes...),
		pdk.Operation{
			Entity: "catalog_entries", Action: "list", Title: "List catalog entries", Effect: pdk.Read, Permission: "catalog_entries.view",
			Description: "The things of one type in the catalog.",
			Method:      "GET", Path: "/v3/catalog_entries",
			Params: []pdk.Param{
				pdk.Query("catalog_type_id", id("Type, as catalog_types.list gives it.")).Required(),
				pdk.Query("identifier", text("Only the entry with this id, external id, alias or, where the type says so, name.")),
			},
			Data: "/catalog_entries", Meta: pageMeta, Page: sizedPage(250), RateLimit: perKey,
			Examples: []string{`{"catalog_type_id":"01FCNDV6P870EA6S7TK1DSYDG0","identifier":"checkout"}`},
		},
		pdk.Operation{
			Entity: "catalog_entries", Action: "get", Title: "Get a catalog entry", Effect: pdk.Read, Permission: "catalog_entries.view",
			Description: "One thing in the catalog, with the values of its attributes.",
			Method:      "GET", Path: "/v3/catalog_entries/{id}",
			Params: []pdk.Param{
				pdk.Path("id", id("Id of the entry, as catalog_entries.list gives it.")),
				pdk.Query("expand", pdk.Boolean("Whether to add the values of the entries that its attributes name.")),
			},
			Data: "/catalog_entry", RateLimit: perKey, Examples: oneID,
		},
		pdk.Operation{
			Entity: "catalog_entries", Action: "create", Title: "Create a catalog entry", Effect: pdk.Write, Permission: "catalog_entries.create",
			Description: "Adds a thing to the catalog.",
			Method:      "POST", Path: "/v3/catalog_entries",
			Params: []pdk.Param{
				pdk.Body("catalog_type_id", id("Type, as catalog_types.list gives it.")).Required(),
				pdk.Body("name", text("What to call it.")).Required(),
				attributeValues().Required(),
				pdk.Body("external_id", text("Its id in another system, unique within the type.")),
				pdk.Body("aliases", texts("Other names of it, unique within the type.")),
				pdk.Body("rank", pdk.Integer("Its place in the order of a ranked type.")),
			},
			Data: "/catalog_entry", RateLimit: perKey,
			Examples: []string{`{"catalog_type_id":"01FCNDV6P870EA6S7TK1DSYDG0","name":"checkout","external_id":"svc-checkout","attribute_values":{"01GW2G3V0S59R238FAHPDS1R66":{"value":{"literal":"tier 1"}}}}`},
		},
		pdk.Operation{
			Entity: "catalog_entries", Action: "update", Title: "Update a catalog entry", Effect: pdk.Write, Idempotent: true, Permission: "catalog_entries.edit",
			Description: "Replaces a thing in the catalog: attributes that are not named lose their values, unless update_attributes lists the ones to touch.",
			Method:      "PUT", Path: "/v3/catalog_entries/{id}",
			Params: []pdk.Param{
				pdk.Path("id", id("Id of the entry.")),
				pdk.Body("name", text("What to call it.")).Required(),
				attributeValues().Required(),
				pdk.Body("external_id", text("Its id in another system, unique within the type.")),
				pdk.Body("aliases", texts("All its other names, unique within the type.")),
				pdk.Body("rank", pdk.Integer("Its place in the order of a ranked type.")),
				pdk.Body("update_attributes", ids("Ids of the attributes to change; all others stay.")),
			},
			Data: "/catalog_entry", RateLimit: perKey,
			Examples: []string{`{"id":"01FDAG4SAP5TYPT98WGR2N7W91","name":"checkout","attribute_values":{"01GW2G3V0S59R238FAHPDS1R66":{"value":{"literal":"tier 2"}}},"update_attributes":["01GW2G3V0S59R238FAHPDS1R66"]}`},
		},
		pdk.Operation{
			Entity: "catalog_entries", Action: "delete", Title: "Delete a catalog entry", Effect: pdk.Delete, Idempotent: true, Permission: "catalog_entries.destroy",
			Description: "Takes a thing out of the catalog.",
			Method:      "DELETE", Path: "/v3/catalog_entries/{id}",
			Params:    []pdk.Param{pdk.Path("id", id("Id of the entry."))},
			RateLimit: perKey, Examples: oneID,
		},
	)
}

//go:noinline
func attributeValues() pdk.Param {
	value := pdk.Object("A value.",
		pdk.Prop("literal", prose("The value as text; of an attribute of a catalog type, the entry's id, external id or alias.")),
	)
	return pdk.Body("attribute_values", pdk.MapOf("Values of attributes. The names of the members are ids of attributes, as the type's schema has them.",
		pdk.Object("What the attribute holds.",
			pdk.Prop("value", value.Describe("Value of an attribute that holds one.")),
			pdk.Prop("array_value", pdk.Array("Values of an attribute that holds several.", value).Max(maxItems)),
		)).Max(maxItems))
}
