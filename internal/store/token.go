package store

import (
	"context"
	"fmt"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// Token is what a vendor gave for a login: access and refresh token, in whatever form the caller
// keeps them.
type Token struct {
	Value secret.Value
	// Version grows with every refresh. Version 0 is a token that does not exist yet.
	Version int64
}

func tokenPlace(organization, workspace, connection string, origins []string) envelope.Place {
	return envelope.Place{Organization: organization, Workspace: workspace, Connection: connection, Field: "token", Origins: origins}
}

// Token opens the token of a connection. Origins are what it is bound to: where it is sent, and
// what else the caller names. The error is [ErrNone] if there is none, and [envelope.ErrSealed] if
// somebody moved or changed it, or if it is bound to something else; its version is known then.
func (s *Store) Token(ctx context.Context, p Scope, connection string, origins []string) (Token, error) {
	return readOne(ctx, s, func(r row) (Token, error) {
		var k sealedKey
		var found Token
		var sealed []byte
		if err := r.Scan(&k.organization, &k.workspace, &found.Version, &sealed, &k.id, &k.wrapped.Master, &k.wrapped.Sealed); err != nil {
			return Token{}, err
		}
		key, err := s.openDataKey(ctx, k)
		if err != nil {
			return Token{}, err
		}
		if found.Value, err = key.Open(tokenPlace(k.organization, k.workspace, connection, origins), sealed); err != nil {
			return found, fmt.Errorf("token of connection %s: %w", connection, err)
		}
		return found, nil
	}, "token.get", p.Organization, p.Workspace, connection)
}

// PutToken replaces the token of a connection that has a version; 0 if it has none. It returns the
// new version. The error is [ErrChanged] if it has another version by now, or if the connection has
// other credentials than c, or none: the caller came late, and its token is not kept. So it is if somebody
// got the lease after the caller, with a larger fence.
func (s *Store) PutToken(ctx context.Context, p Scope, c Connection, origins []string, value secret.Value, version int64, under Held) (int64, error) {
	bound, err := document("origins", origins)
	if err != nil {
		return 0, err
	}
	err = s.write(ctx, func(t session) error {
		// Whoever removes the credentials locks the key, too: what is read after it stays so.
		key, err := t.sealer(c.Workspace, 1)
		if err != nil {
			return err
		}
		now, err := one(t, scanConnection, "connection.get", p.Organization, p.Workspace, c.ID)
		if err != nil {
			return err
		}
		if now.Login != c.Login || now.Workspace != c.Workspace {
			return ErrChanged
		}
		sealed, err := key.Seal(s.random, tokenPlace(now.Organization, now.Workspace, now.ID, origins), value)
		if err != nil {
			return err
		}
		var n int64
		if version == 0 {
			n, err = t.exec("token.create", now.ID, bound, key.ID(), sealed, millis(s.now()), under.Lease, under.Fence)
		} else {
			n, err = t.exec("token.replace", now.ID, version, bound, key.ID(), sealed, millis(s.now()), under.Lease, under.Fence)
		}
		if err == nil && n == 0 {
			err = ErrChanged
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	return version + 1, nil
}

// IdleLogins returns connections, by their ids from one on, whose tokens have not changed since a time:
// nobody has used their logins. Only what names a connection is set.
func (s *Store) IdleLogins(ctx context.Context, since time.Time, after string, limit int) ([]Connection, error) {
	return readMany(ctx, s, func(r row) (c Connection, err error) {
		err = r.Scan(&c.ID, &c.Organization, &c.Workspace, &c.Name)
		return c, err
	}, "token.idle", millis(since), after, limit)
}
