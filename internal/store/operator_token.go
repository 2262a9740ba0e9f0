package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store/envelope"
)

// Role says what an operator may do.
type Role string

// The roles.
const (
	RoleOperator Role = "operator"
	RoleViewer   Role = "viewer" // changes nothing
	// RoleBootstrap is that of the first token: it makes one operator's token, and dies.
	RoleBootstrap Role = "bootstrap"
)

// OperatorToken lets a person or a program operate the server from elsewhere.
type OperatorToken struct {
	ID, Name         string
	Role             Role
	Created, Expires time.Time
	// Revoked is when it lost its access, and Used about when it was used last; zero for never.
	Revoked, Used time.Time
}

// OperatorTokenPrefix begins every token of an operator.
const OperatorTokenPrefix = "aho_"

const (
	// maxOperatorTokens is how many tokens of operators may be good at once.
	maxOperatorTokens = 1000
	// usedEvery is how exactly the last use of a token is kept.
	usedEvery = time.Minute
)

func scanOperatorToken(r row) (o OperatorToken, err error) {
	var created, expires, revoked, used int64
	err = r.Scan(&o.ID, &o.Name, &o.Role, &created, &expires, &revoked, &used)
	o.Created, o.Expires, o.Revoked, o.Used = instant(created), instant(expires), instant(revoked), instant(used)
	return o, err
}

// CreateOperatorToken makes a token that ends at a time. The store keeps its SHA-256 only: nobody can
// read it again. Unless it is nil, keep gets it before it is good, so that a crash loses none; its
// error ends the work. A token for the bootstrap takes the place of those before it.
func (s *Store) CreateOperatorToken(ctx context.Context, name string, r Role, expires time.Time, keep func(secret.Value) error) (o OperatorToken, token secret.Value, err error) {
	if o, token, err = s.newOperatorToken(name, r, expires); err != nil {
		return OperatorToken{}, secret.Value{}, err
	}
	if keep != nil {
		if err := keep(token); err != nil {
			return OperatorToken{}, secret.Value{}, err
		}
	}
	err = s.write(ctx, func(t session) error { return t.addOperatorToken(&o, token) })
	if err != nil {
		return OperatorToken{}, secret.Value{}, err
	}
	return o, token, nil
}

// newOperatorToken checks what a token is to be, and makes it.
func (s *Store) newOperatorToken(name string, r Role, expires time.Time) (o OperatorToken, token secret.Value, err error) {
	if err := checkName("name", name); err != nil {
		return o, token, err
	}
	if roles := []Role{RoleOperator, RoleViewer, RoleBootstrap}; !slices.Contains(roles, r) {
		return o, token, fault.Invalid("role", fmt.Sprintf("there is no role %.40q", string(r)), "use operator or viewer")
	}
	id, err := s.NewID()
	if err != nil {
		return o, token, err
	}
	token, err = envelope.NewToken(s.random, OperatorTokenPrefix)
	return OperatorToken{ID: id, Name: name, Role: r, Created: instant(millis(s.now())), Expires: instant(millis(expires))}, token, err
}

func (t session) addOperatorToken(o *OperatorToken, token secret.Value) error {
	now := millis(t.s.now())
	if _, err := t.exec("operator_token.forget", millis(t.s.now().Add(-keepEnded))); err != nil {
		return err
	}
	if o.Role == RoleBootstrap {
		if _, err := t.exec("operator_token.revoke_role", string(RoleBootstrap), now); err != nil {
			return err
		}
	}
	switch n, err := one(t, scanNumber, "operator_token.count", now); {
	case err != nil:
		return err
	case n >= maxOperatorTokens:
		return fault.LimitExceeded("name", fmt.Sprintf("there are %d operators' tokens that are good", n), "revoke those that nobody needs")
	}
	if _, err := t.exec("operator_token.create", o.ID, o.Name, string(o.Role), envelope.Digest(token), now, millis(o.Expires)); err != nil {
		return err
	}
	return t.recordForAll(Change{Entity: "operator_tokens", Action: "create", Object: o.ID, Name: o.Name, Fields: []string{string(o.Role)}})
}

// OperatorTokenOf returns the token that a text is, and notes that it is used. The error is [ErrNone]
// if there is none, if it was revoked, or if it has expired.
func (s *Store) OperatorTokenOf(ctx context.Context, token secret.Value) (OperatorToken, error) {
	now := s.now()
	o, err := readOne(ctx, s, scanOperatorToken, "operator_token.by_digest", envelope.Digest(token), millis(now))
	if err != nil || now.Sub(o.Used) < usedEvery {
		return o, err
	}
	return o, s.write(ctx, func(t session) error {
		_, err := t.exec("operator_token.used", o.ID, millis(now))
		return err
	})
}

// RedeemBootstrap makes an operator's token of the bootstrap's, which dies. Of two that redeem it at
// the same time, one gets [ErrNone].
func (s *Store) RedeemBootstrap(ctx context.Context, bootstrap, name string, expires time.Time) (o OperatorToken, token secret.Value, err error) {
	if o, token, err = s.newOperatorToken(name, RoleOperator, expires); err != nil {
		return OperatorToken{}, secret.Value{}, err
	}
	err = s.write(ctx, func(t session) error {
		old, err := one(t, scanOperatorToken, "operator_token.get", bootstrap)
		if err != nil {
			return err
		}
		if old.Role != RoleBootstrap {
			return ErrNone
		}
		if err := t.revokeOperatorToken(&old); err != nil {
			return err
		}
		return t.addOperatorToken(&o, token)
	})
	if err != nil {
		return OperatorToken{}, secret.Value{}, err
	}
	return o, token, nil
}

// OperatorTokens returns a page of the operators' tokens, in the order of their ids.
func (s *Store) OperatorTokens(ctx context.Context, page Page) ([]OperatorToken, error) {
	return readMany(ctx, s, scanOperatorToken, "operator_token.list", page.After, page.limit())
}

// RevokeOperatorToken takes the access from a token. The error is [ErrNone] if there is no such
// token, or if it was revoked before.
func (s *Store) RevokeOperatorToken(ctx context.Context, id string) (o OperatorToken, err error) {
	err = s.write(ctx, func(t session) error {
		if o, err = one(t, scanOperatorToken, "operator_token.get", strings.ToLower(id)); err != nil {
			return err
		}
		return t.revokeOperatorToken(&o)
	})
	return o, err
}

func (t session) revokeOperatorToken(o *OperatorToken) error {
	o.Revoked = instant(millis(t.s.now()))
	if err := t.change("operator_token.revoke", o.ID, millis(o.Revoked)); err != nil {
		return err
	}
	return t.recordForAll(Change{Entity: "operator_tokens", Action: "revoke", Object: o.ID, Name: o.Name})
}
