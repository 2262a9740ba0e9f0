package airbyte_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/agenthost/agenthost/internal/vendorsim/airbyte"
	"github.com/google/go-cmp/cmp"
)

// TestTablesOfTheSDK compares the kinds of connectors with what airbyte-agent-sdk says of them.
// The target test-hosted of the Makefile installs that, and writes the file that
// AIRBYTE_TABLES names. A test of package host compares the connectors with the kinds.
func TestTablesOfTheSDK(t *testing.T) {
	file := os.Getenv("AIRBYTE_TABLES")
	if file == "" {
		t.Skip("make test-hosted runs this")
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	type table struct {
		ID         string              `json:"id"`
		Operations map[string][]string `json:"operations"`
		Searchable map[string][]string `json:"searchable"`
		Semantic   map[string][]string `json:"semantic"`
	}
	var want map[string]table
	if err := json.Unmarshal(raw, &want); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]table)
	for _, d := range airbyte.Definitions() {
		got[d.Slug] = table{d.ID, sorted(d.Operations), sorted(d.Searchable), sorted(d.Semantic)}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the tables differ from those of the SDK:\n%s", diff)
	}
}

func sorted(lists map[string][]string) map[string][]string {
	out := make(map[string][]string, len(lists))
	for name, list := range lists {
		out[name] = append([]string{}, list...)
		slices.Sort(out[name])
	}
	return out
}
