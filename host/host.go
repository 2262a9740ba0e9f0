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
//		Connections: host.StaticConnections{"support": {Connector: "pylon", Credentials: map[string]string{"api_token": "env:PYLON_API_TOKEN"}}},
//	})
//	if err != nil { ... }
//	defer h.Close(ctx)
//	res, err := h.Execute(ctx, "support", host.Call{Entity: "issues", Action: "get", Params: host.Params{"id": "iss_1"}})
//
// Every error that a method of Host returns is, or wraps, an [*Error].
package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"os"
	"runtime/debug"
	"sync"

	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/backend/direct"
	"github.com/agenthost/agenthost/internal/backend/hosted"
	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Host runs connectors. It is safe for concurrent use. Get one from [Open].
type Host struct {
	options Options
	log     hclog.Logger
	catalog *catalog.Catalog
	source  Connections // of the options, or nil
	checked bool        // source has only connections that are checked
	// approvals is nil where the program vouches for its plugins folder.
	approvals  *approval.Store
	trail      *trail
	memory     *backend.Memory
	workspaces *backend.Workspaces
	seed       maphash.Seed // of digests of pages

	gate    gate
	closing sync.Once
	freed   chan struct{} // closed when everything is freed; set by closing
	freeErr error         // of freeing; read after freed is closed

	mu          sync.Mutex
	connections map[connectionKey]*connection
	accounts    *hosted.Accounts
	runner      *direct.Runner

	following sync.WaitGroup // goroutines that follow the connections
	unfollow  func()         // ends them, or nil

	uncache func() error // removes a cache that is this process's only
}

