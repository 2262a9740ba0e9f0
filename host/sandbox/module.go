package sandbox

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/host/sandbox/wasm"
	"github.com/agenthost/agenthost/pdk/abi"
	extism "github.com/extism/go-sdk"
	"github.com/hashicorp/go-hclog"
	"github.com/tetratelabs/wazero"
)

// Module is a compiled module. It is safe for concurrent use: every call runs in an
// instance of its own.
type Module struct {
	engine   *Engine
	digest   string
	info     wasm.Info
	log      hclog.Logger
	cache    wazero.CompilationCache
	compiled *extism.CompiledPlugin

	// An instance that initialises gets the same random bytes and the same time as every
	// other.
	seed   [32]byte
	loaded time.Time

	counters  counters
	untrained atomic.Bool   // whether instances are used as they are initialised
	making    chan struct{} // held by who makes the first instance and its image

	mu        sync.Mutex
	idle      []*instance // in their first state; the one used last is at the end
	used      []*instance // to be put back
	restoring bool        // whether restoreUsed runs
	image     *image      // that instances share; nil where there is none
	keeps     bool        // whether the module is a user of the image
	sweep     *time.Timer
	busy      sync.WaitGroup // calls, and instances being put back
	closing   bool
	close     sync.Once
	closed    error // of the one closing
}

// Digest is the SHA-256 of the module as it was loaded, in hexadecimal.
func (m *Module) Digest() string { return m.digest }

// Stats count what a module has done since it was loaded.
type Stats struct {
	Calls     int64 // that began
	Instances int64 // that were made
	Restores  int64 // of instances that were put into their first state
	Pages     int64 // of guest memory that restores copied, 4096 bytes each

	// How long making and restoring instances took, together.
	InstanceTime, RestoreTime time.Duration
}

type counters struct{ calls, instances, restores, pages, instanceTime, restoreTime atomic.Int64 }

// Stats returns what the module has done so far.
func (m *Module) Stats() Stats {
	c := &m.counters
	return Stats{c.calls.Load(), c.instances.Load(), c.restores.Load(), c.pages.Load(),
		time.Duration(c.instanceTime.Load()), time.Duration(c.restoreTime.Load())}
}

// Run runs one export. An error is an [*abi.Error]: of kind connector_fault where the
// guest trapped or answered nonsense, timeout or limit_exceeded where the host ended
// it. What execute answered as an error is no error of Run but in the outcome. With an
// error of a guest that ran, the outcome has Fuel and Memory alone; it is nil where none ran.
func (m *Module) Run(ctx context.Context, call Call) (*Outcome, error) {
	in, err := m.take(ctx)
	if err != nil {
		return nil, err
	}
	m.counters.calls.Add(1)
	outcome, err := in.run(ctx, &call)
	m.giveBack(in, sound(err))
	return outcome, err
}

// sound says whether an instance can be put back after a call that ended with an error.
// It can whatever the guest did; but where the host failed, nobody knows what else did.
func sound(err error) bool {
	var e *abi.Error
	return err == nil || errors.As(err, &e) && e.Kind != abi.KindInternal
}

// take returns an instance in its first state: one that waits, or one that was used
// and has not been put back yet, which takes microseconds, or a new one.
func (m *Module) take(ctx context.Context) (*instance, error) {
	if err := ctx.Err(); err != nil {
		return nil, timeout(context.Cause(ctx))
	}
	m.mu.Lock()
	if m.closing {
		m.mu.Unlock()
		return nil, &abi.Error{Kind: abi.KindInternal, Message: "the host is closed"}
	}
	m.busy.Add(1)
	idle := pop(&m.idle)
	if idle != nil {
		m.engine.held.Add(-idle.guest.held)
	}
	var used *instance
	if idle == nil {
		used = pop(&m.used)
	}
	m.mu.Unlock()
	switch {
	case idle != nil:
		return idle, nil
	case used != nil && used.restore():
		return used, nil
	case used != nil:
		used.close()
	}
	start := time.Now()
	in, err := m.newInstance(ctx)
	if err != nil {
		m.busy.Done()
		return nil, err
	}
	m.counters.instances.Add(1)
	m.counters.instanceTime.Add(int64(time.Since(start)))
	return in, nil
}

