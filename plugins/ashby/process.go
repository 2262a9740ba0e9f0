package main

import "github.com/agenthost/agenthost/pdk"

// processOperations are the operations on sources, archive reasons, custom fields and feedback forms.
func processOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "sources", Action: "list", Title: "List sources", Effect: pdk.Read, Permission: "hiringProcessMetadataRead",
			Description: "The sources that candidates can come from." + onePiece,
			Method:      "POST", Path: "/source.list",
			Params: []pdk.Param{includeArchived()},
			Data:   "/results", Meta: pageMeta, Page: whole(),
			Examples: []string{`{}`},
		},
		{
			Entity: "archive_reasons", Action: "list", Title: "List archive reasons", Effect: pdk.Read, Permission: "hiringProcessMetadataRead",
			Description: "The reasons that an application can be archived for: rejected by the organization, by the candidate, or other." + onePiece,
			Method:      "POST", Path: "/archiveReason.list",
			Params: []pdk.Param{includeArchived()},
			Data:   "/results", Meta: pageMeta, Page: whole(),
			Examples: []string{`{}`},
		},
		{
			Entity: "custom_fields", Action: "list", Title: "List custom fields", Effect: pdk.Read, Permission: "hiringProcessMetadataRead",
			Description: "The custom fields of the organization: what they belong to, their types, and the values that they can have.",
			Method:      "POST", Path: "/customField.list",
			Params: []pdk.Param{syncToken()},
			Data:   "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{}`},
		},
		{
			Entity: "custom_fields", Action: "set_value", Title: "Set a custom field", Effect: pdk.Write, Idempotent: true, Permission: "candidatesWrite",
			Description: "Sets the value of a custom field of an application, candidate, job or opening. custom_fields.list has the fields, with their types and the values that they can have.",
			Method:      "POST", Path: "/customField.setValue",
			Params: []pdk.Param{
				pdk.Body("objectId", id("Id of the application, candidate, job or opening.")).Required(),
				pdk.Body("objectType", pdk.Enum("What objectId is the id of.", "Application", "Candidate", "Job", "Opening")).Required(),
				pdk.Body("fieldId", id("Id of the custom field.")).Required(),
				pdk.Body("fieldValue", pdk.AnyOf("The value, by the type of the field. Boolean: true or false. String, LongText: text. Date: RFC 3339. "+
					"Number: a number. ValueSelect: one of its values. MultiValueSelect: an array of them. Currency: {value, currencyCode}. "+
					"NumberRange: {type: number-range, minValue, maxValue}. CompensationRange: {type: compensation-range, minValue, maxValue, currencyCode, interval}.",
					pdk.Boolean(""), pdk.Number(""), pdk.String("").Max(maxNote), texts(""),
					pdk.Object("",
						pdk.Prop("value", pdk.Number("Amount.")),
						pdk.Prop("currencyCode", text("Currency, ISO 4217: USD.")),
						pdk.Prop("type", text("number-range or compensation-range.")),
						pdk.Prop("minValue", pdk.Number("Lower end.")),
						pdk.Prop("maxValue", pdk.Number("Upper end.")),
						pdk.Prop("interval", pdk.Enum("What an amount is paid for.", "NONE", "1 TIME", "1 HOUR", "1 DAY", "1 WEEK", "2 WEEK",
							"1 MONTH", "2 MONTH", "1 YEAR", "6 MONTH", "0.5 MONTH", "3 MONTH")),
					))).Required(),
			},
			Data: "/results", Meta: warnings,
			Examples: []string{`{"objectId":"3ae2b801-19f6-41ef-ad28-214bd731948f","objectType":"Candidate","fieldId":"2c6991c5-c9e2-4af8-879e-29c5a9d26509","fieldValue":"remote"}`},
		},
		{
			Entity: "communication_templates", Action: "list", Title: "List communication templates", Effect: pdk.Read, Permission: "hiringProcessMetadataRead",
			Description: "The templates of messages to candidates that are enabled, and whether each one is for e-mail." + onePiece,
			Method:      "POST", Path: "/communicationTemplate.list",
			Data: "/results", Meta: pageMeta, Page: whole(),
			Examples: []string{`{}`},
		},
		{
			Entity: "feedback_form_definitions", Action: "list", Title: "List feedback form definitions", Effect: pdk.Read, Permission: "hiringProcessMetadataRead",
			Description: "The forms on which interviewers give feedback.",
			Method:      "POST", Path: "/feedbackFormDefinition.list",
			Params: []pdk.Param{includeArchived(), syncToken()},
			Data:   "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{}`},
		},
	}
}
