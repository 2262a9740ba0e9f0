// Command connector is a connector whose operations the official conformance suites of MCP
// call. A tool is named connection_entity_action, so that a connection test of it has the
// tools that the suites want: test_simple_text is the operation simple.text. What a tool
// has to do, the operation does with what every connector has: a result, an error, several
// requests, a log line.
package main

import (
	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

const origin = "https://conformance.example"

var connector = pdk.Connector{
	Name: "conformance", Title: "Conformance", Version: "1.0.0",
	Description: "Operations that the conformance suites of MCP call.",
	Servers:     []abi.Server{{ID: "main", URL: origin}},
	Auth: abi.AuthSchema{Schemes: []abi.AuthScheme{{
		ID: "token", Type: abi.AuthBearer,
		Fields:  []abi.AuthField{{Name: "token", Title: "Token", Secret: true, Required: true}},
		Inject:  []abi.Injection{{In: abi.InHeader, Name: "Authorization", Value: "Bearer {token}"}},
		Origins: []string{origin},
	}}},
	Operations: []pdk.Operation{
		{
			Entity: "simple", Action: "text", Title: "Get a text", Effect: pdk.Read,
			Description: "A text, as the vendor has it.", Method: "GET", Path: "/text",
		},
		{
			Entity: "error", Action: "handling", Title: "Get an error", Effect: pdk.Read,
			Description: "Nothing: the vendor refuses.", Method: "GET", Path: "/error",
		},
		{
			Entity: "tool", Action: "with_progress", Title: "Work in steps", Effect: pdk.Read,
			Description: "What three requests of one call bring.", Method: "GET", Path: "/step", Handle: inSteps,
		},
		{
			Entity: "logging", Action: "tool", Title: "Work and log", Effect: pdk.Read,
			Description: "A text, and lines for the host's log.", Method: "GET", Path: "/text", Handle: withLog,
		},
		{
			Entity: "trigger", Action: "tool_change", Title: "Change the tools", Effect: pdk.Write,
			Description: "The vendor puts a connector into the host's folder, or takes it away.", Method: "POST", Path: "/change",
		},
	},
}

// inSteps needs three requests for one answer, as an operation does that walks windows of time.
func inSteps(c *pdk.Call) error {
	for range 2 {
		if _, err := c.Do(c.Request()); err != nil {
			return err
		}
	}
	return c.Run()
}

func withLog(c *pdk.Call) error {
	for _, line := range []string{"started", "under way", "done"} {
		c.Log(abi.LogInfo, line)
	}
	return c.Run()
}

// Describe writes the manifest.
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
