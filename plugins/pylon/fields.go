package main

import "github.com/agenthost/agenthost/pdk"

// fieldOperations are the operations on tags, custom fields and forms.
func fieldOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "tags", Action: "list", Title: "List tags", Effect: pdk.Read,
			Description: "All tags, of every kind of record.",
			Method:      "GET", Path: "/tags",
			Data: "/data", Meta: pageMeta, Page: wholePage(), RateLimit: perMinute(60),
		},
		{
			Entity: "tags", Action: "get", Title: "Get a tag", Effect: pdk.Read,
			Description: "One tag, with its text and its colour.",
			Method:      "GET", Path: "/tags/{id}",
			Params: []pdk.Param{tagID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"tag_1"}`},
		},
		{
			Entity: "tags", Action: "create", Title: "Create a tag", Effect: pdk.Write,
			Description: "Adds a tag for one kind of record.",
			Method:      "POST", Path: "/tags",
			Params: []pdk.Param{
				pdk.Body("value", text("Text of the tag.")).Required(),
				pdk.Body("object_type", text("Kind of record that it is for: issue, account or article.")).Required(),
				pdk.Body("hex_color", text("Colour, such as #ff8800.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"value":"billing","object_type":"issue","hex_color":"#ff8800"}`},
		},
		{
			Entity: "tags", Action: "update", Title: "Update a tag", Effect: pdk.Write, Idempotent: true,
			Description: "Changes the text or the colour of a tag.",
			Method:      "PATCH", Path: "/tags/{id}",
			Params: []pdk.Param{
				tagID,
				pdk.Body("value", text("Text of the tag.")),
				pdk.Body("hex_color", text("Colour, such as #ff8800.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(10),
			Examples: []string{`{"id":"tag_1","hex_color":"#ff8800"}`},
		},
		{
			Entity: "tags", Action: "delete", Title: "Delete a tag", Effect: pdk.Delete, Idempotent: true,
			Description: "Removes a tag, for good.",
			Method:      "DELETE", Path: "/tags/{id}",
			Params: []pdk.Param{tagID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(10),
			Examples: []string{`{"id":"tag_1"}`},
		},
		{
			Entity: "custom_fields", Action: "list", Title: "List custom fields", Effect: pdk.Read,
			Description: "The custom fields of one kind of record, with the slugs that custom_fields parameters and search filters take.",
			Method:      "GET", Path: "/custom-fields",
			Params: []pdk.Param{
				pdk.Query("object_type", pdk.Enum("Kind of record.", "account", "issue", "contact", "task", "project", "meeting", "opportunity")).Required(),
			},
			Data: "/data", Meta: pageMeta, Page: wholePage(), RateLimit: perMinute(60),
			Examples: []string{`{"object_type":"issue"}`},
		},
		{
			Entity: "custom_fields", Action: "get", Title: "Get a custom field", Effect: pdk.Read,
			Description: "One custom field.",
			Method:      "GET", Path: "/custom-fields/{id}",
			Params: []pdk.Param{pdk.Path("id", id("Id of the custom field."))},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"cf_1"}`},
		},
		{
			Entity: "custom_fields", Action: "create", Title: "Create a custom field", Effect: pdk.Write,
			Description: "Adds a custom field to one kind of record.",
			Method:      "POST", Path: "/custom-fields",
			Params: append([]pdk.Param{
				pdk.Body("label", text("Name of the field.")).Required(),
				pdk.Body("object_type", text("Kind of record that gets it, such as account, issue or contact.")).Required(),
				pdk.Body("type", text("What it holds, such as text, number, select or multiselect.")).Required(),
				pdk.Body("slug", text("Slug; made from the label if left out.")),
			}, fieldDetails()...),
			Data: "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"label":"Plan","object_type":"account","type":"select","select_options":[{"label":"Free","slug":"free"},{"label":"Pro","slug":"pro"}]}`},
		},
		{
			Entity: "custom_fields", Action: "update", Title: "Update a custom field", Effect: pdk.Write, Idempotent: true,
			Description: "Changes a custom field; what is not named stays, but choices are replaced as a whole. Pylon has no operation that deletes one.",
			Method:      "PATCH", Path: "/custom-fields/{id}",
			Params: append([]pdk.Param{
				pdk.Path("id", id("Id of the custom field.")),
				pdk.Body("label", text("Name of the field.")),
				pdk.Body("slug", text("Slug of the field.")),
			}, fieldDetails()...),
			Data: "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"cf_1","description":"What the customer pays for."}`},
		},
		{
			Entity: "ticket_forms", Action: "list", Title: "List ticket forms", Effect: pdk.Read,
			Description: "The forms with which customers open issues.",
			Method:      "GET", Path: "/ticket-forms",
			Data: "/data", Meta: pageMeta, Page: wholePage(), RateLimit: perMinute(60),
		},
	}
}

var tagID = pdk.Path("id", id("Id of the tag."))

// fieldDetails are the parameters of create and update of custom fields.
func fieldDetails() []pdk.Param {
	return []pdk.Param{
		pdk.Body("description", text("What the field is for.")),
		pdk.Body("default_value", text("Value that records have at first, of a field that holds one.")),
		pdk.Body("default_values", texts("Values that records have at first, of a field that holds several.")),
		pdk.Body("select_options", pdk.Array("Choices of a select field.", pdk.Object("One choice.",
			pdk.Prop("label", text("Name of the choice.")),
			pdk.Prop("slug", text("Slug of the choice.")),
			pdk.Prop("ai_description", text("When a language model should choose it.")))).Max(maxItems)),
	}
}