// Open returns a host. It looks at the options and reads no connector yet: modules are
// loaded when they are first used.
//
// # Errors
//
//   - invalid_params: an option is wrong, or has a value that the host does not know; Field
//     names it
//   - denied: the cache folder is another user's, or others may write to it or to the audit
//     file
//   - internal: cannot make the cache folder; see Options.Cache
func Open(ctx context.Context, o Options) (_ *Host, err error) {
	// Nothing but the options can be invalid here.
	defer func() { err = fault.Configuration(err) }()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if fixed, ok := o.Connections.(StaticConnections); ok && fixed == nil {
		o.Connections = nil
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if o.Logger == nil {
		o.Logger = hclog.NewNullLogger()
	}
	if o.LookupEnv == nil {
		o.LookupEnv = os.LookupEnv
	}
	o.Seams = o.Seams.WithDefaults()
	o.HostBytes = cmp.Or(o.HostBytes, backend.DefaultMemory)
	// Processes agree here on who writes the lock file, so it is never a folder of one process only.
	agree := cmp.Or(o.Cache, catalog.DefaultCache())
	folder, uncache, err := catalog.CacheFolder(o.Cache, o.Logger)
	if err != nil {
		return nil, err
	}
	o.Cache = folder
	h, err := open(ctx, o, agree)
	if err != nil {
		return nil, errors.Join(err, uncache())
	}
	h.uncache = uncache
	return h, nil
}

// open is Open with options that are complete.
func open(ctx context.Context, o Options, agree string) (*Host, error) {
	modules := direct.Modules{
		Cache: o.Cache, Logger: o.Logger.Named("sandbox"), Now: o.Now, Running: o.Running,
		CompileWorker: o.CompileWorker, CompileTimeout: o.CompileTimeout, CompileMemory: o.CompileMemory,
	}
	if o.modules != nil {
		o.modules(&modules)
	}
	runner, err := direct.NewRunner(direct.Options{
		Modules: modules, Secrets: o.Secrets, Sources: o.Sources, LookupEnv: o.LookupEnv, Proxy: o.Proxy,
		IdleConnections: o.IdleConnections, UserAgent: "agenthost/" + Version(), Logger: o.Logger, Seams: o.Seams,
	})
	if err != nil {
		return nil, err
	}
	trail, err := openTrail(o)
	if err != nil {
		_ = runner.Close(ctx)
		return nil, err
	}
	var approvals *approval.Store
	if o.Lock != "" {
		approvals = approval.New(o.Lock, agree, o.Now)
	}
	h := &Host{
		approvals:   approvals,
		trail:       trail,
		memory:      backend.NewMemory(o.HostBytes),
		seed:        maphash.MakeSeed(),
		options:     o,
		log:         o.Logger,
		runner:      runner,
		connections: make(map[connectionKey]*connection),
	}
	h.workspaces = backend.NewWorkspaces(h.memory, runner.Engine().Turns(), o.WorkspaceLimits)
	h.accounts = hosted.NewAccounts(hosted.Options{
		HTTP: runner.HTTP(), RenewAfter: o.Secrets.Cache, Engine: runner.Engine(), Logger: o.Logger, LookupEnv: o.LookupEnv, Secrets: runner.Secrets(),
	})
	h.catalog, err = catalog.Open(ctx, catalog.Options{
		Dir: o.Plugins, Placed: o.Installed.Paths(), Cache: o.Cache, Engine: runner.Engine(), Reload: o.Reload, UnloadAfter: o.UnloadAfter,
		Declared: o.Declared, OnCompile: o.OnCompile, Replaced: h.replaced, Logger: o.Logger, Seams: o.Seams,
	})
	if err != nil {
		return nil, errors.Join(err, runner.Close(ctx), trail.close())
	}
	o.Installed.Use(h.catalog)
	if o.Copies != nil {
		o.Copies.Use(copyHost{h})
	}
	if o.Connections != nil {
		if err := h.connectTo(ctx, o.Connections); err != nil {
			return nil, errors.Join(err, h.catalog.Close(ctx), runner.Close(ctx), trail.close())
		}
	}
	if o.CompileAhead {
		h.catalog.CompileAhead(ctx, catalog.Ahead{Expected: h.expected, Called: h.called})
	}
	return h, nil
}

// Close admits no more calls, waits for those that run, and frees everything. What is called
// afterwards ends with [ErrClosed], and nothing is sent any more.
//
// Where ctx ends first, Close cancels the calls that run and returns the context's error. It
// frees everything as soon as they have ended. Close may be called again, to wait for that.
func (h *Host) Close(ctx context.Context) error {
	h.closing.Do(func() {
		h.freed = make(chan struct{})
		empty := h.gate.close()
		go func() {
			defer close(h.freed)
			<-empty
			h.freeErr = h.free(context.WithoutCancel(ctx))
		}()
	})
	select {
	case <-h.freed:
	case <-ctx.Done():
		h.gate.cancel()
		return fmt.Errorf("close: %w", context.Cause(ctx))
	}
	if h.freeErr != nil {
		return fmt.Errorf("close: %w", h.freeErr)
	}
	return nil
}

// free frees everything. No call runs any more.
func (h *Host) free(ctx context.Context) error {
	if h.unfollow != nil {
		h.unfollow()
		h.following.Wait()
	}
	err := errors.Join(h.catalog.Close(ctx), h.runner.Close(ctx))
	for key, c := range h.connections { // no call has them any more
		h.drop(ctx, key, c)
	}
	h.accounts.Close()
	return errors.Join(err, h.trail.close(), h.uncache())
}

// panicked turns a panic into the error of what was being done: of one call or one file. The
// log has the panic's type and stack, and not its value: that may quote what a module, a
// vendor or a caller gave.
func panicked(log hclog.Logger, doing string, p any) error {
	log.Error("BUG: panic", "doing", doing, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
	return &Error{Kind: abi.KindInternal, Message: "the host failed while " + doing + "; this is a bug of the host", Hint: "the log at level error says where; report it"}
}

// Counts returns what the host has in memory and has open now, and what it has done since it was
// opened. It is cheap.
func (h *Host) Counts() backend.Counts {
	c := h.runner.Engine().Counts()
	return backend.Counts{
		Modules: c.Modules, Codes: c.Codes,
		Instances: c.Instances, InstancesMade: c.Made, InstancesReused: c.Restored, WaitingBytes: c.WaitingBytes,
		Compiles: c.Compiles, CompileTime: c.CompileTime,
		VendorConnections: h.runner.HTTP().Idle.Open(),
	}
}

const modulePath = "github.com/agenthost/agenthost"

// Version is the version of agenthost that is linked into the program, or "devel".
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	version := info.Main.Version
	if info.Main.Path != modulePath {
		for _, dep := range info.Deps {
			if dep.Path == modulePath {
				version = dep.Version
			}
		}
	}
	if version == "" || version == "(devel)" {
		return "devel"
	}
	return version
}
