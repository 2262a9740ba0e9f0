package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
)

// Operation is what the operations of all vendors have: the wire facts against which requests are checked.
type Operation struct {
	// Entity is the kind of object, for example "issues".
	Entity string `json:"entity"`
	// Action is the action under which Airbyte's connector offers it ("list"), empty if it does not.
	Action string `json:"action,omitempty"`
	// ID is the vendor's own operation id, for example "GetIssues".
	ID string `json:"id"`
	// Method is the HTTP method.
	Method string `json:"method"`
	// Path is the vendor's path template, for example "/issues/{id}".
	Path string `json:"path"`
	// ContentType is the type of the request body, empty if there is no body.
	ContentType string `json:"content_type,omitempty"`
	// Airbyte says that Airbyte's connector offers the operation.
	Airbyte bool `json:"airbyte,omitempty"`
	// Paginated says that the operation answers in pages.
	Paginated bool `json:"paginated,omitempty"`
	// Query and Body are the parameters.
	Query []Param `json:"query,omitempty"`
	Body  []Param `json:"body,omitempty"`
}

// Route is method and path template, the key under which the vendor serves the operation. Three operations of Airbyte's
// Pylon connector (issues.update, issue_assignments.update, issue_statuses.update) share one.
func (o Operation) Route() string { return o.Method + " " + o.Path }

// Operations reads a vendor's table of operations, a JSON array, into the vendor's type. It panics if the table, which is
// part of the program, does not fit the type.
func Operations[O any](table []byte) []O {
	dec := json.NewDecoder(bytes.NewReader(table))
	dec.DisallowUnknownFields()
	var ops []O
	if err := dec.Decode(&ops); err != nil {
		panic(fmt.Sprintf("BUG: operations.json: %v", err))
	}
	return ops
}

// Handler finds the handler of a route. It panics if there is none: that is a bug.
func Handler[H any](handlers map[string]H, route string) H {
	h, ok := handlers[route]
	if !ok {
		panic("BUG: no handler for " + route)
	}
	return h
}

// Lock takes a vendor's lock, exclusive for a write, and returns what releases it.
func Lock(mu *sync.RWMutex, write bool) (unlock func()) {
	if write {
		mu.Lock()
		return mu.Unlock
	}
	mu.RLock()
	return mu.RUnlock
}
