// Command incidentio is the connector for incident.io, an incident management and
// on-call platform; its name is incident-io. It is built to WebAssembly:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o incident-io.wasm ./plugins/incidentio
//
// The connector is the tables, one file per area; filters.go and errors.go have the rest. Their
// source is incident.io's OpenAPI file of August 2026 and, for the names, Airbyte's connector of the
// same name.
//
// Two entities use deprecated endpoints: incident_roles (GET /v1/incident_roles) and catalog_types
// (GET /v2/catalog_types). Their successors answer less: a role of v2 lacks required, a catalog type
// of v3 lacks semantic_type. So list and get keep the old endpoints, and the successors have actions
// of their own: list_v2 and get_v2, list_v3 and get_v3.
package main

import (
	"slices"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

var connector = pdk.Connector{
	Name:        "incident-io",
	Title:       "incident.io",
	Version:     "1.0.0",
	Description: "Incident response and on-call in incident.io: incidents and their updates, alerts, escalations, schedules, follow-ups, the catalog, users and settings.",
	DocsURL:     "https://docs.incident.io/api-reference",
	Airbyte:     &airbyte,
	Servers:     []abi.Server{{ID: "main", URL: origin}},
	Auth:        auth,
	Check:       abi.OperationRef{Entity: "identity", Action: "get"},
	Records:     records,
	Sync:        copies,
	Operations: slices.Concat(
		incidentOperations(), incidentDetailOperations(), taskOperations(), settingOperations(), customFieldOperations(),
		alertOperations(), alertingOperations(), escalationOperations(), scheduleOperations(),
		catalogOperations(), organizationOperations(), statusPageOperations(),
	),
	Error: vendorError,
}

const origin = "https://api.incident.io"

// auth has two schemes because incident.io has two kinds of key: for the API, and for an alert
// source, which can only send that source's events. A connection has one or the other.
var auth = abi.AuthSchema{
	Schemes: []abi.AuthScheme{
		{
			ID:          "api_key",
			Type:        abi.AuthBearer,
			Title:       "API key",
			Description: "A key made in incident.io under Settings, API keys. What it may do is chosen when it is made.",
			Fields: []abi.AuthField{{
				Name: "api_key", Title: "API key", Description: "The key itself.", Secret: true, Required: true,
			}},
			Inject:  []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {api_key}"}},
			Origins: []string{origin},
		},
		{
			ID:          "alert_source_token",
			Type:        abi.AuthBearer,
			Title:       "Token of an alert source",
			Description: "For alert_events.create only: the token that incident.io shows in the settings of an HTTP alert source.",
			Fields: []abi.AuthField{{
				Name: "alert_source_token", Title: "Token of the alert source", Description: "The token itself.", Secret: true, Required: true,
			}},
			Inject:     []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {alert_source_token}"}},
			DirectOnly: true,
			Origins:    []string{origin},
		},
	},
}

// Describe writes the manifest.
//
//go:wasmexport describe
func Describe() int32 { return pdk.Describe(&connector) }

// AuthSchema writes how incident.io authenticates.
//
//go:wasmexport auth_schema
func AuthSchema() int32 { return pdk.AuthSchema(&connector) }

// Execute runs one operation.
//
//go:wasmexport execute
func Execute() int32 { return pdk.Execute(&connector) }

func main() {}
