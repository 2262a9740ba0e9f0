package main

import "github.com/agenthost/agenthost/pdk"

var (
	accountID = pdk.Path("id", id("Id of the account, or an external id of it."))

	accountFields = []pdk.Param{
		pdk.Body("domains", texts("Domains of the account, such as example.com, without a scheme.")),
		pdk.Body("primary_domain", text("Main domain; one of domains.")),
		pdk.Body("owner_id", clearableID("User who looks after the account.")),
		pdk.Body("logo_url", url("URL of a square PNG or JPEG.")),
		pdk.Body("tags", texts("Names of all the tags that it shall have.")),
		pdk.Body("account_type", text("Type of the account, as the organization names its types.")),
		pdk.Body("channels", pdk.Array("Channels that belong to the account.", pdk.Object("One channel.",
			pdk.Prop("channel_id", text("Id of the channel in its system.")),
			pdk.Prop("channel_name", text("Name of the channel.")),
			pdk.Prop("channel_url", url("URL of the channel.")),
			pdk.Prop("is_internal", pdk.Boolean("Only the organization itself sees it.")),
			pdk.Prop("is_primary", pdk.Boolean("It is the account's main channel.")),
			pdk.Prop("mirror_to", pdk.Object("Channel that receives a copy.",
				pdk.Prop("channel_id", text("Id of that channel.")),
				pdk.Prop("source", text("System of that channel, such as slack.")))),
			pdk.Prop("source", text("System of the channel, such as slack.")),
		)).Max(maxItems)),
		customFields(),
		externalIDs(),
		pdk.Body("subaccount_ids", ids("Accounts that belong to this one.")),
	}
)

// accountOperations are the operations on accounts and their parts.
func accountOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "accounts", Action: "list", Title: "List accounts", Effect: pdk.Read,
			Description: "All accounts: the companies that the organization supports.",
			Method:      "GET", Path: "/accounts",
			Data: "/data", Meta: pageMeta, Page: queryPage(999), RateLimit: perMinute(60),
			Examples: []string{`{}`, `{"limit":100}`},
		},
		{
			Entity: "accounts", Action: "search", Title: "Search accounts", Effect: pdk.Read,
			Description: "Accounts that match a filter or contain words.",
			Method:      "POST", Path: "/accounts/search",
			Params: []pdk.Param{
				filter("id (equals, in, not_in); name (equals, in, not_in, string_contains); domains, tags (contains, does_not_contain, in, not_in); " +
					"external_ids, owner_id (equals, in, not_in, is_set, is_unset); and the slug of any custom field."),
				searchText,
			},
			Data: "/data", Meta: pageMeta, Page: bodyPage(), RateLimit: perMinute(20),
			Examples: []string{`{"filter":{"field":"domains","operator":"contains","value":"example.com"}}`},
		},
		{
			Entity: "accounts", Action: "get", Title: "Get an account", Effect: pdk.Read,
			Description: "One account, by its id or an external id.",
			Method:      "GET", Path: "/accounts/{id}",
			Params: []pdk.Param{accountID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"acc_1"}`},
		},
		{
			Entity: "accounts", Action: "create", Title: "Create an account", Effect: pdk.Write,
			Description: "Adds an account. If it exists already, the error names the id of the one that does.",
			Method:      "POST", Path: "/accounts",
			Params: append([]pdk.Param{
				pdk.Body("name", text("Name of the account.")).Required(),
				pdk.Body("domain", text("One domain, where there is only one; otherwise use domains.")),
			}, accountFields...),
			Data: "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"name":"Example Ltd","domains":["example.com"],"primary_domain":"example.com"}`},
		},
		{
			Entity: "accounts", Action: "update", Title: "Update an account", Effect: pdk.Write, Idempotent: true,
			Description: "Changes fields of an account; what is not named stays. Lists are replaced as a whole.",
			Method:      "PATCH", Path: "/accounts/{id}",
			Params: append([]pdk.Param{
				accountID,
				pdk.Body("name", text("Name of the account.")),
				pdk.Body("is_disabled", pdk.Boolean("Disable the account, or enable it again.")),
			}, accountFields...),
			Data: "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"acc_1","is_disabled":true}`},
		},
		{
			Entity: "accounts", Action: "delete", Title: "Delete an account", Effect: pdk.Delete, Idempotent: true,
			Description: "Removes an account, for good.",
			Method:      "DELETE", Path: "/accounts/{id}",
			Params: []pdk.Param{accountID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(10),
			Examples: []string{`{"id":"acc_1"}`},
		},
		{
			Entity: "account_activities", Action: "create", Title: "Record an account activity", Effect: pdk.Write,
			Description: "Adds an entry to the timeline of an account. Its kind comes from activity_types.list.",
			Method:      "POST", Path: "/accounts/{id}/activities",
			Params: []pdk.Param{
				accountID,
				pdk.Body("slug", text("Slug of the kind of activity, as activity_types.list gives it.")).Required(),
				pdk.Body("body_html", html("What happened, as HTML.")),
				pdk.Body("happened_at", text("When it happened, RFC 3339.")),
				pdk.Body("contact_id", id("Contact who did it.")),
				pdk.Body("user_id", id("User who did it.")),
				pdk.Body("link", url("URL of more about it.")),
				pdk.Body("link_text", text("Text of the link.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"acc_1","slug":"call","body_html":"<p>Quarterly review.</p>"}`},
		},
		{
			Entity: "activity_types", Action: "list", Title: "List activity types", Effect: pdk.Read, List: true,
			Description: "The kinds of account activities that the organization has.",
			Method:      "GET", Path: "/activity-types",
			Data: "/data", Meta: requestID, RateLimit: perMinute(10),
		},
		{
			Entity: "account_highlights", Action: "create", Title: "Add an account highlight", Effect: pdk.Write,
			Description: "Pins a short text to an account, for everybody who works on its issues.",
			Method:      "POST", Path: "/accounts/{account_id}/highlights",
			Params: []pdk.Param{
				pdk.Path("account_id", id("Id of the account.")),
				pdk.Body("content_html", html("The text, as HTML.")).Required(),
				pdk.Body("expires_at", text("When it goes away by itself, RFC 3339.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(10),
			Examples: []string{`{"account_id":"acc_1","content_html":"<p>Renewal in August.</p>","expires_at":"2026-09-01T00:00:00Z"}`},
		},
		{
			Entity: "account_highlights", Action: "update", Title: "Update an account highlight", Effect: pdk.Write, Idempotent: true,
			Description: "Changes the text or the expiry of a highlight.",
			Method:      "PATCH", Path: "/accounts/{account_id}/highlights/{highlight_id}",
			Params: []pdk.Param{
				pdk.Path("account_id", id("Id of the account.")),
				pdk.Path("highlight_id", id("Id of the highlight.")),
				pdk.Body("content_html", html("The text, as HTML.")),
				pdk.Body("expires_at", text("When it goes away by itself, RFC 3339.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"account_id":"acc_1","highlight_id":"hl_1","content_html":"<p>Renews in June.</p>"}`},
		},
		{
			Entity: "account_highlights", Action: "delete", Title: "Delete an account highlight", Effect: pdk.Delete, Idempotent: true,
			Description: "Takes a highlight away from an account.",
			Method:      "DELETE", Path: "/accounts/{account_id}/highlights/{highlight_id}",
			Params: []pdk.Param{
				pdk.Path("account_id", id("Id of the account.")),
				pdk.Path("highlight_id", id("Id of the highlight.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"account_id":"acc_1","highlight_id":"hl_1"}`},
		},
	}
}
