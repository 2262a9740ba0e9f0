package host

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/agenthost/agenthost/host/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Modules is the number of modules that are loaded.
func (h *Host) Modules() int { return h.engine.Modules() }

// UnloadNow unloads what may be unloaded, as if it had been idle for long.
func (h *Host) UnloadNow() {
	h.registry.mu.Lock()
	files := slices.Collect(maps.Values(h.registry.files))
	h.registry.mu.Unlock()
	for _, f := range files {
		f.using.Lock()
		f.last = time.Time{}
		f.using.Unlock()
		f.unload()
	}
	h.registry.closing.Wait()
}

// RunWhileRetired retires the file of a connector, and lets a call get its module between the
// decision to close that and the closing. It returns how the call ends.
func (h *Host) RunWhileRetired(ctx context.Context, connector string) error {
	f, err := h.registry.find(ctx, connector)
	if err != nil {
		return err
	}
	if _, err := f.load(ctx); err != nil {
		return err
	}
	f.mu.Lock() // closing waits for it
	f.retire(ctx, func() {})
	release := f.hold(ctx)
	module := f.module
	f.mu.Unlock()
	h.registry.closing.Wait()
	_, err = module.Run(ctx, sandbox.Call{Export: abi.ExportDescribe})
	release()
	h.registry.closing.Wait()
	return err
}
