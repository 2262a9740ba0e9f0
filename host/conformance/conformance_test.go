package conformance

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/agenthost/agenthost/internal/wasmtest"
)

func TestConnectorsPass(t *testing.T) {
	t.Parallel()
	connectors := []string{"examples/connector-hello", "examples/connector-extism", "host/conformance/testdata/right", "plugins/pylon", "plugins/incidentio", "plugins/ashby"}
	if testing.Short() {
		connectors = connectors[:4]
	}
	// The checks that an example needs no cases of, and why.
	mayBeEmpty := map[string]string{"pages.end": "pages", "results.fit": "no operation declares a result", "sync.holds": "the manifest has no sync"}
	for _, pkg := range connectors {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			module, err := os.ReadFile(wasmtest.Build(t, pkg))
			if err != nil {
				t.Fatal(err)
			}
			report, err := Run(t.Context(), module, Options{Cache: wasmtest.Cache(t)})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range report.Checks {
				t.Logf("%s: %s, %d cases", c.ID, c.Status, c.Cases)
				for _, p := range c.Problems {
					t.Errorf("%s: %s", c.ID, p)
				}
				if c.More > 0 {
					t.Errorf("%s: and %d more", c.ID, c.More)
				}
				if why, may := mayBeEmpty[c.ID]; c.Cases == 0 && (!may || c.Status != NotChecked || !strings.Contains(c.Reason, why)) {
					t.Errorf("%s is %s and checked nothing: %s", c.ID, c.Status, c.Reason)
				}
			}
			if report.Passed == t.Failed() {
				t.Errorf("passed is %v", report.Passed)
			}
		})
	}
}

// TestInterrupted: an interrupted run is an error and not a report of failures.
func TestInterrupted(t *testing.T) {
	t.Parallel()
	module, err := os.ReadFile(wasmtest.Build(t, "examples/connector-hello"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var told []string
	report, err := Run(ctx, module, Options{Cache: wasmtest.Cache(t), Progress: func(done, total int, title string) {
		told = append(told, title)
		if done == total/2 {
			cancel()
		}
	}})
	if report != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("report %v, error %v", report, err)
	}
	if len(told) != len(checks())/2+1 || told[0] != checks()[0].Title {
		t.Errorf("the progress was %q", told)
	}
}

// checks lists what a [Run] checks, in its order, without outcomes.
func checks() []Check {
	list := make([]Check, len(steps))
	for i, s := range steps {
		list[i] = Check{ID: s.id, Title: s.title}
	}
	return list
}
