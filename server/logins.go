package server

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/agenthost/agenthost/internal/credential/logins"
	"github.com/agenthost/agenthost/internal/credential/oauth"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/envelope"
	"github.com/agenthost/agenthost/pdk/abi"
)

// turns are who refreshes the token of which connection: one at a time.
type turns struct {
	mu    sync.Mutex
	taken map[string]chan struct{} // closed when the turn ends
}

// take waits for the turn of a connection.
func (t *turns) take(ctx context.Context, id string) (end func(), err error) {
	for {
		t.mu.Lock()
		over, taken := t.taken[id]
		if !taken {
			if t.taken == nil {
				t.taken = make(map[string]chan struct{})
			}
			over = make(chan struct{})
			t.taken[id] = over
			t.mu.Unlock()
			return func() {
				t.mu.Lock()
				defer t.mu.Unlock()
				delete(t.taken, id)
				close(over)
			}, nil
		}
		t.mu.Unlock()
		select {
		case <-over:
		case <-ctx.Done():
			return nil, fault.EndedWith(ctx, "the call ended while another one refreshed the token of the connector")
		}
	}
}

// turn waits for the turn of a connection among the calls of all nodes. What is kept under it says so.
func (d *directory) turn(ctx context.Context, id string) (under store.Held, end func(), err error) {
	over, err := d.turns.take(ctx, id)
	if err != nil {
		return under, nil, err
	}
	l, err := d.lease(ctx, "token "+id)
	if err != nil {
		over()
		return under, nil, err
	}
	if l == nil {
		return under, over, nil
	}
	under.Lease, under.Fence = l.Under()
	return under, func() { l.Release(); over() }, nil //nolint:contextcheck // it is given back after ctx has ended, too
}

// keeper keeps the tokens of one connection in the database, for as long as it has the credential
// that it had. It implements [logins.Keeper].
type keeper struct {
	directory  *directory
	connection store.Connection
	origins    []string // what the tokens are bound to

	mu      sync.Mutex
	version int64      // of the newest token that is known
	under   store.Held // of the turn that the keeper has
}

func (k *keeper) scope() store.Scope {
	return store.Scope{Organization: k.connection.Organization, Workspace: k.connection.Workspace}
}

// Lock waits for those who refresh a token of the connection, also with another keeper.
func (k *keeper) Lock(ctx context.Context, _ string) (release func(), err error) {
	under, release, err := k.directory.turn(ctx, k.connection.ID)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.under = under
	return release, err
}

// Load opens the token of the connection.
func (k *keeper) Load(ctx context.Context, b logins.Binding) (logins.Row, bool, error) {
	found, err := k.directory.store.Token(ctx, k.scope(), k.connection.ID, k.origins)
	k.knows(found.Version)
	switch {
	case errors.Is(err, store.ErrNone):
		return logins.Row{}, false, nil
	case errors.Is(err, envelope.ErrSealed):
		return logins.Row{}, false, needsLogin(k.connection.Name).WithCause(err)
	case err != nil:
		return logins.Row{}, false, err
	}
	row, err := logins.Open(found.Value, b)
	if err != nil {
		return logins.Row{}, false, needsLogin(k.connection.Name).WithCause(err)
	}
	return row, true, nil
}

// knows notes the version of a token. Versions only grow.
func (k *keeper) knows(version int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.version = max(k.version, version)
}

// Ready returns an error if the token of a connection could not be saved: it is about to be used up.
func (k *keeper) Ready(ctx context.Context) error {
	now, err := k.directory.store.Connection(ctx, k.scope(), k.connection.ID)
	if err == nil && now.Login != k.connection.Login {
		err = store.ErrChanged
	}
	return k.late(err)
}

// Save commits a token of the connection.
func (k *keeper) Save(ctx context.Context, b logins.Binding, row logins.Row) error {
	bound, err := logins.Bind(row, b)
	if err != nil {
		return err
	}
	k.mu.Lock()
	version, under := k.version, k.under
	k.mu.Unlock()
	version, err = k.directory.store.PutToken(ctx, k.scope(), k.connection, k.origins, bound, version, under)
	if err != nil {
		return k.late(err)
	}
	k.knows(version)
	return nil
}

// late makes an error for the caller of one that says that somebody changed or deleted the
// connection.
func (k *keeper) late(err error) error {
	switch {
	case errors.Is(err, store.ErrNone), errors.Is(err, store.ErrChanged):
		return (&abi.Error{
			Kind: abi.KindConflict, Field: "credentials", Retryable: true, RetryAfterMS: 1000,
			Message: "somebody changed or deleted connector " + k.connection.Name + " while a call got a token for it", Hint: "look at the connector, and call again",
		}).WithCause(err)
	case errors.Is(err, envelope.ErrTooLarge):
		return (&abi.Error{
			Kind: abi.KindVendorError, Field: "credentials", Message: "the vendor gave tokens to connector " + k.connection.Name + " that are too long to keep", Hint: "ask the vendor for shorter tokens, with fewer scopes for example",
		}).WithCause(err)
	}
	return err
}

// Remove is for logouts, which the server does not have: a credential that goes takes its token with it.
func (k *keeper) Remove(string) error { return errors.ErrUnsupported }

// Ended drops the credential of the connection if the vendor takes its refresh token no longer.
// An access token that came without one stays: it may be good for other operations.
func (k *keeper) Ended(ctx context.Context, _ logins.Binding, why error) error {
	ended := needsLogin(k.connection.Name)
	if e, is := errors.AsType[*abi.Error](why); is {
		ended.Message, ended.Code = fmt.Sprintf("connector %s needs a new login: %s", k.connection.Name, e.Message), e.Code
	}
	if ended.Code == oauth.CodeInvalidGrant {
		// Where somebody changed the connection at this moment, its next call ends here again.
		k.directory.log.Warn("a login is over", "connection", k.connection.ID, "reason", ended.Message, "error", k.drop(ctx))
	}
	return ended.WithCause(why)
}

// drop drops the credential of the connection, which needs another one from now on.
func (k *keeper) drop(ctx context.Context) error {
	ctx = store.WithActor(ctx, store.Actor{Via: "server"}) // the caller did not ask for it
	d := k.directory
	now, err := d.store.Connection(ctx, k.scope(), k.connection.ID)
	if err != nil || now.Login != k.connection.Login {
		return err
	}
	now.State = store.NeedsLogin
	_, err = d.store.UpdateConnection(ctx, k.scope(), now, &store.Credentials{}, store.JobOrder{Kind: removeCopiesJob})
	return d.changed(ctx, err)
}

// tried keeps no tokens: those of a credential that is only tried. It implements [logins.Keeper].
type tried struct{ grant string }

// Lock locks nothing.
func (tried) Lock(context.Context, string) (func(), error) { return func() {}, nil }

// Load finds nothing.
func (tried) Load(context.Context, logins.Binding) (logins.Row, bool, error) {
	return logins.Row{}, false, nil
}

// Ready refuses to use up a refresh token: the one that the vendor gives in its place would be lost.
func (t tried) Ready(context.Context) error {
	if t.grant != abi.GrantRefreshToken {
		return nil
	}
	return fault.Invalid("credentials.access_token", "a refresh token is not tried without keeping it: the vendor may give another one in its place", "give an access_token that is good, or create the connector and check it then")
}

// Save keeps nothing.
func (tried) Save(context.Context, logins.Binding, logins.Row) error { return nil }

// Remove has nothing to remove.
func (tried) Remove(string) error { return nil }

// Ended returns why.
func (tried) Ended(_ context.Context, _ logins.Binding, why error) error { return why }