// pop takes the instance that was added last: it is the one most likely to be in the
// processor's caches.
func pop(list *[]*instance) *instance {
	n := len(*list) - 1
	if n < 0 {
		return nil
	}
	in := (*list)[n]
	(*list)[n] = nil
	*list = (*list)[:n]
	return in
}

// giveBack lets an instance be put into its first state and wait for the next call,
// off the caller's path. An instance that cannot be put back is closed.
func (m *Module) giveBack(in *instance, sound bool) {
	defer m.busy.Done()
	if !sound || !m.info.Snapshot {
		in.close()
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used = append(m.used, in)
	if !m.restoring {
		m.restoring = true
		m.busy.Add(1)
		go m.restoreUsed()
	}
}

// restoreUsed puts back what was used until nothing is left. There is one of it: where
// calls come faster, take does it for them.
func (m *Module) restoreUsed() {
	defer m.busy.Done()
	m.mu.Lock()
	for {
		in := pop(&m.used)
		if in == nil {
			m.restoring = false
			m.mu.Unlock()
			return
		}
		m.mu.Unlock()
		restored := in.restore()
		m.mu.Lock()
		if restored && !m.closing && len(m.idle) < m.engine.config.MaxIdle && m.engine.hold(in.guest.held) {
			in.since = time.Now()
			m.idle = append(m.idle, in)
			if m.sweep == nil {
				m.sweep = time.AfterFunc(m.engine.config.IdleTimeout, m.closeIdle)
			}
			continue
		}
		m.mu.Unlock()
		in.close()
		m.mu.Lock()
	}
}

// hold says whether one more instance may wait that holds so many bytes, and books them.
func (e *Engine) hold(bytes int64) bool {
	if e.held.Add(bytes) <= e.config.MaxIdleBytes {
		return true
	}
	e.held.Add(-bytes)
	return false
}

// closeIdle closes the instances that waited for longer than the idle timeout, and
// comes again while some are left.
func (m *Module) closeIdle() {
	var old []*instance
	m.mu.Lock()
	m.sweep = nil
	if m.closing {
		m.mu.Unlock()
		return // Close has them
	}
	m.busy.Add(1)
	defer m.busy.Done()
	for len(m.idle) > 0 && time.Since(m.idle[0].since) >= m.engine.config.IdleTimeout {
		m.engine.held.Add(-m.idle[0].guest.held)
		old = append(old, m.idle[0])
		m.idle = m.idle[1:]
	}
	if len(m.idle) > 0 {
		m.sweep = time.AfterFunc(m.engine.config.IdleTimeout, m.closeIdle)
	}
	m.mu.Unlock()
	for _, in := range old {
		in.close()
	}
}

// Close waits for the calls that run and frees everything. The module cannot be used
// afterwards. Whoever closes it a second time waits for the first as well: the engine takes
// away what instances are put back with as soon as its modules are closed.
func (m *Module) Close(ctx context.Context) error {
	m.close.Do(func() { m.closed = m.free(ctx) })
	return m.closed
}

func (m *Module) free(ctx context.Context) error {
	m.mu.Lock()
	m.closing = true
	if m.sweep != nil {
		m.sweep.Stop()
	}
	m.mu.Unlock()
	m.busy.Wait()
	for _, in := range m.idle {
		m.engine.held.Add(-in.guest.held)
		in.close()
	}
	m.idle = nil
	m.forget()
	m.engine.mu.Lock()
	delete(m.engine.modules, m)
	m.engine.mu.Unlock()
	// The cache comes last: closing it first takes the code away from under the
	// runtime.
	err := m.compiled.Close(ctx)
	if m.cache != nil {
		err = errors.Join(err, m.cache.Close(ctx))
	}
	return err
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	const most = 300
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "..."
	}
	return line
}
