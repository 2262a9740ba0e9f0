package host

// Modules is the number of modules that are loaded.
func (h *Host) Modules() int { return h.engine.Modules() }
