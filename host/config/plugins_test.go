package config_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/config"
)

func TestPluginsFromRegistries(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("dir/x.yaml", []byte(`
plugins:
  from: {notes: "ghcr.io/acme/notes:1.2.0"}
  mirror: ./m
  registries: {"registry.example.com:5000": {blobs: [cdn.example.net]}}
`))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(c.Plugins, filepath.Join("dir", "plugins")) || c.Registries.From["notes"].String() != "ghcr.io/acme/notes:1.2.0" ||
		!strings.HasSuffix(c.Registries.Mirror, filepath.Join("dir", "m")) || c.Registries.Blobs["registry.example.com:5000"][0] != "cdn.example.net" {
		t.Errorf("%+v", c)
	}
	for text, says := range map[string]string{
		"plugins: [a]":                                         "plugins: needs text, has a list",
		"plugins: {from: {notes: acme/notes}}":                 "plugins.from.notes",
		"plugins: {from: {notes: \"ghcr.io/acme/notes\"}}":     "has no tag and no digest",
		"plugins: {from: {Notes: \"ghcr.io/a/b:1\"}}":          "is not the name of a connector",
		"plugins: {from: [a]}":                                 "needs a mapping",
		"plugins: {foler: a}":                                  "did you mean folder?",
		"plugins: {registries: {\"https://a.example\": {}}}":   "is not the host of a registry",
		"plugins: {registries: {a.example: {blobs: [\"*\"]}}}": "is not a host",
		"plugins: {registries: {a.example: {blob: []}}}":       "did you mean blobs?",
	} {
		_, err := config.Parse("x.yaml", []byte(text))
		var problems *config.Error
		if !errors.As(err, &problems) || !strings.Contains(err.Error()+problems.Problems[0].Hint, says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
