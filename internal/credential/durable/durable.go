// Package durable replaces small files so that a crash at any moment leaves either the
// old content or the new one, complete. Locks keep two processes from doing so at once.
//
// It is for files with secrets: they have mode 0600, their folder 0700.
package durable

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Step is a step of [Writer.Replace].
type Step string

// The steps, in their order. After [Rename] the new content is in effect, after [SyncFolder]
// it survives a loss of power.
const (
	Create     Step = "create"      // the new file, beside the old one
	Write      Step = "write"       // its content
	Sync       Step = "sync"        // to the disk
	Rename     Step = "rename"      // over the old one
	SyncFolder Step = "sync folder" // so that the rename is on the disk too
)

// Writer replaces files. The zero Writer is ready for use, by several goroutines.
type Writer struct {
	// Before, for tests, is called before each step. Its error ends the work as a crash
	// would.
	Before func(Step) error
}

// suffix marks the new file. One name is enough: only the holder of the lock writes.
const suffix = ".new"

// Replace gives the file at path the content data. Call it with the file's [Lock].
//
// # Errors
//
// The error wraps that of the failed step. Up to [Rename] the old content stays; if
// [SyncFolder] fails the new one is there, but may be gone after a loss of power.
func (w Writer) Replace(path string, data []byte) error {
	if err := w.replace(path, data); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}

func (w Writer) replace(path string, data []byte) error {
	if err := w.before(Create); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	// Remove what a crash left. O_EXCL then follows no link that someone put there.
	if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(path+suffix, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := w.fill(f, data); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := w.before(Rename); err != nil {
		return err
	}
	if err := os.Rename(path+suffix, path); err != nil {
		return err
	}
	if err := w.before(SyncFolder); err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

func (w Writer) fill(f *os.File, data []byte) error {
	if err := w.before(Write); err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := w.before(Sync); err != nil {
		return err
	}
	return f.Sync()
}

func (w Writer) before(s Step) error {
	if w.Before == nil {
		return nil
	}
	return w.Before(s)
}

// Remove removes the file at path, if it exists, durably. Call it with the file's [Lock].
func (w Writer) Remove(path string) error {
	for _, name := range []string{path + suffix, path} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", filepath.Base(path), err)
		}
	}
	if err := SyncDir(filepath.Dir(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", filepath.Base(path), err)
	}
	return nil
}

// retryLock is how often a held lock is tried again: waiting in the kernel cannot be cancelled.
const retryLock = 20 * time.Millisecond

// Lock takes the lock of the file at path, against other processes and callers. The operating
// system releases it when a process dies. The lock is a file, path.lock, which is not removed.
//
// # Errors
//
// The error of ctx where it ended first, or that of the file system.
func Lock(ctx context.Context, path string) (release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("lock %s: %w", filepath.Base(path), err)
	}
	ticker := time.NewTicker(retryLock)
	defer ticker.Stop()
	for {
		release, err := tryLock(path + ".lock")
		switch {
		case err == nil:
			return release, nil
		case !errors.Is(err, errHeld):
			return nil, fmt.Errorf("lock %s: %w", filepath.Base(path), err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("lock %s: %w", filepath.Base(path), context.Cause(ctx))
		}
	}
}

var errHeld = errors.New("the lock is held")
