package abi

import _ "embed" // the schemas are files, so that editors and other tools find them

//go:embed manifest.schema.json
var manifestSchema string

//go:embed auth.schema.json
var authSchema string

// ManifestSchema returns the JSON Schema 2020-12 of a [Manifest]. The host also checks rules that
// a schema cannot express, which are in docs/abi.md.
func ManifestSchema() string { return manifestSchema }

// AuthSchemaSchema returns the JSON Schema 2020-12 of an [AuthSchema].
func AuthSchemaSchema() string { return authSchema }
