package hosted

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/backend/hosted/client"
	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Answers that lack what every answer of their operation has are refused.
func TestAnswersThatLackParts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ action, result, says string }{
		{"context_store_search", `{"data":[1]}`, `no "meta" field`},
		{"context_store_search", `{"data":[1],"meta":[]}`, `no "meta" field`},
		{"context_store_search", `{"data":null,"meta":{}}`, "is null"},
		{"context_store_search", `{"data":{},"meta":{}}`, "not an array"},
		{"context_store_search", `{"data":[1],"meta":{}}`, ""},
		{"list", `null`, "is null"},
		{"list", `{}`, "not an array"},
		{"list", `[]`, ""},
	} {
		op := &connector.Operation{Operation: &abi.Operation{Entity: "things", Action: tt.action, Paginated: true}}
		result, err := assemble(op, &abi.Airbyte{}, &client.Answer{Result: json.RawMessage(tt.result), Metadata: json.RawMessage(`{}`)})
		switch {
		case tt.says == "" && (err != nil || len(result.Data) == 0):
			t.Errorf("%s of %s: %s, %v", tt.action, tt.result, result.Data, err)
		case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
			t.Errorf("%s of %s: %v, want %q", tt.action, tt.result, err, tt.says)
		}
	}
}
