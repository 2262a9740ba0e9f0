// Command static writes two connectors for the conformance suites of MCP into a folder:
// schemas.wasm, whose parameters have schemas that package pdk does not write, and
// extra.wasm, which comes and goes while a server runs.
package main

import (
	"fmt"
	"os"

	"github.com/agenthost/agenthost/internal/wasmtest"
)

// schemas has the tool json_schema_2020_12_tool, for a connection json: the suite wants
// these very parameters. Clients repeat the parameter of regions.get in a header.
const schemas = `{
	"abi": 1, "name": "schemas", "title": "Schemas", "version": "1.0.0", "description": "Parameters with all of JSON Schema 2020-12.",
	"servers": [{"id": "main", "url": "https://conformance.example"}],
	"operations": [{
		"entity": "schema_2020_12", "action": "tool", "description": "Takes an address, and a way to reach somebody.", "effect": "read", "requests": [],
		"params": {
			"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
			"$defs": {"address": {"$anchor": "addressDef", "type": "object", "properties": {"street": {"type": "string"}, "city": {"type": "string"}}}},
			"properties": {
				"name": {"type": "string"}, "address": {"$ref": "#/$defs/address"},
				"contactMethod": {"type": "string", "enum": ["phone", "email"]}, "phone": {"type": "string"}, "email": {"type": "string"}
			},
			"allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
			"if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]}, "then": {"required": ["phone"]}, "else": {"required": ["email"]},
			"additionalProperties": false
		}
	}, {
		"entity": "regions", "action": "get", "description": "Takes a region.", "effect": "read", "requests": [],
		"params": {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}, "additionalProperties": false}
	}]
}`

const extra = `{
	"abi": 1, "name": "extra", "title": "Extra", "version": "1.0.0", "description": "Comes and goes.",
	"servers": [{"id": "main", "url": "https://conformance.example"}],
	"operations": [{"entity": "things", "action": "list", "description": "No things.", "effect": "read", "params": {"type": "object"}, "requests": []}]
}`

const auth = `{"schemes": [{"id": "token", "type": "bearer", "origins": ["https://conformance.example"],
	"fields": [{"name": "token", "secret": true, "required": true}],
	"inject": [{"in": "header", "name": "Authorization", "value": "Bearer {token}"}]}]}`

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: static FOLDER")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(folder string) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer root.Close()
	for name, manifest := range map[string]string{"schemas.wasm": schemas, "extra.wasm": extra} {
		if err := root.WriteFile(name, wasmtest.Static(manifest, auth, `{"data": {}, "meta": {}}`), 0o600); err != nil {
			return err
		}
	}
	return nil
}
