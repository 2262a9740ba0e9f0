package main

import "github.com/agenthost/agenthost/pdk"

// issueDetailOperations are the operations on an issue's assignee, state, followers and links.
func issueDetailOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "issue_assignments", Action: "update", Title: "Assign an issue", Effect: pdk.Write, Idempotent: true,
			Description: "Sets or takes away the user and the team that work on an issue, and changes nothing else.",
			Method:      "PATCH", Path: "/issues/{id}",
			Params: []pdk.Param{
				issueID,
				pdk.Body("assignee_id", clearableID("User who works on it.")),
				pdk.Body("team_id", clearableID("Team that works on it.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"iss_1","assignee_id":"usr_1"}`, `{"id":"iss_1","assignee_id":""}`},
		},
		{
			Entity: "issue_statuses", Action: "update", Title: "Set the state of an issue", Effect: pdk.Write, Idempotent: true,
			Description: "Moves an issue to another state, and changes nothing else.",
			Method:      "PATCH", Path: "/issues/{id}",
			Params: []pdk.Param{issueID, pdk.Body("state", text("New state: "+stateMeaning)).Required()},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"iss_1","state":"waiting_on_customer"}`},
		},
		{
			Entity: "issue_statuses", Action: "list", Title: "List issue statuses", Effect: pdk.Read, List: true,
			Description: "The states that an issue can have in this organization, custom ones among them.",
			Method:      "GET", Path: "/issue-statuses",
			Data: "/data", Meta: requestID, RateLimit: perMinute(10),
		},
		{
			Entity: "issue_followers", Action: "list", Title: "List the followers of an issue", Effect: pdk.Read, List: true,
			Description: "The users and contacts who follow an issue.",
			Method:      "GET", Path: "/issues/{id}/followers",
			Params: []pdk.Param{issueID},
			Data:   "/data", Meta: requestID, RateLimit: perMinute(60),
			Examples: []string{`{"id":"iss_1"}`},
		},
		{
			Entity: "issue_followers", Action: "update", Title: "Add or remove followers of an issue", Effect: pdk.Write, List: true,
			Description: "Adds users and contacts to those who follow an issue, or removes them. Returns the followers.",
			Method:      "POST", Path: "/issues/{id}/followers",
			Params: []pdk.Param{
				issueID,
				pdk.Body("user_ids", ids("Users to add or remove.")),
				pdk.Body("contact_ids", ids("Contacts to add or remove.")),
				pdk.Body("operation", text("add or remove; Pylon adds if it is left out.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"iss_1","user_ids":["usr_1"],"operation":"add"}`},
		},
		{
			Entity: "external_issues", Action: "update", Title: "Link an issue to another tracker", Effect: pdk.Write,
			Description: "Links an issue to one in another tracker, such as Linear, Jira or GitHub, or takes the link away. Returns the issue.",
			Method:      "POST", Path: "/issues/{id}/external-issues",
			Params: []pdk.Param{
				issueID,
				pdk.Body("external_issue_id", text("Id of the issue in the other tracker.")).Required(),
				pdk.Body("source", text("The other tracker, such as linear, jira or github.")).Required(),
				pdk.Body("operation", text("link or unlink; Pylon links if it is left out.")),
			},
			Data: "/data", Meta: requestID, RateLimit: perMinute(20),
			Examples: []string{`{"id":"iss_1","external_issue_id":"ENG-12","source":"linear"}`},
		},
	}
}
