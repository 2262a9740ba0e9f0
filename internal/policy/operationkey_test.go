package policy

import (
	"reflect"
	"testing"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestOperationKeyHasEveryRule: a rule on operations that the key lacks would give a
// connection the tools of another one.
func TestOperationKeyHasEveryRule(t *testing.T) {
	t.Parallel()
	key := func(rules operationRules) string { return (&Grant{operations: rules}).OperationKey() }
	kind := reflect.TypeFor[operationRules]()
	samples := []operationRules{{effects: []abi.Effect{"read"}}, {operations: []string{"read"}}}
	if len(samples) != kind.NumField() {
		t.Fatalf("%d samples for %d rules: add one for the new rule", len(samples), kind.NumField())
	}
	seen := map[string]int{"": -1, key(operationRules{}): -1}
	for i, rules := range samples {
		for f := range kind.NumField() {
			if set := !reflect.ValueOf(rules).Field(f).IsZero(); set != (f == i) {
				t.Errorf("sample %d: field %s is set: %t", i, kind.Field(f).Name, set)
			}
		}
		if of, known := seen[key(rules)]; known {
			t.Errorf("samples %d and %d have the key %q", of, i, key(rules))
		}
		seen[key(rules)] = i
	}
	if (*Grant)(nil).OperationKey() != "" {
		t.Error("the nil Grant has a key")
	}
}

// TestOperationKeyIsOfOperations: grants that differ only in rules on arguments and requests
// share the key, and those that differ in a rule on operations do not.
func TestOperationKeyIsOfOperations(t *testing.T) {
	t.Parallel()
	reads := []abi.Effect{abi.EffectRead}
	of := func(allow grant.Allow) string {
		g, err := New(&allow)
		if err != nil {
			t.Fatal(err)
		}
		return g.OperationKey()
	}
	base := of(grant.Allow{Effects: reads, Operations: []string{"a.b"}})
	same := []grant.Allow{
		{Effects: reads, Operations: []string{"a.b"}, Requests: []string{"GET /x"}},
		{Effects: reads, Operations: []string{"a.b"}, Params: map[string]map[string]grant.ParamRule{"a.b": {"id": {Values: []any{"1"}}}}},
	}
	for _, allow := range same {
		if of(allow) != base {
			t.Errorf("%+v has the key %q, want %q", allow, of(allow), base)
		}
	}
	others := []grant.Allow{
		{Effects: reads}, {Operations: []string{"a.b"}}, {Effects: reads, Operations: []string{"a.*"}},
		{Effects: reads, Operations: []string{"a.b", "a.c"}}, {Effects: reads, Operations: []string{`a.b" "a.c`}}, {},
	}
	seen := map[string]bool{base: true}
	for _, allow := range others {
		if seen[of(allow)] {
			t.Errorf("%+v shares the key %q", allow, of(allow))
		}
		seen[of(allow)] = true
	}
}
