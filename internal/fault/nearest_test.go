package fault_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/fault"
)

func TestNearest(t *testing.T) {
	names := []string{"yaml", "issues", "issue_notes", "accounts", "articles", "me", "start_time"}
	for _, c := range []struct{ name, want string }{
		{"issue", "issues"},
		{"isseus", "issues"},
		{"Issues", "issues"},
		{"acount", "accounts"},
		{"start-time", "start_time"},
		{"startTime", "start_time"},
		{"m", "me"},
		{"zzzzzz", ""},
		{"xml", ""},
		{"x", ""},
		{"", ""},
		{strings.Repeat("issues", 100), ""},
	} {
		if got := fault.Nearest(c.name, names); got != c.want {
			t.Errorf("Nearest(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}

// TestNearestParts finds a name by a part of it, and says nothing where that would be a guess.
func TestNearestParts(t *testing.T) {
	airbyte := []string{"base_url", "client_id", "client_secret", "workspace_name", "customer_name", "organization_id", "connector_id"}
	for _, c := range []struct {
		name       string
		candidates []string
		want       string
	}{
		{"airbyte_client_id", airbyte, "client_id"},
		{"AIRBYTE-CLIENT-SECRET", airbyte, "client_secret"},
		{"workspace", airbyte, "workspace_name"},
		{"organization", airbyte, "organization_id"},
		{"secret", airbyte, "client_secret"},
		{"list_all", []string{"get", "list"}, "list"},
		{"output-format", []string{"output", "timeout"}, "output"},
		{"token", []string{"api_token"}, "api_token"},
		{"acme", []string{"acme.eu", "globex"}, "acme.eu"},
		{"pylon_eu", []string{"pylon", "pylon"}, "pylon"},
		{"_workspace_", airbyte, "workspace_name"},
		{"straße", []string{"große_straße"}, "große_straße"},

		{"client", airbyte, ""},                                   // two
		{"name", airbyte, ""},                                     // two
		{"client_id_or_client_secret", airbyte, ""},               // two
		{"url", airbyte, ""},                                      // too short
		{"eu", []string{"pylon_eu"}, ""},                          // too short
		{"id_of_it", []string{"id"}, ""},                          // too short
		{"--url--", []string{"base_url"}, ""},                     // too short without its dashes
		{"____", airbyte, ""},                                     // nothing
		{"work", []string{"homework", "workspace_name"}, ""},      // no whole word
		{"timeouts", []string{"connect_timeout_seconds"}, ""},     // no whole word
		{"id_client", airbyte, ""},                                // another order
		{"client_for_this_id", airbyte, ""},                       // not in a row
		{"no_color", []string{"color"}, ""},                       // the opposite
		{"archived", []string{"not-archived"}, ""},                // the opposite
		{"list_of_everything_there_is", []string{"list"}, ""},     // hardly the same
		{"name", []string{"the_name_of_the_workspace"}, ""},       // hardly the same
		{"isseus_client_id", []string{"issues", "users"}, ""},     // nothing in common as a word
		{strings.Repeat("a_", 40) + "list", []string{"list"}, ""}, // too long to be a slip
		{"list", []string{"list_" + strings.Repeat("a_", 40)}, ""},
	} {
		if got := fault.Nearest(c.name, c.candidates); got != c.want {
			t.Errorf("Nearest(%q, %q) = %q, want %q", c.name, c.candidates, got, c.want)
		}
	}
	// A slip of the finger comes first.
	if got := fault.Nearest("issue", []string{"issue_notes", "issues"}); got != "issues" {
		t.Errorf("the near one is not preferred to the related one: %q", got)
	}
}

func TestHintWithoutCandidates(t *testing.T) {
	if got := fault.Hint("x", nil); got != "" {
		t.Errorf("Hint = %q, want nothing", got)
	}
}

func ExampleHint() {
	fmt.Println(fault.Hint("isues", []string{"issues", "accounts"}))
	fmt.Println(fault.Hint("issue_comments", []string{"comments", "accounts"}))
	fmt.Println(fault.Hint("weather", []string{"issues", "accounts"}))
	// Output:
	// did you mean issues?
	// did you mean comments?
	// choose one of accounts, issues
}
