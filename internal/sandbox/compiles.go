package sandbox

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/sandbox/compileworker"
	"github.com/agenthost/agenthost/pdk/abi"
)

// compiles are the running compiles. With a worker each has its own process, and they do not wait
// for each other.
type compiles struct {
	mu      sync.Mutex
	running map[compileKey]*compiling
}

type compileKey struct {
	digest string
	ahead  bool // no call waits for it
}

// compiling is a running compile.
type compiling struct {
	cancel context.CancelFunc
	done   chan struct{} // closed at its end, when the other fields are set
	made   *entry
	err    error
}

// add registers a new compile, and returns a running one of the same module and the other kind.
// own is nil if it would compile ahead what a call is waiting for.
func (c *compiles) add(ctx context.Context, key compileKey) (ownCtx context.Context, own, other *compiling) {
	c.mu.Lock()
	defer c.mu.Unlock()
	other = c.running[compileKey{key.digest, !key.ahead}]
	if key.ahead && other != nil {
		return ctx, nil, other
	}
	ctx, cancel := context.WithCancel(ctx)
	own = &compiling{cancel: cancel, done: make(chan struct{})}
	if c.running == nil {
		c.running = make(map[compileKey]*compiling)
	}
	c.running[key] = own
	return ctx, own, other
}

// run runs a compile that was added.
func (c *compiles) run(ctx context.Context, key compileKey, own *compiling, compile func(context.Context) (*entry, error)) {
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.running[key] == own {
			delete(c.running, key)
		}
		own.cancel()
		close(own.done)
	}()
	own.made, own.err = compile(ctx)
}

// now compiles a module that a caller waits for. If it is being compiled ahead, that continues: it
// may be almost done, or starve on a busy machine, and its priority cannot be raised. The first to
// finish ends the other one.
func (c *compiles) now(ctx context.Context, digest string, compile func(context.Context) (*entry, error)) (*entry, error) {
	key := compileKey{digest: digest}
	ctx, own, ahead := c.add(ctx, key)
	if ahead == nil {
		c.run(ctx, key, own, compile)
		return own.made, own.err
	}
	go c.run(ctx, key, own, compile)
	select {
	case <-own.done:
		if own.err == nil {
			ahead.cancel()
		}
	case <-ahead.done:
		if ahead.err == nil {
			own.cancel()
			<-own.done
			return ahead.made, nil
		}
	}
	<-own.done
	return own.made, own.err
}

// ahead compiles a module before a call needs it, unless compiled reports that it need not.
func (c *compiles) ahead(ctx context.Context, digest string, compiled func() bool, compile func(context.Context) (*entry, error)) error {
	key := compileKey{digest: digest, ahead: true}
	for !compiled() {
		ownCtx, own, wanted := c.add(ctx, key)
		if own != nil {
			c.run(ownCtx, key, own, compile)
			if own.err != nil && compiled() {
				return nil // a caller came, and was faster
			}
			return own.err
		}
		select {
		case <-wanted.done: // a caller may have gone before it was ready
		case <-ctx.Done():
			return fault.Ended(ctx)
		}
	}
	return nil
}

// Compile compiles a module that [Engine.LoadCached] does not find, which takes about a second unless
// its code is known, and loads it. begins, if not nil, is called before a compile that it waits for,
// unless the module is refused.
func (e *Engine) Compile(ctx context.Context, module []byte, begins func()) (*Module, error) {
	// The worker vets too, but here it needs no process, and the error is complete.
	parsed, err := vet(module)
	if err != nil {
		return nil, err
	}
	told := false
	tell := func() {
		if !told && begins != nil {
			told = true
			begins()
		}
	}
	bare := parsed.Code()
	c, err := e.code(ctx, Digest(bare), tell, func(c *code) error {
		if e.cache != nil {
			if err := c.find(ctx); err != nil || c.opened {
				return err
			}
		}
		c.begin()
		tell()
		return c.compile(ctx, bare)
	})
	if err != nil {
		return nil, err
	}
	digest, sections := Digest(module), parsed.Sections()
	if err := e.keepSections(digest, c.digest, sections); err != nil {
		_ = c.release(ctx) // no call has used it
		return nil, err
	}
	return e.newModule(ctx, digest, c, sections)
}

