package catalog

import (
	"context"
	"path/filepath"

	"github.com/agenthost/agenthost/internal/connector"
	"github.com/agenthost/agenthost/internal/credential/durable"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/sandbox"
	"github.com/agenthost/agenthost/pdk/abi"
)

// ErrNotKnown is the error of a connector whose declaration is not known yet, for callers that
// do not wait for it: see [Catalog.KnownOnly].
var ErrNotKnown = &abi.Error{Kind: abi.KindInternal, Message: "the connector is not compiled yet, so its operations are unknown", Hint: "try again when the host has compiled it"}

type (
	knownOnlyKey struct{}
	onCompileKey struct{}
)

// KnownOnly returns a context for look-ups that do not wait for a declaration which the
// background still reads: they fail with [ErrNotKnown]. It returns ctx itself if nothing runs in
// the background.
func (c *Catalog) KnownOnly(ctx context.Context) context.Context {
	c.mu.Lock()
	ahead := c.ahead
	c.mu.Unlock()
	if ahead == nil {
		return ctx
	}
	select {
	case <-ahead:
		if !c.watched {
			return ctx // the background has ended
		}
	default:
	}
	return withKnownOnly(ctx)
}

func withKnownOnly(ctx context.Context) context.Context {
	return context.WithValue(ctx, knownOnlyKey{}, knownOnlyKey{})
}

func isKnownOnly(ctx context.Context) bool { return ctx.Value(knownOnlyKey{}) != nil }

// notKnown is ErrNotKnown, or why the background failed to find out.
func (f *File) notKnown() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failed != nil {
		return f.failed
	}
	return ErrNotKnown
}

// WithOnCompile returns a context that reports when a call has to wait for a compile, like
// [Options.OnCompile]. It is a value in the context because the compiler is far below the caller.
func WithOnCompile(ctx context.Context, f func(connector string)) context.Context {
	return context.WithValue(ctx, onCompileKey{}, f)
}

// tell tells a caller that it waits for the module to be compiled.
func (f *File) tell(ctx context.Context) {
	if f.catalog.options.OnCompile != nil {
		f.catalog.options.OnCompile(f.Name())
	}
	if told, ok := ctx.Value(onCompileKey{}).(func(string)); ok {
		told(f.Name())
	}
}

// lock takes f.opening. It calls tell if it has to wait for a compilation, unless tell is nil.
func (f *File) lock(ctx context.Context, tell func()) (unlock func(), err error) {
	f.mu.Lock()
	compiling := f.compiling
	f.mu.Unlock()
	for {
		select {
		case f.opening <- struct{}{}:
			return func() { <-f.opening }, nil
		case <-compiling:
			compiling = nil
			if tell != nil {
				tell()
			}
		case <-ctx.Done():
			e := fault.Ended(ctx)
			e.Message = "the call ended while it waited for the connector's module"
			return nil, f.named(e)
		}
	}
}

// tryLock takes f.opening if it is free.
func (f *File) tryLock() (unlock func(), ok bool) {
	select {
	case f.opening <- struct{}{}:
		return func() { <-f.opening }, true
	default:
		return nil, false
	}
}

// compile compiles the module, and tells its waiters. The caller holds f.opening.
func (f *File) compile(ctx context.Context, data []byte, tell func()) (*sandbox.Module, error) {
	begun := false
	module, err := f.catalog.options.Engine.Compile(ctx, data, func() {
		begun = true
		f.catalog.log.Info("compiling a connector, first use on this machine", "connector", f.Name())
		f.mu.Lock()
		close(f.compiling)
		f.mu.Unlock()
		if tell != nil {
			tell()
		}
	})
	if begun {
		f.mu.Lock()
		f.compiling = make(chan struct{})
		f.mu.Unlock()
	}
	return module, err
}

// Ahead selects what [Catalog.CompileAhead] compiles. Its functions never run at the same time.
type Ahead struct {
	// Expected reports whether a file may probably be used of which only these are known: its
	// name without .wasm, which may be anybody's, and its digest.
	Expected func(name, digest string) bool
	// Called returns a function that reports whether a connection will call the connector of a
	// file. The declaration of the file is known. The context is from [Catalog.KnownOnly].
	Called func(ctx context.Context) (func(f *File) bool, error)
}

