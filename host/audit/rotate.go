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

// rotate renames the full file and opens a new one. One process does it at a time: it holds
// a lock on the file that it renames, and has seen under the lock that the path still leads
// there. Where another process is at it, the line goes to the full file, which is not lost.
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
	// Where the folder, or another process that has the file open, does not allow it, the
	// file grows on: a record is worth more than a size.
	_ = f.rename()
	if err := f.reopen(); err != nil {
		return err
	}
	f.prune()
	return nil
}

// rename gives the file the name of a rotated one.
func (f *File) rename() error {
	now := f.options.Now()
	to := rotatedName(f.path, now)
	for exists(to) {
		now = now.Add(time.Nanosecond)
		to = rotatedName(f.path, now)
	}
	return os.Rename(f.path, to)
}

// prune removes the oldest rotated files. What it cannot do now, the next rotation does.
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

// rotatedFiles are the files that the one at a path was rotated to, the oldest first.
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
