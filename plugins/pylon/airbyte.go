package main

import "github.com/agenthost/agenthost/pdk/abi"

// airbyte is Airbyte's connector of October 2026. Its writes return Pylon's whole answer, its reads
// only the record.
var airbyte = abi.Airbyte{
	ConnectorType: "Pylon",
	DefinitionID:  "f2e53e88-3c6b-4e5a-b7c2-a1d9c5e8f4b6",
	Check:         &abi.OperationRef{Entity: "accounts", Action: "list"},
	Envelope:      &abi.Envelope{Record: "data", Marks: []string{"request_id"}},
	Operations:    airbyteOperations,
	ContextStore: []abi.SearchEntity{
		{Entity: "issues", Fields: []string{
			"id", "title", "state", "source", "type", "number", "created_at", "latest_message_time",
			"resolution_time", "snoozed_until_time", "customer_portal_visible",
		}},
		{Entity: "accounts", Fields: []string{
			"id", "name", "domain", "primary_domain", "type", "is_disabled", "created_at",
			"latest_customer_activity_time",
		}},
		{Entity: "contacts", Fields: []string{"id", "name", "email", "primary_phone_number", "portal_role"}},
		{Entity: "teams", Fields: []string{"id", "name"}},
		{Entity: "tags", Fields: []string{"id", "value", "object_type"}},
		{Entity: "users", Fields: []string{"id", "name", "email", "role_id", "status"}},
		{Entity: "custom_fields", Fields: []string{"id", "label", "slug", "type", "object_type", "is_read_only", "created_at"}},
		{Entity: "ticket_forms", Fields: []string{"id", "name", "slug", "is_public"}},
		{Entity: "user_roles", Fields: []string{"id", "name", "slug"}},
	},
}
