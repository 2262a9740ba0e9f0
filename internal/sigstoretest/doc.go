// Package sigstoretest compares internal/trust with sigstore-go, and makes the bundles of its tests. It is a module
// of its own, because sigstore-go brings seventy modules.
//
//	go test .                    # compares
//	go test . -update            # writes internal/trust/testdata anew
package sigstoretest
