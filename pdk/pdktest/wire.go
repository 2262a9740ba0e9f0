package pdktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// WireCase has the facts that a vendor documents about an operation. Make the cases from that
// documentation, not from the connector's tables, or they repeat its mistakes. A test embeds it in
// a type of its own, which adds the expected request: see [ReadCases].
type WireCase struct {
	Entity, Action string
	// Params are all parameters of the operation, each with a value.
	Params map[string]json.RawMessage
	// Required are the names of the parameters that the vendor requires.
	Required []string
	// AnyOf are names of parameters, at least one of which is necessary.
	AnyOf []string
}

// Name is the operation's name: entity.action.
func (c *WireCase) Name() string { return c.Entity + "." + c.Action }

// Least returns the necessary parameters: the required ones and the first of AnyOf.
func (c *WireCase) Least() map[string]json.RawMessage {
	least := map[string]json.RawMessage{}
	for _, name := range c.Required {
		least[name] = c.Params[name]
	}
	if len(c.AnyOf) > 0 {
		least[c.AnyOf[0]] = c.Params[c.AnyOf[0]]
	}
	return least
}

// ReadCases reads a file with a JSON array of test cases, of a type that embeds [WireCase]. An
// unknown member fails the test.
func ReadCases[C any](t T, path string) []C {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("the test cases: %v", err)
	}
	var cases []C
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&cases); err != nil {
		t.Fatalf("the test cases in %s: %v", path, err)
	}
	return cases
}

// With returns a new runner for r's connector, which reports to t and sends requests to handler. It
// skips the check of the tables that [Run] makes.
func (r *Runner) With(t T, handler http.Handler) *Runner {
	c := *r
	c.t, c.handler, c.requests, c.slept = t, handler, nil, nil
	return &c
}

// Operation returns an operation of the connector. The test fails at once if there is none.
func (r *Runner) Operation(entity, action string) pdk.Operation {
	r.t.Helper()
	for _, op := range r.connector.Operations {
		if op.Entity == entity && op.Action == action {
			return op
		}
	}
	r.t.Fatalf("the connector has no operation %s.%s", entity, action)
	return pdk.Operation{}
}

// CheckOperations fails the test unless the connector has exactly the operations with these names
// (entity.action), in any order.
func (r *Runner) CheckOperations(names ...string) {
	r.t.Helper()
	left := map[string]int{}
	for _, name := range names {
		left[name]++
	}
	for _, op := range r.connector.Operations {
		left[op.Entity+"."+op.Action]--
	}
	for _, name := range slices.Sorted(maps.Keys(left)) {
		switch n := left[name]; {
		case n > 0:
			r.t.Errorf("the connector lacks the operation %s", name)
		case n < 0:
			r.t.Errorf("the connector has the operation %s, but the test cases do not", name)
		}
	}
}

// CheckParameters fails the test if the case's operation has a parameter that the case lacks, or
// requires other ones. The operation may also have the parameters in besides, such as the uniform
// names of its pagination.
func (r *Runner) CheckParameters(c WireCase, besides ...string) {
	r.t.Helper()
	op := r.Operation(c.Entity, c.Action)
	for _, p := range op.Parameters() {
		if p.Hidden || slices.Contains(besides, p.Name) {
			continue
		}
		if _, ok := c.Params[p.Name]; !ok {
			r.t.Errorf("%s has the parameter %s", c.Name(), p.Name)
		}
		if p.Required != slices.Contains(c.Required, p.Name) {
			r.t.Errorf("%s: %s is required: %v", c.Name(), p.Name, p.Required)
		}
	}
}

// CheckLeast fails the test unless the case's operation succeeds with [WireCase.Least], and without
// any one of these sends no request and returns invalid_params with a message that names it.
func (r *Runner) CheckLeast(c WireCase) {
	r.t.Helper()
	least := c.Least()
	if _, _, err := r.Execute(c.Entity, c.Action, least); err != nil {
		r.t.Fatalf("%s with no more than it needs: %v", c.Name(), err)
	}
	sent := len(r.requests)
	for _, name := range slices.Sorted(maps.Keys(least)) {
		less := maps.Clone(least)
		delete(less, name)
		_, _, err := r.Execute(c.Entity, c.Action, less)
		var e *abi.Error
		if !errors.As(err, &e) || e.Kind != abi.KindInvalidParams || !strings.Contains(e.Message, name) {
			r.t.Errorf("%s without %s: %v", c.Name(), name, err)
		}
	}
	if len(r.requests) > sent {
		r.t.Errorf("%s sent a request without what it needs", c.Name())
	}
}
