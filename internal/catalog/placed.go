package catalog

import "context"

// Files may be in use that are not of the folder: a program placed them, and tells of each change of
// them itself. Nobody changes such a file; another version is another file.

// placeAll puts the files of [Options.Placed] into use, before the catalog has users.
func (c *Catalog) placeAll() {
	for _, path := range c.options.Placed {
		c.placed[path] = true
		c.use(path, c.newFile(path, stampOf(path)))
	}
}

// Place puts a file into use that is not of the folder, in the place of one that was placed before,
// whose path is old; an empty one is none. It compiles the file first, which may take seconds, and then
// calls use it from the next one on. After an error everything stays as it is.
func (c *Catalog) Place(ctx context.Context, path, old string) error {
	f := c.newFile(path, stampOf(path))
	declared, err := f.Declared(ctx)
	if err != nil {
		return err
	}
	_, release, err := f.Acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	if err := c.unique(c.KnownOnly(ctx), f, old); err != nil {
		return err
	}
	c.mu.Lock()
	before := c.files[old]
	delete(c.files, old)
	delete(c.placed, old)
	c.files[path], c.placed[path] = f, true
	c.mu.Unlock()
	c.replaced(before)
	change := Change{Kind: ConnectorAdded, File: path, Connector: declared.Manifest.Name, Digest: declared.Digest}
	if before != nil {
		change.Kind = ConnectorUpdated
	}
	c.announce(change)
	return nil
}

// Displace takes a file out of use that was placed. Calls that run end on it.
func (c *Catalog) Displace(path string) {
	c.mu.Lock()
	f := c.files[path]
	if !c.placed[path] {
		f = nil
	} else {
		delete(c.files, path)
		delete(c.placed, path)
	}
	c.mu.Unlock()
	if f == nil {
		return
	}
	c.replaced(f)
	c.announce(Change{Kind: ConnectorRemoved, File: path, Connector: f.Name()})
}

// empty reports whether there can be no connectors.
func (c *Catalog) empty() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.options.Dir == "" && len(c.placed) == 0
}