// CompileAhead compiles the connectors that the cache lacks, in the background and one at a time.
// It fills only the cache: a caller that needs a connector earlier compiles it itself. Call it at
// most once.
func (c *Catalog) CompileAhead(ctx context.Context, a Ahead) {
	if c.empty() {
		return
	}
	done := make(chan struct{})
	c.mu.Lock()
	c.ahead = done
	c.mu.Unlock()
	c.start(ctx, func(ctx context.Context) {
		defer close(done)
		c.compileAhead(ctx, a)
	})
}

func (c *Catalog) compileAhead(ctx context.Context, a Ahead) {
	expected, known, others, err := c.plan(withKnownOnly(ctx), a)
	if err != nil {
		c.log.Warn("cannot compile connectors in the background", "error", err)
		return
	}
	for _, f := range expected {
		c.learnAhead(ctx, f, false)
	}
	for _, f := range known {
		if err := f.compileAhead(ctx); err != nil && ctx.Err() == nil {
			c.log.Warn("cannot compile a connector in the background; its first call compiles it", "connector", f.Name(), "error", err)
		}
	}
	for _, f := range others {
		c.learnAhead(ctx, f, true)
	}
}

// plan returns the files in this order: unknown files that are probably approved, since a client
// may wait for their tools; known files that will be called and are not compiled; and the other
// unknown files, since one may be a new version of an approved connector.
func (c *Catalog) plan(ctx context.Context, a Ahead) (expected, known, others []*File, err error) {
	files, err := c.All(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	called, err := a.Called(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	for _, f := range files {
		switch declared, err := f.known(); {
		case err != nil: // it is listed with its error
		case declared != nil:
			if !c.options.Engine.Compiled(declared.Digest) && called(f) {
				known = append(known, f)
			}
		case a.Expected(f.Name(), f.digest):
			expected = append(expected, f)
		default:
			others = append(others, f)
		}
	}
	return expected, known, others, nil
}

// learnAhead reads the declaration of a connector and announces it, even if a caller was faster.
func (c *Catalog) learnAhead(ctx context.Context, f *File, lowest bool) {
	if !c.Current(f) {
		return
	}
	var err error
	if lowest {
		err = f.compileAhead(ctx)
	}
	var declared *connector.Connector
	if err == nil {
		declared, err = f.declareAhead(ctx)
	}
	switch {
	case ctx.Err() != nil:
	case err != nil:
		f.mu.Lock()
		f.failed = err
		f.mu.Unlock()
		c.announce(Change{Kind: ConnectorRefused, File: f.path, Err: err})
	default:
		c.announce(Change{Kind: ConnectorAdded, File: f.path, Connector: declared.Manifest.Name, Digest: declared.Digest})
	}
}

// declareAhead reads the declaration of a connector, and then unloads an unused module: there may
// be hundreds.
func (f *File) declareAhead(ctx context.Context) (*connector.Connector, error) {
	end := f.catalog.turn(ctx, "declare")
	defer end()
	defer f.unloadIdle(0) //nolint:contextcheck // the module closes after the end of ctx, too
	return f.ask(ctx, nil)
}

// compileAhead compiles the connector of a file into the cache, at the lowest priority.
func (f *File) compileAhead(ctx context.Context) error {
	end := f.catalog.turn(ctx, "ahead")
	defer end()
	engine := f.catalog.options.Engine
	if f.digest != "" && engine.Compiled(f.digest) || ctx.Err() != nil {
		return context.Cause(ctx)
	}
	data, err := f.read(ctx)
	if err != nil {
		return err
	}
	f.catalog.log.Info("compiling a connector in the background", "connector", f.Name())
	return f.named(engine.CompileAhead(ctx, data))
}

// turn waits for other processes that do the same with this cache, so that no two compile the
// same connector. Callers do not wait for it.
func (c *Catalog) turn(ctx context.Context, what string) (end func()) {
	end, err := durable.Lock(ctx, filepath.Join(c.options.Cache, what))
	if err != nil {
		if ctx.Err() == nil {
			c.log.Debug("cannot take turns with other processes that compile in the background", "error", err)
		}
		return func() {}
	}
	return end
}
