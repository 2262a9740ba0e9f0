package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Operations reads a vendor's table of operations, a JSON array, into the vendor's type of them. It panics on a table
// that does not fit the type, which is part of the program.
func Operations[O any](table []byte) []O {
	dec := json.NewDecoder(bytes.NewReader(table))
	dec.DisallowUnknownFields()
	var ops []O
	if err := dec.Decode(&ops); err != nil {
		panic(fmt.Sprintf("BUG: operations.json: %v", err))
	}
	return ops
}

// Handler finds what serves a route. It panics where nothing does, for a contract that is not served is a bug.
func Handler[H any](handlers map[string]H, route string) H {
	h, ok := handlers[route]
	if !ok {
		panic("BUG: no handler for " + route)
	}
	return h
}
