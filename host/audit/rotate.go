package audit

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// rotatedFormat is the time in the name of a rotated file. Names sort by it.
const rotatedFormat = "20060102T150405.000000000Z"

// rotate renames the full file and opens a new one. It holds a lock on the file, and checks
// under the lock that the path still leads there, so only one process rotates. If another
// process is rotating, the line goes to the full file, which is not lost.
func (f *File) rotate() error {
	unlock, ok := lock(f.file)
	if !ok {
		return nil
	}
	defer unlock()
	if at, err := os.Stat(f.path); err != nil || !os.SameFile(at, f.info) {
		return f.reopen()
	}
	if !renamesOpenFiles {
		if err := f.file.Close(); err != nil {
			return err
		}
		f.file = nil
	}
	// If renaming fails, the file exceeds its size, because records matter more.
	_ = f.rename()
	if err := f.reopen(); err != nil {
		return err
	}
	f.prune()
	return nil
}

// rename renames the file to the name of a rotated file.
func (f *File) rename() error {
	now := f.options.Now()
	to := rotatedName(f.path, now)
	for exists(to) {
		now = now.Add(time.Nanosecond)
		to = rotatedName(f.path, now)
	}
	return os.Rename(f.path, to)
}

// prune removes the oldest rotated files. The next rotation retries failures.
func (f *File) prune() {
	old, err := rotatedFiles(f.path)
	if err != nil {
		return
	}
	for len(old) > f.options.Keep {
		_ = os.Remove(old[0])
		old = old[1:]
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func rotatedName(path string, at time.Time) string {
	stem, ext := split(path)
	return stem + "-" + at.UTC().Format(rotatedFormat) + ext
}

func split(path string) (stem, ext string) {
	ext = filepath.Ext(path)
	return strings.TrimSuffix(path, ext), ext
}

// rotatedFiles returns the rotated files of a path, the oldest first.
func rotatedFiles(path string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	stem, ext := split(filepath.Base(path))
	var found []string
	for _, entry := range entries {
		at, ok := strings.CutPrefix(entry.Name(), stem+"-")
		if !ok || !entry.Type().IsRegular() {
			continue
		}
		if at, ok = strings.CutSuffix(at, ext); !ok {
			continue
		}
		if _, err := time.Parse(rotatedFormat, at); err == nil {
			found = append(found, filepath.Join(filepath.Dir(path), entry.Name()))
		}
	}
	slices.Sort(found)
	return found, nil
}
