// Package abi holds the wire types that a connector (the guest) and agenthost
// (the host) exchange: the manifest, the auth schema, a call and its outcome, an
// HTTP request, and the closed set of error kinds.
//
// Everything is JSON. Both sides ignore unknown fields; the host sometimes sends unknown ones
// on purpose, so that authors notice early if a guest does not. The specification, from which
// a PDK can be written in any language, is docs/abi.md.
//
// Connectors link the package, so it imports only small parts of the standard library, and
// nothing that opens a connection.
package abi

// Version is the ABI version of this package. A manifest has the version that its connector was
// written for.
const Version = 1

// Levels of a connector's log lines.
const (
	LogTrace = 0
	LogDebug = 1
	LogInfo  = 2
	LogWarn  = 3
	LogError = 4
)
