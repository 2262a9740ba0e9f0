package main

import (
	"strings"

	"github.com/agenthost/agenthost/pdk"
)

// These operations need one of several parameters, which a table cannot say.

func getCandidate(c *pdk.Call) error { return needOneOf(c, "id", "externalMappingId") }

func getApplication(c *pdk.Call) error {
	return needOneOf(c, "applicationId", "submittedFormInstanceId")
}

func searchCandidates(c *pdk.Call) error { return needOneOf(c, "email", "name") }

func searchJobs(c *pdk.Call) error { return needOneOf(c, "title", "requisitionId") }

func updateWebhook(c *pdk.Call) error { return needOneOf(c, "enabled", "requestUrl", "secretToken") }

// needOneOf runs the operation, unless each of the parameters is absent or an empty text.
func needOneOf(c *pdk.Call, names ...string) error {
	for _, name := range names {
		if p := c.Param(name); p.Exists() && string(p) != `""` {
			return c.Run()
		}
	}
	return pdk.InvalidParam(names[0], "missing parameter "+names[0], "give "+strings.Join(names, " or "))
}
