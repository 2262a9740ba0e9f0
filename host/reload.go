package host

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"github.com/agenthost/agenthost/pdk/abi"
)

// Change is what happened to a file of the plugins folder.
type Change struct {
	Kind ChangeKind
	File string
	// Connector is the name that the file declares or declared; empty where it never
	// was a connector.
	Connector string
	// Digest is that of the module in use now; empty where there is none.
	Digest string
	// Err is why the file was refused.
	Err error
}

// ChangeKind is the sort of a [Change].
type ChangeKind string

// The kinds of changes.
const (
	// ConnectorAdded is a new file.
	ConnectorAdded ChangeKind = "added"
	// ConnectorUpdated is a file with other content. Connections use it from their next
	// call on; calls that run end on the old one.
	ConnectorUpdated ChangeKind = "updated"
	// ConnectorRemoved is a file that went.
	ConnectorRemoved ChangeKind = "removed"
	// ConnectorRefused is a file that cannot be used. Nothing changes by it: where it
	// took the place of a good one, connections keep that.
	ConnectorRefused ChangeKind = "refused"
)

// OnChange calls f after each change of a connector until stop is called, one change at
// a time; a call that runs when stop returns may still end. Without [Options.Reload] there
// are no changes. F must return soon, and must not close the host.
func (h *Host) OnChange(f func(Change)) (stop func()) {
	if h.watcher == nil {
		return func() {}
	}
	return h.watcher.subscribe(f)
}

// watcher looks at the plugins folder from time to time.
type watcher struct {
	host   *Host
	cancel context.CancelFunc
	done   chan struct{}

	seen    map[string]*pluginFile // as they were at the last look
	settled map[string]bool        // whether what was seen is acted upon already

	mu          sync.Mutex
	subscribers map[int]func(Change)
	next        int
}

// watch starts the watcher if the options ask for one.
func (h *Host) watch(ctx context.Context) error {
	if h.options.Reload <= 0 || h.options.Plugins == "" {
		return nil
	}
	paths, err := h.registry.folder()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w := &watcher{
		host: h, cancel: cancel, done: make(chan struct{}),
		seen: make(map[string]*pluginFile), settled: make(map[string]bool),
		subscribers: make(map[int]func(Change)),
	}
	for _, path := range paths {
		w.seen[path], w.settled[path] = h.registry.file(path), true
	}
	h.registry.watched = true // nobody else has the host yet
	h.watcher = w
	go w.run(ctx)
	return nil
}

func (w *watcher) stop() {
	if w == nil {
		return
	}
	w.cancel()
	<-w.done
}

func (w *watcher) run(ctx context.Context) {
	defer close(w.done)
	for w.host.options.Sleep(ctx, w.host.options.Reload) == nil {
		w.look(ctx)
	}
}

func (w *watcher) subscribe(f func(Change)) (stop func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := w.next
	w.next++
	w.subscribers[id] = f
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.subscribers, id)
	}
}

func (w *watcher) tell(c Change) {
	log := w.host.log.Named("reload")
	if c.Err != nil {
		log.Warn("a plugin file is refused, and nothing changes by it", "file", c.File, "error", c.Err)
	} else {
		log.Info("a connector changed", "kind", c.Kind, "connector", c.Connector, "file", c.File)
	}
	w.mu.Lock()
	subscribers := slices.Collect(maps.Values(w.subscribers))
	w.mu.Unlock()
	for _, f := range subscribers {
		f(c)
	}
}

