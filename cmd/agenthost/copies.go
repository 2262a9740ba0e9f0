package main

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/contextstore"
	"github.com/agenthost/agenthost/internal/contextstore/copies"
	"github.com/agenthost/agenthost/internal/contextstore/query"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// settling is how long a command waits for the records that it changed to be read again.
const settling = 2 * time.Second

// kept are the copies of records that a command works with.
type kept struct {
	*copies.Copies
	store *lazyStore
	log   func(message string, err error)
}

// keepCopies gives a host the copies of records that the configuration asks for. It returns nil if it asks
// for none. wanted, if not nil, is told of each search.
func (a *app) keepCopies(c *config.Config, o *host.Options, wanted func(ctx context.Context, workspace, connection, entity string)) *kept {
	if c.ContextStore.Folder == "" {
		return nil
	}
	log := o.Logger.Named("copies")
	store := &lazyStore{open: func() (contextstore.Store, error) {
		files, err := contextstore.OpenFiles(c.ContextStore.Folder, a.now, keyOfCopies(c.ContextStore.Key, *o))
		if err != nil {
			e := fault.Of(err)
			e.Field = "context_store.folder"
			return nil, fault.Configuration(e)
		}
		return files, nil
	}}
	k := &kept{store: store, log: func(message string, err error) { log.Warn(message, "error", err) }}
	k.Copies = copies.New(copies.Options{
		Store: store, Now: a.now, NewID: newPass, Log: log, Wanted: wanted,
	})
	o.Copies = k.Copies
	return k
}

// keyOfCopies reads the key that copies are sealed with, nil if the configuration names no key.
func keyOfCopies(reference string, o host.Options) contextstore.Key {
	if reference == "" {
		return nil
	}
	return func(ctx context.Context, _ string) ([]byte, error) {
		secrets, err := openSecrets(o)
		if err != nil {
			return nil, err
		}
		value, err := secrets.Read(ctx, "context_store.key", reference)
		if err != nil {
			return nil, err
		}
		key, err := envelope.Derive(value, "agenthost copies of records")
		return key, fault.Configuration(fault.Under("context_store", err))
	}
}

// newPass returns the id of a pass.
func newPass() (string, error) { return rand.Text(), nil }

// settle waits until the records that calls wrote were read again, but not long: what is missing then comes
// with the next pass.
func (k *kept) settle(ctx context.Context) {
	if k == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settling)
	defer cancel()
	if err := k.Settle(ctx); err != nil {
		k.log("records that were changed are not copied yet", err)
	}
}

// close closes the copies, after the host.
func (k *kept) close() error {
	if k == nil {
		return nil
	}
	return errors.Join(k.Close(), k.store.Close())
}

// lazyStore opens the copies when somebody uses them: most commands do not, and make no folder.
type lazyStore struct {
	open func() (contextstore.Store, error)

	mu     sync.Mutex
	store  contextstore.Store
	closed bool
}

func (l *lazyStore) opened() (contextstore.Store, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, errors.New("the copies are closed")
	}
	var err error
	if l.store == nil {
		l.store, err = l.open()
	}
	return l.store, err
}

// Begin implements [contextstore.Store].
func (l *lazyStore) Begin(ctx context.Context, t contextstore.Target, pass string) (*contextstore.State, error) {
	s, err := l.opened()
	if err != nil {
		return nil, err
	}
	return s.Begin(ctx, t, pass)
}

// Apply implements [contextstore.Store].
func (l *lazyStore) Apply(ctx context.Context, t contextstore.Target, b contextstore.Batch) (*contextstore.State, error) {
	s, err := l.opened()
	if err != nil {
		return nil, err
	}
	return s.Apply(ctx, t, b)
}

// End implements [contextstore.Store].
func (l *lazyStore) End(ctx context.Context, t contextstore.Target, pass string, at time.Time) (*contextstore.State, error) {
	s, err := l.opened()
	if err != nil {
		return nil, err
	}
	return s.End(ctx, t, pass, at)
}

// State implements [contextstore.Store].
func (l *lazyStore) State(ctx context.Context, t contextstore.Target) (*contextstore.State, error) {
	s, err := l.opened()
	if err != nil {
		return nil, err
	}
	return s.State(ctx, t)
}

// Search implements [contextstore.Store].
func (l *lazyStore) Search(ctx context.Context, t contextstore.Target, q *query.Query) (*contextstore.Answer, error) {
	s, err := l.opened()
	if err != nil {
		return nil, err
	}
	return s.Search(ctx, t, q)
}

// Keys implements [contextstore.Store].
func (l *lazyStore) Keys(ctx context.Context, t contextstore.Target, after string, since time.Time, limit int, each func(key string, record []byte) error) (int, error) {
	s, err := l.opened()
	if err != nil {
		return 0, err
	}
	return s.Keys(ctx, t, after, since, limit, each)
}

// Connections implements [contextstore.Store].
func (l *lazyStore) Connections(ctx context.Context, workspace string) ([]string, error) {
	s, err := l.opened()
	if err != nil {
		return nil, err
	}
	return s.Connections(ctx, workspace)
}

// Remove implements [contextstore.Store].
func (l *lazyStore) Remove(ctx context.Context, workspace, connection, entity string) error {
	s, err := l.opened()
	if err != nil {
		return err
	}
	return s.Remove(ctx, workspace, connection, entity)
}

// Close implements [contextstore.Store].
func (l *lazyStore) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.store == nil {
		return nil
	}
	return l.store.Close()
}
