package readme

import (
	"path/filepath"
	"testing"

	"github.com/agenthost/agenthost/host/config"
)

// TestConfigurations loads every YAML block as a configuration.
func TestConfigurations(t *testing.T) {
	t.Parallel()
	loaded := 0
	for name, text := range documents(t) {
		for i, b := range blocks(text) {
			if b.language != "yaml" {
				continue
			}
			loaded++
			if _, err := config.Parse(filepath.Join(t.TempDir(), "agenthost.yaml"), []byte(b.text)); err != nil {
				t.Errorf("%s, block %d: %v\n%s", name, i+1, err, b.text)
			}
		}
	}
	if loaded < 5 {
		t.Errorf("only %d blocks of YAML were found", loaded)
	}
}
