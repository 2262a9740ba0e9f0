package host

import (
	"maps"
	"slices"
	"time"
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
