package readme

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/table"
	"github.com/agenthost/agenthost/internal/tableimport/openapi"
)

// TestConfigurations loads every YAML block as a configuration, those in docs/tables.md as
// tables, and OpenAPI documents as those.
func TestConfigurations(t *testing.T) {
	t.Parallel()
	loaded := 0
	for name, text := range documents(t) {
		for i, b := range blocks(text) {
			if b.language != "yaml" {
				continue
			}
			loaded++
			if strings.HasPrefix(b.text, "openapi: ") {
				if _, err := openapi.Import(t.Context(), []byte(b.text), openapi.Options{}); err != nil {
					t.Errorf("%s, block %d: %v", name, i+1, err)
				}
				continue
			}
			if name == "docs/tables.md" {
				if _, err := table.Read(t.Context(), name, []byte(b.text)); err != nil {
					t.Errorf("block %d: %v", i+1, err)
				}
				continue
			}
			if _, err := config.Parse(filepath.Join(t.TempDir(), "agenthost.yaml"), []byte(b.text)); err != nil {
				t.Errorf("%s, block %d: %v\n%s", name, i+1, err, b.text)
			}
		}
	}
	if loaded < 5 {
		t.Errorf("only %d blocks of YAML were found", loaded)
	}
}
