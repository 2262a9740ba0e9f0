package grant

import (
	"fmt"
	"testing"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/pdk/abi"
)

func TestDecide(t *testing.T) {
	list := &abi.Operation{Entity: "issues", Action: "list", Effect: abi.EffectRead}
	create := &abi.Operation{Entity: "issues", Action: "create", Effect: abi.EffectWrite}
	notes := &abi.Operation{Entity: "issue_notes", Action: "create", Effect: abi.EffectWrite}
	read := &config.Allow{Effects: []abi.Effect{abi.EffectRead}}
	named := &config.Allow{Operations: []string{"issues.create"}}
	entity := &config.Allow{Operations: []string{"issues.*"}}
	both := &config.Allow{Effects: []abi.Effect{abi.EffectRead}, Operations: []string{"issue_notes.create"}}
	for _, tt := range []struct {
		name    string
		allow   *config.Allow
		op      *abi.Operation
		allowed bool
		rule    string
	}{
		{"no allow", nil, create, true, "allow is not set"},
		{"empty allow", &config.Allow{}, list, false, "allow: {}"},
		{"effect", read, list, true, "allow.effects has read"},
		{"other effect", read, create, false, "allow: {effects: [read]}"},
		{"operation", named, create, true, "allow.operations has issues.create"},
		{"other operation", named, list, false, "allow: {operations: [issues.create]}"},
		{"entity", entity, create, true, "allow.operations has issues.*"},
		{"an entity is no prefix", entity, notes, false, "allow: {operations: [issues.*]}"},
		{"either", both, notes, true, "allow.operations has issue_notes.create"},
		{"neither", both, create, false, "allow: {effects: [read], operations: [issue_notes.create]}"},
	} {
		d := Decide(tt.allow, tt.op)
		if d.Allowed != tt.allowed || d.Rule != tt.rule || (d.Permit == "") == !tt.allowed {
			t.Errorf("%s: %+v", tt.name, d)
		}
	}
}

func ExampleDecide() {
	readOnly := &config.Allow{Effects: []abi.Effect{abi.EffectRead}}
	create := &abi.Operation{Entity: "issues", Action: "create", Effect: abi.EffectWrite}
	d := Decide(readOnly, create)
	fmt.Println(d.Allowed)
	fmt.Println(d.Denied("audit", create).Message)
	fmt.Println(d.Permit)
	// Output:
	// false
	// connection audit may not run issues.create, whose effect is write, by allow: {effects: [read]}
	// add issues.create to allow.operations
}
