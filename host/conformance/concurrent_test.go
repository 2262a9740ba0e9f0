package conformance

import (
	"os"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/internal/wasmtest"
)

// Runs do not disturb each other.
func TestConcurrentRuns(t *testing.T) {
	t.Parallel()
	module, err := os.ReadFile(wasmtest.Build(t, "examples/connector-hello"))
	if err != nil {
		t.Fatal(err)
	}
	var runs sync.WaitGroup
	for range 2 {
		runs.Go(func() {
			report, err := Run(t.Context(), module, Options{Cache: wasmtest.Cache(t)})
			if err != nil || !report.Passed {
				t.Errorf("%+v, %v", report, err)
			}
		})
	}
	runs.Wait()
}
