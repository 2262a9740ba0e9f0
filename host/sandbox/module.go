package sandbox

import (
	"context"
	"errors"
	"strings"
	"sync"
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

	mu      sync.Mutex
	idle    []*instance // the one used last is at the end
	sweep   *time.Timer
	busy    sync.WaitGroup // calls, and instances being put back
	closing bool
}

// Digest is the SHA-256 of the module as it was loaded, in hexadecimal.
func (m *Module) Digest() string { return m.digest }

// Run runs one export. An error is an [*abi.Error]: of kind connector_fault where the
// guest trapped or answered nonsense, timeout or limit_exceeded where the host ended
// it. What execute answered as an error is no error of Run but in the outcome.
func (m *Module) Run(ctx context.Context, call Call) (*Outcome, error) {
	in, err := m.take(ctx)
	if err != nil {
		return nil, err
	}
	outcome, err := in.run(ctx, &call)
	if err != nil {
		m.giveBack(in, false)
		return nil, err
	}
	m.giveBack(in, true)
	return outcome, nil
}

// take returns an instance in its first state: one that waits, or a new one.
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
	if n := len(m.idle); n > 0 {
		in := m.idle[n-1]
		m.idle[n-1] = nil
		m.idle = m.idle[:n-1]
		m.mu.Unlock()
		return in, nil
	}
	m.mu.Unlock()
	in, err := m.newInstance(ctx)
	if err != nil {
		m.busy.Done()
		return nil, err
	}
	return in, nil
}

// giveBack puts an instance into its first state and lets it wait for the next call,
// off the caller's path. An instance that cannot be put back is closed; so is one
// whose guest did not end by itself, since a trap can leave it anywhere.
func (m *Module) giveBack(in *instance, sound bool) {
	if !sound || !m.info.Snapshot {
		in.close()
		m.busy.Done()
		return
	}
	go func() {
		defer m.busy.Done()
		if !in.restore() {
			in.close()
			return
		}
		m.mu.Lock()
		keep := !m.closing && len(m.idle) < m.engine.config.MaxIdle
		if keep {
			in.since = time.Now()
			m.idle = append(m.idle, in)
			if m.sweep == nil {
				m.sweep = time.AfterFunc(m.engine.config.IdleTimeout, m.closeIdle)
			}
		}
		m.mu.Unlock()
		if !keep {
			in.close()
		}
	}()
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
// afterwards.
func (m *Module) Close(ctx context.Context) error {
	m.mu.Lock()
	if m.closing {
		m.mu.Unlock()
		return nil
	}
	m.closing = true
	if m.sweep != nil {
		m.sweep.Stop()
	}
	m.mu.Unlock()
	m.busy.Wait()
	for _, in := range m.idle {
		in.close()
	}
	m.idle = nil
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
