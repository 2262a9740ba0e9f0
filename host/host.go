// Package host runs connectors: sandboxed WebAssembly modules that know a vendor's
// API and hold no credential.
//
// [Open] a [Host] with a folder of connectors and some connections, then [Host.Execute]
// operations. The host validates parameters, decides whether the connection may do
// it, runs the connector in a sandbox, and sends the requests that the connector
// declared, adding the credential itself.
//
//	h, err := host.Open(ctx, host.Options{
//		Plugins:     "./plugins",
//		Connections: map[string]host.Connection{"support": {Connector: "pylon", Credentials: map[string]string{"api_token": "env:PYLON_API_TOKEN"}}},
//	})
//	if err != nil { ... }
//	defer h.Close(ctx)
//	res, err := h.Execute(ctx, "support", host.Call{Entity: "issues", Action: "get", Params: host.Params{"id": "iss_1"}})
//
// Every error that a method of Host returns is, or wraps, an [*Error].
package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/airbyte"
	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/sandbox"
	"github.com/agenthost/agenthost/host/sandbox/seal"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Host runs connectors. It is safe for concurrent use. Get one from [Open].
type Host struct {
	options  Options
	log      hclog.Logger
	engine   *sandbox.Engine
	registry *registry
	secrets  *Secrets
	// approvals is nil where the program vouches for its plugins folder.
	approvals *approval.Store
	trail     *trail

	mu          sync.Mutex
	connections map[string]*connection
	services    map[service]*airbyte.Client

	watcher *watcher // nil where the plugins folder is not watched
}

// Open returns a host. It looks at the options and reads no connector yet: modules are
// loaded when they are first used.
//
// # Errors
//
//   - invalid_params: an option is wrong; Field names it
//   - denied: others may write to the cache folder or to the audit file
//   - internal: the cache folder cannot be made
func Open(ctx context.Context, o Options) (*Host, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return nil, (&Error{Kind: abi.KindInvalidParams, Field: "cache", Message: "there is no user cache folder", Hint: "set cache"}).WithCause(err)
		}
		o.Cache = filepath.Join(dir, "agenthost")
	}
	if err := checkConnections(o.Connections); err != nil {
		return nil, err
	}
	engine, err := sandbox.NewEngine(sandbox.Config{
		Cache: o.Cache, Logger: o.Logger.Named("sandbox"), Now: o.Now,
		CompileWorker: o.CompileWorker, CompileTimeout: o.CompileTimeout, CompileMemory: o.CompileMemory,
	})
	if err != nil {
		return nil, err
	}
	sealer, err := seal.Open(o.Cache)
	if err != nil {
		return nil, (&Error{Kind: abi.KindInternal, Field: "cache", Message: "the key of the cache cannot be read", Hint: "see that its folder can be written to"}).WithCause(err)
	}
	trail, err := openTrail(o)
	if err != nil {
		return nil, err
	}
	var approvals *approval.Store
	if o.Lock != "" {
		approvals = approval.New(o.Lock, o.Cache, o.Now)
	}
	h := &Host{
		approvals:   approvals,
		trail:       trail,
		options:     o,
		log:         o.Logger,
		engine:      engine,
		registry:    newRegistry(o, sealer, engine),
		secrets:     OpenSecrets(o),
		connections: make(map[string]*connection),
		services:    make(map[service]*airbyte.Client),
	}
	if err := h.watch(ctx); err != nil {
		return nil, errors.Join(err, engine.Close(ctx), trail.close())
	}
	return h, nil
}

// Close waits for calls that run, and frees everything. The host cannot be used
// afterwards.
func (h *Host) Close(ctx context.Context) error {
	h.watcher.stop()
	h.registry.stop()
	err := h.engine.Close(ctx)
	h.registry.closing.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.connections {
		c.close()
	}
	clear(h.connections)
	for _, s := range h.services {
		s.Close()
	}
	clear(h.services)
	if err = errors.Join(err, h.trail.close()); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	return nil
}

// sleep waits, and returns early with the context's error when that ends.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