// compile compiles and opens the code.
func (c *code) compile(ctx context.Context, module []byte) error {
	e := c.engine
	if e.cache == nil {
		rewritten, info, err := rewrite(module)
		if err != nil {
			return err
		}
		defer e.counts.compiled(time.Now())
		return c.open(ctx, rewritten, info, "")
	}
	made, err := e.compiles.now(ctx, c.digest, func(ctx context.Context) (*entry, error) {
		return e.makeEntry(ctx, c.digest, module, false)
	})
	if err == nil {
		err = c.openEntry(ctx, made)
	}
	if !c.opened && err == nil {
		err = cacheFault(errors.New("wazero does not find what it compiled"))
	}
	return err
}

// CompileAhead compiles a module into the cache for a later Load, in the worker, at the lowest
// priority of the system. It does nothing if its code is in the cache, or being compiled for a
// waiting call. A Load does not wait for it. Ending ctx ends the worker.
//
// The error is that of [Engine.Load], or of kind invalid_params if there is no worker.
func (e *Engine) CompileAhead(ctx context.Context, module []byte) error {
	if e.cache == nil || len(e.config.CompileWorker) == 0 {
		return &abi.Error{Kind: abi.KindInvalidParams, Field: "compile_worker", Message: "compiling ahead needs a compile worker", Hint: "set compile_worker"}
	}
	parsed, err := vet(module)
	if err != nil {
		return err
	}
	bare := parsed.Code()
	digest := Digest(bare)
	err = e.compiles.ahead(ctx, digest, func() bool { return e.Compiled(digest) }, func(ctx context.Context) (*entry, error) {
		return e.makeEntry(ctx, digest, bare, true)
	})
	if err != nil {
		return err
	}
	return e.keepSections(Digest(module), digest, parsed.Sections())
}

// keepSections keeps in the cache that a module is some code and sections, if it has any.
func (e *Engine) keepSections(digest, code string, sections map[string][]byte) error {
	if e.cache == nil || len(sections) == 0 || e.Compiled(digest) {
		return nil
	}
	if err := e.cache.keep(digest, code, sections); err != nil {
		return cacheFault(err)
	}
	return nil
}

// Compiled reports whether the cache has the module of a digest. It checks only the names: Load may
// still find that the files were changed.
func (e *Engine) Compiled(digest string) bool {
	return e.cache != nil && e.cache.has(digest)
}

// Check lets the worker check what a connector declares, within its limits. done is false if there
// is no worker. The error is that of the check, or like that of a module that cannot be compiled.
func (e *Engine) Check(ctx context.Context, declaration []byte) (done bool, err error) {
	if e.cache == nil || len(e.config.CompileWorker) == 0 {
		return false, nil
	}
	folder, err := e.cache.stage()
	if err != nil {
		return true, cacheFault(err)
	}
	defer e.cache.remove(folder)
	job := e.job(folder)
	job.Check = true
	return true, e.config.RunWorker(ctx, job, declaration)
}

// job describes the worker's job in a folder.
func (e *Engine) job(folder string) compileworker.Job {
	return compileworker.Job{
		Command: e.config.CompileWorker,
		Folder:  folder,
		Timeout: e.config.CompileTimeout,
		Memory:  e.config.CompileMemory,
		Build:   e.cache.build,
	}
}

// makeEntry compiles a module into the cache.
func (e *Engine) makeEntry(ctx context.Context, digest string, module []byte, lowest bool) (*entry, error) {
	start := time.Now()
	stage, err := e.cache.stage()
	if err != nil {
		return nil, cacheFault(err)
	}
	if len(e.config.CompileWorker) > 0 {
		job := e.job(stage)
		job.Lowest = lowest
		err = e.config.RunWorker(ctx, job, module)
	} else {
		err = compileInto(ctx, module, stage)
	}
	var made *entry
	if err == nil {
		e.counts.compiled(start)
		made, err = e.cache.commit(stage, digest)
	}
	if err == nil {
		return made, nil
	}
	e.cache.remove(stage)
	var public *abi.Error
	if !errors.As(err, &public) {
		err = cacheFault(err)
	}
	return nil, err
}
