package main

import "github.com/agenthost/agenthost/pdk"

// messageOperations are the operations on the messages of an issue.
func messageOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "messages", Action: "list", Title: "List the messages of an issue", Effect: pdk.Read,
			Description: "All messages of an issue, replies and internal notes alike. Without limit they come in one page.",
			Method:      "GET", Path: "/issues/{id}/messages",
			Params: []pdk.Param{issueID},
			Data:   "/data", Meta: pageMeta, Page: queryPage(1000), RateLimit: perMinute(20),
			Examples: []string{`{"id":"iss_1"}`},
		},
		{
			Entity: "messages", Action: "redact", Title: "Redact a message", Effect: pdk.Delete, Idempotent: true,
			Description: "Removes the content of a message, for good; that there was one stays visible.",
			Method:      "POST", Path: "/issues/{id}/messages/{message_id}/redact",
			Params: []pdk.Param{issueID, messageID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"iss_1","message_id":"msg_1"}`},
		},
		{
			Entity: "messages", Action: "delete", Title: "Delete a message", Effect: pdk.Delete, Idempotent: true,
			Description: "Removes a message from an issue, for good.",
			Method:      "DELETE", Path: "/issues/{id}/messages/{message_id}",
			Params: []pdk.Param{issueID, messageID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(10),
			Examples: []string{`{"id":"iss_1","message_id":"msg_1"}`},
		},
		{
			Entity: "issue_replies", Action: "create", Title: "Reply to an issue", Effect: pdk.Write,
			Description: "Sends a reply that the customer sees. Needs the id of the message that it answers, from messages.list. For an issue that came by e-mail, email_info must name at least one recipient.",
			Method:      "POST", Path: "/issues/{id}/reply",
			Params: []pdk.Param{
				issueID,
				pdk.Body("body_html", html("The reply, as HTML.")).Required(),
				pdk.Body("message_id", id("Id of the message that it answers.")).Required(),
				pdk.Body("user_id", id("User who replies; not together with contact_id.")),
				pdk.Body("contact_id", id("Contact who replies; not together with user_id.")),
				pdk.Body("attachment_urls", texts("URLs of files to attach; attachments.create makes some.")),
				pdk.Body("custom_source", pdk.Object("Where the message comes from, if another system sends it.",
					pdk.Prop("external_id", text("Id of the message in that system.")).Required(),
					pdk.Prop("created_at", text("When it was written, RFC 3339.")),
					pdk.Prop("metadata", pdk.Map("Anything else to keep with it.")))),
				pdk.Body("email_info", pdk.Object("Recipients, for an issue that came by e-mail.",
					pdk.Prop("to_emails", texts("Addresses in To.")),
					pdk.Prop("cc_emails", texts("Addresses in Cc.")),
					pdk.Prop("bcc_emails", texts("Addresses in Bcc.")))),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(10),
			Examples: []string{`{"id":"iss_1","message_id":"msg_1","body_html":"<p>Please try again now.</p>"}`},
		},
		{
			Entity: "issue_notes", Action: "create", Title: "Add an internal note", Effect: pdk.Write,
			Description: "Adds a note to an issue that customers do not see. Name a thread with thread_id, or a note in it with message_id, but not both.",
			Method:      "POST", Path: "/issues/{id}/note",
			Params: []pdk.Param{
				issueID,
				pdk.Body("body_html", html("The note, as HTML.")).Required(),
				pdk.Body("thread_id", id("Internal thread to write to.")),
				pdk.Body("message_id", id("A note in the thread to write to.")),
				pdk.Body("attachment_urls", texts("URLs of files to attach; attachments.create makes some.")),
				pdk.Body("thread_name", text("Name of the thread, if the note starts one.")),
				pdk.Body("user_id", id("User who writes it.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(10),
			Examples: []string{`{"id":"iss_1","body_html":"<p>Looks like last week's outage.</p>"}`},
		},
		{
			Entity: "issue_threads", Action: "create", Title: "Start an internal thread", Effect: pdk.Write,
			Description: "Starts a thread in an issue for internal notes.",
			Method:      "POST", Path: "/issues/{id}/threads",
			Params: []pdk.Param{issueID, pdk.Body("name", text("Name of the thread."))},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"iss_1","name":"Root cause"}`},
		},
		{
			Entity: "issue_threads", Action: "list", Title: "List the internal threads of an issue", Effect: pdk.Read, List: true,
			Description: "The threads of internal notes in an issue.",
			Method:      "GET", Path: "/issues/{id}/threads",
			Params: []pdk.Param{issueID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"iss_1"}`},
		},
		{
			Entity: "attachments", Action: "create", Title: "Upload an attachment", Effect: pdk.Write,
			Description: "Stores a file in Pylon and returns a URL that attachment_urls takes. Give either the file itself or a URL where Pylon finds it.",
			Method:      "POST", Path: "/attachments", Handle: createAttachment,
			Params: []pdk.Param{
				pdk.Input("file", pdk.String("The file, in base64 (RFC 4648).").Max(maxFile)),
				pdk.Input("file_name", pdk.String("Name of the file; needed with file.").Min(1).Max(maxID)),
				pdk.Input("content_type", pdk.String("Media type of the file, such as image/png; application/octet-stream if left out.").Max(maxID)),
				pdk.Input("file_url", url("Where Pylon can fetch the file.")),
				pdk.Input("description", text("What the file shows.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(10),
			Examples: []string{
				`{"file":"aGVsbG8K","file_name":"hello.txt","content_type":"text/plain"}`,
				`{"file_url":"https://example.com/screenshot.png","description":"The blank page"}`,
			},
		},
	}
}

var messageID = pdk.Path("message_id", id("Id of the message."))
