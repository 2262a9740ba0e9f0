package store

import (
	"context"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// SigningKey signs the tokens that the server gives out.
type SigningKey struct {
	ID  string
	Key secret.Value // 32 bytes
	// Created is when it began to sign; zero if the master key was changed since, so that it should
	// be replaced.
	Created time.Time
	// Retired is when another one took its place; zero for the one that signs.
	Retired time.Time
}

// mostSigningKeys is how many keys there are at once.
const mostSigningKeys = 16

// sealedSigningKey is a SigningKey as the database has it.
type sealedSigningKey struct {
	SigningKey
	wrapped envelope.Wrapped
}

func scanSigningKey(r row) (k sealedSigningKey, err error) {
	var created, retired int64
	err = r.Scan(&k.ID, &k.wrapped.Master, &k.wrapped.Sealed, &created, &retired)
	k.Created, k.Retired = instant(created), instant(retired)
	return k, err
}

func signingKeyPlace(id string) envelope.Place { return envelope.Place{Field: "signing key " + id} }

// SigningKeys returns the keys, the one that signs first. There is none before the first
// [Store.RotateSigningKey].
func (s *Store) SigningKeys(ctx context.Context) ([]SigningKey, error) {
	sealed, err := readMany(ctx, s, scanSigningKey, "signing_key.list", mostSigningKeys)
	if err != nil {
		return nil, err
	}
	var keys []SigningKey
	for _, k := range sealed {
		if k.Key, err = s.openWrapped(ctx, signingKeyPlace(k.ID), k.wrapped); err != nil {
			return nil, err
		}
		keys = append(keys, k.SigningKey)
	}
	return keys, nil
}

// RotateSigningKey makes a key that signs from now on, retires the one before it, and forgets those
// that were retired for longer than keep: no token that they signed is still good.
func (s *Store) RotateSigningKey(ctx context.Context, keep time.Duration) (SigningKey, error) {
	id, err := s.NewID()
	if err != nil {
		return SigningKey{}, err
	}
	key, err := envelope.NewKey(s.random)
	if err != nil {
		return SigningKey{}, err
	}
	now := s.now()
	err = s.write(ctx, func(t session) error {
		if _, err := t.announce(NoticeSigningKey, id); err != nil {
			return err
		}
		m, err := t.sealing()
		if err != nil {
			return err
		}
		wrapped, err := m.Seal(s.random, signingKeyPlace(id), key)
		if err != nil {
			return err
		}
		if _, err := t.exec("signing_key.forget", millis(now.Add(-keep))); err != nil {
			return err
		}
		if _, err := t.exec("signing_key.retire", id, millis(now)); err != nil {
			return err
		}
		if _, err = t.exec("signing_key.create", id, wrapped.Master, wrapped.Sealed, millis(now)); err != nil {
			return err
		}
		return t.recordForAll(Change{Entity: "signing_keys", Action: "rotate", Object: id})
	})
	return SigningKey{ID: id, Key: key, Created: instant(millis(now))}, err
}
