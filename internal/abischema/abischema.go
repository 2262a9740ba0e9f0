// Package abischema has the JSON Schemas of what a connector declares.
package abischema

import _ "embed" // the schemas are files, so that editors and other tools find them

//go:embed manifest.schema.json
var manifest string

//go:embed auth.schema.json
var auth string

// Manifest returns the JSON Schema 2020-12 of an abi.Manifest. The host also checks rules that a
// schema cannot express, which are in docs/abi.md.
func Manifest() string { return manifest }

// Auth returns the JSON Schema 2020-12 of an abi.AuthSchema.
func Auth() string { return auth }
