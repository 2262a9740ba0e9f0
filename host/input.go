package host

import (
	"encoding/json"

	"github.com/agenthost/agenthost/pdk/abi"
)

// guestInput is a call as the guest gets it, with one member more than the ABI has: a
// guest that does not ignore what it does not know is found out on its first call, and
// not when the ABI grows. Its name depends on the module, so that nobody can learn to
// expect it, and on nothing else, so that the same call always costs the same fuel.
//
// Params are valid JSON and go in as they are.
func guestInput(call abi.Call, digest string) []byte {
	b := make([]byte, 0, len(call.Params)+200)
	member := func(name, value string) {
		b = append(b, `,"`...)
		b = append(b, name...)
		b = append(b, `":`...)
		b = appendQuoted(b, value)
	}
	b = append(b, `{"params":`...)
	b = append(b, call.Params...)
	member("entity", call.Entity)
	member("action", call.Action)
	if call.Server != "" {
		member("server", call.Server)
	}
	const length = 8
	if len(digest) >= 2*length {
		member("x_"+digest[:length], digest[length:2*length])
	}
	return append(b, '}')
}

// appendQuoted appends a string as JSON. Names are letters, digits and the like.
func appendQuoted(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always marshals
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
