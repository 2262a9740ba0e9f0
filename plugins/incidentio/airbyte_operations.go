package main

import "github.com/agenthost/agenthost/pdk/abi"

// airbyteOperations are those of Airbyte's connector, with its parameters.
var airbyteOperations = []abi.AirbyteOperation{
	{Entity: "incidents", Action: "list", Params: []string{"page_size", "after"}},
	{Entity: "incidents", Action: "get", Params: []string{"id"}},
	{Entity: "alerts", Action: "list", Params: []string{"page_size", "after"}},
	{Entity: "alerts", Action: "get", Params: []string{"id"}},
	{Entity: "escalations", Action: "list", Params: []string{"page_size", "after"}},
	{Entity: "escalations", Action: "get", Params: []string{"id"}},
	{Entity: "users", Action: "list", Params: []string{"page_size", "after"}},
	{Entity: "users", Action: "get", Params: []string{"id"}},
	{Entity: "incident_updates", Action: "list", Params: []string{"page_size", "after"}},
	{Entity: "incident_roles", Action: "list"},
	{Entity: "incident_roles", Action: "get", Params: []string{"id"}},
	{Entity: "incident_statuses", Action: "list"},
	{Entity: "incident_statuses", Action: "get", Params: []string{"id"}},
	{Entity: "incident_timestamps", Action: "list"},
	{Entity: "incident_timestamps", Action: "get", Params: []string{"id"}},
	{Entity: "severities", Action: "list"},
	{Entity: "severities", Action: "get", Params: []string{"id"}},
	{Entity: "custom_fields", Action: "list"},
	{Entity: "custom_fields", Action: "get", Params: []string{"id"}},
	{Entity: "catalog_types", Action: "list"},
	{Entity: "catalog_types", Action: "get", Params: []string{"id"}},
	{Entity: "schedules", Action: "list", Params: []string{"page_size", "after"}},
	{Entity: "schedules", Action: "get", Params: []string{"id"}},
	{Entity: "teams", Action: "list", Params: []string{"page_size", "after"}},
	{Entity: "teams", Action: "get", Params: []string{"id"}},
}
