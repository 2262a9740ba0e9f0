package portable_test

import (
	"encoding/json"
	"testing"

	"github.com/agenthost/agenthost/internal/portable"
	"github.com/agenthost/agenthost/internal/rawjson"
)

// FuzzParams: whatever a schema says, what becomes of it is one that clients take.
func FuzzParams(f *testing.F) {
	for _, schema := range corpus {
		f.Add([]byte(schema))
	}
	f.Fuzz(func(t *testing.T, own []byte) {
		if _, twice, err := rawjson.Decode(own); err != nil || twice != "" || rawjson.KindOf(own) != rawjson.Object {
			t.Skip()
		}
		of := portable.Params(own, "cursor")
		if !json.Valid(of.JSON) {
			t.Fatalf("not JSON: %s", of.JSON)
		}
		for _, problem := range portable.Check(of.JSON, true) {
			t.Errorf("%s: %s", problem, of.JSON)
		}
	})
}
