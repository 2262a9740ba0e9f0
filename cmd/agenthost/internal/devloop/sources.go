package devloop

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// MaxFiles is how many files and folders are watched.
const MaxFiles = 10_000

// apart are folders that hold no sources: what tools download, build and keep.
var apart = []string{"node_modules", "target", "vendor", "zig-out", "zig-cache", "dist"}

// Sources are the files of a connector.
type Sources struct {
	// Place is a folder, or the file of a table. Of a file, the folder Recordings is watched too.
	Place, Recordings string
}

// State is another text whenever a file was added, changed or removed. It follows no link to a folder,
// and looks at no file's content.
func (s Sources) State(ctx context.Context) (string, error) {
	sum, seen := fnv.New128a(), 0
	for _, root := range []string{s.Place, s.Recordings} {
		if root == "" {
			continue
		}
		if target, err := filepath.EvalSymlinks(root); err == nil {
			root = target // the one link that a person named
		}
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case err != nil && errors.Is(err, fs.ErrNotExist):
				return nil // it went while it was looked at
			case err != nil:
				return err
			}
			if seen++; seen > MaxFiles {
				return fmt.Errorf("%s has more than %d files", s.Place, MaxFiles)
			}
			name := entry.Name()
			if entry.IsDir() {
				if path != root && (name[0] == '.' || slices.Contains(apart, name)) {
					return fs.SkipDir
				}
				return nil
			}
			if filepath.Ext(name) == ".wasm" {
				return nil // what a build wrote
			}
			info, err := os.Stat(path) // of what a link leads to
			if err == nil && info.Mode().IsRegular() {
				_, _ = fmt.Fprintf(sum, "%s\x00%d\x00%d\x00", path, info.Size(), info.ModTime().UnixNano())
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return string(sum.Sum(nil)), nil
}

// every is how often sources are looked at.
const every = 40 * time.Millisecond

// Watch calls changed at once, and after each change as soon as two looks see the same: an editor that
// writes several files is waited for. It ends with ctx, or with the error of a look.
func (s Sources) Watch(ctx context.Context, sleep func(context.Context, time.Duration) error, changed func()) error {
	var acted, before string
	for first := true; ; first = false {
		now, err := s.State(ctx)
		if err != nil {
			return err
		}
		if now != acted && (first || now == before) {
			acted = now
			changed()
		}
		before = now
		if err := sleep(ctx, every); err != nil {
			return err
		}
	}
}
