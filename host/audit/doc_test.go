package audit

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// The tables of docs/operate.md have every member of a record and of a request, and no other.
func TestEveryFieldIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	tables := strings.Split(string(text), "| field | what it is |\n")
	if len(tables) != 3 {
		t.Fatalf("%d tables", len(tables)-1)
	}
	r := full()
	r.Requests[0].Kind, r.Requests[0].Rule = "network", "none" // has everything
	var record map[string]json.RawMessage
	if err := json.Unmarshal(appendLine(nil, r), &record); err != nil {
		t.Fatal(err)
	}
	var requests []map[string]json.RawMessage
	if err := json.Unmarshal(record["requests"], &requests); err != nil {
		t.Fatal(err)
	}
	for i, members := range []map[string]json.RawMessage{record, requests[0]} {
		documented := make(map[string]bool)
		for line := range strings.Lines(tables[i+1]) {
			if !strings.HasPrefix(line, "|") {
				break
			}
			field, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
			for _, m := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(field, -1) {
				documented[m[1]] = true
			}
		}
		for name := range members {
			if !documented[name] {
				t.Errorf("%s is not documented", name)
			}
			delete(documented, name)
		}
		for name := range documented {
			t.Errorf("%s is documented, and there is no such field", name)
		}
	}
}
