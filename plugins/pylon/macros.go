package main

import "github.com/agenthost/agenthost/pdk"

var macroID = pdk.Path("id", id("Id of the macro, as macros.list gives it."))

// macroFields are the parameters of create and update.
func macroFields() []pdk.Param {
	return []pdk.Param{
		pdk.Body("text_type", text("What kind of text it is, as other macros have it.")),
		pdk.Body("conditions", pdk.Ref("filter", "Which issues the macro is for.")),
		pdk.Body("visibility", pdk.Object("Who can use the macro.",
			pdk.Prop("type", pdk.Enum("Everybody in the organization, one user, one team, or several users and teams.", "org", "user", "team", "users_and_teams")).Required(),
			pdk.Prop("user_ids", ids("The users.")),
			pdk.Prop("team_ids", ids("The teams.")),
		)),
	}
}

// macroOperations are the operations on macros: prepared answers.
func macroOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "macro_groups", Action: "list", Title: "List macro groups", Effect: pdk.Read, List: true,
			Description: "The groups that macros are sorted into.",
			Method:      "GET", Path: "/macro-groups",
			Data: "/data", Meta: requestID, RateLimit: perMinute(60),
		},
		{
			Entity: "macros", Action: "list", Title: "List macros", Effect: pdk.Read, List: true,
			Description: "The macros: answers that were prepared for issues that come again and again.",
			Method:      "GET", Path: "/macros",
			Params: []pdk.Param{pdk.Query("macro_group_id", id("Only those of this group, as macro_groups.list gives it."))},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{}`, `{"macro_group_id":"mgr_1"}`},
		},
		{
			Entity: "macros", Action: "get", Title: "Get a macro", Effect: pdk.Read,
			Description: "One macro, with its text and what else it does.",
			Method:      "GET", Path: "/macros/{id}",
			Params: []pdk.Param{macroID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"mac_1"}`},
		},
		{
			Entity: "macros", Action: "create", Title: "Create a macro", Effect: pdk.Write,
			Description: "Adds a macro to a group. Pylon has no operation that deletes one.",
			Method:      "POST", Path: "/macros",
			Params: append([]pdk.Param{
				pdk.Body("name", text("Name of the macro.")).Required(),
				pdk.Body("text_html", html("Text of the answer, as HTML.")).Required(),
				pdk.Body("macro_group_id", id("Group that it belongs to, as macro_groups.list gives it.")).Required(),
			}, macroFields()...),
			Data: "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"name":"Ask for logs","macro_group_id":"mgr_1","text_html":"<p>Please send us your logs.</p>"}`},
		},
		{
			Entity: "macros", Action: "update", Title: "Update a macro", Effect: pdk.Write, Idempotent: true,
			Description: "Changes fields of a macro; what is not named stays.",
			Method:      "PATCH", Path: "/macros/{id}",
			Params: append([]pdk.Param{
				macroID,
				pdk.Body("name", text("Name of the macro.")),
				pdk.Body("text_html", html("Text of the answer, as HTML.")),
				pdk.Body("macro_group_id", id("Group that it belongs to, as macro_groups.list gives it.")),
			}, macroFields()...),
			Data: "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"mac_1","visibility":{"type":"team","team_ids":["team_1"]}}`},
		},
	}
}
