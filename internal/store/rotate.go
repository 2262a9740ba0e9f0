package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// rotateBatch is how many workspaces or keys one transaction rotates.
const rotateBatch = 100

// Rotated is what a rotation did.
type Rotated struct {
	// Keys are those that were sealed anew, or replaced. Values were sealed with the new ones.
	Keys, Values int
	// Unopened are the values that do not open: somebody changed or moved them. They stay as
	// they are.
	Unopened int
}

// RotateMaster seals all keys with the current master key. The others are not needed after it. It
// may be interrupted, and begun again, while the store is in use.
func (s *Store) RotateMaster(ctx context.Context) (done Rotated, err error) {
	m := s.masters.Load()
	for after, more := "", true; more; {
		var found []sealedKey
		err := s.write(ctx, func(t session) (err error) {
			if found, err = many(t, scanWrapped, "data_key.under_other_master", m.Current(), after, rotateBatch); err != nil {
				return err
			}
			for _, k := range found {
				old := k.wrapped.Master
				if k.wrapped, err = s.rewrap(m, k.place(), k.wrapped); err != nil {
					return fmt.Errorf("data key %s of workspace %s: %w", k.id, k.workspace, err)
				}
				if _, err := t.exec("data_key.rewrap", k.id, k.wrapped.Master, k.wrapped.Sealed, old); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return done, err
		}
		done.Keys += len(found)
		if more = len(found) == rotateBatch; more {
			after = found[len(found)-1].id
		}
	}
	var n int
	err = s.write(ctx, func(t session) error {
		n = 0
		found, err := many(t, scanSigningKey, "signing_key.list", mostSigningKeys)
		if err != nil {
			return err
		}
		for _, k := range found {
			if k.wrapped.Master == m.Current() {
				continue
			}
			n++
			if k.wrapped, err = s.rewrap(m, signingKeyPlace(k.ID), k.wrapped); err != nil {
				return fmt.Errorf("signing key %s: %w", k.ID, err)
			}
			if _, err := t.exec("signing_key.rewrap", k.ID, k.wrapped.Master, k.wrapped.Sealed); err != nil {
				return err
			}
		}
		return nil
	})
	done.Keys += n
	return done, err
}

func (s *Store) rewrap(m *envelope.Masters, p envelope.Place, w envelope.Wrapped) (envelope.Wrapped, error) {
	key, err := m.Open(p, w)
	if err != nil {
		return envelope.Wrapped{}, err
	}
	return m.Seal(s.random, p, key)
}

func scanWrapped(r row) (k sealedKey, err error) {
	err = r.Scan(&k.id, &k.organization, &k.workspace, &k.wrapped.Master, &k.wrapped.Sealed)
	return k, err
}

// RotateData makes a new data key for every workspace, and seals all credentials and tokens with
// it. It works while the store is in use. If it is interrupted, the next call goes on.
func (s *Store) RotateData(ctx context.Context) (done Rotated, err error) {
	started, err := s.beginRotation(ctx)
	if err != nil {
		return done, err
	}
	for after, more := "", true; more; {
		var batch Rotated
		var workspaces []string
		err := s.write(ctx, func(t session) (err error) {
			batch = Rotated{}
			if workspaces, err = many(t, scanText, "data_key.older", started, after, rotateBatch); err != nil {
				return err
			}
			for _, w := range workspaces {
				k, err := t.useDataKey(w, 0)
				if errors.Is(err, ErrNone) {
					continue // it was deleted
				} else if err != nil {
					return err
				}
				one, err := t.replaceDataKey(k)
				if err != nil {
					return err
				}
				batch.Keys += one.Keys
				batch.Values += one.Values
				batch.Unopened += one.Unopened
			}
			return nil
		})
		if err != nil {
			return done, err
		}
		done.Keys += batch.Keys
		done.Values += batch.Values
		done.Unopened += batch.Unopened
		if more = len(workspaces) == rotateBatch; more {
			after = workspaces[len(workspaces)-1]
		}
	}
	return done, s.write(ctx, func(t session) error {
		if _, err := t.exec("data_key.forget"); err != nil {
			return err
		}
		_, err := t.exec("rotation.end")
		return err
	})
}

// beginRotation returns when the rotation began, which may be one that was interrupted. Keys that
// are older are replaced.
func (s *Store) beginRotation(ctx context.Context) (started int64, err error) {
	err = s.write(ctx, func(t session) (err error) {
		// A key of this very millisecond may be from before the rotation.
		if _, err := t.exec("rotation.begin", millis(s.now())+1); err != nil {
			return err
		}
		started, err = one(t, scanNumber, "rotation.started")
		return err
	})
	return started, err
}

// sealedValue is a credential or a token as the database has it.
type sealedValue struct {
	connection, field string
	origins           string
	key               string
	sealed            []byte
}

// replaceDataKey makes a new key for a workspace whose key the transaction has locked, and seals
// all credentials and tokens with it.
func (t session) replaceDataKey(old sealedKey) (done Rotated, err error) {
	from, err := old.open(t.s.masters.Load())
	if err != nil {
		return done, err
	}
	now := millis(t.s.now())
	if _, err := t.exec("data_key.retire", old.id, now); err != nil {
		return done, err
	}
	to, err := t.newDataKey(old.organization, old.workspace)
	if err != nil {
		return done, err
	}
	done.Keys = 1
	credentials, err := many(t, func(r row) (v sealedValue, err error) {
		err = r.Scan(&v.connection, &v.field, &v.origins, &v.key, &v.sealed)
		return v, err
	}, "credential.of_workspace", old.workspace)
	if err != nil {
		return done, err
	}
	tokens, err := many(t, func(r row) (v sealedValue, err error) {
		err = r.Scan(&v.connection, &v.origins, &v.key, &v.sealed)
		return v, err
	}, "token.of_workspace", old.workspace)
	if err != nil {
		return done, err
	}
	reseal := func(v sealedValue, place func(origins []string) envelope.Place, put func(sealed []byte) error) error {
		origins, err := bound(v.origins)
		var plain secret.Value
		if err == nil && v.key == old.id {
			plain, err = from.Open(place(origins), v.sealed)
		}
		if err != nil || v.key != old.id {
			done.Unopened++
			return nil //nolint:nilerr // what somebody changed does not stop the others
		}
		sealed, err := to.Seal(t.s.random, place(origins), plain)
		if err != nil {
			return err
		}
		done.Values++
		return put(sealed)
	}
	for _, v := range credentials {
		place := func(origins []string) envelope.Place {
			return credentialPlace(old.organization, old.workspace, v.connection, v.field, origins)
		}
		err := reseal(v, place, func(sealed []byte) error {
			return t.change("credential.reseal", v.connection, v.field, to.ID(), sealed)
		})
		if err != nil {
			return done, err
		}
	}
	for _, v := range tokens {
		place := func(origins []string) envelope.Place {
			return tokenPlace(old.organization, old.workspace, v.connection, origins)
		}
		err := reseal(v, place, func(sealed []byte) error { return t.change("token.reseal", v.connection, to.ID(), sealed) })
		if err != nil {
			return done, err
		}
	}
	return done, nil
}
