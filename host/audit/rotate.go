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
	if renamesOpenFiles {
		if err := f.rename(); err != nil {
			return err
		}
		return f.reopen()
	}
	// Windows renames no file that is open. If another process has it open, it grows on.
	if err := f.file.Close(); err != nil {
		return err
	}
	f.file = nil
	_ = f.rename()
	return f.open()
}

// rename gives the file the name of a rotated one, and removes the oldest.
func (f *File) rename() error {
	now := f.options.Now().UTC()
	to := f.rotated(now)
	for exists(to) {
		now = now.Add(time.Nanosecond)
		to = f.rotated(now)
	}
	if err := os.Rename(f.path, to); err != nil {
		return err
	}
	old, err := rotatedFiles(f.path)
	if err != nil {
		return nil // the record comes first; the next rotation tries again
	}
	for len(old) > f.options.Keep {
		_ = os.Remove(old[0])
		old = old[1:]
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func (f *File) rotated(at time.Time) string {
	stem, ext := split(f.path)
	return stem + "-" + at.Format(rotatedFormat) + ext
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
