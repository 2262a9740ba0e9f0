package nearest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/nearest"
)

func TestOf(t *testing.T) {
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
		if got := nearest.Of(c.name, names); got != c.want {
			t.Errorf("Of(%q) = %q, want %q", c.name, got, c.want)
		}
	}
}

func TestHintWithoutCandidates(t *testing.T) {
	if got := nearest.Hint("x", nil); got != "" {
		t.Errorf("Hint = %q, want nothing", got)
	}
}

func ExampleHint() {
	fmt.Println(nearest.Hint("isues", []string{"issues", "accounts"}))
	fmt.Println(nearest.Hint("weather", []string{"issues", "accounts"}))
	// Output:
	// did you mean issues?
	// choose one of accounts, issues
}
