package params_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/cmd/agenthost/internal/params"
	"github.com/google/go-cmp/cmp"
)

func TestPaths(t *testing.T) {
	t.Parallel()
	const result = `{
		"$defs": {"person": {"type": "object", "properties": {"email": {"type": "string", "description": "An address."}, "boss": {"$ref": "#/$defs/person"}}}, "loop": {"$ref": "#/$defs/loop"}},
		"type": "object",
		"properties": {
			"id": {"type": "string"},
			"assignee": {"$ref": "#/$defs/person", "description": "Who works on it."},
			"tags": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
			"a.b\\c": {"type": "object", "properties": {"d": true}},
			"loop": {"$ref": "#/$defs/loop"},
			"any": true
		}
	}`
	for _, c := range []struct {
		typed string
		want  []string
	}{
		{"", []string{"a\\.b\\\\c\t", "any\t", "assignee\tWho works on it.", "id\t", "loop\t", "tags\t"}},
		{"ass", []string{"a\\.b\\\\c\t", "any\t", "assignee\tWho works on it.", "id\t", "loop\t", "tags\t"}},
		{"assignee.", []string{"assignee.boss\t", "assignee.email\tAn address."}},
		{"assignee.boss.boss.e", []string{"assignee.boss.boss.boss\t", "assignee.boss.boss.email\tAn address."}},
		{"tags.", []string{"tags.name\t"}},
		{`a\.b\\c.`, []string{"a\\.b\\\\c.d\t"}},
		{"id.", nil}, {"loop.", nil}, {"any.", nil}, {"nothing.", nil}, {".", nil},
	} {
		got, err := params.Paths(json.RawMessage(result), c.typed)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		if diff := cmp.Diff(strings.Join(c.want, "\n"), strings.Join(got, "\n")); diff != "" {
			t.Errorf("%q (-want +got)\n%s", c.typed, diff)
		}
	}
	if _, err := params.Paths(json.RawMessage(`{`), ""); err == nil {
		t.Error("no error for a broken schema")
	}
}
