// Package hostile has only tests: connectors that are after the credential, or after a
// place that they did not declare, on a host with a live credential.
//
// The corpus is tables, one per theme. Every entry is a connector of its own: a manifest,
// an auth schema and what it asks of the host, assembled to Wasm in the test, with the
// vendor that it has for an accomplice. An entry says how the attempt ends: refused when
// the connector is loaded; denied with a kind, a rule, words and a hint; or served, where
// it has no effect. Whatever the end, the credential has reached nobody but the vendor,
// in the place where it belongs, and nothing has knocked at the doors beside.
//
//   - requests_test.go: requests that were not declared, or that two readers read
//     differently
//   - headers_test.go: headers that frame, route, or carry credentials
//   - redirects_test.go: a vendor that sends the host elsewhere
//   - addresses_test.go: names and addresses that lead inside
//   - reflection_test.go: a vendor that gives the credential back
//   - declarations_test.go: manifests that want the credential somewhere else
//   - rogue_test.go: a connector in Go, for what takes more than one request: state,
//     files, logs, timing
//
// A new attack is a new entry. One that found a defect says so.
package hostile
