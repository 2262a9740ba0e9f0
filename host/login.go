package host

import (
	"context"
	"net/url"

	"github.com/agenthost/agenthost/internal/backend"
	"github.com/agenthost/agenthost/internal/backend/direct"
	"github.com/agenthost/agenthost/internal/fault"
)

// Login says how a person logs in to a connection.
type Login = direct.Login

// Revoked says what [Host.Logout] did at the vendor.
type Revoked = direct.Revoked

// Login logs a person in to a connection whose vendor wants OAuth 2.0, and keeps the tokens. It
// waits up to five minutes for the person. Calls that follow use the login.
//
// # Errors
//
// Those of the authorization server; timeout if the person does not log in in time; denied if the
// connector is not approved; invalid_params if the connection needs no login.
func (h *Host) Login(ctx context.Context, connection string, l Login) error {
	_, err := withPerson(ctx, h, Principal{}, connection, func(ctx context.Context, b person) (none, error) { return none{}, b.Login(ctx, l) })
	return err
}

// Logout ends a login: at the vendor, if the connector declares how, and here. With local, it
// forgets the login here only. The result says what it did.
//
// # Errors
//
// Those of the authorization server; the login then stays.
func (h *Host) Logout(ctx context.Context, connection string, local bool) (Revoked, error) {
	return withPerson(ctx, h, Principal{}, connection, func(ctx context.Context, b person) (Revoked, error) { return b.Logout(ctx, local) })
}

// Redirect says where the answer to a login comes, and what it must match: see [Host.LoginAddress].
type Redirect = direct.Redirect

// LoginAddress returns the address at which a person logs in to a connection that p may see. The
// vendor sends the browser to r's redirect URI then, and [Host.FinishLogin] takes what it brings. It
// is for a server, whose people are at other machines; [Host.Login] is for this one.
//
// # Errors
//
// invalid_params if the connection needs no login, or if its vendor has no login for people; denied
// if the connector is not approved.
func (h *Host) LoginAddress(ctx context.Context, p Principal, connection string, r Redirect) (string, error) {
	return withPerson(ctx, h, p, connection, func(ctx context.Context, b person) (string, error) { return b.LoginAddress(ctx, r) })
}

// FinishLogin takes the query with which a browser came to the redirect URI, trades its code for
// tokens and keeps them where the connection does. The state, the verifier and the redirect URI are
// those of [Host.LoginAddress]; see to it that each is used once.
//
// # Errors
//
// Those of the authorization server; auth_failed if the answer is no answer to this login, comes
// from another issuer, or says no.
func (h *Host) FinishLogin(ctx context.Context, p Principal, connection string, r Redirect, answer url.Values) error {
	_, err := withPerson(ctx, h, p, connection, func(ctx context.Context, b person) (none, error) { return none{}, b.FinishLogin(ctx, r, answer) })
	return err
}

// RenewLogin gets a new access token for the login of a connection that p may see, if the one that is
// kept has expired. A call does so by itself; this is for connections that nobody calls for long, as
// vendors end logins that nobody uses.
//
// # Errors
//
// Those of the authorization server; invalid_params if the connection needs no login.
func (h *Host) RenewLogin(ctx context.Context, p Principal, connection string) error {
	_, err := withPerson(ctx, h, p, connection, func(ctx context.Context, b person) (none, error) { return none{}, b.RenewLogin(ctx) })
	return err
}

// EndLogin is [Host.Logout] for a connection that p may see.
func (h *Host) EndLogin(ctx context.Context, p Principal, connection string) (Revoked, error) {
	return withPerson(ctx, h, p, connection, func(ctx context.Context, b person) (Revoked, error) { return b.Logout(ctx, false) })
}

// person is a backend that a person may log in to.
type person interface {
	Login(ctx context.Context, l Login) error
	LoginAddress(ctx context.Context, r Redirect) (string, error)
	FinishLogin(ctx context.Context, r Redirect, answer url.Values) error
	RenewLogin(ctx context.Context) error
	Logout(ctx context.Context, local bool) (Revoked, error)
}

// person returns the backend of a connection, for a login.
// withPerson is [within] for a call about a login.
func withPerson[T any](ctx context.Context, h *Host, p Principal, name string, call func(context.Context, person) (T, error)) (T, error) {
	return within(ctx, h, func(ctx context.Context) (result T, err error) {
		b, err := h.person(ctx, p, name)
		if err != nil {
			return result, err
		}
		return call(ctx, b)
	})
}

// none is the result of a call that has no result.
type none struct{}

func (h *Host) person(ctx context.Context, p Principal, name string) (person, error) {
	c, err := h.connection(ctx, p, name)
	if err != nil {
		return nil, err
	}
	here, ok := backend.Undecorated(c.backend).(person)
	if !ok {
		return nil, fault.Invalid("connection", "connection "+name+" is hosted: the Airbyte API keeps the vendor's credential", "agenthost check "+name+" tests it")
	}
	if d, err := h.approved(ctx, c); err != nil {
		return nil, err
	} else if !d.Allowed {
		return nil, d.Refusal()
	}
	return here, nil
}
