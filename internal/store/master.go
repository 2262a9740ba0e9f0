package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// masters are the master keys of a store. The database says which one is current: another process
// may have begun to use a new one.
type masters struct {
	now atomic.Pointer[envelope.Masters]

	reading sync.Mutex
	read    func(context.Context) (*envelope.Masters, error)
	tried   time.Time // when read did not have the key that was looked for
}

// readPause is how long the store does not read the master keys again for a key that was not among
// them: somebody may have written its name into a row.
const readPause = time.Second

// openMasters reads the master keys, and reports whether keys are sealed with another one than the
// first. The error says whether they do not open the database.
func (s *Store) openMasters(ctx context.Context) (others bool, err error) {
	if _, err := s.readMasters(ctx); err != nil {
		return false, err
	}
	counts, err := s.mastersInUse(ctx)
	if err != nil {
		return false, err
	}
	for id, n := range counts {
		// Another process may have begun to use a new one since they were read.
		m, err := s.mastersWith(ctx, id)
		if err != nil {
			return false, err
		}
		others = others || id != m.Current()
		if !m.Has(id) {
			return false, fault.Invalid("master_key", fmt.Sprintf("%d keys of the database are sealed with master key %s, which is not among those given (%s)", n, id, strings.Join(m.IDs(), ", ")),
				"use that key, which the server had when the database was written; without it, the credentials are lost")
		}
	}
	return others, nil
}

// mastersInUse returns how many keys of the database are sealed with each master key, and will be
// with the current one.
func (s *Store) mastersInUse(ctx context.Context) (map[string]int64, error) {
	counts := make(map[string]int64)
	t, cancel := s.read(ctx)
	defer cancel()
	for _, name := range []string{"data_key.masters", "signing_key.masters", "connector_file.masters", "job_data.masters"} {
		err := t.each(name, func(r row) error {
			var id string
			var n int64
			err := r.Scan(&id, &n)
			counts[id] += n
			return err
		})
		if err != nil {
			return nil, t.named(err)
		}
	}
	current, err := one(t, scanText, "master.current")
	switch {
	case err == nil:
		counts[current] += 0
	case !errors.Is(err, ErrNone): // which a fresh database is
		return nil, t.named(err)
	}
	return counts, nil
}

// mastersWith returns the master keys, with the one that has an id if it can be found.
func (s *Store) mastersWith(ctx context.Context, id string) (*envelope.Masters, error) {
	if m := s.masters.now.Load(); m.Has(id) {
		return m, nil
	}
	s.masters.reading.Lock()
	defer s.masters.reading.Unlock()
	if m := s.masters.now.Load(); m.Has(id) || !s.masters.tried.IsZero() && s.now().Sub(s.masters.tried) < readPause {
		return m, nil
	}
	m, err := s.readMasters(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the master keys again: %w", err)
	}
	if !m.Has(id) {
		s.masters.tried = s.now()
	}
	return m, nil
}

// readMasters reads the master keys. Those that were there stay: a rotation that goes on may have
// left something to each of them.
func (s *Store) readMasters(ctx context.Context) (*envelope.Masters, error) {
	m, err := s.masters.read(ctx)
	if err != nil {
		return nil, err
	}
	if before := s.masters.now.Load(); before != nil {
		m = m.With(before, m.Current())
	}
	s.masters.now.Store(m)
	return m, nil
}

// openWrapped opens a key that a master key sealed.
func (s *Store) openWrapped(ctx context.Context, p envelope.Place, w envelope.Wrapped) (key secret.Value, err error) {
	m, err := s.mastersWith(ctx, w.Master)
	if err != nil {
		return key, err
	}
	if !m.Has(w.Master) { // which is not for ever: a new key may come later to where this process reads
		return key, fmt.Errorf("it is sealed with master key %.40q, which is not among those given (%s)", w.Master, strings.Join(m.IDs(), ", "))
	}
	return m.Open(p, w)
}

// sealing returns the master keys, of which that one is current which the database says. It stays
// so until the transaction ends.
func (t session) sealing() (*envelope.Masters, error) {
	current, err := one(t, scanText, "master.current")
	if err != nil {
		return nil, err
	}
	m, err := t.s.mastersWith(t.ctx, current)
	if err != nil {
		return nil, err
	}
	if m = m.With(m, current); m == nil {
		return nil, fmt.Errorf("the current master key %s is not among those given", current)
	}
	return m, nil
}
