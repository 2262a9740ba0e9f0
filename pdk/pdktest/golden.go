package pdktest

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"

	"github.com/agenthost/agenthost/pdk"
)

// GoldenManifest fails the test unless the connector's indented manifest equals the file at path, so
// that every change of what the connector may do shows up in review. With update, usually a flag
// of the test, it writes the file first. What [pdk.Connector.Records] says is left out: it is ten
// times as long in a manifest as in the connector.
func GoldenManifest(t T, connector *pdk.Connector, path string, update bool) {
	t.Helper()
	shown := *connector
	shown.Records = nil
	var indented bytes.Buffer
	if err := json.Indent(&indented, shown.Manifest(), "", " "); err != nil {
		t.Fatalf("the manifest is not JSON: %v", err)
	}
	indented.WriteByte('\n')
	if update {
		if err := os.WriteFile(path, indented.Bytes(), 0o644); err != nil {
			t.Fatalf("the golden manifest: %v", err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("the golden manifest: %v; write it with go test -update", err)
	}
	if bytes.Equal(indented.Bytes(), golden) {
		return
	}
	got, want := lines(indented.Bytes()), lines(golden)
	for i := range got {
		if i >= len(want) || got[i] != want[i] {
			t.Fatalf("the manifest differs from %s in line %d: %s\nrun go test -update and look at the difference", path, i+1, strings.TrimSpace(got[i]))
		}
	}
	t.Fatalf("the manifest ends before %s does; run go test -update and look at the difference", path)
}

func lines(text []byte) []string {
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}
