package sandbox_test

import (
	"os"
	"testing"
	"time"

	"github.com/agenthost/agenthost/internal/hostfunc"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/internal/wasmtest"
)

// A Go guest whose monotonic clock reads 0 at its start throws "nanotime returning
// zero". That happened with a clock that stands still, and could with a fast machine.
func TestClockThatStandsStill(t *testing.T) {
	module, err := os.ReadFile(wasmtest.Build(t, "plugins/pylon"))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	engine, err := sandbox.NewEngine(sandbox.Config{Cache: wasmtest.Cache(t), Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close(t.Context())
	m, err := engine.Load(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Run(t.Context(), sandbox.Call{Export: hostfunc.ExportAuthSchema}); err != nil {
		t.Error(err)
	}
}
