// Package abisuite holds connectors in all languages against examples/connector-books/suite.json,
// which says what each of them does with every call, to the byte: the requests, the data, the meta
// and the errors. It has tests only.
//
// Those of Go and of the table are built here. make test-languages builds the others and names their
// folder in AGENTHOST_TEST_LANGUAGES.
package abisuite
