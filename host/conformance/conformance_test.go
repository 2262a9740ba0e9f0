package conformance

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/agenthost/agenthost/internal/wasmtest"
)

// examine runs the checks on a module. Compiled ones outlive a run of the tests; they
// are keyed by content.
func examine(t *testing.T, file string, o Options) *Report {
	t.Helper()
	module, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = t.TempDir()
	}
	o.Cache = filepath.Join(cache, "agenthost-wasmtest", "conformance")
	report, err := Run(t.Context(), module, o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestConnectorsPass(t *testing.T) {
	connectors := []string{"examples/connector-hello", "plugins/pylon", "plugins/incidentio", "plugins/ashby"}
	if testing.Short() {
		connectors = connectors[:2]
	}
	for _, pkg := range connectors {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			report := examine(t, wasmtest.Build(t, pkg), Options{})
			for _, c := range report.Checks {
				t.Logf("%s: %s, %d cases", c.ID, c.Status, c.Cases)
				for _, p := range c.Problems {
					t.Errorf("%s: %s", c.ID, p)
				}
				if c.More > 0 {
					t.Errorf("%s: and %d more", c.ID, c.More)
				}
				if c.Status == Skip || c.Cases == 0 && c.ID != "pages.end" {
					t.Errorf("%s checked nothing", c.ID)
				}
			}
			if report.Passed == t.Failed() {
				t.Errorf("passed is %v", report.Passed)
			}
		})
	}
}
