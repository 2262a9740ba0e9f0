package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// Write is a call that may change something at a vendor.
type Write struct {
	// Scope is the workspace of the connection.
	Scope      Scope
	Connection string
	// Caller is the application or the token that calls.
	Caller string
	// Key is the caller's idempotency key, of 1 to 255 bytes; empty if there is none.
	Key string
	// Hash is the SHA-256 of what is to be done.
	Hash []byte
	// Start is the id of the record of its start. Who ends the write has the same.
	Start string
}

// WriteState says how far a write is.
type WriteState string

// The states of a write.
const (
	WriteRunning  WriteState = "running"
	WriteFinished WriteState = "finished"
	// WriteUnknown is a write whose server ended before it knew how the write did.
	WriteUnknown WriteState = "unknown"
)

// Prior is a write that had the same caller, connection and key.
type Prior struct {
	State WriteState
	// Other says that it was to do something else: its hash was another one.
	Other bool
	// Status and Answer are what a finished write was answered with. Kept is false if the
	// answer was too large to keep.
	Status int
	Answer []byte
	Kept   bool
}

// keyLife is how long a key counts.
const keyLife = 24 * time.Hour

// MaxAnswer is the size of the largest answer that is kept, in bytes.
const MaxAnswer = 1 << 20

// BeginWrite records that a write is about to be sent: its key and the start record are committed
// when it returns nil. If the key was used before, it records nothing and returns the write that
// used it: then nothing may be sent.
func (s *Store) BeginWrite(ctx context.Context, w Write, start AuditRecord) (*Prior, error) {
	if err := start.check(); err != nil {
		return nil, err
	}
	if w.Key != "" {
		if err := w.check(); err != nil {
			return nil, err
		}
	}
	for i := 0; ; i++ {
		used, err := s.begin(ctx, w, start)
		if err != nil || !used {
			return nil, err
		}
		prior, err := s.prior(ctx, w)
		if i == retries || !errors.Is(err, ErrNone) { // or the key is free by now
			return prior, err
		}
	}
}

// begin is [Store.BeginWrite] after its checks. It reports whether the key was used before.
func (s *Store) begin(ctx context.Context, w Write, start AuditRecord) (used bool, err error) {
	now := s.now()
	values := []any{w.Caller, w.Connection, w.Key, w.Scope.Organization, w.Scope.Workspace, w.Hash, millis(now.Add(keyLife)), millis(now), s.self(), w.Start}
	switch {
	case w.Key == "":
		err = s.writeOne(ctx, func(t session, _ bool) error { return t.addAudit([]AuditRecord{start}) })
	case s.has("idempotency.begin_recorded"):
		err = s.writeOne(ctx, func(t session, again bool) error {
			begun, err := one(t, scanNumber, "idempotency.begin_recorded", slices.Concat(values, []any{again}, start.values())...)
			used = begun == 0
			return err
		})
	default:
		err = s.write(ctx, func(t session) error {
			begun, err := t.exec("idempotency.begin", values...)
			if used = begun == 0; used || err != nil {
				return err
			}
			return t.addAudit([]AuditRecord{start})
		})
	}
	return used, err
}

func (w Write) check() error {
	if err := checkName("Idempotency-Key", w.Key); err != nil {
		return err
	}
	if len(w.Hash) == 0 || w.Start == "" || w.Caller == "" || w.Connection == "" {
		return errors.New("a write with a key needs a caller, a connection, a hash and a start")
	}
	return nil
}

// PriorWrite returns the write that used the key before. The error is [ErrNone] if there is none.
func (s *Store) PriorWrite(ctx context.Context, w Write) (*Prior, error) { return s.prior(ctx, w) }

// prior returns the write that used the key.
func (s *Store) prior(ctx context.Context, w Write) (*Prior, error) {
	return readOne(ctx, s, func(r row) (*Prior, error) {
		var hash, answer, wrapped []byte
		var id, organization, workspace, master *string // of the data key, if there is one
		var p Prior
		if err := r.Scan(&hash, &p.State, &p.Status, &answer, &id, &organization, &workspace, &master, &wrapped); err != nil {
			return nil, err
		}
		if p.Other = !bytes.Equal(hash, w.Hash); p.Other {
			return &Prior{State: p.State, Other: true}, nil
		}
		if id == nil || answer == nil {
			return &p, nil
		}
		key, err := s.openDataKey(ctx, sealedKey{id: *id, organization: *organization, workspace: *workspace, wrapped: envelope.Wrapped{Master: *master, Sealed: wrapped}})
		if err != nil {
			return nil, err
		}
		value, err := key.Open(w.place(), answer)
		if err != nil {
			return nil, fmt.Errorf("answer of a write: %w", err)
		}
		p.Answer, p.Kept = envelope.Bytes(value), true
		return &p, nil
	}, "idempotency.get", w.Caller, w.Connection, w.Key)
}

