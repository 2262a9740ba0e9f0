// Command badmanifest is a connector whose manifest is wrong in one field: the effect
// of its only operation.
package main

import (
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// connector is read only.
var connector = pdk.Connector{
	Name: "badmanifest", Title: "Bad manifest", Version: "0.1.0", Description: "Declares an effect that does not exist.",
	Servers: []abi.Server{{ID: "main", URL: "https://api.example.com"}},
	Auth: abi.AuthSchema{Schemes: []abi.AuthScheme{{
		ID: "key", Type: abi.AuthBearer,
		Fields:  []abi.AuthField{{Name: "key", Secret: true, Required: true}},
		Inject:  []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {key}"}},
		Origins: []string{"https://api.example.com"},
	}}},
	Operations: []pdk.Operation{{
		Entity: "things", Action: "list", Description: "Lists things.", Effect: "explode", Method: "GET", Path: "/things",
	}},
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
