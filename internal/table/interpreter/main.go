// Command interpreter is the connector that runs a table: the rows, the auth schema and the
// manifest that agenthost plugin build puts into custom sections of this module.
package main

import (
	"errors"

	"github.com/agenthost/agenthost/pdk"
)

// table is read in _initialize, whose limits are wide: every call begins with the state
// after it.
var table, unreadable = read()

func read() (*pdk.Connector, error) {
	size, err := length("rows")
	if err != nil {
		return nil, err
	}
	return pdk.ReadTable(size, readRows)
}

var errNoSection = errors.New("this file has no table, or not all of one: agenthost plugin build makes a connector of a table")

// failed writes an error as the outcome, which is that of the table's author.
func failed(err error) int32 {
	return write(append(pdk.AppendString([]byte(`{"error":{"kind":"connector_fault","message":`), "the table cannot be read: "+err.Error()), "}}"...))
}

// Describe writes the manifest.
//
//go:wasmexport describe
func Describe() int32 { return answer("manifest") }

// AuthSchema writes how the vendor authenticates.
//
//go:wasmexport auth_schema
func AuthSchema() int32 { return answer("auth") }

// Execute runs one operation.
//
//go:wasmexport execute
func Execute() int32 {
	if unreadable != nil {
		return failed(unreadable)
	}
	return pdk.Execute(table)
}

func main() {}
