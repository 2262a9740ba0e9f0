package wasm

// Exact returns options whose metering counts every instruction by itself.
func Exact(o Options) Options {
	o.exact = true
	return o
}

// Reread vets a module's code without regard to what the rewrite added.
func (m *Module) Reread() error {
	l := DefaultLimits()
	l.BodyBytes, l.Branches, l.LocalBranches, l.CallValues, l.Locals, l.CompileWork = 1<<30, 1<<30, 1<<40, 1<<40, 1<<20, 1<<60
	for i := range m.bodies {
		if _, err := m.vetBody(i, l); err != nil {
			return err
		}
	}
	return nil
}

// DataSegments is how many data segments a module has.
func DataSegments(m *Module) int { return len(m.data) }
