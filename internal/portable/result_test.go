package portable_test

import (
	"encoding/json"
	"testing"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/portable"
)

// TestResultTakesNumbersAsText: budget.Clean writes large integers as texts, and the output
// schema takes both.
func TestResultTakesNumbersAsText(t *testing.T) {
	t.Parallel()
	own := json.RawMessage(`{"type":"object","properties":{"id":{"type":"integer","minimum":1},"rate":{"type":["number","null"]},"on":{"type":"boolean"}}}`)
	schema, err := connector.CompileSchema(portable.Result(own))
	if err != nil {
		t.Fatal(err)
	}
	for record, fits := range map[string]bool{
		`{"id":1,"rate":0.5,"on":true}`:                           true,
		`{"id":"12345678901234567890","rate":"1e400","on":false}`: true,
		`{"rate":null}`: true,
		`{"on":"true"}`: false,
		`{"id":true}`:   false,
	} {
		if err := schema.Validate(t.Context(), []byte(record)); (err == nil) != fits {
			t.Errorf("%s: %v", record, err)
		}
	}
}