// look compares the folder with what it was and acts upon files that have settled: one
// that is being copied grows from look to look.
func (w *watcher) look(ctx context.Context) {
	paths, err := w.host.registry.folder()
	if err != nil {
		w.host.log.Named("reload").Warn("the plugins folder cannot be read, and connectors stay as they are", "error", err)
		return
	}
	// Files that went come first: a connector that moves to a file of another name is
	// then no second one of its name.
	for path := range w.seen {
		if !slices.Contains(paths, path) {
			delete(w.seen, path)
			delete(w.settled, path)
			w.remove(ctx, path)
			clear(w.settled) // what was refused for the sake of this one gets another look
		}
	}
	for _, path := range paths {
		now, before := newPluginFile(w.host.registry, path), w.seen[path]
		w.seen[path] = now
		if before == nil || !before.same(now) {
			w.settled[path] = false
			continue
		}
		if !w.settled[path] {
			w.settled[path] = true
			w.settle(ctx, now)
		}
	}
}

// settle takes a file into use, if it is a connector.
func (w *watcher) settle(ctx context.Context, f *pluginFile) {
	r := w.host.registry
	old := r.present(f.path)
	if old != nil && old.same(f) {
		return
	}
	declared, err := f.declared(ctx)
	if err == nil {
		// A declaration may be known from before, and its module not. The next version may
		// take the file's place while calls still begin on this one.
		_, err = f.load(ctx)
	}
	if ctx.Err() != nil {
		return
	}
	broken := err != nil
	if err == nil {
		err = r.unique(ctx, f)
	}
	if err != nil {
		if broken && old.known() == nil {
			r.put(f.path, f) // there is nothing better, and it is listed with its error
		} else {
			w.host.retire(ctx, f)
		}
		c := Change{Kind: ConnectorRefused, File: f.path, Err: err}
		if good := old.known(); good != nil {
			c.Connector, c.Digest = good.Manifest.Name, good.Digest
		}
		w.tell(c)
		return
	}
	c := Change{Kind: ConnectorAdded, File: f.path, Connector: declared.Manifest.Name, Digest: declared.Digest}
	before := old.known()
	if before != nil {
		c.Kind = ConnectorUpdated
	}
	r.put(f.path, f)
	w.host.retire(ctx, old)
	if before != nil && before.Manifest.Name != declared.Manifest.Name {
		w.tell(Change{Kind: ConnectorRemoved, File: f.path, Connector: before.Manifest.Name})
		c.Kind = ConnectorAdded
	}
	if before == nil || before.Digest != declared.Digest {
		w.tell(c)
	}
}

func (w *watcher) remove(ctx context.Context, path string) {
	old := w.host.registry.present(path)
	if old == nil {
		return
	}
	w.host.registry.put(path, nil)
	w.host.retire(ctx, old)
	if known := old.known(); known != nil {
		w.tell(Change{Kind: ConnectorRemoved, File: path, Connector: known.Manifest.Name})
	}
}

// unique refuses a connector whose name another file in use has: it would make both
// useless.
func (r *registry) unique(ctx context.Context, f *pluginFile) error {
	files, err := r.all(ctx)
	if err != nil {
		return err
	}
	for _, other := range files {
		if known := other.known(); known != nil && other.path != f.path && known.Manifest.Name == f.connector.Manifest.Name {
			return &Error{
				Kind: abi.KindConnectorFault, Field: "name",
				Message: fmt.Sprintf("%s calls itself %q, as %s does", filepath.Base(f.path), known.Manifest.Name, filepath.Base(other.path)),
				Hint:    "remove one of the two",
			}
		}
	}
	return nil
}

// put sets the file of a path; nil removes it.
func (r *registry) put(path string, f *pluginFile) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f == nil {
		delete(r.files, path)
		return
	}
	r.files[path] = f
}

// retire lets connections that use a file find its successor. The module and the
// connections are closed when the last call that runs on them has ended.
func (h *Host) retire(ctx context.Context, f *pluginFile) {
	if f == nil {
		return
	}
	var unused []*connection
	h.mu.Lock()
	for name, c := range h.connections {
		if c.file == f {
			unused = append(unused, c)
			delete(h.connections, name)
		}
	}
	h.mu.Unlock()
	f.retire(ctx, func() {
		for _, c := range unused {
			c.close()
		}
	})
}
