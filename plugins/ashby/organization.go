package main

import "github.com/agenthost/agenthost/pdk"

// organizationOperations are the operations on departments, locations and users.
func organizationOperations() []pdk.Operation {
	return []pdk.Operation{
		{
			Entity: "departments", Action: "list", Title: "List departments", Effect: pdk.Read, Permission: "organizationRead",
			Description: "The departments and teams; parentId says which belongs to which.",
			Method:      "POST", Path: "/department.list",
			Params: []pdk.Param{includeArchived(), syncToken()},
			Data:   "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{}`},
		},
		{
			Entity: "departments", Action: "get", Title: "Get a department", Effect: pdk.Read, Permission: "organizationRead",
			Description: "One department or team.",
			Method:      "POST", Path: "/department.info",
			Params: []pdk.Param{pdk.Body("departmentId", id("Id of the department.")).Required()},
			Data:   "/results", Meta: warnings,
			Examples: []string{`{"departmentId":"3ae2b801-19f6-41ef-ad28-214bd731948f"}`},
		},
		{
			Entity: "locations", Action: "list", Title: "List locations", Effect: pdk.Read, Permission: "organizationRead",
			Description: "The places where the organization has jobs.",
			Method:      "POST", Path: "/location.list",
			Params: []pdk.Param{
				syncToken(), includeArchived(),
				include("includeLocationHierarchy", "the regions that locations belong to."),
			},
			Data: "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{}`},
		},
		{
			Entity: "locations", Action: "get", Title: "Get a location", Effect: pdk.Read, Permission: "organizationRead",
			Description: "One location.",
			Method:      "POST", Path: "/location.info",
			Params: []pdk.Param{pdk.Body("locationId", id("Id of the location.")).Required()},
			Data:   "/results", Meta: warnings,
			Examples: []string{`{"locationId":"3ae2b801-19f6-41ef-ad28-214bd731948f"}`},
		},
		{
			Entity: "brands", Action: "list", Title: "List brands", Effect: pdk.Read, Permission: "organizationRead",
			Description: "The brands under which the organization advertises jobs.",
			Method:      "POST", Path: "/brand.list",
			Data: "/results", Meta: pageMeta, Page: page(),
			Examples: []string{`{}`},
		},
		{
			Entity: "users", Action: "list", Title: "List users", Effect: pdk.Read, Permission: "organizationRead",
			Description: "The users of the organization: recruiters, interviewers, hiring managers.",
			Method:      "POST", Path: "/user.list",
			Params: []pdk.Param{syncToken(), include("includeDeactivated", "users who were deactivated.")},
			Data:   "/results", Meta: syncMeta, Page: page(), Handle: listSync,
			Examples: []string{`{}`},
		},
		{
			Entity: "users", Action: "get", Title: "Get a user", Effect: pdk.Read, Permission: "organizationRead",
			Description: "One user of the organization, with the role.",
			Method:      "POST", Path: "/user.info",
			Params: []pdk.Param{pdk.Body("userId", id("Id of the user.")).Required()},
			Data:   "/results", Meta: warnings,
			Examples: []string{`{"userId":"3ae2b801-19f6-41ef-ad28-214bd731948f"}`},
		},
		{
			Entity: "users", Action: "search", Title: "Search users", Effect: pdk.Read, List: true, Permission: "organizationRead",
			Description: "The user with an e-mail address, as a list of one or none." + onePiece,
			Method:      "POST", Path: "/user.search",
			Params: []pdk.Param{pdk.Body("email", text("E-mail address of the user.").Min(1)).Required()},
			Data:   "/results", Meta: warnings,
			Examples: []string{`{"email":"grace@example.com"}`},
		},
	}
}
