package main

import "github.com/agenthost/agenthost/pdk/abi"

// airbyteOperations are those of Airbyte's connector, with its parameters.
var airbyteOperations = []abi.AirbyteOperation{
	{Entity: "candidates", Action: "list", Params: []string{"cursor", "limit"}},
	{Entity: "candidates", Action: "get", Params: []string{"id"}},
	{Entity: "applications", Action: "list", Params: []string{"cursor", "limit"}},
	{Entity: "applications", Action: "get", Params: []string{"applicationId"}},
	{Entity: "jobs", Action: "list", Params: []string{"cursor", "limit"}},
	{Entity: "jobs", Action: "get", Params: []string{"id"}},
	{Entity: "departments", Action: "list", Params: []string{"cursor", "limit"}},
	{Entity: "departments", Action: "get", Params: []string{"departmentId"}},
	{Entity: "locations", Action: "list", Params: []string{"cursor", "limit"}},
	{Entity: "locations", Action: "get", Params: []string{"locationId"}},
	{Entity: "users", Action: "list", Params: []string{"cursor", "limit"}},
	{Entity: "users", Action: "get", Params: []string{"userId"}},
	{Entity: "job_postings", Action: "list", Params: []string{"cursor", "limit"}},
	{Entity: "job_postings", Action: "get", Params: []string{"jobPostingId"}},
	{Entity: "sources", Action: "list", Params: []string{"cursor", "limit"}},
	{Entity: "archive_reasons", Action: "list", Params: []string{"cursor", "limit"}},
	{Entity: "candidate_tags", Action: "list", Params: []string{"cursor", "limit"}},
	{Entity: "custom_fields", Action: "list", Params: []string{"cursor", "limit"}},
	{Entity: "feedback_form_definitions", Action: "list", Params: []string{"cursor", "limit"}},
}
