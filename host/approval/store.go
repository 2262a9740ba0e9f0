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
	"github.com/agenthost/agenthost/internal/provenance"
	"github.com/agenthost/agenthost/internal/wholefile"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/rogpeppe/go-internal/lockedfile"
)

// Store is a lock file on disk. It is safe for concurrent use by goroutines and processes.
type Store struct {
	path  string
	mutex string
	now   func() time.Time

	mu   sync.Mutex
	file *File
	seen os.FileInfo // of the file at the last read; nil if it did not exist
}

// New returns the store of a lock file, which need not exist. folder is a private folder for
// locks between processes of this machine; without it, the store cannot write. now returns
// the time.
func New(path, folder string, now func() time.Time) *Store {
	s := &Store{path: path, now: now}
	if folder != "" {
		s.mutex = filepath.Join(folder, "approvals.mutex")
	}
	return s
}

// Path returns the path of the lock file.
func (s *Store) Path() string { return s.path }

// Load returns the approvals. It checks the file each time and reads it if it has changed. A
// missing file means no approvals. Callers share the result and must not change it.
//
// # Errors
//
// An [*Error] for an invalid file, and an [*abi.Error] of kind denied for a file that is
// unreadable, or that every user can write.
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
		return nil, &abi.Error{Kind: abi.KindDenied, Rule: grant.RuleApproval, Message: fmt.Sprintf("every user of this machine can write %s", s.path), Hint: "check the approvals in it, then run chmod o-w " + s.path}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err != nil {
		return nil, s.unreadable(err)
	}
	return Parse(s.path, data)
}

func (s *Store) unreadable(err error) error {
	return (&abi.Error{Kind: abi.KindDenied, Rule: grant.RuleApproval, Message: fmt.Sprintf("cannot read the lock file: %v", err), Hint: "check its permissions, or set lock: in the configuration to another file"}).WithCause(err)
}

// Approve records that a person approved a module. It replaces an earlier approval of the
// connector. Call it only when a person asked for it; agents must not be able to reach it.
func (s *Store) Approve(ctx context.Context, m grant.Module, by string) error {
	return s.change(ctx, func(f *File) error {
		f.Set(grant.Approval{Module: m, At: s.now().UTC().Truncate(time.Second), By: by})
		return nil
	})
}

// Accept records a version that the policy accepts. It judges again with the current file,
// so it never adds access that a person did not approve.
func (s *Store) Accept(ctx context.Context, m grant.Module, policy grant.UpdatePolicy) error {
	return s.change(ctx, func(f *File) error {
		j := judge(m, f.Find(m.Name), policy)
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

// Install records a file that came from a registry, and that a person agreed to. From is the digest of the
// module whose place it takes, as the caller showed it to that person; empty for a new connector.
//
// The error has kind denied if another process has installed another one by now.
func (s *Store) Install(ctx context.Context, m grant.Module, source *provenance.Source, from, by string) error {
	return s.change(ctx, func(f *File) error {
		if err := f.still(m.Name, from); err != nil {
			return err
		}
		f.Set(grant.Approval{Module: m, At: s.now().UTC().Truncate(time.Second), By: by, Source: source})
		return nil
	})
}

// Update records a file that came from a registry and takes the place of the module from without a person:
// the policy of signatures lets it. It judges again with the current file, so it never adds access that a
// person did not approve, and never goes back to a file that was installed before.
func (s *Store) Update(ctx context.Context, m grant.Module, source *provenance.Source, from string) error {
	return s.change(ctx, func(f *File) error {
		if err := f.still(m.Name, from); err != nil {
			return err
		}
		a := f.Find(m.Name)
		if a == nil || !byItself(a, m, source.Signer) {
			return notByItself(m)
		}
		next := *a
		next.Source = source
		next.Updates = append(next.Updates[:len(next.Updates):len(next.Updates)], grant.Update{Digest: m.Digest, Version: m.Version, At: s.now().UTC().Truncate(time.Second)})
		if len(next.Updates) > maxUpdates {
			next.Updates = next.Updates[len(next.Updates)-maxUpdates:]
		}
		f.Set(next)
		return nil
	})
}

// byItself reports whether a file may take the place of what is approved without a person: signed by the
// same as that one, newer, and without further access; and it was not there before.
func byItself(a *grant.Approval, m grant.Module, signer provenance.Signer) bool {
	_, version := a.Current()
	return a.Source != nil && signer != (provenance.Signer{}) && signer == a.Source.Signer && provenance.Newer(m.Version, version) &&
		len(m.Reach.Beyond(a.Reach)) == 0 && !a.Source.Was(m.Digest)
}

func notByItself(m grant.Module) error {
	return &abi.Error{Kind: abi.KindDenied, Rule: grant.RuleApproval, Message: fmt.Sprintf("connector %s %s is not taken without a person", m.Name, m.Version), Hint: "run agenthost plugin update " + m.Name + ", and answer its question"}
}

// still checks that the file in use of a connector has a digest; empty means that there is no approval, or one
// of a file that did not come from a registry.
func (f *File) still(name, digest string) error {
	now := ""
	if a := f.Find(name); a != nil && (a.Source != nil || digest != "") {
		now, _ = a.Current()
	}
	if now != digest {
		return &abi.Error{Kind: abi.KindDenied, Rule: grant.RuleApproval, Message: "the approval of " + name + " was changed by another process", Hint: "run the command again"}
	}
	return nil
}

// maxUpdates is the number of accepted versions of a connector in the file. It has the latest.
const maxUpdates = 20

// Revoke removes the approval of a connector. It reports whether there was one.
func (s *Store) Revoke(ctx context.Context, name string) (revoked bool, err error) {
	err = s.change(ctx, func(f *File) error {
		revoked = f.Remove(name)
		return nil
	})
	return revoked, err
}

// change reads, changes and rewrites the file under a lock between processes.
func (s *Store) change(ctx context.Context, edit func(*File) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("change %s: %w", s.path, err)
	}
	if s.mutex == "" {
		return s.noLockFolder(errors.New("the user has no cache folder"))
	}
	if err := os.MkdirAll(filepath.Dir(s.mutex), 0o700); err != nil {
		return s.noLockFolder(err)
	}
	unlock, err := lockedfile.MutexAt(s.mutex).Lock()
	if err != nil {
		return s.noLockFolder(err)
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
	// Never write a file that Parse rejects.
	if _, err := Parse(s.path, text); err != nil {
		return err
	}
	if err := s.write(text); err != nil {
		return s.unwritable(err)
	}
	return nil
}

// write replaces the file atomically.
func (s *Store) write(text []byte) error {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	target := s.path
	if resolved, err := filepath.EvalSymlinks(s.path); err == nil {
		target = resolved // the link stays
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(target); err == nil {
		mode = info.Mode().Perm()
	}
	return wholefile.Replace(target, mode, text)
}

// noLockFolder is the error for a missing lock folder.
func (s *Store) noLockFolder(err error) error {
	return (&abi.Error{Kind: abi.KindInternal, Field: "cache", Message: fmt.Sprintf("cannot write the lock file %s: it needs a cache folder, where processes take turns: %v", s.path, err), Hint: "set a writable folder with cache: in the configuration, --cache or AGENTHOST_CACHE"}).WithCause(err)
}

func (s *Store) unwritable(err error) error {
	return (&abi.Error{Kind: abi.KindInternal, Message: fmt.Sprintf("cannot write the lock file %s: %v", s.path, err), Hint: "check the permissions of its folder, or set lock: in the configuration to another file"}).WithCause(err)
}
