package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/store"
)

// known remembers the tokens of workspaces and the workspaces that MCP's clients came with, so that
// a message asks the database for nothing that has not changed. After a change it forgets all of
// them: a revoked token is good for no further message. Where it only may have missed a change, it asks
// again; while the database is away, what was good within that time goes on.
type known struct {
	store *store.Store
	now   func() time.Time
	away  time.Duration // how long the server goes on without the database

	mu sync.Mutex
	// changes counts what changed, or may have. What was read before the last change is not remembered.
	changes uint64
	// doubts counts when changes may have been missed.
	doubts     uint64
	tokens     recent[[sha256.Size]byte, store.WorkspaceToken]
	workspaces recent[store.Scope, store.Workspace] // by id, and by name
	used       map[string]time.Time                 // tokens since the last flush, by id
}

// maxRecent is how many entries each of the two maps of a recent has.
const maxRecent = 8192

// recent are things that were asked for lately. What is asked for stays.
type recent[K comparable, V any] struct {
	// young takes what is asked for. Once it is full, it takes the place of old.
	young, old map[K]*remembered[V]
}

// remembered is something that was read.
type remembered[V any] struct {
	value  V
	doubts uint64    // when it was read
	good   time.Time // when it was last used without a doubt, while the database was there
}

func (r *recent[K, V]) get(key K) *remembered[V] {
	v := r.young[key]
	if v == nil {
		if v = r.old[key]; v != nil {
			r.put(key, v)
		}
	}
	return v
}

func (r *recent[K, V]) put(key K, v *remembered[V]) {
	if r.young == nil || len(r.young) >= maxRecent {
		r.young, r.old = make(map[K]*remembered[V]), r.young
	}
	r.young[key] = v
}

func (r *recent[K, V]) remove(key K) {
	delete(r.young, key)
	delete(r.old, key)
}

// changed forgets everything. Call it after a token was revoked, or a workspace was changed.
func (k *known) changed() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changes++
	k.tokens, k.workspaces = recent[[sha256.Size]byte, store.WorkspaceToken]{}, recent[store.Scope, store.Workspace]{}
}

// doubted says that a change may have been missed.
func (k *known) doubted() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.changes++
	k.doubts++
}

// lookUp returns what is known by a key. Otherwise it reads it, if admit does not refuse that.
func lookUp[K comparable, V any](k *known, of *recent[K, V], key K, admit func() error, read func() (V, error)) (*V, error) {
	now := k.now()
	k.mu.Lock()
	v, changes, doubts := of.get(key), k.changes, k.doubts
	goesOn := false // while the database is away
	if v != nil {
		if v.doubts == doubts {
			if k.store.Away().IsZero() {
				v.good = now
			}
			k.mu.Unlock()
			return &v.value, nil
		}
		goesOn = now.Sub(v.good) < k.away
	}
	k.mu.Unlock()
	if v == nil {
		if err := admit(); err != nil {
			return nil, err
		}
	}
	found, err := read()
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case err == nil && k.changes == changes:
		of.put(key, &remembered[V]{found, doubts, now})
	case err == nil:
	case goesOn && errors.Is(err, store.ErrAway) && of.get(key) == v: // nothing was heard of it meanwhile
		return &v.value, nil
	default:
		if errors.Is(err, store.ErrNone) {
			of.remove(key)
		}
		return nil, err
	}
	return &found, nil
}

// token returns the token that a text is. Nobody may change it. The error is [store.ErrNone], or that
// of admit.
func (k *known) token(ctx context.Context, text string, admit func() error) (*store.WorkspaceToken, error) {
	given := []byte(text)
	return lookUp(k, &k.tokens, sha256.Sum256(given), admit, func() (store.WorkspaceToken, error) {
		return k.store.WorkspaceTokenOf(ctx, secret.New(given))
	})
}

// workspace returns a workspace of an organization, by its id or by its name. Nobody may change it.
// The error is [store.ErrNone], or that of admit.
func (k *known) workspace(ctx context.Context, organization, named string, admit func() error) (*store.Workspace, error) {
	p := store.Scope{Organization: organization}
	return lookUp(k, &k.workspaces, store.Scope{Organization: organization, Workspace: named}, admit, func() (store.Workspace, error) {
		w, err := k.store.Workspace(ctx, p, named)
		if errors.Is(err, store.ErrNone) {
			w, err = k.store.WorkspaceByName(ctx, p, named)
		}
		return w, err
	})
}

// note remembers that a token was used, for flush.
func (k *known) note(id string, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.used == nil {
		k.used = make(map[string]time.Time)
	}
	k.used[id] = now
}

// flushEvery is how often the database is told which tokens were used.
const flushEvery = time.Minute

// flush tells the database which tokens were used.
func (k *known) flush(ctx context.Context) error {
	k.mu.Lock()
	used := k.used
	k.used = nil
	k.mu.Unlock()
	if len(used) == 0 {
		return nil
	}
	return k.store.NoteWorkspaceTokens(ctx, used)
}

// noteUses tells the database once a minute which tokens were used, and once more when ctx ends.
func (s *Server) noteUses(ctx context.Context) {
	for ctx.Err() == nil {
		_ = s.options.Host.Seams.Sleep(ctx, flushEvery) // which ends with ctx
		if err := s.known.flush(context.WithoutCancel(ctx)); err != nil {
			s.log.Error("the last uses of tokens are not kept", "error", err)
		}
	}
}

// workspacesChanged is [directory.changed] after a change of a workspace.
func (s *Server) workspacesChanged(ctx context.Context, change error) error {
	s.known.changed()
	return s.directory.changed(ctx, change)
}
