package sandbox

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// What the cache keeps. The modification time of the seal file is an entry's last use.
const (
	pruneEvery = 24 * time.Hour
	keepUnused = 30 * 24 * time.Hour
	keepBytes  = 4 << 30
	// A recently used entry stays, because a process may be about to read it. So does a folder
	// in which an entry may be made.
	keepRecent = time.Hour
	// The use of an entry is recorded no more often than this.
	touchEvery = time.Hour
	pruneMark  = "pruned"
)

// touch records the use of an entry.
func (c *cache) touch(dir string, now time.Time) {
	path := filepath.Join(dir, sealFile)
	if info, err := os.Stat(path); err == nil && now.Sub(info.ModTime()) > touchEvery {
		if err := os.Chtimes(path, now, now); err != nil {
			c.log.Debug("cannot note the use of a cached module", "error", err)
		}
	}
}

// pruneDaily prunes, if that was not done within a day.
func (c *cache) pruneDaily(now time.Time) error {
	mark := filepath.Join(c.dir, pruneMark)
	info, err := os.Stat(mark)
	if err == nil && now.Sub(info.ModTime()) < pruneEvery {
		return nil
	}
	if err := os.WriteFile(mark, nil, 0o600); err != nil {
		return err
	}
	if err := os.Chtimes(mark, now, now); err != nil {
		return err
	}
	return c.prune(now, keepBytes)
}

// prune removes entries that were not used for long, then the least recently used ones until the
// others fit into limit bytes, and leftovers of interrupted processes.
func (c *cache) prune(now time.Time, limit int64) error {
	entries, err := os.ReadDir(c.dir)
	if err != nil {
		return err
	}
	type candidate struct {
		dir  string
		used time.Time
		size int64
	}
	var kept []candidate
	var total int64
	for _, d := range entries {
		if !d.IsDir() {
			continue
		}
		dir := filepath.Join(c.dir, d.Name())
		if strings.HasPrefix(d.Name(), oldPrefix) || strings.HasPrefix(d.Name(), stagePrefix) {
			if info, err := d.Info(); err == nil && now.Sub(info.ModTime()) > keepRecent {
				c.remove(dir)
			}
			continue
		}
		info, err := os.Stat(filepath.Join(dir, sealFile))
		if err != nil || now.Sub(info.ModTime()) > keepUnused {
			// An entry has its seal before it has its name.
			c.remove(dir)
			continue
		}
		size, err := folderSize(dir)
		if err != nil {
			return err
		}
		total += size
		kept = append(kept, candidate{dir, info.ModTime(), size})
	}
	slices.SortFunc(kept, func(a, b candidate) int { return cmp.Compare(a.used.UnixNano(), b.used.UnixNano()) })
	for _, k := range kept {
		if total <= limit || now.Sub(k.used) <= keepRecent {
			break
		}
		c.remove(k.dir)
		total -= k.size
	}
	return nil
}

func folderSize(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // another process removes it
	}
	return size, err
}
