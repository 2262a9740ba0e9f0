// Package pdk is the kit for writing connectors. A connector teaches agenthost a vendor's
// API; it is compiled to one WebAssembly file and runs in a sandbox that has no network, no
// files and no credentials. It asks the host to send its requests, and the host sends only
// those that the connector declared.
//
// # A connector is a table
//
// Each [Operation] is a row with the operation's name, its effect on the vendor's data, its
// request, its parameters and their places, the place of the records in the answer, and how
// to get the next page. The package makes the manifest from the rows, with a JSON Schema for
// each operation, and executes them. See the example of the package.
//
// What a table cannot express goes into [Operation.Handle], a function that may send several
// requests or build its own body. It uses the same steps as the package: [Call.Request],
// [Call.Do], [Call.Respond].
//
// # Values stay in the host
//
// A response's body is a [Value]: a handle of data that the host keeps. A connector asks for
// a part by JSON Pointer and puts it into the result; a list of a megabyte costs it no more
// than one of a kilobyte, and numbers stay as the vendor wrote them. A connector reads a value
// with [Value.Text], [Value.Int] and so on, or as a [Raw].
//
// # Errors are values
//
// A connector should return [abi.Error]s; the kind tells the caller what to do. [StatusError]
// makes one of an HTTP status, and [Connector.Error] reads the vendor's error bodies. A panic
// becomes an error of kind connector_fault.
//
// # Building and testing
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o thing.wasm .
//
// Besides the table, package main needs three exports, because a module of this kind does not
// run main:
//
//	//go:wasmexport describe
//	func Describe() int32 { return pdk.Describe(&connector) }
//
//	//go:wasmexport auth_schema
//	func AuthSchema() int32 { return pdk.AuthSchema(&connector) }
//
//	//go:wasmexport execute
//	func Execute() int32 { return pdk.Execute(&connector) }
//
//	func main() {}
//
// The same code compiles natively, and package pdktest runs it in ordinary tests. A call
// starts from a fresh copy of the module's memory, so a connector keeps no state between calls.
package pdk
