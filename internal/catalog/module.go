package catalog

import (
	"context"
	"time"

	"github.com/agenthost/agenthost/internal/sandbox"
)

// Acquire returns the module of the file, and keeps it in memory until release is called, once.
// A module that is not in memory is loaded, which takes about 20 ms, or compiled, which
// takes a second or so. Acquire works for a file that was replaced, as long as the cache has its
// module.
//
// Release is nil where the error is not. A call of Acquire that finds the module in memory takes
// one lock and allocates nothing.
func (f *File) Acquire(ctx context.Context) (module *sandbox.Module, release func(), err error) {
	f.mu.Lock()
	f.users++
	module = f.module
	f.mu.Unlock()
	if module == nil {
		if module, err = f.load(ctx); err != nil {
			f.letGo()
			return nil, nil, err
		}
	}
	return module, f.release, nil
}

// Ready reports whether the module is in memory.
func (f *File) Ready() bool { return f.loaded() != nil }

func (f *File) loaded() *sandbox.Module {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.module
}

func (f *File) hold() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.users++
}

// letGo ends what hold or Acquire began.
func (f *File) letGo() {
	now := f.catalog.options.Seams.Now()
	f.mu.Lock()
	f.users--
	f.lastUsed = now
	f.closeUnused()
	f.mu.Unlock()
}

// load opens the module. The caller is among its users.
func (f *File) load(ctx context.Context) (*sandbox.Module, error) {
	declared, err := f.Declared(ctx)
	if err != nil {
		return nil, err
	}
	tell := func() { f.tell(ctx) }
	unlock, err := f.lock(ctx, tell)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if module := f.loaded(); module != nil {
		return module, nil
	}
	// The declaration names the digest of the module that it was read from. Where the cache has
	// that module, it does not matter what has become of the file.
	return f.open(ctx, declared.Digest, tell, func() ([]byte, error) { return f.bytes(ctx, declared.Digest) })
}

// open opens the module of a digest: from the cache, or compiled from what read returns. The
// caller holds f.opening.
func (f *File) open(ctx context.Context, digest string, tell func(), read func() ([]byte, error)) (*sandbox.Module, error) {
	module, err := f.catalog.options.Engine.LoadCached(ctx, digest)
	if module == nil && err == nil {
		var data []byte
		if data, err = read(); err == nil {
			module, err = f.compile(ctx, data, tell)
		}
	}
	if err != nil {
		return nil, f.named(err)
	}
	now := f.catalog.options.Seams.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.module, f.lastUsed = module, now
	f.unloadIn(f.catalog.options.UnloadAfter) //nolint:contextcheck // it is unloaded long after ctx has ended
	return module, nil
}

// unloadIn looks after a while whether the module can be unloaded. The caller holds f.mu.
func (f *File) unloadIn(d time.Duration) {
	if f.timer == nil && !f.retired && !f.catalog.isClosed() {
		f.timer = time.AfterFunc(d, func() { f.unloadIdle(f.catalog.options.UnloadAfter) })
	}
}

// stopTimer ends what unloadIn began. The caller holds f.mu.
func (f *File) stopTimer() {
	if f.timer != nil {
		f.timer.Stop()
		f.timer = nil
	}
}

// unloadIdle unloads the module if nobody has used it for that long, and looks again later if
// somebody has. Native code is most of what an idle connector has in memory, and the next call
// loads it from the cache.
func (f *File) unloadIdle(idle time.Duration) {
	c := f.catalog
	unlock, ok := f.tryLock()
	if ok {
		defer unlock()
	}
	// A module whose file has changed could not be loaded again, and where the new content is
	// refused it is all that there is.
	unchanged, now := ok && stampOf(f.path) == f.stamp, c.options.Seams.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopTimer()
	module, left := f.module, idle-now.Sub(f.lastUsed)
	switch {
	case module == nil:
	case left > 0:
		f.unloadIn(left)
	case f.users > 0 || !unchanged:
		f.unloadIn(c.options.UnloadAfter)
	case c.inBackground(func() { f.discard(module) }):
		f.module = nil
	}
}

// retire closes the module as soon as no call uses the file. Who found the file before may still
// use it later, and then it is closed again.
func (f *File) retire() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.retired = true
	f.closeUnused()
}

// closeUnused closes a retired file in the background if no call uses it. Where the catalog is
// closed, the engine closes the module. The caller holds f.mu.
func (f *File) closeUnused() {
	if f.retired && f.users == 0 {
		f.catalog.inBackground(f.closeRetired)
	}
}

// closeRetired closes the module of a retired file, unless somebody uses the file again: the
// last one to release it closes it.
func (f *File) closeRetired() {
	f.opening <- struct{}{}
	f.mu.Lock()
	module, used := f.module, f.users > 0
	if !used {
		f.module = nil
	}
	f.mu.Unlock()
	<-f.opening
	if !used && module != nil {
		f.discard(module)
	}
}

// discard closes an unused module, also one that another call used last: no call
// waits for it, and the end of none ends it.
func (f *File) discard(module *sandbox.Module) {
	if err := module.Close(context.Background()); err != nil {
		f.catalog.log.Warn("cannot close a module that is no longer needed", "file", f.path, "error", err)
	}
}
