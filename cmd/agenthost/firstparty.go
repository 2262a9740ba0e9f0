package main

import "strings"

// firstParty are the connectors that were built together with this command, as
// name=digest,name=digest. The linker sets it (-X main.firstParty=...; see the Makefile).
// Nothing else can: no flag, variable or file makes a connector one of these.
var firstParty string

// firstPartyDigests returns the digests by name.
func firstPartyDigests(list string) map[string]string {
	digests := make(map[string]string)
	for entry := range strings.SplitSeq(list, ",") {
		if name, digest, ok := strings.Cut(entry, "="); ok {
			digests[name] = digest
		}
	}
	return digests
}
