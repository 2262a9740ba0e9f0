package credential

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/internal/credential/lease"
	"github.com/agenthost/agenthost/internal/credential/oauth"
	"github.com/agenthost/agenthost/internal/credential/source"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Config configures the [Credential] of a connection. All fields but Workspace are required.
type Config struct {
	// Workspace is whose connection it is, empty for the operator's.
	Workspace string
	// Connection is the connection's name, for errors. Workspace and name are the key of its
	// tokens.
	Connection string
	// Settings are the connection's: Credentials, Secrets, Tokens, OAuth and TLS are used.
	Settings *config.Connection
	// Connector is the connector's name, and Schemes are its declared schemes.
	Connector string
	Schemes   []abi.AuthScheme
	// HTTP returns the configuration of the connection's clients. It is a function, so that
	// idle connections do not keep it. Its Auth, Credentials, Hidden and Share are ignored, and
	// its RootCAs if Settings name authorities.
	HTTP func() egress.Config
}

// key is what the connection's tokens are kept under: two workspaces may have the same names.
func (c *Config) key() string {
	if c.Workspace == "" {
		return c.Connection
	}
	return c.Workspace + "/" + c.Connection
}

// Credential is the credential of one connection, read for the first client. It is safe for
// concurrent use. Get one from [Store.For].
type Credential struct {
	config Config
	store  *Store
	log    hclog.Logger
	lease  *lease.Lease[current]

	mu     sync.Mutex
	tokens *oauth.Source // nil before the first token of OAuth 2.0
	stale  secret.Value  // a configured access token that the vendor refused
	asked  secret.Value  // a configured access token of which it is known whether one refused it before
}

// current is the current credential and its client. It is immutable.
type current struct {
	client *egress.Client
	values map[string]secret.Value
	server string // the origin that the access token is for, if the vendor named one with it
}

// For returns the credential of a connection.
func (s *Store) For(c Config) *Credential {
	cr := &Credential{config: c, store: s, log: s.options.Logger}
	cr.lease = lease.New(lease.Config[current]{
		Read:  cr.read,
		Cheap: cr.readsCheaply(),
		For:   s.options.Secrets.Cache,
		Now:   s.options.Now,
		What:  "the credential of connection " + c.Connection,
		OnStale: func(err error) {
			cr.log.Warn("cannot read the credential again; using the old one", "connection", c.Connection, "error", err)
		},
	})
	return cr
}

// Client returns a client that adds the credential to requests. It first reads the connection's
// secrets if they are unread or too old. The Credential closes the client.
//
// # Errors
//
// Those of reading the secrets and of getting a token; invalid_params for a wrong setting.
func (c *Credential) Client(ctx context.Context) (*egress.Client, error) {
	now, err := c.lease.Get(ctx)
	if err != nil {
		return nil, err
	}
	return now.client, nil
}

// Renew returns a client to use instead of one whose credential the vendor refused, or that one
// if there is no newer credential. Its errors are those of [Credential.Client].
func (c *Credential) Renew(ctx context.Context, refused *egress.Client) (*egress.Client, error) {
	held := c.lease.Held()
	if held.client != refused {
		return held.client, nil // another call has renewed it
	}
	now, err := c.lease.Renew(ctx, held)
	if err != nil {
		return nil, err
	}
	return now.client, nil
}

// Close waits for a running refresh, because its refresh token must not be lost, and closes
// the client.
func (c *Credential) Close() {
	c.mu.Lock()
	tokens := c.tokens
	c.mu.Unlock()
	if tokens != nil {
		tokens.Wait()
	}
	if held := c.lease.Held(); held != nil {
		held.client.Close()
	}
}

