// Package durable replaces small files so that a crash at any moment leaves either the
// old content or the new one, complete, and keeps two processes from doing so at once.
//
// It is for files that hold secrets: they have mode 0600, their folder is made with 0700.
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

// The steps, in their order. What Replace wrote is in effect from [Rename] on, and
// survives a loss of power from [SyncFolder] on.
const (
	Create     Step = "create"      // the new file, beside the old one
	Write      Step = "write"       // its content
	Sync       Step = "sync"        // to the disk
	Rename     Step = "rename"      // over the old one
	SyncFolder Step = "sync folder" // so that the rename is on the disk too
)

// Writer replaces files. The zero Writer is ready for use, by several goroutines.
type Writer struct {
	// Before is called before each step and ends the work with its error, leaving
	// everything as a crash would. It is for tests; nil lets every step pass.
	Before func(Step) error
}

// suffix marks the new file while it is written. Only the holder of the lock writes, so
// one name does.
const suffix = ".new"

// Replace gives the file at path the content data. Call it with the file's [Lock].
//
// # Errors
//
// The error wraps that of the step that failed. Up to [Rename] the old content stays;
// where [SyncFolder] failed the new one is there, and may be gone after a loss of power.
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
	// What a crash left behind goes. O_EXCL then follows no link that somebody put there.
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
	return syncFolder(filepath.Dir(path))
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

// Remove removes the file at path, durably. Call it with the file's [Lock]. A file that is
// not there is no error.
func (w Writer) Remove(path string) error {
	for _, name := range []string{path + suffix, path} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", filepath.Base(path), err)
		}
	}
	if err := syncFolder(filepath.Dir(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove %s: %w", filepath.Base(path), err)
	}
	return nil
}

// retryLock is how often a lock that somebody holds is tried again. Locks that wait in
// the kernel cannot be called off.
const retryLock = 20 * time.Millisecond

// Lock takes the lock of the file at path, which other processes and other callers in
// this one wait for. The operating system releases it when a process dies. The lock is a
// file of its own, path.lock, and stays when the lock is released.
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

// errHeld says that somebody else has the lock.
var errHeld = errors.New("the lock is held")
