// Command right is a connector whose vendor answers in every way that vendors do: records by
// offset, by a link and by a header, CSV, text, bytes, and exports that one waits for. It is as
// its author should write it, and passes all tests.
package main

import (
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

const origin = "https://api.right.example"

var connector = pdk.Connector{
	Name:        "right",
	Title:       "Right",
	Version:     "1.0.0",
	Description: "Users, incidents, reports and exports of an on-call platform.",
	// As PagerDuty wants it: without it, the vendor answers in its oldest form.
	Accept:  "application/vnd.right+json;version=2",
	Servers: []abi.Server{{ID: "main", URL: origin}},
	Auth: abi.AuthSchema{Schemes: []abi.AuthScheme{{
		ID: "token", Type: abi.AuthAPIKey,
		Fields:  []abi.AuthField{{Name: "api_token", Title: "API token", Secret: true, Required: true}},
		Inject:  []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Token token={api_token}"}},
		Origins: []string{origin},
	}}},
	Check:       abi.OperationRef{Entity: "users", Action: "list"},
	RateHeaders: []abi.RateHeaders{{Remaining: "X-Calls-Left", Reset: "X-Calls-Renewed-Ms", Unit: "milliseconds"}},
	Sync:        []abi.Sync{{Entity: "users", Text: []string{"name"}}, {Entity: "incidents"}, {Entity: "teams", Each: &abi.SyncEach{Param: "/organization", Values: []string{"o1", "o2"}, As: "organization"}}},
	Operations:  []pdk.Operation{usersList, incidentsList, teamsList, reportsDownload, rowsList, notesGet, picturesDownload, attachmentsDownload, exportsDownload, exportsWait},
}

// Describe writes what the connector can do.
//
//go:wasmexport describe
func Describe() int32 { return pdk.Describe(&connector) }

// AuthSchema writes how the vendor authenticates.
//
//go:wasmexport auth_schema
func AuthSchema() int32 { return pdk.AuthSchema(&connector) }

// Execute runs one operation.
//
//go:wasmexport execute
func Execute() int32 { return pdk.Execute(&connector) }

func main() {}
