package yamlfile

import "testing"

func TestLine(t *testing.T) {
	t.Parallel()
	const text = "plugins: p\nconnections:\n  cove:\n    connector: harbour\n    config: &c\n      tenant: a\n  bay: {server: eu,\n    config: {a.b: 1}}\n  other: 7\n"
	for path, want := range map[string]int{
		"connections.cove.server":        3,
		"connections.cove.connector":     4,
		"connections.cove.config.tenant": 6,
		"connections.cove.config.zone":   5,
		"connections.bay.server":         7,
		"connections.bay.config.a.b":     8,
		"connections.other.server.x":     9,
		"connections.co":                 2,
		"audit.file":                     0,
		"":                               0,
	} {
		if got := Line([]byte(text), path, Limits{Tokens: 100, Depth: 10}); got != want {
			t.Errorf("%s: line %d, want %d", path, got, want)
		}
	}
	if got := Line([]byte("a: [\n"), "a", Limits{Tokens: 100, Depth: 10}); got != 0 {
		t.Errorf("no YAML: line %d", got)
	}
}
