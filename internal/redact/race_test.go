//go:build race

package redact

// share is which part of some long loops the tests do: all, or one in this many under the
// race detector. It makes them ten times slower, and finds nothing in code of one goroutine.
const share = 5
