package seal

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
)

// A folder is hashed in chunks, on all processors: what a cached module costs before
// its first call is mostly this.
const chunkSize = 256 << 10

// The most that a folder holds.
const (
	maxFiles = 64
	maxBytes = 1 << 30
)

// Folder is the content of a folder.
type Folder struct {
	// Sum stands for the names, sizes and bytes of all files.
	Sum []byte
	// Kept are the bytes of the files that were asked for, by their names: the very
	// bytes that Sum covers, whatever happens to the file afterwards.
	Kept map[string][]byte
}

type file struct {
	name   string // with slashes, relative to the folder
	size   int64
	kept   []byte
	handle *os.File
}

type chunk struct {
	of     *file
	offset int64
	length int
	sum    [sha256.Size]byte
}

// ReadFolder reads a folder and those within it, without the file named skip, and keeps
// the bytes of the files named keep. Anything but folders and regular files is an error.
func ReadFolder(dir, skip string, keep ...string) (_ *Folder, err error) {
	files, err := list(dir, skip)
	if err != nil {
		return nil, err
	}
	defer func() {
		for _, f := range files {
			if f.handle != nil {
				err = errors.Join(err, f.handle.Close())
			}
		}
	}()
	folder := &Folder{Kept: make(map[string][]byte)}
	var chunks []chunk
	for _, f := range files {
		if f.handle, err = os.Open(filepath.Join(dir, filepath.FromSlash(f.name))); err != nil {
			return nil, err
		}
		for _, name := range keep {
			if f.name == name {
				f.kept = make([]byte, f.size)
				folder.Kept[name] = f.kept
			}
		}
		for offset := int64(0); offset < f.size; offset += chunkSize {
			chunks = append(chunks, chunk{of: f, offset: offset, length: int(min(chunkSize, f.size-offset))})
		}
	}
	if err := hash(chunks); err != nil {
		return nil, err
	}
	total := sha256.New()
	for _, f := range files {
		var sizes [16]byte
		binary.LittleEndian.PutUint64(sizes[:8], uint64(len(f.name)))
		binary.LittleEndian.PutUint64(sizes[8:], uint64(f.size))
		total.Write(sizes[:])
		total.Write([]byte(f.name))
	}
	for i := range chunks {
		total.Write(chunks[i].sum[:])
	}
	folder.Sum = total.Sum(nil)
	return folder, nil
}

// list returns the files in order of their names.
func list(dir, skip string) ([]*file, error) {
	var files []*file
	var bytes int64
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || name == skip {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("seal: %s is no regular file", name)
		}
		files = append(files, &file{name: name, size: info.Size()})
		if bytes += info.Size(); bytes > maxBytes || len(files) > maxFiles {
			return fmt.Errorf("seal: the folder has more than %d files or %d bytes", maxFiles, maxBytes)
		}
		return nil
	})
	return files, err
}

// hash fills in the sums of the chunks.
func hash(chunks []chunk) error {
	var next atomic.Int64
	var group sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), len(chunks))
	errs := make([]error, workers)
	for worker := range workers {
		group.Go(func() {
			buffer := make([]byte, chunkSize)
			for {
				i := int(next.Add(1)) - 1
				if i >= len(chunks) {
					return
				}
				c := &chunks[i]
				into := buffer[:c.length]
				if c.of.kept != nil {
					into = c.of.kept[c.offset : c.offset+int64(c.length)]
				}
				// A file that got shorter since it was listed ends early.
				if n, err := c.of.handle.ReadAt(into, c.offset); n < c.length {
					if err == nil {
						err = io.ErrUnexpectedEOF
					}
					errs[worker] = fmt.Errorf("seal: %s: %w", c.of.name, err)
					return
				}
				c.sum = sha256.Sum256(into)
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}
