package pdktest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/pdk"
)

func TestGoldenManifest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "manifest.golden.json")
	golden := func(change func(*pdk.Connector), update bool) string {
		return said(func(t T) { GoldenManifest(t, thing(change), path, update) })
	}
	if got := golden(nil, false); !strings.Contains(got, "go test -update") {
		t.Errorf("without a file: %q", got)
	}
	if got := golden(nil, true); got != "" {
		t.Errorf("at its writing: %q", got)
	}
	if got := golden(nil, false); got != "" {
		t.Errorf("as it was written: %q", got)
	}
	if got := golden(func(c *pdk.Connector) { c.Operations[0].Effect = pdk.Delete }, false); !strings.Contains(got, `"effect": "delete"`) {
		t.Errorf("with another effect: %q", got)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(text, "more\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := golden(nil, false); !strings.Contains(got, "ends before") {
		t.Errorf("with a file that says more: %q", got)
	}
}