// read reads the secrets and makes a client with them, or returns old if they did not change.
// refused says that the vendor refused old. The time is the end of an access token, if any.
func (c *Credential) read(ctx context.Context, old *current, refused bool) (*current, time.Time, error) {
	var until time.Time
	scheme, values, err := c.configured(ctx)
	if err != nil {
		return nil, until, err
	}
	next := &current{values: values}
	var hidden []secret.Value
	var known secret.Value
	if old != nil && refused {
		known = old.values[authfield.AccessToken]
	}
	if scheme.OAuth2 != nil && !c.good(ctx, scheme, values, known) {
		token, err := c.token(ctx, scheme, values, known)
		if err != nil {
			return nil, until, err
		}
		values[authfield.AccessToken], hidden, until = token.Access, []secret.Value{token.Refresh}, token.Until
		next.server = token.Server
	}
	if old != nil && old.server == next.server && maps.EqualFunc(old.values, values, secret.Value.Equal) {
		return old, until, nil
	}
	http, err := c.http()
	if err != nil {
		return nil, until, err
	}
	http.Credentials, http.Hidden = values, hidden
	if http.Auth, err = c.place(&http, scheme, next.server); err != nil {
		return nil, until, err
	}
	if old != nil && old.server == next.server {
		http.Share = old.client
	}
	if next.client, err = egress.New(http); err != nil {
		return nil, until, err
	}
	if old != nil && old.server != next.server {
		old.client.Close()
	}
	return next, until, nil
}

// good reports whether the configured access token is the one to use: the vendor has not refused
// it, and its server is known, or there is no way to another one.
func (c *Credential) good(ctx context.Context, scheme *abi.AuthScheme, values map[string]secret.Value, refused secret.Value) bool {
	given := values[authfield.AccessToken]
	if given.IsZero() {
		return false
	}
	if values[authfield.RefreshToken].IsZero() && values[authfield.ClientID].IsZero() {
		return true
	}
	if c.tokenServer(scheme) != nil {
		return false
	}
	c.mu.Lock()
	asked := given.Equal(c.asked)
	c.mu.Unlock()
	stale := given.Equal(refused) || !asked && c.wasRefused(ctx, scheme, values)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked = given; stale {
		c.stale = given
	}
	return !given.Equal(c.stale)
}

// wasRefused reports whether another process met a refusal of the configured access token.
func (c *Credential) wasRefused(ctx context.Context, scheme *abi.AuthScheme, values map[string]secret.Value) bool {
	a, err := c.authorization(scheme, values)
	if err != nil {
		return false // which getting a token reports
	}
	source, err := c.source(a.binding)
	return err == nil && source.IsStale(ctx, values[authfield.AccessToken])
}

// http returns the configuration of the connection's clients, with its authorities.
func (c *Credential) http() (egress.Config, error) {
	http := c.config.HTTP()
	t := c.config.Settings.TLS
	if t == nil || t.CAFile == "" {
		return http, nil
	}
	roots, err := ConnectionAuthorities(t.CAFile, c.config.Connection)
	http.RootCAs = roots
	return http, err
}

// configured reads the connection's secrets, and returns the scheme that they complete.
func (c *Credential) configured(ctx context.Context) (*abi.AuthScheme, map[string]secret.Value, error) {
	scheme, err := c.scheme(c.fields())
	if err != nil {
		return nil, nil, err
	}
	values := make(map[string]secret.Value)
	for _, field := range c.fields() {
		if values[field], err = c.field(ctx, field); err != nil {
			return nil, nil, err
		}
	}
	return scheme, values, nil
}

func (c *Credential) field(ctx context.Context, field string) (secret.Value, error) {
	if value, held := c.config.Settings.Secrets[field]; held {
		return value, nil
	}
	ref, err := c.store.Parse(c.config.Settings.Credentials[field])
	if err != nil {
		return secret.Value{}, err
	}
	return c.store.Resolve(ctx, ref)
}

// fields returns the configured fields, in order.
func (c *Credential) fields() []string { return fieldsOf(c.config.Settings) }

func fieldsOf(s *config.Connection) []string {
	fields := slices.AppendSeq(slices.Collect(maps.Keys(s.Credentials)), maps.Keys(s.Secrets))
	slices.Sort(fields)
	return fields
}

// readsCheaply reports whether the connection's secrets are read from this machine only. Then
// each refusal reads them, so that a corrected file takes effect at once. Otherwise a revoked
// credential must not make each call ask a Vault or an authorization server.
func (c *Credential) readsCheaply() bool {
	scheme, err := c.scheme(c.fields())
	return err == nil && scheme.OAuth2 == nil && source.Local(slices.Collect(maps.Values(c.config.Settings.Credentials))...)
}
