// Package warm compiles connectors into a cache of native code, for tests that find
// them there.
//
// It runs in processes of its own, so that it is built without the race detector, which
// makes compiling a module ten times slower. There are two, because the cache is keyed
// by what a program knows of its dependencies, and a package's tests know none: the
// command is for tests that run commands, this package's own test for other tests.
package warm

import (
	"context"
	"os"

	"github.com/agenthost/agenthost/internal/sandbox"
)

// Modules compiles what is not in the cache yet. It leaves out modules that the engine
// refuses, as tests have some.
func Modules(ctx context.Context, cache string, files ...string) error {
	engine, err := sandbox.NewEngine(sandbox.Config{Cache: cache})
	if err != nil {
		return err
	}
	for _, file := range files {
		module, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		_, _ = engine.Load(ctx, module)
	}
	return engine.Close(ctx)
}
