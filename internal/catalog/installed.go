package catalog

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"sync"
)

// InstalledConnector is a connector of an [InstalledSet]. Approval is what somebody approved of its file,
// which the catalog does not look at.
type InstalledConnector[Approval any] struct {
	Name, Digest string
	// Path is that of the file, in the folder of the set; another version has another one.
	Path     string
	Approval *Approval
}

// InstalledSet are connectors beside those of the folder of a catalog, such as those that a server has in
// its database: which files they are, and what was approved of each. It is safe for concurrent use. A nil
// one has none.
type InstalledSet[Approval any] struct {
	folder string

	mu      sync.Mutex
	catalog *Catalog                                // nil before [InstalledSet.Use]
	current map[string]InstalledConnector[Approval] // by name
	// files are the approvals by the paths of files, also of those that were replaced: a call that
	// runs ends on its file.
	files map[string]InstalledConnector[Approval]
}

// NewInstalledSet returns a set whose files are in a folder, with those that are there from the start.
func NewInstalledSet[Approval any](folder string, all []InstalledConnector[Approval]) *InstalledSet[Approval] {
	s := &InstalledSet[Approval]{folder: filepath.Clean(folder), current: make(map[string]InstalledConnector[Approval]), files: make(map[string]InstalledConnector[Approval])}
	for _, c := range all {
		s.current[c.Name], s.files[c.Path] = c, c
	}
	return s
}

// Paths returns the paths of the files, in order.
func (s *InstalledSet[Approval]) Paths() []string {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var paths []string
	for _, c := range s.current {
		paths = append(paths, c.Path)
	}
	slices.Sort(paths)
	return paths
}

// Use says where the files are put into use from now on.
func (s *InstalledSet[Approval]) Use(c *Catalog) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catalog = c
}

// Approval returns what was approved of a file, the same pointer as long as that is the same. Ours
// reports whether the file is one of the folder: of one that is not installed, nothing is approved, and
// the pointer is nil.
func (s *InstalledSet[Approval]) Approval(path string) (a *Approval, ours bool) {
	if s == nil || filepath.Dir(path) != s.folder {
		return nil, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files[path].Approval, true
}

// Has reports whether a file with a digest is installed.
func (s *InstalledSet[Approval]) Has(digest string) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.current {
		if c.Digest == digest {
			return true
		}
	}
	return false
}

// Installed returns the connectors, by their names.
func (s *InstalledSet[Approval]) Installed() map[string]InstalledConnector[Approval] {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.current)
}

// Put installs a connector, in the place of an earlier version. It compiles its file first, and leaves
// everything as it is after an error. No two calls of Put may run at the same time. Where [InstalledSet.Remove]
// removes the connector while it is compiled, it is there again: ask for it once more.
func (s *InstalledSet[Approval]) Put(ctx context.Context, c InstalledConnector[Approval]) error {
	s.mu.Lock()
	old, before := s.current[c.Name], s.files[c.Path]
	s.files[c.Path] = c
	s.mu.Unlock()
	var err error
	if old.Path != c.Path {
		err = s.catalog.Place(ctx, c.Path, old.Path)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.current[c.Name], s.files[c.Path] = c, c
	case before.Path != "":
		s.files[c.Path] = before
	default:
		delete(s.files, c.Path)
	}
	return err
}

// Remove removes a connector. Nothing of it may be used from now on, but calls that run end.
func (s *InstalledSet[Approval]) Remove(name string) {
	s.mu.Lock()
	old, known := s.current[name]
	delete(s.current, name)
	maps.DeleteFunc(s.files, func(_ string, c InstalledConnector[Approval]) bool { return c.Name == name })
	s.mu.Unlock()
	if known {
		s.catalog.Displace(old.Path)
	}
}
