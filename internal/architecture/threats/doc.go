// Package threats holds no code, only tests: they read which test defends against which
// threat, and keep the table in docs/threats.md.
//
// list_test.go names the threats. A test says what it is against in its doc comment or its
// body, and a test script on a line of its own:
//
//	// threat: N1, N3
//	// threat: E4 in TestCorpus/bombs
//	# threat: N7
//
// The second form stands where a table of cases is, and names the test that runs it. A
// threat has a test, or the list says why not; both at once is a mistake. After a change:
//
//	go test ./internal/architecture/threats -update
package threats
