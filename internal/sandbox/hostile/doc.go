// Package hostile has only tests: connectors that attack their host, and a second host
// that runs every connector and must see the same.
//
// The corpus is tables, one per file, of modules that no honest author would write. An
// entry says how the module is built, what it tries, and how that ends: refused when it
// is loaded, with these words, or stopped with this kind of error. Modules are assembled
// in the test by internal/wasmasm or by hand where even wasmasm is too polite. Every
// attack runs twice on the module, while a well-behaved module beside it answers calls
// that are checked; afterwards no goroutine and no memory is left.
//
//   - loops_test.go: code that does not end, everywhere that code can run
//   - refused_test.go: modules that must not be compiled
//   - growth_test.go: memory and tables
//   - lastbytes_test.go: the end of the largest memory
//   - pointers_test.go: host functions with bad arguments, floods of them
//   - ends_test.go: traps, exits, and output that is none
//   - state_test.go: what a call leaves for the next one
//   - declarations_test.go: describe and auth_schema that lie
//   - egress_test.go: requests that were not declared, through host.Open
//
// The differential tests run the connectors of this repository and well-behaved modules
// in the sandbox, and in a plain host of its own (reference_test.go) that shares no code
// with it: not rewritten, on wazero's interpreter and its compiler.
//
// A new attack is a new entry. One that found a defect says so.
package hostile
