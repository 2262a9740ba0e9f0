package config

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestTooHigh finds every key at the place that the hint names.
func TestTooHigh(t *testing.T) {
	for key, in := range tooHigh {
		_, err := Parse("agenthost.yaml", fmt.Appendf(nil, "connections: {a: {connector: x, %s: {%s: x}}}", in, key))
		if err != nil && strings.Contains(err.Error(), "unknown key") {
			t.Errorf("%s under %s: %v", key, in, err)
		}
		_, err = Parse("agenthost.yaml", fmt.Appendf(nil, "connections: {a: {connector: x, %s: x}}", key))
		var e *Error
		if !errors.As(err, &e) || len(e.Problems) == 0 || e.Problems[0].Hint != "it belongs under "+in {
			t.Errorf("%s of a connection: %v", key, err)
		}
	}
}
