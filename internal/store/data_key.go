package store

import (
	"context"
	"fmt"

	"github.com/agenthost/agenthost/internal/store/envelope"
)

// sealedKey is a data key as the database has it.
type sealedKey struct {
	id, organization, workspace string
	wrapped                     envelope.Wrapped
	seals                       int64
}

// place is what a data key is sealed for.
func (k sealedKey) place() envelope.Place {
	return envelope.Place{Organization: k.organization, Workspace: k.workspace, Field: "data key " + k.id}
}

// openDataKey opens a data key.
func (s *Store) openDataKey(ctx context.Context, k sealedKey) (*envelope.DataKey, error) {
	key, err := s.openWrapped(ctx, k.place(), k.wrapped)
	if err != nil {
		return nil, fmt.Errorf("data key %s of workspace %s: %w", k.id, k.workspace, err)
	}
	return envelope.NewDataKey(k.id, key)
}

// newDataKey makes the data key of a workspace that has none.
func (t session) newDataKey(organization, workspace string) error {
	m, err := t.sealing()
	if err != nil {
		return err
	}
	_, row, err := t.s.makeDataKey(m, organization, workspace)
	if err != nil {
		return err
	}
	return t.execRows("data_key.create", 1, row...)
}

// makeDataKey makes a data key and its row, sealed with the current one of some master keys.
func (s *Store) makeDataKey(m *envelope.Masters, organization, workspace string) (key *envelope.DataKey, row []any, err error) {
	id, err := s.NewID()
	if err != nil {
		return nil, nil, err
	}
	plain, err := envelope.NewKey(s.random)
	if err != nil {
		return nil, nil, err
	}
	k := sealedKey{id: id, organization: organization, workspace: workspace}
	if k.wrapped, err = m.Seal(s.random, k.place(), plain); err != nil {
		return nil, nil, err
	}
	key, err = envelope.NewDataKey(id, plain)
	return key, []any{id, organization, workspace, k.wrapped.Master, k.wrapped.Sealed, int64(0), millis(s.now()), int64(0)}, err
}

// useDataKey returns the key of a workspace to seal some values with. It is locked until the
// transaction ends. A key that sealed too much is replaced before.
func (t session) useDataKey(workspace string, seals int64) (sealedKey, error) {
	scan := func(r row) (k sealedKey, err error) {
		k.workspace = workspace
		err = r.Scan(&k.id, &k.organization, &k.wrapped.Master, &k.wrapped.Sealed, &k.seals)
		return k, err
	}
	// Where another transaction replaced the key in the meantime, PostgreSQL finds none.
	for range 3 {
		found, err := many(t, scan, "data_key.use", workspace, seals)
		if err != nil {
			return sealedKey{}, err
		}
		if len(found) == 1 {
			return found[0], nil
		}
	}
	return sealedKey{}, ErrNone
}

// sealer returns the open key of a workspace, to seal some values with.
func (t session) sealer(workspace string, seals int64) (*envelope.DataKey, error) {
	k, err := t.useDataKey(workspace, seals)
	if err != nil {
		return nil, err
	}
	if k.seals > mostSeals {
		if _, err := t.exec("data_key.retire", k.id, millis(t.s.now())); err != nil {
			return nil, err
		}
		if _, err := t.replaceDataKeys([]sealedKey{k}); err != nil {
			return nil, err
		}
		if err := t.record(Scope{k.organization, workspace}, Change{Entity: "data_keys", Action: "replace", Object: k.id}); err != nil {
			return nil, err
		}
		if k, err = t.useDataKey(workspace, seals); err != nil {
			return nil, err
		}
	}
	return t.s.openDataKey(t.ctx, k)
}

// mostSeals leaves room for the values that one transaction seals.
const mostSeals = envelope.MaxSeals - 1<<20
