// Command notes is a connector of a vendor of one's own, for tests with many calls: the vendor says
// whose credential it got. It has a rate limit for one operation only.
package main

import (
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

const origin = "https://notes.example"

var connector = pdk.Connector{
	Name: "notes", Title: "Notes", Version: "1.0.0", Description: "A vendor that keeps notes.",
	Servers: []abi.Server{{ID: "main", URL: origin}},
	Auth: abi.AuthSchema{Schemes: []abi.AuthScheme{{
		ID: "token", Type: abi.AuthBearer, Fields: []abi.AuthField{{Name: "token", Secret: true, Required: true}},
		Inject: []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {token}"}}, Origins: []string{origin},
	}}},
	Check: abi.OperationRef{Entity: "me", Action: "get"},
	Operations: []pdk.Operation{
		{Entity: "me", Action: "get", Description: "Who is logged in.", Effect: pdk.Read, Method: "GET", Path: "/me", Data: "/data"},
		{
			Entity: "me", Action: "count", Description: "Who is logged in, at most 100 times in a second.", Effect: pdk.Read, Method: "GET", Path: "/limited", Data: "/data",
			RateLimit: abi.RateLimit{Requests: 100, PerSeconds: 1},
		},
		{
			Entity: "notes", Action: "create", Description: "Writes a note.", Effect: pdk.Write, Method: "POST", Path: "/notes", Data: "/data",
			Params: []pdk.Param{
				pdk.Body("name", pdk.String("The name of the note.")),
				pdk.Body("high", pdk.String("The first part of its text.")),
				pdk.Body("low", pdk.String("The second part of its text.")),
			},
		},
	},
}

// Describe writes the manifest.
//
//go:wasmexport describe
func Describe() int32 { return pdk.Describe(&connector) }

// AuthSchema writes how the vendor authenticates.
//
//go:wasmexport auth_schema
func AuthSchema() int32 { return pdk.AuthSchema(&connector) }

// Execute runs an operation.
//
//go:wasmexport execute
func Execute() int32 { return pdk.Execute(&connector) }

func main() {}
