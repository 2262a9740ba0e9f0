package main

import "github.com/agenthost/agenthost/pdk"

var issueDetailOperations, messageOperations, contactOperations, fieldOperations, workOperations, knowledgeOperations []pdk.Operation
var organizationOperations = []pdk.Operation{{
	Entity: "me", Action: "get", Title: "Get the caller", Effect: pdk.Read,
	Description: "The organization and the user that the token belongs to.",
	Method:      "GET", Path: "/me",
	Data: "/data", Meta: requestID, RateLimit: perMinute(60),
}}
