// Command static writes two connectors for the conformance suites of MCP into a folder:
// schemas.wasm, whose parameter has an extension that package pdk does not write, and
// extra.wasm, which comes and goes while a server runs.
package main

import (
	"fmt"
	"os"

	"github.com/agenthost/agenthost/internal/wasmtest"
)

// schemas has the tool json_regions_get, for a connection json. Clients repeat its parameter in
// a header.
const schemas = `{
	"abi": 1, "name": "schemas", "title": "Schemas", "version": "1.0.0", "description": "A parameter with an extension.",
	"servers": [{"id": "main", "url": "https://conformance.example"}],
	"operations": [{
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
