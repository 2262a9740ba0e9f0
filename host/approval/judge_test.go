package approval

import (
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestUnknownPolicyLetsNothingThrough: a policy that is misspelt is as strict as never.
func TestUnknownPolicyLetsNothingThrough(t *testing.T) {
	t.Parallel()
	approved := &grant.Approval{Module: grant.Module{Name: "x", Version: "1", Digest: "one"}, Updates: []grant.Update{{Digest: "two"}}}
	for policy, through := range map[grant.UpdatePolicy]bool{"": true, grant.UpdatesSameReach: true, grant.UpdatesNever: false, "Never": false, "always": false, "same_reach": false} {
		for digest, want := range map[string]bool{"one": true, "two": through, "three": through} {
			if j := judge(grant.Module{Name: "x", Version: "1", Digest: digest}, approved, policy); j.Decision.Allowed != want {
				t.Errorf("%q of %s: %+v", policy, digest, j.Decision)
			}
		}
	}
}

// approvedReach is what TestJudge widens.
func approvedReach() grant.Reach {
	return grant.Reach{
		Servers:     []grant.ServerReach{{ID: "eu", URL: "https://eu.example"}, {ID: "main", URL: "https://api.example", Default: true}},
		Credentials: []grant.CredentialReach{{Scheme: "token", Facts: []string{`header Authorization "Bearer {token}"`, `origin "https://api.example"`}}},
		Operations: []grant.OperationReach{
			{Name: "issues.create", Effect: abi.EffectWrite, Requests: []grant.RequestReach{{Method: "POST", Path: "/issues"}}},
			{Name: "issues.get", Effect: abi.EffectRead, Requests: []grant.RequestReach{{Method: "GET", Path: "/issues/{id}"}, {Server: "eu", Method: "GET", Path: "/issues"}}},
		},
		Hosted: []string{"airbyte type Issues"},
	}
}

// threat: A2, C10
func TestJudge(t *testing.T) {
	t.Parallel()
	wide := approvedReach()
	wide.Operations[0].Requests[0].Path, wide.Operations[1].Effect = "/users", abi.EffectDelete
	narrow := approvedReach()
	narrow.Operations = narrow.Operations[1:]
	approved := &grant.Approval{Module: grant.Module{Name: "x", Version: "1", Digest: "one", Reach: approvedReach()}, By: "ada", Updates: []grant.Update{{Digest: "two"}}}
	for name, test := range map[string]struct {
		digest   string
		reach    grant.Reach
		approved *grant.Approval
		policy   grant.UpdatePolicy
		standing grant.Standing
		allowed  bool
		why      string // a part of the refusal
	}{
		"never approved":                      {"one", approvedReach(), nil, "", grant.StandingNew, false, "not approved"},
		"the file":                            {"one", approvedReach(), approved, "", grant.StandingApproved, true, ""},
		"the file, no updates":                {"one", approvedReach(), approved, grant.UpdatesNever, grant.StandingApproved, true, ""},
		"a known update":                      {"two", approvedReach(), approved, "", grant.StandingApproved, true, ""},
		"a known update, no updates":          {"two", approvedReach(), approved, grant.UpdatesNever, grant.StandingUpdate, false, "not the"},
		"a new version":                       {"three", approvedReach(), approved, "", grant.StandingUpdate, true, ""},
		"a new version, no updates":           {"three", approvedReach(), approved, grant.UpdatesNever, grant.StandingUpdate, false, "not the"},
		"a new version that needs less":       {"three", narrow, approved, "", grant.StandingUpdate, true, ""},
		"a new version that needs more":       {"three", wide, approved, "", grant.StandingWider, false, "issues.create sends POST /users, and 1 more"},
		"the file, whose approval is another": {"one", wide, approved, "", grant.StandingWider, false, "issues.create sends POST /users"},
	} {
		j := judge(grant.Module{Name: "x", Version: "2", Digest: test.digest, Reach: test.reach}, test.approved, test.policy)
		if j.Standing != test.standing || j.Decision.Allowed != test.allowed || !strings.Contains(j.Decision.Why, test.why) || (j.Decision.Why == "") != test.allowed {
			t.Errorf("%s: %s, %+v", name, j.Standing, j.Decision)
		}
		if j.Decision.Rule == "" || strings.HasPrefix(j.Decision.Rule, grant.RuleApproval) == test.allowed {
			t.Errorf("%s: by the rule %q", name, j.Decision.Rule)
		}
	}
}
