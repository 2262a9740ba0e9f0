package grant

import "testing"

// TestUnknownPolicyLetsNothingThrough: a policy that is misspelt is as strict as never.
func TestUnknownPolicyLetsNothingThrough(t *testing.T) {
	t.Parallel()
	approved := &Approval{Module: Module{Name: "x", Version: "1", Digest: "one"}, Updates: []Update{{Digest: "two"}}}
	for policy, through := range map[UpdatePolicy]bool{"": true, UpdatesSameReach: true, UpdatesNever: false, "Never": false, "always": false, "same_reach": false} {
		for digest, want := range map[string]bool{"one": true, "two": through, "three": through} {
			if j := Judge(Module{Name: "x", Version: "1", Digest: digest}, approved, policy); j.Decision.Allowed != want {
				t.Errorf("%q of %s: %+v", policy, digest, j.Decision)
			}
		}
	}
}
