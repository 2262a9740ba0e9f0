package tool

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Connection is what tools are made of: operations that may be run, and how.
type Connection struct {
	Name string
	// Title and Description are the connector's.
	Title, Description string
	// Operations are those that the connection allows; others make no tools.
	Operations []abi.Operation
	// Execute runs one operation and returns one page. It validates parameters and
	// decides for itself whether the operation may run.
	Execute func(ctx context.Context, c Call) (*Page, error)
}

// Call is one use of an operation.
type Call struct {
	Entity, Action  string
	Params          json.RawMessage
	Select, Exclude []string
	// Caller says who calls; empty means that nobody said.
	Caller string
	// OnRequest, if not nil, is to be called after each request to the vendor.
	OnRequest func()
}

// Page is what an operation answered.
type Page struct {
	Data, Meta json.RawMessage
	// NextCursor is empty on the last page.
	NextCursor string
}

// Form is how operations become tools.
type Form string

// The forms.
const (
	// FormAuto is FormOperations up to a number of tools, and FormSearch beyond.
	FormAuto Form = "auto"
	// FormOperations is one tool per operation, named connection_entity_action.
	FormOperations Form = "operations"
	// FormSearch is three tools that find, describe and execute operations, so that
	// a model's context is not filled by a hundred.
	FormSearch Form = "search"
	// FormConnections is one tool per connection, named connection_execute, with the
	// parameters entity, action and params.
	FormConnections Form = "connections"
)

// Forms returns all forms.
func Forms() []Form { return []Form{FormAuto, FormOperations, FormSearch, FormConnections} }

// Defaults of [Options], and the smallest budget that there is.
const (
	DefaultThreshold = 40
	DefaultBudget    = 20_000
	MinBudget        = 2_000
)

// Options say what tools [New] makes. The zero value has the defaults.
type Options struct {
	// Form is FormAuto if empty.
	Form Form
	// Threshold is the largest number of tools for which FormAuto makes one tool per
	// operation; 0 means 40.
	Threshold int
	// Budget is the length of the longest answer in characters; 0 means 20,000.
	Budget int
}

// New makes tools of connections. The same connections in the same order make the same
// tools.
//
// # Errors
//
//   - invalid_params: an option is wrong
//   - connector_fault: a connector's schema cannot be made into a tool's
func New(connections []Connection, o Options) (Set, error) {
	if o.Form == "" {
		o.Form = FormAuto
	}
	if o.Threshold == 0 {
		o.Threshold = DefaultThreshold
	}
	if o.Budget == 0 {
		o.Budget = DefaultBudget
	}
	switch {
	case o.Budget < MinBudget:
		return nil, &abi.Error{Kind: abi.KindInvalidParams, Field: "budget", Message: fmt.Sprintf("a budget of %d characters is too small", o.Budget), Hint: fmt.Sprintf("use %d or more", MinBudget)}
	case o.Threshold < 0:
		return nil, &abi.Error{Kind: abi.KindInvalidParams, Field: "threshold", Message: "the threshold is negative", Hint: "use form search for no tool per operation"}
	}
	form := o.Form
	if form == FormAuto {
		form = FormOperations
		if count(connections) > o.Threshold {
			form = FormSearch
		}
	}
	switch form {
	case FormOperations:
		return perOperation(connections, o.Budget)
	case FormSearch:
		return searchSet(connections, o.Budget)
	case FormConnections:
		return perConnection(connections, o.Budget)
	}
	return nil, &abi.Error{Kind: abi.KindInvalidParams, Field: "form", Message: fmt.Sprintf("there is no form %q", o.Form), Hint: formHint(o.Form)}
}

func count(connections []Connection) int {
	n := 0
	for _, c := range connections {
		n += len(c.Operations)
	}
	return n
}

func formHint(form Form) string {
	var names []string
	for _, f := range Forms() {
		names = append(names, string(f))
	}
	return nearest.Hint(string(form), names)
}
