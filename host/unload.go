package host

import (
	"context"
	"time"
)

// defaultUnload is how long a module stays in memory that nobody calls.
const defaultUnload = 5 * time.Minute

// loaded sees to it that a module which has just come into memory goes again when it has
// been idle for long enough.
func (f *pluginFile) loaded() {
	f.using.Lock()
	defer f.using.Unlock()
	f.last = time.Now()
	if f.sweep == nil && f.retired == nil {
		f.sweep = time.AfterFunc(f.registry.unloadAfter, f.unload)
	}
}

// unload frees the module if nobody has used it for long enough, and comes again if
// somebody has. Its native code is most of what an idle connector has in memory. The next
// call loads it from the cache.
func (f *pluginFile) unload() {
	f.using.Lock()
	defer f.using.Unlock()
	f.sweep = nil
	if f.retired != nil {
		return // free has it
	}
	left := f.registry.unloadAfter - time.Since(f.last)
	// A lock that is taken is somebody who reads the file or loads the module.
	if f.holds == 0 && left <= 0 && f.mu.TryLock() {
		defer f.mu.Unlock()
		if f.drop() {
			return
		}
	}
	if left <= 0 {
		left = f.registry.unloadAfter
	}
	f.sweep = time.AfterFunc(left, f.unload)
}

// drop lets go of the module, unless it could not be had again: where the file was replaced
// by one that is refused, this module is all that there is. The caller holds both locks.
func (f *pluginFile) drop() bool {
	module := f.module
	if module == nil {
		return true
	}
	if !f.same(newPluginFile(f.registry, f.path)) {
		return false
	}
	if f.registry.background(func() { f.discard(context.Background(), module) }) {
		f.module = nil
	}
	return true
}

// background runs f on a goroutine that Close waits for, unless the registry is closed.
func (r *registry) background(f func()) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.closing.Go(f)
	return true
}

// stop lets nothing be unloaded any more: the engine closes what is left.
func (r *registry) stop() {
	r.mu.Lock()
	r.closed = true
	files := make([]*pluginFile, 0, len(r.files))
	for _, f := range r.files {
		files = append(files, f)
	}
	r.mu.Unlock()
	for _, f := range files {
		f.using.Lock()
		if f.sweep != nil {
			f.sweep.Stop()
		}
		f.using.Unlock()
	}
}
