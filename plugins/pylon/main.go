// Command pylon is the connector for Pylon, a customer support platform. It is
// built to WebAssembly:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o pylon.wasm ./plugins/pylon
//
// The connector is the tables, one file per area; windows.go, attachments.go and errors.go have the
// rest. Their source is Pylon's OpenAPI file of July 2026 and, for the names, Airbyte's connector of
// the same name.
package main

import (
	"slices"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

var connector = pdk.Connector{
	Name:        "pylon",
	Title:       "Pylon",
	Version:     "1.0.0",
	Description: "Customer support in Pylon: issues and their messages, accounts, contacts, teams, tasks, projects and knowledge bases.",
	DocsURL:     "https://docs.usepylon.com/pylon-docs/developer/api/api-reference",
	Airbyte:     &airbyte,
	Servers: []abi.Server{
		{ID: "us", URL: usOrigin, Title: "United States"},
		{ID: "eu", URL: euOrigin, Title: "European Union"},
	},
	Auth:        auth,
	Check:       abi.OperationRef{Entity: "me", Action: "get"},
	Definitions: definitions,
	Records:     records,
	Sync:        copies,
	Operations: slices.Concat(
		issueOperations(), issueDetailOperations(), messageOperations(),
		accountOperations(), contactOperations(), organizationOperations(),
		fieldOperations(), taskOperations(), projectOperations(), knowledgeOperations(), macroOperations(),
	),
	Error: vendorError,
}

const (
	usOrigin = "https://api.usepylon.com"
	euOrigin = "https://api.eu.usepylon.com"
)

var auth = abi.AuthSchema{
	Schemes: []abi.AuthScheme{{
		ID:          "api_token",
		Type:        abi.AuthBearer,
		Title:       "API token",
		Description: "A token that an admin of the Pylon organization makes under Settings, API tokens. Each region has its own tokens.",
		Fields: []abi.AuthField{{
			Name: "api_token", Title: "API token", Description: "The token itself.", Secret: true, Required: true,
		}},
		Inject:  []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {api_token}"}},
		Origins: []string{usOrigin, euOrigin},
	}},
	Replication: []abi.AuthField{{
		Name: "start_date", Title: "Start date", Required: true, Format: "date-time",
		Pattern:     `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`,
		Description: "From when on hosted mode copies data, in UTC: YYYY-MM-DDTHH:mm:ssZ.",
	}},
}

// Describe writes the manifest.
//
//go:wasmexport describe
func Describe() int32 { return pdk.Describe(&connector) }

// AuthSchema writes how Pylon authenticates.
//
//go:wasmexport auth_schema
func AuthSchema() int32 { return pdk.AuthSchema(&connector) }

// Execute runs one operation.
//
//go:wasmexport execute
func Execute() int32 { return pdk.Execute(&connector) }

func main() {}
