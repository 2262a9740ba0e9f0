package config

import (
	"reflect"
	"strings"
	"testing"
)

// TestValues: values are texts, as they are written in the file.
func TestValues(t *testing.T) {
	t.Parallel()
	c, err := Parse("agenthost.yaml", []byte("connections:\n  x:\n    connector: birchdesk\n    config: {tenant: acme, account: 0042, big: 12345678901234567890, ratio: 1.50, \"on\": true, quoted: \"true\"}\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"tenant": "acme", "account": "0042", "big": "12345678901234567890", "ratio": "1.50", "on": "true", "quoted": "true"}
	if got := c.Connections["x"].Config; !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestValuesThatAreNone(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		"[a]":           "connections.x.config: needs a mapping, has a list",
		"{a: [b]}":      "connections.x.config.a: needs one value, has a list",
		"{a: {b: c}}":   "connections.x.config.a: needs one value, has a mapping",
		"{a: ~}":        "connections.x.config.a: needs one value, has nothing",
		"{a: !!str b}":  "connections.x.config.a: has a YAML tag",
		"{a-b: c}":      "connections.x.config.a-b: is not a name",
		"{a: *nowhere}": "connections.x.config.a: the alias has no anchor",
	} {
		_, err := Parse("agenthost.yaml", []byte("connections:\n  x: {connector: birchdesk, config: "+config+"}\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}
