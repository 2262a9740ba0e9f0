package connections

import (
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

func TestFromEnvironment(t *testing.T) {
	t.Parallel()
	schemes := []abi.AuthScheme{{ID: "token", Fields: []abi.AuthField{{Name: "api_token", Required: true}, {Name: "team"}}}, {ID: "basic", Fields: []abi.AuthField{{Name: "user", Required: true}}}}
	for _, test := range []struct {
		set     string
		want    string
		missing string
		any     string
	}{
		{"AGENTHOST_MY_CRM_API_TOKEN", "env:AGENTHOST_MY_CRM_API_TOKEN", "", "AGENTHOST_MY_CRM_API_TOKEN"},
		{"AGENTHOST_MY_CRM_USER", "", "", "AGENTHOST_MY_CRM_USER"},
		{"AGENTHOST_MY_CRM_TEAM", "", "AGENTHOST_MY_CRM_USER", "AGENTHOST_MY_CRM_TEAM"},
		{"OTHER", "", "AGENTHOST_MY_CRM_USER", ""},
	} {
		lookup := func(name string) (string, bool) { return "x", name == test.set }
		references, missing := FromEnvironment("my-crm", schemes, lookup)
		if references["api_token"] != test.want || strings.Join(missing, " ") != test.missing {
			t.Errorf("%s: %v, missing %v", test.set, references, missing)
		}
		if got := SetVariable("my-crm", schemes, lookup); got != test.any {
			t.Errorf("%s: the variable that is set is %q", test.set, got)
		}
	}
}
