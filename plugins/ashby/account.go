package main

import (
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// accountOperations are the operations on API keys, webhooks and reports.
func accountOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "api_key", Action: "get", Title: "Get the API key", Effect: pdk.Read, Permission: "apiKeysRead",
			Description: "The API key that this connection uses: its title, when it was made, and what it may do.",
			Method:      "POST", Path: "/apiKey.info",
			Data: "/results", Meta: warnings, ContentType: "application/json",
			Examples: []string{`{}`},
		},
		{
			Entity: "webhooks", Action: "create", Title: "Create a webhook", Effect: pdk.Write, Permission: "apiKeysWrite",
			Description: "Makes Ashby send a request to a URL whenever something of a kind happens. From then on data of candidates goes there.",
			Method:      "POST", Path: "/webhook.create",
			Params: []pdk.Param{
				pdk.Body("webhookType", pdk.Enum("What to tell.", "applicationSubmit", "applicationUpdate", "candidateHire", "candidateStageChange",
					"candidateDelete", "candidateMerge", "interviewPlanTransition", "interviewScheduleCreate", "interviewScheduleUpdate",
					"jobPostingUpdate", "jobPostingPublish", "jobPostingUnpublish", "offerCreate", "offerUpdate", "offerDelete", "pushToHRIS", "surveySubmit")).Required(),
				pdk.Body("requestUrl", url("URL to send requests to.").Min(1)).Required(),
				pdk.Body("secretToken", pdk.String("Secret with which Ashby signs the requests, so that the receiver can tell that they are genuine.").Min(1).Max(maxName)).Required(),
			},
			Data: "/results", Meta: warnings,
			Examples: []string{`{"webhookType":"candidateHire","requestUrl":"https://example.com/hooks/ashby","secretToken":"a long random text"}`},
		},
		{
			Entity: "webhooks", Action: "get", Title: "Get a webhook", Effect: pdk.Read, Permission: "apiKeysRead",
			Description: "One webhook: what it tells, where to, and whether it is on. Ashby has no list of webhooks; webhooks.create answers the id.",
			Method:      "POST", Path: "/webhook.info",
			Params: []pdk.Param{webhookID()},
			Data:   "/results", Meta: warnings,
			Examples: []string{`{"webhookId":"3ae2b801-19f6-41ef-ad28-214bd731948f"}`},
		},
		{
			Entity: "webhooks", Action: "update", Title: "Update a webhook", Effect: pdk.Write, Idempotent: true, Permission: "apiKeysWrite",
			Description: "Turns a webhook on or off, or changes its URL or its secret; give at least one of the three. From then on data of candidates goes to a new URL.",
			Method:      "POST", Path: "/webhook.update",
			Params: []pdk.Param{
				webhookID(),
				pdk.Body("enabled", pdk.Boolean("Whether Ashby sends requests.")),
				pdk.Body("requestUrl", url("URL to send requests to.")),
				pdk.Body("secretToken", text("Secret with which Ashby signs the requests.")),
			},
			Data: "/results", Meta: warnings, AnyOf: []string{"enabled", "requestUrl", "secretToken"},
			Examples: []string{`{"webhookId":"3ae2b801-19f6-41ef-ad28-214bd731948f","enabled":false}`},
		},
		{
			Entity: "webhooks", Action: "delete", Title: "Delete a webhook", Effect: pdk.Delete, Idempotent: true, Permission: "apiKeysWrite",
			Description: "Removes a webhook, for good: Ashby sends it no more requests.",
			Method:      "POST", Path: "/webhook.delete",
			Params: []pdk.Param{webhookID()},
			Data:   "/results", Meta: warnings,
			Examples: []string{`{"webhookId":"3ae2b801-19f6-41ef-ad28-214bd731948f"}`},
		},
		{
			Entity: "reports", Action: "run", Title: "Run a report", Effect: pdk.Read, Permission: "reportsRead",
			Description: "The rows of a report that somebody made in Ashby, in reportData.data. Ashby gives up after 30 seconds: then status is not complete and there are no rows. " +
				"An organization may run 15 a minute, and 3 at once. Ashby calls this a beta.",
			Method: "POST", Path: "/report.synchronous",
			Params: []pdk.Param{
				pdk.Body("reportId", id("Id of the report, which its URL in Ashby has. Ashby has no list of reports.")).Required(),
				pdk.Body("includeHeadersInData", pdk.Boolean("Put the names of the columns into the first row.").Default("true")),
			},
			Data: "/results", Meta: warnings, RateLimit: abi.RateLimit{Requests: 15, PerSeconds: 60, Bucket: "reports"},
			Examples: []string{`{"reportId":"f9e52a51-a075-4116-a7b8-484deba69004"}`},
		},
	}
}

//go:noinline
func webhookID() pdk.Param { return pdk.Body("webhookId", id("Id of the webhook.")).Required() }
