package portable_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/portable"
)

// TestRules holds the examples of the rules.
func TestRules(t *testing.T) {
	t.Parallel()
	for _, rule := range portable.Rules() {
		if rule.Source == "" {
			t.Errorf("%s has no source", rule.Construct)
		}
		if rule.Own == "" {
			continue
		}
		if _, err := connector.CompileSchema([]byte(rule.Own)); err != nil {
			t.Errorf("%s: the example is no schema: %v", rule.Construct, err)
		}
		if got := portable.Params([]byte(rule.Own)); string(got.JSON) != rule.Portable {
			t.Errorf("%s:\n got %s\nwant %s", rule.Construct, got.JSON, rule.Portable)
		}
	}
}

var update = flag.Bool("update", false, "write the table of rules into docs/agents.md")

// link is the address of an issue, with the repository's name and its number.
var link = regexp.MustCompile(`(https://github\.com/[^/ ]+/([^/ ]+)/(?:issues|pull)/(\d+))`)

// TestRulesAreDocumented holds the table in docs/agents.md.
func TestRulesAreDocumented(t *testing.T) {
	t.Parallel()
	const file, begin, end = "../../docs/agents.md", "<!-- rules: begin. Written by go test ./internal/portable -update -->\n", "<!-- rules: end -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	table, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the rules", file)
	}
	var b strings.Builder
	b.WriteString("\n| in a connector's schema | in a tool's schema | who needs it |\n|---|---|---|\n")
	for _, rule := range portable.Rules() {
		fmt.Fprintf(&b, "| %s | %s | %s |\n", rule.Construct, rule.Becomes, link.ReplaceAllString(rule.Source, "[$2#$3]($1)"))
	}
	b.WriteByte('\n')
	if *update {
		if err := os.WriteFile(file, []byte(before+begin+b.String()+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if table != b.String() {
		t.Errorf("the rules in %s are not those of the code: run go test ./internal/portable -update", file)
	}
}
