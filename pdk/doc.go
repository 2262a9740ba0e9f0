// Package pdk is what connectors are written with. A connector teaches agenthost a
// vendor's API; it is compiled to one WebAssembly file and runs in a sandbox that
// has no network, no files and no credentials. Whatever it wants from the vendor,
// it asks the host to send, and the host sends only what the connector declared.
//
// # A connector is a table
//
// Each [Operation] is a row that states the operation's name, what it does to the
// vendor's data, its request, its parameters and where they go, where the records
// are in the answer, and how to get the next page. From the rows the package makes
// the manifest, with a JSON Schema for each operation, and from the same rows it
// executes them. See the example of the package.
//
// What no table can say goes into [Operation.Handle], a function that may send
// several requests or build a body of its own. It uses the steps that the package
// itself uses: [Call.Request], [Call.Do], [Call.Respond].
//
// # Values stay in the host
//
// A response's body is a [Value]: a handle of something that the host keeps. A
// connector asks for a part by JSON Pointer and hands it on to the result; a list
// of a megabyte costs it no more than one of a kilobyte, and every number arrives
// as the vendor wrote it. What a connector must look at it reads with
// [Value.Text], [Value.Int] and so on, as a [Raw] for more.
//
// # Errors are values
//
// An error that a connector returns should be an [abi.Error]; its kind tells the
// caller what to do. [StatusError] makes one of an HTTP status, and
// [Connector.Error] is where a connector reads its vendor's error bodies. A panic
// becomes an error of kind connector_fault.
//
// # Building and testing
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -o thing.wasm .
//
// A connector needs three exports, because the Go toolchain runs no main function
// in a module of this kind; naming them is all that package main does besides
// holding the table:
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
// The same code compiles natively, and package pdktest runs it in ordinary tests.
// A call starts from a fresh copy of the module's memory, so nothing that a
// connector remembers outlives a call.
package pdk
