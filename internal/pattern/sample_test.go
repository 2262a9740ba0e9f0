package pattern

import (
	"strings"
	"testing"
)

func TestSample(t *testing.T) {
	t.Parallel()
	for _, expression := range []string{`^[a-z]{3}-\d{4}$`, `^(open|closed)$`, `^x.*y$`, `[A-F0-9]{8,}`, ``, `^[^a]+$`} {
		p, err := Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		if text := Sample(expression, "value"); !p.MatchString(text) {
			t.Errorf("%s: %q", expression, text)
		}
	}
	if text := Sample(`(`, "value"); text != "" {
		t.Errorf("an expression that is none: %q", text)
	}
	// Repetitions of nothing inside each other would take years.
	if text := Sample(strings.Repeat("(", 18)+strings.Repeat(")*", 18), "value"); text != "" {
		t.Errorf("of nothing: %q", text)
	}
}
