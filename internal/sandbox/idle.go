package sandbox

import (
	"slices"
	"time"

	"github.com/agenthost/agenthost/internal/sandbox/wasm"
)

// Waiting instances are bounded by their bytes and by their waiting time, not by a number, so that a
// burst of callers finds the instances of the last one.

// bytes is what an instance holds while it waits.
func (in *instance) bytes() int64 { return in.guest.held + instanceBytes(in.module.code.info) }

// instanceBytes is an instance's part of Go's heap: wazero's module, three functions with their
// stacks, and go-sdk's kernel and plugin; and for each function in a table a record and two
// pointers. The numbers were measured, and a test measures them again.
func instanceBytes(info wasm.Info) int64 {
	const each, element, entry = 48 << 10, 42, 8
	return each + element*int64(info.Elements) + entry*int64(info.Entries)
}

// hold reserves bytes for waiting, and reports whether there is room. It makes room by closing the
// instances that have waited longest.
func (e *Engine) hold(bytes int64) bool {
	if bytes > e.config.MaxIdleBytes {
		return false
	}
	for e.held.Add(bytes) > e.config.MaxIdleBytes {
		e.held.Add(-bytes)
		if !e.closeOldest() {
			return false
		}
	}
	return true
}

// closeOldest closes the instance that has waited longest, if any.
func (e *Engine) closeOldest() bool {
	var oldest *Module
	var since time.Time
	e.mu.Lock()
	for m := range e.modules {
		m.mu.Lock()
		if len(m.idle) > 0 && !m.closing && (oldest == nil || m.idle[0].since.Before(since)) {
			oldest, since = m, m.idle[0].since
		}
		m.mu.Unlock()
	}
	e.mu.Unlock()
	return oldest != nil && oldest.closeWaiting(func(n int, _ *instance) bool { return n == 0 })
}

// closeIdle closes the instances that waited longer than the idle timeout, and runs again while some
// are left.
func (m *Module) closeIdle() {
	now := m.engine.config.Now()
	m.closeWaiting(func(_ int, in *instance) bool { return now.Sub(in.since) >= m.engine.config.IdleTimeout })
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep = nil
	if !m.closing && len(m.idle) > 0 {
		m.sweep = time.AfterFunc(m.engine.config.IdleTimeout, m.closeIdle)
	}
}

// closeWaiting closes instances, longest waiting first, while the next one is to be closed. It reports
// true unless the module is being closed: if a call took an instance, that makes room too.
func (m *Module) closeWaiting(closes func(n int, in *instance) bool) bool {
	m.mu.Lock()
	if m.closing {
		m.mu.Unlock()
		return false // Close has them
	}
	m.busy.Add(1)
	defer m.busy.Done()
	n := 0
	for n < len(m.idle) && closes(n, m.idle[n]) {
		m.engine.held.Add(-m.idle[n].bytes())
		n++
	}
	old := slices.Clone(m.idle[:n])
	m.idle = slices.Delete(m.idle, 0, n)
	m.mu.Unlock()
	for _, in := range old {
		in.close()
	}
	return true
}
