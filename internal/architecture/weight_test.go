package architecture

import (
	"os/exec"
	"strings"
	"testing"
)

// TestHostLinksNoRegistry: who embeds the host gets nothing that checks signatures or speaks to registries.
func TestHostLinksNoRegistry(t *testing.T) {
	t.Parallel()
	for _, of := range []string{"host", "host/mcp", "host/config", "server"} {
		out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"/"+of).Output()
		if err != nil {
			t.Fatal(err)
		}
		deps := strings.Fields(string(out))
		if len(deps) < 50 {
			t.Fatalf("%s links %d packages", of, len(deps))
		}
		for _, dep := range deps {
			for _, never := range []string{"github.com/sigstore/", "github.com/digitorus/", "oras.land/", "github.com/opencontainers/", "github.com/google/go-containerregistry", "github.com/theupdateframework/", module + "/internal/trust", module + "/internal/registry"} {
				if strings.HasPrefix(dep, never) {
					t.Errorf("%s links %s", of, dep)
				}
			}
		}
	}
}
