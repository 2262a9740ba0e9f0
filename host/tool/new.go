package tool

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"

	"github.com/agenthost/agenthost/host/ask"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Connection is a source of tools: allowed operations, and a function that runs them.
type Connection struct {
	// Name is unique among the connections.
	Name string
	// Title and Description are the connector's.
	Title, Description string
	// Operations are the allowed operations, which become tools. Their names have no dots.
	// The slice and the operations must not change later. Connections that allow the same
	// operations should share one slice, to save memory.
	Operations []*abi.Operation
	// Ask are those of Operations whose every call a person must approve.
	Ask []*abi.Operation
	// Execute runs one operation and returns one page. It validates parameters and
	// decides for itself whether the operation may run.
	Execute func(ctx context.Context, c Call) (*Page, error)
}

// Call is one use of an operation.
type Call struct {
	Entity, Action  string
	Params          json.RawMessage
	Select, Exclude []string
	// Caller is the caller's name; empty means unknown.
	Caller string
	// Confirm, if not nil, asks a person whether a plan may be carried out.
	Confirm func(ctx context.Context, plan *ask.Plan) (ask.Answer, error)
	// OnRequest, if not nil, must be called after each request to the vendor.
	OnRequest func()
	// OnCompile, if not nil, must be called if the call waits for the compilation of a
	// connector, with its name.
	OnCompile func(connector string)
}

// Page is one page of an operation's result.
type Page struct {
	Data, Meta json.RawMessage
	// NextCursor is empty on the last page.
	NextCursor string
	// Stopped, if not nil, is why nobody can get the next page although there is one.
	// NextCursor is then empty.
	Stopped error
}

// Form decides how operations become tools.
type Form string

// The forms.
const (
	// FormAuto is FormOperations up to a number of tools, and FormSearch beyond.
	FormAuto Form = "auto"
	// FormOperations is one tool per operation, named connection_entity_action.
	FormOperations Form = "operations"
	// FormSearch is three tools that find, describe and execute operations. They use less
	// of a model's context than many tools.
	FormSearch Form = "search"
	// FormConnections is one tool per connection, named connection_execute, with the
	// parameters entity, action and params.
	FormConnections Form = "connections"
)

// Forms returns all forms.
func Forms() []Form { return []Form{FormAuto, FormOperations, FormSearch, FormConnections} }

// Defaults of [Options], and the smallest budget.
const (
	defaultThreshold = 40
	defaultBudget    = 20_000
	minBudget        = 2_000
)

// Options configure [New]. The zero value means the defaults.
type Options struct {
	// Form is FormAuto if empty.
	Form Form
	// Threshold is the largest number of tools for which FormAuto makes one tool per
	// operation; 0 means 40.
	Threshold int
	// Budget is the length of the longest result in characters; 0 means 20,000.
	Budget int
	// MaxName is the length of the longest name of a tool; 0 means 64. Some clients put a
	// server's name before it, and accept 60 or 64 characters together.
	MaxName int
	// Refused, if not nil, is called for each call that is refused before Execute. It
	// returns the error for the caller. host.Host.Tools sets it.
	Refused func(ctx context.Context, r Refusal) error
}

// New makes tools from connections. The same connections in the same order make the same
// tools.
//
// # Errors
//
//   - invalid_params: an option is wrong, or two connections have one name
//   - connector_fault: a connector's schema does not fit a tool
func New(connections []Connection, o Options) (Set, error) {
	o.Form = cmp.Or(o.Form, FormAuto)
	o.Threshold = cmp.Or(o.Threshold, defaultThreshold)
	o.Budget = cmp.Or(o.Budget, defaultBudget)
	switch {
	case o.Budget < minBudget:
		return nil, &abi.Error{Kind: abi.KindInvalidParams, Field: "budget", Message: fmt.Sprintf("a budget of %d characters is too small", o.Budget), Hint: fmt.Sprintf("use %d or more", minBudget)}
	case o.maxName() < minName || o.maxName() > maxName:
		return nil, &abi.Error{Kind: abi.KindInvalidParams, Field: "max_name", Message: fmt.Sprintf("names of at most %d characters are not possible", o.MaxName), Hint: fmt.Sprintf("use %d to %d", minName, maxName)}
	case o.Threshold < 0:
		return nil, &abi.Error{Kind: abi.KindInvalidParams, Field: "threshold", Message: "the threshold is negative", Hint: "use form search for no tool per operation"}
	}
	if err := unique(connections); err != nil {
		return nil, err
	}
	form := o.Form
	if form == FormAuto {
		form = FormOperations
		if count(connections) > o.Threshold {
			form = FormSearch
		}
	}
	var set Set
	var err error
	switch form {
	case FormOperations:
		set, err = perOperation(connections, o)
	case FormSearch:
		set, err = searchSet(connections, o.Budget)
	case FormConnections:
		set, err = perConnection(connections, o)
	default:
		return nil, unknownForm(o.Form)
	}
	for _, t := range set {
		t.options = &o
	}
	return set, err
}

func unknownForm(form Form) error {
	return &abi.Error{Kind: abi.KindInvalidParams, Field: "form", Message: fmt.Sprintf("there is no form %q", form), Hint: formHint(form)}
}

// unique rejects connections with the same name, because paths would be ambiguous.
func unique(connections []Connection) error {
	names := make(map[string]struct{}, len(connections))
	for i := range connections {
		names[connections[i].Name] = struct{}{}
		if len(names) <= i {
			return &abi.Error{Kind: abi.KindInvalidParams, Field: "connections", Message: "there are two connections of the name " + quote(connections[i].Name), Hint: "give each connection a unique name"}
		}
	}
	return nil
}

func count(connections []Connection) int {
	n := 0
	for i := range connections {
		n += len(connections[i].Operations)
	}
	return n
}

func formHint(form Form) string {
	var names []string
	for _, f := range Forms() {
		names = append(names, string(f))
	}
	return fault.Hint(string(form), names)
}
