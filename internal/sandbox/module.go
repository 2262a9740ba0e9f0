package sandbox

import (
	"context"
	"errors"
	"github.com/agenthost/agenthost/internal/fault"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/internal/turns"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Module is a compiled module. It is safe for concurrent use: every call has its own instance.
type Module struct {
	engine   *Engine
	digest   string
	code     *code
	sections map[string][]byte // for the guest, by name
	log      hclog.Logger

	// All instances initialise with the same random bytes and time.
	seed   [32]byte
	loaded time.Time

	// share takes turns for work without a connection: describing a module, and restoring
	// its instances.
	share   *turns.Share
	putting turns.Turn // of restoreUsed

	counters  counters
	untrained atomic.Bool   // whether instances are not trained
	making    chan struct{} // held while the first instance and its image are made

	mu        sync.Mutex
	idle      []*instance // in their first state, and counted; the last used one is at the end
	used      []*instance // to be restored
	restoring bool        // whether restoreUsed runs
	image     *image      // that instances share; nil if there is none
	keeps     bool        // whether the module is a user of the image
	sweep     *time.Timer
	busy      sync.WaitGroup // calls, and instances being restored
	closing   bool
	close     sync.Once
	closed    error // of the one closing
}

// Digest is the SHA-256 of the module's file, in hexadecimal.
func (m *Module) Digest() string { return m.digest }

// Stats count a module's work since it was loaded.
type Stats struct {
	Calls     int64 // that began
	Instances int64 // that were made
	Restores  int64 // of instances that were put into their first state
	Pages     int64 // of guest memory that restores copied, 4096 bytes each

	// The total time to make and restore instances.
	InstanceTime, RestoreTime time.Duration
}

type counters struct{ calls, instances, restores, pages, instanceTime, restoreTime atomic.Int64 }

// Stats returns the module's counts so far.
func (m *Module) Stats() Stats {
	c := &m.counters
	return Stats{c.calls.Load(), c.instances.Load(), c.restores.Load(), c.pages.Load(),
		time.Duration(c.instanceTime.Load()), time.Duration(c.restoreTime.Load())}
}

// Run runs one export. An error is an [*abi.Error]: of kind connector_fault if the guest trapped or
// sent invalid output, timeout or limit_exceeded if the host ended it. An error that execute returns is
// in the outcome instead. With an error of a guest that ran, the outcome has only Fuel and Memory; it
// is nil if none ran.
func (m *Module) Run(ctx context.Context, call Call) (outcome *Outcome, err error) {
	if err := m.enter(ctx); err != nil {
		return nil, err
	}
	defer m.busy.Done()
	// A failure ends only this call.
	defer func() {
		if p := recover(); p != nil {
			outcome, err = nil, panicked(m.log, "a call", p)
		}
	}()
	share := call.Share
	if share == nil {
		share = m.share
	}
	turn := &call.turn
	share.Begin(turn)
	if err := turn.Take(ctx); err != nil {
		return nil, fault.Ended(ctx)
	}
	defer turn.Give()
	in, err := m.take(ctx, turn)
	if err != nil {
		return nil, err
	}
	m.counters.calls.Add(1)
	outcome, err = in.run(ctx, &call)
	m.giveBack(in, sound(err))
	return outcome, err
}

// enter counts a call, which calls m.busy.Done at its end.
func (m *Module) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fault.Ended(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closing {
		return &abi.Error{Kind: abi.KindInternal, Message: "the host is closed"}
	}
	m.busy.Add(1)
	return nil
}

// sound reports whether an instance can be restored after a failed call. It cannot after a failure of
// the host, whose effects are unknown.
func sound(err error) bool {
	if err == nil {
		return true
	}
	var e *abi.Error
	return errors.As(err, &e) && e.Kind != abi.KindInternal
}

// take returns an instance in its first state: a waiting one, or a used one, which it restores in
// microseconds, or a new one.
func (m *Module) take(ctx context.Context, turn *turns.Turn) (*instance, error) {
	m.mu.Lock()
	idle := pop(&m.idle)
	if idle != nil {
		m.engine.held.Add(-idle.bytes())
	}
	var used *instance
	if idle == nil {
		used = pop(&m.used)
	}
	m.mu.Unlock()
	switch {
	case idle != nil:
		idle.turn = turn
		return idle, nil
	case used != nil:
		if used.turn = turn; used.restore(ctx) {
			return used, nil
		}
		used.close()
		if err := ctx.Err(); err != nil {
			return nil, fault.Ended(ctx)
		}
	}
	start := time.Now()
	in, err := m.newInstance(ctx, turn)
	if err != nil {
		return nil, err
	}
	m.counters.instances.Add(1)
	m.counters.instanceTime.Add(int64(time.Since(start)))
	return in, nil
}

// pop takes the last added instance, which is the likeliest to be in the processor's caches.
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

// giveBack restores an instance for the next call, while the caller goes on. It closes one that cannot
// be restored.
func (m *Module) giveBack(in *instance, sound bool) {
	in.turn = nil
	if !sound || !m.code.info.Snapshot {
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

// restoreUsed restores used instances until none is left. Only one runs at a time; if calls come
// faster, take restores for them.
func (m *Module) restoreUsed() {
	defer m.busy.Done()
	ctx := context.Background()
	m.share.Begin(&m.putting)
	m.mu.Lock()
	for {
		in := pop(&m.used)
		if in == nil {
			m.restoring = false
			m.mu.Unlock()
			return
		}
		m.mu.Unlock()
		_ = m.putting.Take(ctx) // ctx does not end
		in.turn = &m.putting
		held := in.restore(ctx) && m.engine.hold(in.bytes())
		in.turn = nil
		m.putting.Give()
		m.mu.Lock()
		if held && !m.closing {
			in.since = m.engine.config.Now()
			m.idle = append(m.idle, in)
			if m.sweep == nil {
				m.sweep = time.AfterFunc(m.engine.config.IdleTimeout, m.closeIdle)
			}
			continue
		}
		m.mu.Unlock()
		if held {
			m.engine.held.Add(-in.bytes())
		}
		in.close()
		m.mu.Lock()
	}
}

// Close waits for running calls and frees everything. The module cannot be used afterwards. A second
// Close also waits: the engine frees what restoring needs as soon as its modules are closed.
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
		m.engine.held.Add(-in.bytes())
		in.close()
	}
	m.idle = nil
	m.forget()
	m.engine.mu.Lock()
	delete(m.engine.modules, m)
	m.engine.mu.Unlock()
	return m.code.release(ctx)
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	const most = 300
	if len(line) > most {
		line = strings.ToValidUTF8(line[:most], "") + "..."
	}
	return line
}
