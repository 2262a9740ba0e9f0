package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestWorkflowTriesEveryPlatform: the program for each system runs on that system before anybody gets it.
func TestWorkflowTriesEveryPlatform(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../.github/workflows/release.yml")
	if err != nil {
		t.Fatal(err)
	}
	var tried, want []string
	for _, m := range regexp.MustCompile(`\bplatform: ([a-z0-9/]+)\}`).FindAllStringSubmatch(string(text), -1) {
		tried = append(tried, m[1])
	}
	for _, p := range all() {
		want = append(want, p.String())
	}
	if !slices.Equal(tried, want) {
		t.Errorf("the workflow tries %q, and a release is for %q", tried, want)
	}
	for _, command := range []string{"make release", "go run . make", "go run . compare", "go run . try"} {
		if !strings.Contains(string(text), command) {
			t.Errorf("it does not run %s", command)
		}
	}
}
