// Command ashby is the connector for Ashby, a recruiting platform. It is built to
// WebAssembly:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o ashby.wasm ./plugins/ashby
//
// The connector is the tables, one file per area; sync.go and errors.go have the rest. Their source
// is Ashby's API reference of spring 2026 and, for the names, Airbyte's connector of the same name.
package main

import (
	"slices"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

var connector = pdk.Connector{
	Name:        "ashby",
	Title:       "Ashby",
	Version:     "1.0.0",
	Description: "Recruiting in Ashby: candidates and their applications, jobs and job postings, interviews, offers, and the organization's departments, locations and users.",
	DocsURL:     "https://developers.ashbyhq.com/reference",
	Airbyte:     &airbyte,
	Servers:     []abi.Server{{ID: "main", URL: origin}},
	Auth:        auth,
	Check:       abi.OperationRef{Entity: "api_key", Action: "get"},
	Records:     records,
	Sync:        copies,
	Operations: slices.Concat(
		candidateOperations(), candidateDetailOperations(), applicationOperations(), applicationDetailOperations(),
		jobOperations(), interviewOperations(), offerOperations(), organizationOperations(),
		processOperations(), accountOperations(),
	),
	Failed: failed,
	Error:  vendorError,
}

const origin = "https://api.ashbyhq.com"

var auth = abi.AuthSchema{
	Schemes: []abi.AuthScheme{{
		ID:          "api_key",
		Type:        abi.AuthBasic,
		Title:       "API key",
		Description: "A key that an admin of the Ashby organization makes. It has permissions of its own, to read or write each kind of data; the manifest names the one that each operation needs.",
		Fields: []abi.AuthField{{
			Name: "api_key", Title: "API key", Description: "The key itself.", Secret: true, Required: true,
		}},
		Basic:   &abi.Basic{Username: "{api_key}"},
		Origins: []string{origin},
	}},
	Replication: []abi.AuthField{{
		Name: "start_date", Title: "Start date", Required: true, Format: "date-time",
		Pattern:     `\d{4}-\d\d-\d\dT00:00:00Z`,
		Description: "From when on hosted mode copies data, in UTC: YYYY-MM-DDT00:00:00Z.",
	}},
}

// Describe writes the manifest.
//
//go:wasmexport describe
func Describe() int32 { return pdk.Describe(&connector) }

// AuthSchema writes how Ashby authenticates.
//
//go:wasmexport auth_schema
func AuthSchema() int32 { return pdk.AuthSchema(&connector) }

// Execute runs one operation.
//
//go:wasmexport execute
func Execute() int32 { return pdk.Execute(&connector) }

func main() {}
