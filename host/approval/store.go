package approval

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/rogpeppe/go-internal/lockedfile"
)

// Store is a lock file on disk. It may be used by several goroutines, and by several
// processes at a time.
type Store struct {
	path  string
	mutex string
	now   func() time.Time

	mu   sync.Mutex
	file *File
	seen os.FileInfo // of the file when it was read; nil where there was none
}

// New returns the store of a lock file, which need not exist. Folder is a private folder
// in which processes of this machine agree on who writes; now tells the time.
func New(path, folder string, now func() time.Time) *Store {
	return &Store{path: path, mutex: filepath.Join(folder, "approvals.mutex"), now: now}
}

// Path is where the file is.
func (s *Store) Path() string { return s.path }

// Load returns what is approved. It looks at the file each time, and reads it when it has
// changed; a file that does not exist approves nothing. The result is shared, and must
// not be changed.
//
// # Errors
//
// An [*Error] for a file that is not what this package writes, and an [*abi.Error] of
// kind denied for one that cannot be read, or that everybody may write to.
func (s *Store) Load() (*File, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if s.file == nil || s.seen != nil {
			s.file, s.seen = &File{}, nil
		}
		return s.file, nil
	case err != nil:
		return nil, s.unreadable(err)
	case s.seen != nil && os.SameFile(info, s.seen) && info.Size() == s.seen.Size() && info.ModTime().Equal(s.seen.ModTime()):
		return s.file, nil
	}
	s.file, s.seen = nil, nil
	f, err := s.readFile()
	if err != nil {
		return nil, err
	}
	s.file, s.seen = f, info
	return f, nil
}

func (s *Store) readFile() (*File, error) {
	f, err := os.Open(s.path)
	if err != nil {
		return nil, s.unreadable(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, s.unreadable(err)
	}
	const everybody = 0o002
	if runtime.GOOS != "windows" && info.Mode().Perm()&everybody != 0 {
		return nil, &abi.Error{Kind: abi.KindDenied, Rule: grant.RuleApproval, Message: fmt.Sprintf("everybody on this machine may write to %s", s.path), Hint: "chmod o-w " + s.path + ", after a look at what it approves"}
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err != nil {
		return nil, s.unreadable(err)
	}
	return Parse(s.path, data)
}

func (s *Store) unreadable(err error) error {
	return (&abi.Error{Kind: abi.KindDenied, Rule: grant.RuleApproval, Message: fmt.Sprintf("the lock file cannot be read: %v", err), Hint: "without it nothing is approved; see to its permissions, or name another with lock: in the configuration"}).WithCause(err)
}

// Approve records that a person approved a module, in the place of what was approved of
// that connector before. Only what a person asked for may call it: nothing that an agent
// can reach does.
func (s *Store) Approve(ctx context.Context, m grant.Module, by string) error {
	return s.change(ctx, func(f *File) error {
		f.Set(grant.Approval{Module: m, At: s.now().UTC().Truncate(time.Second), By: by})
		return nil
	})
}

// Accept records a version that the policy lets through. It judges again, by what the
// file says when it is written, and adds nothing that a person did not approve.
func (s *Store) Accept(ctx context.Context, m grant.Module, policy grant.UpdatePolicy) error {
	return s.change(ctx, func(f *File) error {
		j := grant.Judge(m, f.Find(m.Name), policy)
		if !j.Decision.Allowed {
			return j.Decision.Refusal()
		}
		if j.Standing != grant.StandingUpdate {
			return nil // another process was faster
		}
		a := *j.Approval
		a.Updates = append(a.Updates[:len(a.Updates):len(a.Updates)], grant.Update{Digest: m.Digest, Version: m.Version, At: s.now().UTC().Truncate(time.Second)})
		if len(a.Updates) > maxUpdates {
			a.Updates = a.Updates[len(a.Updates)-maxUpdates:]
		}
		f.Set(a)
		return nil
	})
}

// maxUpdates is how many accepted versions of a connector are kept, the last ones.
const maxUpdates = 20

// Revoke takes back what was approved of a connector, and reports whether anything was.
func (s *Store) Revoke(ctx context.Context, name string) (revoked bool, err error) {
	err = s.change(ctx, func(f *File) error {
		revoked = f.Remove(name)
		return nil
	})
	return revoked, err
}

// change reads the file, changes it and writes it whole, while no other process does.
func (s *Store) change(ctx context.Context, edit func(*File) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("change %s: %w", s.path, err)
	}
	if err := os.MkdirAll(filepath.Dir(s.mutex), 0o700); err != nil {
		return s.unwritable(err)
	}
	unlock, err := lockedfile.MutexAt(s.mutex).Lock()
	if err != nil {
		return s.unwritable(err)
	}
	defer unlock()
	loaded, err := s.Load()
	if err != nil {
		return err
	}
	edited := &File{Approvals: append([]grant.Approval(nil), loaded.Approvals...)}
	if err := edit(edited); err != nil {
		return err
	}
	text := edited.Format()
	if bytes.Equal(text, loaded.Format()) {
		return nil
	}
	// What cannot be read again must not get into the file.
	if _, err := Parse(s.path, text); err != nil {
		return err
	}
	if err := s.write(text); err != nil {
		return s.unwritable(err)
	}
	return nil
}

// write replaces the file, or leaves it as it is.
func (s *Store) write(text []byte) error {
	dir := filepath.Dir(s.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	target := s.path
	if resolved, err := filepath.EvalSymlinks(s.path); err == nil {
		target, dir = resolved, filepath.Dir(resolved) // the link stays
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(target); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(dir, ".agenthost-lock-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // gone already where all went well
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), target)
}

func (s *Store) unwritable(err error) error {
	return (&abi.Error{Kind: abi.KindInternal, Message: fmt.Sprintf("the lock file %s cannot be written: %v", s.path, err), Hint: "see to the permissions of its folder, or name another with lock: in the configuration"}).WithCause(err)
}
