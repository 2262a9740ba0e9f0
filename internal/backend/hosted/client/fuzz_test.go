package client

import (
	"encoding/json"
	"testing"

	"github.com/agenthost/agenthost/internal/airbyteapi"
)

// FuzzAnswers reads what a service may answer. Nothing panics, and what is taken for an
// answer is JSON.
func FuzzAnswers(f *testing.F) {
	for _, seed := range []string{
		`{"status":"success","result":[],"connector_metadata":null}`,
		`{"status":"failed","errors":[{"loc":["body",0],"msg":"x"}]}`,
		`{"detail":[{"loc":["body"],"msg":"x"},"y",3]}`,
		`{"errors":["a",null,{"field":1}],"message":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_ = airbyteapi.ReadFailure(body).String()
		answer, err := readAnswer(body)
		if err != nil {
			return
		}
		if !json.Valid(answer.Result) || !json.Valid(answer.Metadata) || answer.Metadata[0] != '{' {
			t.Errorf("%s gives %s and %s", body, answer.Result, answer.Metadata)
		}
	})
}
