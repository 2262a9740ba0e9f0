// Command connector-hello is a connector of one operation, as a start for your own.
// It lives in its own module; nothing of agenthost is rebuilt for it:
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o hello.wasm .
//
// Put hello.wasm into the folder of plugins, and `agenthost connectors` shows it.
package main

import (
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

const origin = "https://api.hello.example"

var connector = pdk.Connector{
	Name:        "hello",
	Title:       "Hello",
	Version:     "1.0.0",
	Description: "Greets people in many languages.",
	Servers:     []abi.Server{{ID: "main", URL: origin}},
	Auth: abi.AuthSchema{Schemes: []abi.AuthScheme{{
		ID:      "api_key",
		Type:    abi.AuthAPIKey,
		Fields:  []abi.AuthField{{Name: "api_key", Title: "API key", Secret: true, Required: true}},
		Inject:  []abi.Injection{{In: abi.InHeader, Name: "X-Api-Key", Value: "{api_key}"}},
		Origins: []string{origin},
	}}},
	Operations: []pdk.Operation{{
		Entity: "greetings", Action: "get", Title: "Get a greeting", Effect: pdk.Read,
		Description: "A greeting for somebody, in a language.",
		Method:      "GET", Path: "/greetings/{name}",
		Params: []pdk.Param{
			pdk.Path("name", pdk.String("Who is greeted.").Min(1).Max(100)),
			pdk.Query("language", pdk.String("Language of the greeting, such as de; English if left out.").Max(10)),
		},
		Data:     "/greeting",
		Examples: []string{`{"name":"Ada","language":"de"}`},
	}},
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
