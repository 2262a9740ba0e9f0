package pdk_test

import (
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk"
	"github.com/agenthost/agenthost/pdk/abi"
)

// TestRecordsBecomeResults: the members of a record are in the manifest, by operation before by
// entity, and an operation that deletes has those of its own only.
func TestRecordsBecomeResults(t *testing.T) {
	t.Parallel()
	op := func(entity, action string, effect abi.Effect, result *pdk.Schema) pdk.Operation {
		return pdk.Operation{Entity: entity, Action: action, Effect: effect, Method: "GET", Path: "/", Result: result}
	}
	c := pdk.Connector{
		Records: map[string]string{"things": "id", "things.count": "n:integer", "things.odd": "", "lamps.delete": "at"},
		Operations: []pdk.Operation{
			op("things", "get", pdk.Read, nil), op("things", "count", pdk.Read, nil), op("things", "odd", pdk.Read, nil), op("things", "delete", pdk.Delete, nil),
			op("lamps", "get", pdk.Read, nil), op("lamps", "delete", pdk.Delete, nil), op("things", "own", pdk.Read, pdk.Integer("How many.")),
		},
	}
	want := []string{
		`{"type":"object","properties":{"id":{"type":["string","null"]}}}`, `{"type":"object","properties":{"n":{"type":["integer","null"]}}}`, "", "",
		"", `{"type":"object","properties":{"at":{"type":["string","null"]}}}`, `{"type":"integer","description":"How many."}`,
	}
	manifest := pdk.Raw(c.Manifest())
	i := 0
	for row := range manifest.Member("operations").Elements() {
		if got := string(row.Member("result")); got != want[i] {
			t.Errorf("operation %d answers %s, want %s", i, got, want[i])
		}
		i++
	}
}

// TestRecord has every form of a member.
func TestRecord(t *testing.T) {
	t.Parallel()
	text, integer := `{"type":["string","null"]}`, `{"type":["integer","null"]}`
	list := func(items string) string { return `{"type":["array","null"],"items":` + items + `}` }
	object := func(members string) string {
		return `{"type":["object","null"],"properties":{` + members + `}}`
	}
	for members, want := range map[string]string{
		"id":                       `"id":` + text,
		"id number:integer":        `"id":` + text + `,"number":` + integer,
		"on:boolean at:any x":      `"on":{"type":["boolean","null"]},"at":{},"x":` + text,
		"tags[]\n\t\tids[]:number": `"tags":` + list(text) + `,"ids":` + list(`{"type":["number","null"]}`),
		"a{id b{n:integer}} c":     `"a":` + object(`"id":`+text+`,"b":`+object(`"n":`+integer)) + `,"c":` + text,
		"rows[]{id}":               `"rows":` + list(object(`"id":`+text)),
		"grid[][]:integer o{}":     `"grid":` + list(list(integer)) + `,"o":` + object(""),
		"at:time a{t:time}":        `"at":{"type":["string","null"],"format":"date-time"},"a":` + object(`"t":{"type":["string","null"],"format":"date-time"}`),
		"m:object":                 `"m":{"type":["object","null"]}`,
	} {
		c := pdk.Connector{Operations: []pdk.Operation{{Entity: "a", Action: "b", Effect: pdk.Read}}, Records: map[string]string{"a": members}}
		if got := string(c.Manifest()); !strings.Contains(got, `"result":{"type":"object","properties":{`+want+`}}`) {
			t.Errorf("%q: %s", members, got)
		}
	}
}
