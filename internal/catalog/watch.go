package catalog

import (
	"context"
	"maps"
	"slices"
)

// Change is what happened to a file of the plugins folder.
type Change struct {
	Kind ChangeKind
	File string
	// Connector is the name that the file declares or declared; empty where it never was a
	// connector.
	Connector string
	// Digest is that of the module in use now, or empty.
	Digest string
	// Err is why the file was refused.
	Err error
	// Workspaces are whose connections changed; none means that it may be all of them.
	Workspaces []string
}

// ChangeKind is the sort of a [Change].
type ChangeKind string

// The kinds of changes.
const (
	// ConnectorAdded is a new file, or one whose declaration was not known before.
	ConnectorAdded ChangeKind = "added"
	// ConnectorUpdated is a file with other content. Connections use it from their next call on;
	// calls that run end on the old one.
	ConnectorUpdated ChangeKind = "updated"
	// ConnectorRemoved is a file that was removed.
	ConnectorRemoved ChangeKind = "removed"
	// ConnectorRefused is a file that cannot be used. Where it replaced a good one, connections
	// keep the good one.
	ConnectorRefused ChangeKind = "refused"
)

// OnChange calls f after each change, one change at a time, until stop is called. A call that
// runs when stop returns may still end. F must return soon and must not close the catalog.
func (c *Catalog) OnChange(f func(Change)) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	id := c.subscribed
	c.subscribed++
	c.subscribers[id] = f
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.subscribers, id)
	}
}

func (c *Catalog) announce(change Change) {
	if change.Err != nil {
		c.log.Warn("refused a plugin file; the connectors stay as they are", "file", change.File, "error", change.Err)
	} else {
		c.log.Info("a connector changed", "kind", change.Kind, "connector", change.Connector, "file", change.File)
	}
	c.Tell(change)
}

// Tell calls the subscribers of [Catalog.OnChange] for a change that is not the catalog's own.
func (c *Catalog) Tell(change Change) {
	c.telling.Lock()
	defer c.telling.Unlock()
	c.mu.Lock()
	subscribers := slices.Collect(maps.Values(c.subscribers))
	c.mu.Unlock()
	for _, f := range subscribers {
		f(change)
	}
}

// watcher looks at the folder from time to time.
type watcher struct {
	catalog *Catalog
	seen    map[string]sight // at the last look, by path
}

// sight is what the watcher saw of a file.
type sight struct {
	stamp stamp
	done  bool // the watcher has acted upon it
}

// watch starts the watcher, before the catalog has users.
func (c *Catalog) watch(ctx context.Context) error {
	paths, err := c.folder()
	if err != nil {
		return err
	}
	w := &watcher{c, make(map[string]sight)}
	for _, path := range paths {
		f := c.At(path)
		c.use(path, f)
		w.seen[path] = sight{f.stamp, true}
	}
	c.watched = true
	c.start(ctx, func(ctx context.Context) {
		for c.options.Seams.Sleep(ctx, c.options.Reload) == nil {
			w.look(ctx)
		}
	})
	return nil
}

// look compares the folder with the last look, and acts upon files that stayed the same since:
// one that is being copied grows from look to look.
func (w *watcher) look(ctx context.Context) {
	paths, err := w.catalog.folder()
	if err != nil {
		w.catalog.log.Warn("cannot read the plugins folder; the connectors stay as they are", "error", err)
		return
	}
	// Files that were removed come first, so that a connector can move to another file. What
	// was refused because of one of them gets another look.
	removed := false
	for path := range w.seen {
		if !slices.Contains(paths, path) {
			delete(w.seen, path)
			w.remove(path)
			removed = true
		}
	}
	for _, path := range paths {
		now, before := stampOf(path), w.seen[path]
		same := before.stamp == now && now != stamp{}
		if same && (!before.done || removed) {
			w.settle(ctx, w.catalog.newFile(path, now))
		}
		w.seen[path] = sight{now, same}
	}
}

// settle puts a file into use if it is a connector.
func (w *watcher) settle(ctx context.Context, f *File) {
	c := w.catalog
	old := c.inUse(f.path)
	if old != nil && old.stamp == f.stamp {
		return
	}
	declared, err := f.Declared(ctx)
	if err == nil {
		// The declaration may be known from before, and the module not. Once calls begin on this
		// file, the next one may replace it on the disk at any time.
		var release func()
		if _, release, err = f.Acquire(ctx); err == nil {
			defer release()
		}
	}
	broken := err != nil
	if err == nil {
		err = c.unique(c.KnownOnly(ctx), f, f.path)
	}
	if ctx.Err() != nil {
		return
	}
	before := old.Known()
	if err != nil {
		if broken && before == nil {
			c.use(f.path, f) // there is nothing better, and it is listed with its error
		} else {
			c.replaced(f)
		}
		change := Change{Kind: ConnectorRefused, File: f.path, Err: err}
		if before != nil {
			change.Connector, change.Digest = before.Manifest.Name, before.Digest
		}
		c.announce(change)
		return
	}
	c.use(f.path, f)
	c.replaced(old)
	change := Change{Kind: ConnectorAdded, File: f.path, Connector: declared.Manifest.Name, Digest: declared.Digest}
	switch {
	case before == nil:
	case before.Manifest.Name != declared.Manifest.Name:
		c.announce(Change{Kind: ConnectorRemoved, File: f.path, Connector: before.Manifest.Name})
	case before.Digest == declared.Digest:
		return
	default:
		change.Kind = ConnectorUpdated
	}
	c.announce(change)
}

func (w *watcher) remove(path string) {
	c := w.catalog
	old := c.inUse(path)
	if old == nil {
		return
	}
	c.use(path, nil)
	c.replaced(old)
	if known := old.Known(); known != nil {
		c.announce(Change{Kind: ConnectorRemoved, File: path, Connector: known.Manifest.Name})
	}
}

// unique refuses a connector whose name another file in use has: both would be useless. The file at the
// path replaces may have it.
func (c *Catalog) unique(ctx context.Context, f *File, replaces string) error {
	files, err := c.list()
	if err != nil {
		return err
	}
	name := f.Known().Manifest.Name
	for _, other := range files {
		if other.path == replaces {
			continue
		}
		if declared, err := other.Declared(ctx); err == nil && declared.Manifest.Name == name {
			return sameName("name", f.path, other.path, name, "remove one of the two")
		}
	}
	return nil
}

// replaced makes users of a file find its successor. f may be nil.
func (c *Catalog) replaced(f *File) {
	if f == nil {
		return
	}
	if c.options.Replaced != nil {
		c.options.Replaced(f)
	}
	f.retire()
}
