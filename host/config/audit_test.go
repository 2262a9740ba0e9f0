package config_test

import (
	"path/filepath"
	"testing"

	"github.com/agenthost/agenthost/host/config"
)

func TestAudit(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]config.Audit{
		"": {},
		"audit: {file: ./audit.jsonl, max_size: 50MB, keep: 10, log: true, required: true}": {
			File: filepath.Join(dir, "audit.jsonl"), MaxSize: 50_000_000, Keep: 10, Log: true, Required: true,
		},
		"audit: {log: true, required: false}": {Log: true},
	} {
		c, err := config.Parse(filepath.Join(dir, "agenthost.yaml"), []byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if c.Audit != want {
			t.Errorf("%s: %+v", text, c.Audit)
		}
	}
}
