// Package abi holds the wire types that a connector (the guest) and agenthost
// (the host) exchange: the manifest, the auth schema, a call and its outcome, an
// HTTP request, and the closed set of error kinds.
//
// Everything is JSON. Both sides ignore unknown fields, and the host now and then
// sends unknown ones on purpose, so that a guest which does not ignore them is
// found out early. The prose specification, good enough to write a PDK from in any
// language, is docs/abi.md.
//
// The package imports only the parts of the standard library that cost a Wasm
// module little, and nothing that opens a connection, because connectors link it.
package abi

// Version is the ABI version that this package describes. A manifest names the
// version that its connector was written for.
const Version = 1

// Names of the functions that a connector exports. Each takes no parameters and
// returns an i32 that is 0 when the output is valid, whether it carries data or
// an error; any other value means that the connector failed.
const (
	ExportDescribe   = "describe"
	ExportAuthSchema = "auth_schema"
	ExportExecute    = "execute"
)

// Levels of a connector's log lines.
const (
	LogTrace = 0
	LogDebug = 1
	LogInfo  = 2
	LogWarn  = 3
	LogError = 4
)
