package main

import "github.com/agenthost/agenthost/pdk"

var issueID = pdk.Path("id", id("Id of the issue."))

const issueFilterFields = "created_at, updated_at, resolved_at, latest_message_activity_at (time_is_after, time_is_before, time_range); " +
	"account_id, ticket_form_id, requester_id, assignee_id, issue_type (equals, in, not_in, is_set, is_unset); " +
	"state, team_id, follower_user_id, follower_contact_id, slack_channel_id (equals, in, not_in); " +
	"tags (contains, does_not_contain, in, not_in); title, body_html (string_contains, string_does_not_contain); " +
	"and the slug of any custom field."

const stateMeaning = "new, waiting_on_you, waiting_on_customer, on_hold, closed, or the slug of a custom status from issue_statuses.list."

// issueOperations are the operations on issues themselves.
func issueOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "issues", Action: "list", Title: "List issues", Effect: pdk.Read,
			Description: "Issues created in a window of time. Pylon looks at 30 days at most; a longer window is walked in steps of 30 days, page by page.",
			Method:      "GET", Path: "/issues", Handle: listIssues,
			Params: []pdk.Param{
				pdk.Query("start_time", pdk.DateTime("Start of the window, RFC 3339.")).Required(),
				pdk.Query("end_time", pdk.DateTime("End of the window, RFC 3339, after the start.")).Required(),
			},
			Data: "/data", Meta: pageMeta, Page: queryPage(20000), RateLimit: perMinute(10),
			Examples: []string{`{"start_time":"2026-06-01T00:00:00Z","end_time":"2026-06-30T00:00:00Z","limit":100}`},
		},
		{
			Entity: "issues", Action: "search", Title: "Search issues", Effect: pdk.Read,
			Description: "Issues that match a filter or contain words, whenever they were created.",
			Method:      "POST", Path: "/issues/search",
			Params: []pdk.Param{filter(issueFilterFields), searchText},
			Data:   "/data", Meta: pageMeta, Page: bodyPage(), RateLimit: perMinute(20),
			Examples: []string{
				`{"filter":{"field":"state","operator":"equals","value":"waiting_on_you"},"limit":50}`,
				`{"filter":{"operator":"and","subfilters":[{"field":"state","operator":"in","values":["new","on_hold"]},{"field":"tags","operator":"contains","value":"urgent"}]}}`,
			},
		},
		{
			Entity: "issues", Action: "get", Title: "Get an issue", Effect: pdk.Read,
			Description: "One issue, by its id or its number.",
			Method:      "GET", Path: "/issues/{id}",
			Params: []pdk.Param{pdk.Path("id", id("Id of the issue, or its number as text."))},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"1042"}`},
		},
		{
			Entity: "issues", Action: "create", Title: "Create an issue", Effect: pdk.Write,
			Description: "Opens an issue with its first message. Say who asks with requester_id or requester_email, or which account it is for with account_id.",
			Method:      "POST", Path: "/issues",
			Params: []pdk.Param{
				pdk.Body("title", text("Subject of the issue.")).Required(),
				pdk.Body("body_html", html("First message, as HTML.")).Required(),
				pdk.Body("priority", text("urgent, high, medium or low.")),
				pdk.Body("requester_email", text("E-mail address of the customer; a contact is made if none has it.")),
				pdk.Body("requester_name", text("Name of the customer, for a contact that is made.")),
				pdk.Body("account_id", id("Account that the issue is for.")),
				pdk.Body("assignee_id", clearableID("User who works on it.")),
				pdk.Body("team_id", clearableID("Team that works on it.")),
				pdk.Body("tags", texts("Names of tags.")),
				pdk.Body("attachment_urls", texts("URLs of files to attach; attachments.create makes some.")),
				pdk.Body("author_unverified", pdk.Boolean("Mark the author as not verified.")),
				pdk.Body("contact_id", id("Contact who wrote the first message.")),
				pdk.Body("created_at", text("When it was created, RFC 3339, if that was earlier.")),
				customFields(),
				pdk.Body("customer_portal_visible", pdk.Boolean("Show it in the customer portal.")),
				pdk.Body("destination_metadata", pdk.Object("Where the conversation takes place.",
					pdk.Prop("destination", pdk.Enum("The channel.", "slack", "email", "in_app_chat", "internal", "sms", "whatsapp")).Required(),
					pdk.Prop("email", text("Address to write to, for email.")),
					pdk.Prop("email_ccs", texts("Addresses in Cc, for email.")),
					pdk.Prop("email_bccs", texts("Addresses in Bcc, for email.")),
					pdk.Prop("chat_widget_app_id", text("Chat widget, for in_app_chat.")),
					pdk.Prop("from_sms_phone_number_id", text("Number to send from, for sms.")),
					pdk.Prop("whatsapp_app_id", text("WhatsApp app, for whatsapp.")),
					pdk.Prop("whatsapp_message_template_name", text("Message template, for whatsapp.")),
					pdk.Prop("whatsapp_message_template_language", text("Language of the template, for whatsapp.")),
				)),
				pdk.Body("requester_avatar_url", url("Picture of the customer, for a contact that is made.")),
				pdk.Body("requester_id", id("Contact or user who asks.")),
				pdk.Body("user_id", id("User who wrote the first message.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(10),
			Examples: []string{`{"title":"Cannot log in","body_html":"<p>The login page stays blank.</p>","requester_email":"ada@example.com","priority":"high","tags":["login"]}`},
		},
		{
			Entity: "issues", Action: "update", Title: "Update an issue", Effect: pdk.Write, Idempotent: true,
			Description: "Changes fields of an issue; what is not named stays. Tags are replaced as a whole. To snooze an issue use issues.snooze.",
			Method:      "PATCH", Path: "/issues/{id}",
			Params: []pdk.Param{
				issueID,
				pdk.Body("state", text("New state: "+stateMeaning)),
				pdk.Body("assignee_id", clearableID("User who works on it.")),
				pdk.Body("team_id", clearableID("Team that works on it.")),
				pdk.Body("account_id", id("Account that the issue is for.")),
				pdk.Body("tags", texts("Names of all the tags that it shall have.")),
				customFields(),
				pdk.Body("customer_portal_visible", pdk.Boolean("Show it in the customer portal.")),
				pdk.Body("requester_id", id("Contact or user who asks.")),
				pdk.Body("requestor_id", id("The same as requester_id, in a spelling that Pylon takes too.")),
				pdk.Body("title", text("Subject of the issue.")),
				pdk.Body("type", pdk.Enum("Kind of issue.", "conversation", "ticket")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"iss_1","state":"closed"}`, `{"id":"iss_1","tags":["billing","vip"]}`},
		},
		{
			Entity: "issues", Action: "delete", Title: "Delete an issue", Effect: pdk.Delete, Idempotent: true,
			Description: "Removes an issue, for good.",
			Method:      "DELETE", Path: "/issues/{id}",
			Params: []pdk.Param{issueID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"iss_1"}`},
		},
		{
			Entity: "issues", Action: "snooze", Title: "Snooze an issue", Effect: pdk.Write, Idempotent: true,
			Description: "Puts an issue aside until a point in time.",
			Method:      "POST", Path: "/issues/{id}/snooze",
			Params: []pdk.Param{issueID, pdk.Body("snooze_until", text("When it comes back, RFC 3339.")).Required()},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"iss_1","snooze_until":"2026-07-01T09:00:00Z"}`},
		},
	}
}