// place is what the answer is sealed for.
func (w Write) place() envelope.Place {
	return envelope.Place{Organization: w.Scope.Organization, Workspace: w.Scope.Workspace, Connection: w.Connection, Field: fmt.Sprintf("answer %q %q", w.Caller, w.Key)}
}

// FinishWrite keeps the answer of a write that has a key. Of an answer of more than [MaxAnswer]
// bytes, it keeps the status.
func (s *Store) FinishWrite(ctx context.Context, w Write, status int, answer []byte) error {
	if len(answer) > MaxAnswer {
		found, err := s.finish(ctx, w, status, nil, nil)
		if err == nil && !found {
			err = ErrNone
		}
		return err
	}
	for range 2 {
		key, err := s.answers.take(w.Scope.Workspace, func(seals int64) (key *envelope.DataKey, err error) {
			err = s.write(ctx, func(t session) error {
				key, err = t.sealer(w.Scope.Workspace, seals)
				return err
			})
			return key, err
		})
		if err != nil {
			return err
		}
		sealed, err := key.Seal(s.random, w.place(), secret.New(answer))
		if err != nil {
			return err
		}
		found, err := s.finish(ctx, w, status, key.ID(), sealed)
		switch {
		case err == nil && !found:
			return ErrNone
		case !errors.Is(err, ErrNone):
			return err
		}
		s.answers.drop(w.Scope.Workspace) // a rotation has removed the key
	}
	return ErrNone
}

// finish reports whether it found the write.
func (s *Store) finish(ctx context.Context, w Write, status int, key, answer any) (found bool, err error) {
	err = s.writeOne(ctx, func(t session, again bool) error {
		n, err := t.exec("idempotency.finish", w.Caller, w.Connection, w.Key, w.Start, status, key, answer, again)
		found = n > 0
		return err
	})
	return found, err
}

// FreeWrite frees the key of a write that sent nothing: the next one with it may try.
func (s *Store) FreeWrite(ctx context.Context, w Write) error {
	return s.write(ctx, func(t session) error { return t.change("idempotency.free", w.Caller, w.Connection, w.Key, w.Start) })
}

// UndoWrite frees the key of a write that sent nothing, and of which nobody knows whether it began. What the
// database was told of that may arrive after this, and does nothing then.
func (s *Store) UndoWrite(ctx context.Context, w Write) error {
	return s.writeOne(ctx, func(t session, _ bool) error {
		_, err := t.exec("idempotency.undo", w.Caller, w.Connection, w.Key, w.Scope.Organization, w.Scope.Workspace, w.Hash, w.Start)
		return err
	})
}

// LoseWrite says that nobody knows how a write ended: it is never sent again.
func (s *Store) LoseWrite(ctx context.Context, w Write) error {
	return s.write(ctx, func(t session) error { return t.change("idempotency.unknown", w.Caller, w.Connection, w.Key, w.Start) })
}

// answerKeys are open data keys of some workspaces, so that the end of a write need not ask the
// database for one. A rotation leaves the answers, which expire in a day, as they are.
type answerKeys struct {
	mu   sync.Mutex
	keys map[string]*answerKey
}

type answerKey struct {
	key  *envelope.DataKey
	left int64 // how many answers may be sealed before the next question
}

const (
	mostAnswerKeys  = 1024
	answersPerVisit = 256
)

// take returns a key of a workspace to seal one answer with. It asks for one where it has none.
func (a *answerKeys) take(workspace string, ask func(seals int64) (*envelope.DataKey, error)) (*envelope.DataKey, error) {
	a.mu.Lock()
	k := a.keys[workspace]
	if k != nil && k.left > 0 {
		k.left--
		a.mu.Unlock()
		return k.key, nil
	}
	a.mu.Unlock()
	key, err := ask(answersPerVisit)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.keys == nil || len(a.keys) >= mostAnswerKeys {
		a.keys = make(map[string]*answerKey) // to ask again is cheap
	}
	a.keys[workspace] = &answerKey{key, answersPerVisit - 1}
	return key, nil
}

func (a *answerKeys) drop(workspace string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.keys, workspace)
}
