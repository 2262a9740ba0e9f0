package host

import (
	"bytes"
	"testing"
)

// TestParamsAreAMap: [Params] are written as the map that they are.
func TestParamsAreAMap(t *testing.T) {
	t.Parallel()
	for _, params := range []map[string]any{nil, {}, {"b": 1, "a": "<", "c": Params{"x": nil}}} {
		want, err := encode(params)
		if got, gotErr := encode(Params(params)); !bytes.Equal(got, want) || err != nil || gotErr != nil {
			t.Errorf("%#v is written as %s (%v), want %s (%v)", params, got, gotErr, want, err)
		}
	}
}
