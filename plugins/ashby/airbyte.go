package main

import "github.com/agenthost/agenthost/pdk/abi"

// airbyte is Airbyte's connector of April 2026. Its get operations return Ashby's whole answer, its
// lists only the records.
var airbyte = abi.Airbyte{
	ConnectorType: "Ashby",
	DefinitionID:  "4e8c9fa0-3634-499b-b948-11581b5c3efa",
	Check:         &abi.OperationRef{Entity: "users", Action: "list"},
	Envelope:      &abi.Envelope{Record: "results", Marks: []string{"success"}},
	ListsSayMore:  true,
	Operations:    airbyteOperations,
	ContextStore: []abi.SearchEntity{
		{Entity: "applications", Fields: []string{"id", "status", "archiveReason", "createdAt", "updatedAt"}},
		{Entity: "candidates", Fields: []string{"id", "name", "company", "position", "school"}},
		{Entity: "job_postings", Fields: []string{"id", "title", "isListed", "jobId", "locationName"}},
		{Entity: "jobs", Fields: []string{"id", "title", "status", "departmentId", "locationId"}},
		{Entity: "users", Fields: []string{"id", "firstName", "lastName", "email"}},
	},
}
