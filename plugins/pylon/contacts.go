package main

import "github.com/agenthost/agenthost/pdk"

var contactID = pdk.Path("id", id("Id of the contact."))

// contactFields are the parameters of create and update.
func contactFields() []pdk.Param {
	return []pdk.Param{
		pdk.Body("email", text("E-mail address.")),
		pdk.Body("account_id", clearableID("Account that the contact belongs to.")),
		pdk.Body("avatar_url", url("URL of a square picture.")),
		pdk.Body("account_external_id", text("External id of the account that the contact belongs to.")),
		customFields(),
		externalIDs(),
		pdk.Body("phone_numbers", texts("Phone numbers.")),
		pdk.Body("primary_phone_number", text("Main phone number.")),
		pdk.Body("portal_role", pdk.Enum("What the contact may do in the customer portal.", "no_access", "member", "admin")),
		pdk.Body("portal_role_id", id("Id of a role for the customer portal.")),
	}
}

// contactOperations are the operations on contacts.
func contactOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "contacts", Action: "list", Title: "List contacts", Effect: pdk.Read,
			Description: "All contacts: the people at the customers.",
			Method:      "GET", Path: "/contacts",
			Data: "/data", Meta: pageMeta, Page: wholePage(), RateLimit: perMinute(60),
			Examples: []string{`{}`},
		},
		{
			Entity: "contacts", Action: "search", Title: "Search contacts", Effect: pdk.Read,
			Description: "Contacts that match a filter or contain words.",
			Method:      "POST", Path: "/contacts/search",
			Params: []pdk.Param{
				filter("id, account_id (equals, in, not_in); email, name (equals, in, not_in, string_contains); and the slug of any custom field."),
				searchText,
			},
			Data: "/data", Meta: pageMeta, Page: bodyPage(), RateLimit: perMinute(20),
			Examples: []string{`{"filter":{"field":"email","operator":"equals","value":"ada@example.com"}}`},
		},
		{
			Entity: "contacts", Action: "get", Title: "Get a contact", Effect: pdk.Read,
			Description: "One contact.",
			Method:      "GET", Path: "/contacts/{id}",
			Params: []pdk.Param{contactID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"con_1"}`},
		},
		{
			Entity: "contacts", Action: "create", Title: "Create a contact", Effect: pdk.Write,
			Description: "Adds a contact. If it exists already, the error names the id of the one that does.",
			Method:      "POST", Path: "/contacts",
			Params: append([]pdk.Param{pdk.Body("name", text("Name of the contact.")).Required()}, contactFields()...),
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"name":"Ada Lovelace","email":"ada@example.com"}`},
		},
		{
			Entity: "contacts", Action: "update", Title: "Update a contact", Effect: pdk.Write, Idempotent: true,
			Description: "Changes fields of a contact; what is not named stays. Lists are replaced as a whole.",
			Method:      "PATCH", Path: "/contacts/{id}",
			Params: append([]pdk.Param{
				contactID,
				pdk.Body("name", text("Name of the contact.")),
				pdk.Body("emails", pdk.Array("All e-mail addresses of the contact.", pdk.Object("One address.",
					pdk.Prop("email", text("The address.")).Required(),
					pdk.Prop("is_primary", pdk.Boolean("It is the main one.")))).Max(maxItems)),
			}, contactFields()...),
			Data: "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"con_1","account_id":"acc_1"}`},
		},
		{
			Entity: "contacts", Action: "delete", Title: "Delete a contact", Effect: pdk.Delete, Idempotent: true,
			Description: "Removes a contact, for good.",
			Method:      "DELETE", Path: "/contacts/{id}",
			Params: []pdk.Param{contactID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(10),
			Examples: []string{`{"id":"con_1"}`},
		},
	}
}
