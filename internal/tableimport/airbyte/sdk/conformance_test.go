package sdk_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/agenthost/agenthost/host/conformance"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// exceptions are checks of plugin test that an imported connector need not pass, and why.
var exceptions = map[string]string{
	"gmail operations.described": "the vendor's description of messages.create says what to do before a call of it",
	"slack operations.described": "the vendor's description of force has a word that orders have",
}

// All imported connectors pass plugin test.
func conform(t *testing.T, all map[string]*imported) {
	var mu sync.Mutex
	problems := make(map[string][]string)
	names := slices.Sorted(maps.Keys(all))
	work := make(chan string)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for name := range work {
				report, err := conformance.Run(t.Context(), all[name].module, conformance.Options{Cache: wasmtest.Cache(t)})
				mu.Lock()
				if err != nil {
					problems[name] = append(problems[name], err.Error())
				} else {
					for _, c := range report.Checks {
						if c.Status == conformance.Fail && exceptions[name+" "+c.ID] == "" {
							problems[name] = append(problems[name], fmt.Sprintf("%s: %s (and %d more)", c.ID, strings.Join(c.Problems, "; "), c.More))
						}
					}
				}
				mu.Unlock()
			}
		})
	}
	for _, name := range names {
		work <- name
	}
	close(work)
	group.Wait()
	for _, name := range slices.Sorted(maps.Keys(problems)) {
		t.Errorf("%s: %s", name, strings.Join(problems[name], "\n    "))
	}
	t.Logf("%d of %d connectors pass", len(all)-len(problems), len(all))
}
