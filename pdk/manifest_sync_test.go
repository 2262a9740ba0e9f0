package pdk

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/agenthost/agenthost/pdk/abi"
)

// What a connector says about copies is in its manifest and in its table, member for member.
func TestSyncInManifest(t *testing.T) {
	raw := func(text string) abi.RawMessage { return abi.RawMessage(text) }
	c := &Connector{Sync: []abi.Sync{{Entity: "teams"}, {
		Entity: "issues", List: "search", Params: raw(`{"a":1}`), Key: "/key", Get: "show", GetKey: "/name",
		Each:      &abi.SyncEach{Param: "/of", Values: []string{"a", "b"}, Of: "teams", As: "team", Changed: "/n"},
		Changes:   &abi.SyncChanges{Param: "/from", Params: raw(`{"b":{}}`), Field: "/at", Format: "date", OverlapSeconds: 7, Until: "/to", MaxSeconds: 86400, Start: "2020-01-01T00:00:00Z", Token: "/token"},
		Deletions: &abi.SyncDeletions{Field: "/state", Values: []abi.RawMessage{raw(`"gone"`), raw("true")}, List: "deleted", Key: "/k", Param: "/since"},
		Writes:    map[string]string{"issues.update": "/params/id", "a.b": "/data/id"}, IntervalSeconds: 60, FullSeconds: 600,
		Text: []string{"title"}, Fields: map[string]string{"z": "time", "a": "any"}, Index: []string{"state"},
	}}}
	// A field that is not in it is one that appendSync forgets.
	for _, of := range []any{c.Sync[1], *c.Sync[1].Each, *c.Sync[1].Changes, *c.Sync[1].Deletions} {
		for i := range reflect.ValueOf(of).NumField() {
			if reflect.ValueOf(of).Field(i).IsZero() {
				t.Errorf("the example has no %s", reflect.TypeOf(of).Field(i).Name)
			}
		}
	}
	for name, document := range map[string][]byte{"manifest": c.Manifest(), "table": c.Table()} {
		var got struct {
			Sync []abi.Sync `json:"sync"`
		}
		if err := json.Unmarshal(document, &got); err != nil || !reflect.DeepEqual(got.Sync, c.Sync) {
			t.Errorf("%s: %+v, %v", name, got.Sync, err)
		}
	}
	for name, document := range map[string][]byte{"rows": c.Rows(), "a manifest without it": (&Connector{}).Manifest()} {
		if Raw(document).Member("sync").Exists() {
			t.Errorf("%s: %s", name, document)
		}
	}
}
