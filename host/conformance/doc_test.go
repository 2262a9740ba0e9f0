package conformance

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestDocs: the documentation has every check, in the words of the code, and no other.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range checks() {
		if row := fmt.Sprintf("\n| `%s` | %s | ", c.ID, c.Title); !strings.Contains(string(text), row) {
			t.Errorf("docs/conformance.md has no row that begins%s", row)
		}
	}
	if got, want := strings.Count(string(text), "\n| `"), len(checks()); got != want {
		t.Errorf("docs/conformance.md has %d checks, there are %d", got, want)
	}
}
