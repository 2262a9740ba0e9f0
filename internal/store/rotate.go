package store

import (
	"context"
	"fmt"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
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

// RotateMaster reads the master keys, makes the first of them the current one, and seals all keys
// with it. The others are not needed after it. It may be interrupted, and begun again, while the
// store is in use.
func (s *Store) RotateMaster(ctx context.Context) (done Rotated, err error) {
	var current string
	err = s.write(ctx, func(t session) error {
		// What was read before may be older than what another process has made the current one.
		m, err := s.readMasters(t.ctx)
		if err != nil {
			return err
		}
		current = m.Current()
		n, err := t.exec("master.use", current)
		if err != nil || n == 0 {
			return err
		}
		return t.recordForAll(Change{Entity: "master_keys", Action: "begin_rotation", Object: current})
	})
	if err == nil {
		done.Keys, err = s.rewrapRows(ctx, current, "data_key.under_other_master", "data_key.rewrap", sealedKey.place)
	}
	if err == nil {
		var n int
		n, err = s.rewrapRows(ctx, current, "job_data.under_other_master", "job_data.rewrap", jobDataPlace)
		done.Keys += n
	}
	if err != nil {
		return done, err
	}
	before := done.Keys
	err = s.write(ctx, func(t session) error {
		n, err := t.rewrapSigningKeys(current)
		if err != nil {
			return err
		}
		files, err := t.rewrapConnectorFiles(current)
		if done.Keys = before + n + files; err != nil || done.Keys == 0 {
			return err
		}
		return t.recordForAll(Change{Entity: "master_keys", Action: "end_rotation", Object: current, Count: done.Keys})
	})
	if err != nil {
		return done, err
	}
	// Who removes the other master keys relies on it.
	counts, err := s.mastersInUse(ctx)
	if delete(counts, current); err == nil && len(counts) > 0 {
		err = fault.Invalid("master_key", "keys are still sealed with another master key", "rotate again: somebody else rotates at the same time")
	}
	return done, err
}

// rewrapRows seals the rows of a list with the current master key, and returns how many these are. The
// list and the change are statements.
func (s *Store) rewrapRows(ctx context.Context, current, list, rewrap string, place func(sealedKey) envelope.Place) (n int, err error) {
	for after, more := "", true; more; {
		var found []sealedKey
		err := s.batch(ctx, func(t session) error {
			m, err := t.sealing()
			if err != nil {
				return err
			}
			if found, err = many(t, scanWrapped, list, current, after, rotateBatch); err != nil {
				return err
			}
			for _, k := range found {
				old := k.wrapped.Master
				if k.wrapped, err = t.rewrap(m, place(k), k.wrapped); err != nil {
					return fmt.Errorf("%s %s of workspace %s: %w", rewrap, k.id, k.workspace, err)
				}
				if _, err := t.exec(rewrap, k.id, k.wrapped.Master, k.wrapped.Sealed, old); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		n += len(found)
		if more = len(found) == rotateBatch; more {
			after = found[len(found)-1].id
		}
	}
	return n, nil
}

// rewrapSigningKeys is rewrapRows for the keys of tokens.
func (t session) rewrapSigningKeys(current string) (n int, err error) {
	m, err := t.sealing()
	if err != nil {
		return 0, err
	}
	found, err := many(t, scanSigningKey, "signing_key.list", mostSigningKeys)
	if err != nil {
		return 0, err
	}
	for _, k := range found {
		if k.wrapped.Master == current {
			continue
		}
		n++
		if k.wrapped, err = t.rewrap(m, signingKeyPlace(k.ID), k.wrapped); err != nil {
			return n, fmt.Errorf("signing key %s: %w", k.ID, err)
		}
		if _, err := t.exec("signing_key.rewrap", k.ID, k.wrapped.Master, k.wrapped.Sealed); err != nil {
			return n, err
		}
	}
	return n, nil
}

// rewrap seals a key with the current one of some master keys.
func (t session) rewrap(m *envelope.Masters, p envelope.Place, w envelope.Wrapped) (envelope.Wrapped, error) {
	key, err := t.s.openWrapped(t.ctx, p, w)
	if err != nil {
		return envelope.Wrapped{}, err
	}
	return m.Seal(t.s.random, p, key)
}

// batch is write for a part of a long work. It waits before it returns, so that others may write:
// with SQLite as long as it did, because a server in another process does not queue for the lock.
func (s *Store) batch(ctx context.Context, f func(session) error) error {
	begun := s.now()
	if err := s.write(ctx, f); err != nil {
		return err
	}
	pause := batchPause
	if s.file != "" {
		pause = max(pause, s.now().Sub(begun))
	}
	if s.sleep(ctx, pause) != nil {
		return fault.Ended(ctx)
	}
	return nil
}

// batchPause is the shortest pause of batch.
const batchPause = 10 * time.Millisecond

func scanWrapped(r row) (k sealedKey, err error) {
	err = r.Scan(&k.id, &k.organization, &k.workspace, &k.wrapped.Master, &k.wrapped.Sealed)
	return k, err
}

// RotateData makes a new data key for every workspace, and seals all credentials and tokens with
// it. It works while the store is in use. If it is interrupted, the next call within [rotationLife]
// goes on.
func (s *Store) RotateData(ctx context.Context) (done Rotated, err error) {
	started, err := s.beginRotation(ctx)
	if err != nil {
		return done, err
	}
	for after, more := "", true; more; {
		var batch Rotated
		var old []sealedKey
		err := s.batch(ctx, func(t session) (err error) {
			if old, err = many(t, scanWrapped, "data_key.retire_older", started, after, rotateBatch, millis(s.now())); err != nil {
				return err
			}
			batch, err = t.replaceDataKeys(old)
			return err
		})
		if err != nil {
			return done, err
		}
		done.Keys += batch.Keys
		done.Values += batch.Values
		done.Unopened += batch.Unopened
		more = len(old) > 0
		for _, k := range old {
			after = max(after, k.workspace)
		}
	}
	if _, err := s.forgetRows(ctx, "data_key.forget", millis(s.now()), forgetBatch, forgetTimes); err != nil {
		return done, err
	}
	return done, s.write(ctx, func(t session) error {
		if _, err := t.exec("rotation.end"); err != nil {
			return err
		}
		return t.recordForAll(Change{Entity: "data_keys", Action: "end_rotation", Count: done.Keys})
	})
}

// rotationLife is how long an interrupted rotation may go on. After it, a new one begins: the keys of
// the interrupted one are old by then, and a rotation is there to replace them.
const rotationLife = 24 * time.Hour

// beginRotation returns when the rotation began, which may be one that was interrupted. Keys that
// are older are replaced.
func (s *Store) beginRotation(ctx context.Context) (started int64, err error) {
	err = s.write(ctx, func(t session) (err error) {
		// A key of this very millisecond may be from before the rotation, and so is one of later, which
		// was made before the clock was set back.
		newest, err := one(t, scanNumber, "data_key.newest")
		if err != nil {
			return err
		}
		n, err := t.exec("rotation.begin", max(millis(s.now()), newest)+1, millis(s.now().Add(-rotationLife)))
		if err == nil && n > 0 {
			err = t.recordForAll(Change{Entity: "data_keys", Action: "begin_rotation"})
		}
		if err != nil {
			return err
		}
		started, err = one(t, scanNumber, "rotation.started")
		return err
	})
	return started, err
}

// sealedValue is a credential, or the token if its field is empty, as the database has it.
type sealedValue struct {
	workspace, connection, field string
	origins, key                 string
	version, updated             int64 // of a token
	sealed                       []byte
}

func (v sealedValue) place(organization string, origins []string) envelope.Place {
	if v.field == "" {
		return tokenPlace(organization, v.workspace, v.connection, origins)
	}
	return credentialPlace(organization, v.workspace, v.connection, v.field, origins)
}

// replaced is a data key that takes the place of another one.
type replaced struct {
	organization string
	from, to     *envelope.DataKey
}

// replaceDataKeys makes new keys for the workspaces of some that the transaction has retired, and
// seals all their credentials and tokens with them. A few statements do it for all of them.
func (t session) replaceDataKeys(old []sealedKey) (done Rotated, err error) {
	if len(old) == 0 {
		return done, nil
	}
	keys := make(map[string]replaced)
	var rows []any
	first, last := old[0].workspace, old[0].workspace
	m, err := t.sealing()
	if err != nil {
		return done, err
	}
	for _, k := range old {
		from, err := t.s.openDataKey(t.ctx, k)
		if err != nil {
			return done, err
		}
		to, row, err := t.s.makeDataKey(m, k.organization, k.workspace)
		if err != nil {
			return done, err
		}
		keys[k.id] = replaced{k.organization, from, to}
		rows = append(rows, row...)
		first, last = min(first, k.workspace), max(last, k.workspace)
	}
	if err := t.execRows("data_key.create", len(old), rows...); err != nil {
		return done, err
	}
	done.Keys = len(old)
	credentials, err := many(t, func(r row) (v sealedValue, err error) {
		err = r.Scan(&v.workspace, &v.connection, &v.field, &v.origins, &v.key, &v.sealed)
		return v, err
	}, "credential.of_workspaces", first, last)
	if err != nil {
		return done, err
	}
	tokens, err := many(t, func(r row) (v sealedValue, err error) {
		err = r.Scan(&v.workspace, &v.connection, &v.origins, &v.key, &v.version, &v.updated, &v.sealed)
		return v, err
	}, "token.of_workspaces", first, last)
	if err != nil {
		return done, err
	}
	err = t.reseal("credential.reseal", credentials, keys, &done, func(v sealedValue) []any {
		return []any{v.connection, v.field, v.origins, v.key, v.sealed}
	})
	if err != nil {
		return done, err
	}
	return done, t.reseal("token.reseal", tokens, keys, &done, func(v sealedValue) []any {
		return []any{v.connection, v.version, v.origins, v.key, v.sealed, v.updated}
	})
}

// reseal seals those of some values anew whose key was replaced.
func (t session) reseal(statement string, values []sealedValue, keys map[string]replaced, done *Rotated, row func(sealedValue) []any) error {
	var rows []any
	var n int
	put := func() error {
		if n == 0 {
			return nil
		}
		err := t.execRows(statement, n, rows...)
		done.Values += n
		rows, n = nil, 0
		return err
	}
	for _, v := range values {
		k, ok := keys[v.key]
		if !ok {
			continue // a newer key, of a workspace that was made in the meantime
		}
		var plain secret.Value
		origins, err := bound(v.origins)
		if err == nil {
			plain, err = k.from.Open(v.place(k.organization, origins), v.sealed)
		}
		if err != nil {
			done.Unopened++ // what somebody changed does not stop the others
			continue
		}
		v.key = k.to.ID()
		if v.sealed, err = k.to.Seal(t.s.random, v.place(k.organization, origins), plain); err != nil {
			return err
		}
		rows = append(rows, row(v)...)
		if n++; n == resealBatch {
			if err := put(); err != nil {
				return err
			}
		}
	}
	return put()
}

// resealBatch is how many values one statement writes.
const resealBatch = 100
