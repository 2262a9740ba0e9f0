package main

import "github.com/agenthost/agenthost/pdk"

// candidateID is the parameter of operations that change a candidate.
//
//go:noinline
func candidateID() pdk.Param {
	return pdk.Body("candidateId", id("Id of the candidate.")).Required()
}

func candidateOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "candidates", Action: "list", Title: "List candidates", Effect: pdk.Read, Permission: "candidatesRead",
			Description: "All candidates: the people who applied, or whom recruiters found. To find one by name or e-mail address, use candidates.search.",
			Method:      "POST", Path: "/candidate.list",
			Params: []pdk.Param{syncToken(), createdAfter()},
			Data:   "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{}`, `{"limit":100}`, `{"createdAfter":1767225600000}`},
		},
		{
			Entity: "candidates", Action: "get", Title: "Get a candidate", Effect: pdk.Read, Permission: "candidatesRead",
			Description: "One candidate, by id or by the id that another system has for it.",
			Method:      "POST", Path: "/candidate.info",
			Params: []pdk.Param{
				pdk.Body("id", id("Id of the candidate. Needed unless externalMappingId is given.")),
				pdk.Body("externalMappingId", id("Id of the candidate in a system that Ashby is connected to, in place of id.")),
			},
			Data: "/results", Meta: warnings, AnyOf: []string{"id", "externalMappingId"},
			Examples: []string{`{"id":"3ae2b801-19f6-41ef-ad28-214bd731948f"}`},
		},
		{
			Entity: "candidates", Action: "search", Title: "Search candidates", Effect: pdk.Read, List: true, Permission: "candidatesRead",
			Description: "Candidates with an e-mail address or a name; give at least one of the two. With both, candidates must match both. Ashby does not paginate this list and gives at most 100.",
			Method:      "POST", Path: "/candidate.search",
			Params: []pdk.Param{
				pdk.Body("email", text("E-mail address of the candidate.")),
				pdk.Body("name", text("Name of the candidate.")),
			},
			Data: "/results", Meta: warnings, AnyOf: []string{"email", "name"},
			Examples: []string{`{"email":"ada@example.com"}`, `{"name":"Ada Lovelace"}`},
		},
		{
			Entity: "candidates", Action: "create", Title: "Create a candidate", Effect: pdk.Write, Permission: "candidatesWrite",
			Description: "Adds a candidate. Search by e-mail address first, so that nobody is there twice. To consider the candidate for a job, use applications.create afterwards.",
			Method:      "POST", Path: "/candidate.create",
			Params: []pdk.Param{
				pdk.Body("name", text("First and last name.").Min(1)).Required(),
				pdk.Body("email", text("Main e-mail address.")),
				pdk.Body("phoneNumber", text("Main phone number.")),
				pdk.Body("linkedInUrl", url("URL of the LinkedIn profile.")),
				pdk.Body("githubUrl", url("URL of the GitHub profile.")),
				pdk.Body("website", url("URL of the candidate's website.")),
				pdk.Body("alternateEmailAddresses", texts("Further e-mail addresses.")),
				pdk.Body("sourceId", id("Where the candidate comes from; sources.list has the ids.")),
				pdk.Body("creditedToUserId", id("User who found the candidate.")),
				pdk.Body("location", location),
				pdk.Body("createdAt", pdk.DateTime("When the candidate shall count as created; now, if absent.")),
			},
			Data: "/results", Meta: warnings,
			Examples: []string{`{"name":"Ada Lovelace","email":"ada@example.com"}`},
		},
		{
			Entity: "candidates", Action: "update", Title: "Update a candidate", Effect: pdk.Write, Idempotent: true, Permission: "candidatesWrite",
			Description: "Changes fields of a candidate; what is not named stays. Values of custom fields are set with custom_fields.set_value.",
			Method:      "POST", Path: "/candidate.update",
			Params: []pdk.Param{
				candidateID(),
				pdk.Body("name", text("First and last name.")),
				pdk.Body("email", text("Main e-mail address.")),
				pdk.Body("phoneNumber", text("Main phone number.")),
				pdk.Body("linkedInUrl", url("URL of the LinkedIn profile.")),
				pdk.Body("githubUrl", url("URL of the GitHub profile.")),
				pdk.Body("websiteUrl", url("URL of the candidate's website.")),
				pdk.Body("alternateEmail", text("A further e-mail address to add.")),
				pdk.Body("socialLinks", pdk.Array("All the links that the candidate shall have.", pdk.Object("One link.",
					pdk.Prop("type", pdk.Enum("Where it leads.", "LinkedIn", "GitHub", "Twitter", "Medium", "StackOverflow", "YouTube", "CodePen", "Website")).Required(),
					pdk.Prop("url", url("URL of the profile.")).Required())).Max(maxItems)),
				pdk.Body("sourceId", id("Where the candidate comes from; sources.list has the ids.")),
				pdk.Body("creditedToUserId", id("User who found the candidate.")),
				pdk.Body("location", location),
				pdk.Body("createdAt", pdk.DateTime("When the candidate shall count as created.")),
				pdk.Body("sendNotifications", pdk.Boolean("Tell users who follow the candidate.").Default("true")),
			},
			Data: "/results", Meta: warnings,
			Examples: []string{`{"candidateId":"3ae2b801-19f6-41ef-ad28-214bd731948f","phoneNumber":"+44 20 7946 0000","sendNotifications":false}`},
		},
		{
			Entity: "candidates", Action: "anonymize", Title: "Anonymize a candidate", Effect: pdk.Delete, Idempotent: true, Permission: "candidatesWrite",
			Description: "Removes everything that says who a candidate is, for good. There is no way back.",
			Method:      "POST", Path: "/candidate.anonymize",
			Params: []pdk.Param{candidateID()},
			Data:   "/results", Meta: warnings,
			Examples: []string{`{"candidateId":"3ae2b801-19f6-41ef-ad28-214bd731948f"}`},
		},
		{
			Entity: "candidates", Action: "add_tag", Title: "Tag a candidate", Effect: pdk.Write, Idempotent: true, Permission: "candidatesWrite",
			Description: "Gives a candidate a tag that the organization has; candidate_tags.list has their ids.",
			Method:      "POST", Path: "/candidate.addTag",
			Params: []pdk.Param{candidateID(), pdk.Body("tagId", id("Id of the tag.")).Required()},
			Data:   "/results", Meta: warnings,
			Examples: []string{`{"candidateId":"3ae2b801-19f6-41ef-ad28-214bd731948f","tagId":"2c6991c5-c9e2-4af8-879e-29c5a9d26509"}`},
		},
		{
			Entity: "candidates", Action: "remove_tag", Title: "Untag a candidate", Effect: pdk.Write, Idempotent: true, Permission: "candidatesWrite",
			Description: "Takes a tag away from a candidate. The tag itself stays.",
			Method:      "POST", Path: "/candidate.removeTag",
			Params: []pdk.Param{candidateID(), pdk.Body("tagId", id("Id of the tag.")).Required()},
			Data:   "/results", Meta: warnings,
			Examples: []string{`{"candidateId":"3ae2b801-19f6-41ef-ad28-214bd731948f","tagId":"2c6991c5-c9e2-4af8-879e-29c5a9d26509"}`},
		},
		{
			Entity: "candidates", Action: "add_project", Title: "Add a candidate to a project", Effect: pdk.Write, Idempotent: true, Permission: "candidatesWrite",
			Description: "Puts a candidate into a project, which is a collection of candidates; projects.list has their ids.",
			Method:      "POST", Path: "/candidate.addProject",
			Params: []pdk.Param{candidateID(), pdk.Body("projectId", id("Id of the project.")).Required()},
			Data:   "/results", Meta: warnings,
			Examples: []string{`{"candidateId":"3ae2b801-19f6-41ef-ad28-214bd731948f","projectId":"2c6991c5-c9e2-4af8-879e-29c5a9d26509"}`},
		},
		{
			Entity: "candidates", Action: "remove_project", Title: "Take a candidate out of a project", Effect: pdk.Write, Idempotent: true, Permission: "candidatesWrite",
			Description: "Takes a candidate out of a project. The project itself stays.",
			Method:      "POST", Path: "/candidate.removeProject",
			Params: []pdk.Param{candidateID(), pdk.Body("projectId", id("Id of the project.")).Required()},
			Data:   "/results", Meta: warnings,
			Examples: []string{`{"candidateId":"3ae2b801-19f6-41ef-ad28-214bd731948f","projectId":"2c6991c5-c9e2-4af8-879e-29c5a9d26509"}`},
		},
	}
}
