package host

import (
	"context"
	"net/url"
	"slices"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/oauth"
	"github.com/agenthost/agenthost/host/oauth/tokenfile"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/pdk/abi"
)

// authorization is what a connection needs to get tokens: the endpoints, the client, and
// the source of its tokens.
type authorization struct {
	scheme    *abi.AuthScheme
	values    map[string]secret.Value
	client    *oauth.Client
	authorize oauth.Endpoint
	scopes    []string
	issuer    string
	source    *oauth.Source
}

// authorization reads what a connection authenticates as, for a scheme of type oauth2.
func (h *Host) authorization(c *connection, scheme *abi.AuthScheme, values map[string]secret.Value) (*authorization, error) {
	base, err := h.egressConfig(c)
	if err != nil {
		return nil, err
	}
	declared, own := scheme.OAuth2, config.OAuth{}
	if c.config.OAuth != nil {
		own = *c.config.OAuth
	}
	a := &authorization{
		scheme: scheme, values: values, scopes: declared.Scopes, issuer: declared.Issuer,
		authorize: c.endpoint(declared.AuthorizeURL, own.AuthorizeURL),
	}
	if own.Scopes != nil {
		a.scopes = own.Scopes
	}
	if own.Issuer != "" {
		a.issuer = own.Issuer
	}
	if held := c.lease.Held(); held != nil { // the server knows the token that it gave out before
		base.Hidden = []secret.Value{held.values[abi.FieldAccessToken]}
	}
	token := c.endpoint(declared.TokenURL, own.TokenURL)
	a.client = oauth.NewClient(oauth.Config{
		Connection: c.name, Token: token, Revoke: c.endpoint(declared.RevokeURL, own.RevokeURL),
		ClientAuth: declared.ClientAuth, ClientID: values[abi.FieldClientID], ClientSecret: values[abi.FieldClientSecret],
		HTTP: base,
	})
	a.source, err = h.tokenSource(c, tokenfile.Binding{
		Connection: c.name, Connector: c.connector.Manifest.Name, Scheme: scheme.ID, TokenURL: token.URL,
		Client: tokenfile.Mark(values[abi.FieldClientID]), Origins: slices.Sorted(slices.Values(scheme.Origins)),
	})
	return a, err
}

// endpoint is the operator's, or the declared one. One that is declared at the place of the
// connection's server follows that to the operator's URL.
func (c *connection) endpoint(declared, own string) oauth.Endpoint {
	if own != "" {
		return oauth.Endpoint{URL: own, Operator: true}
	}
	u, err := url.Parse(declared)
	server, serverErr := url.Parse(c.server.URL)
	moved, movedErr := url.Parse(c.override)
	if declared == "" || c.override == "" || err != nil || serverErr != nil || movedErr != nil || u.Host != server.Host || u.Scheme != server.Scheme {
		return oauth.Endpoint{URL: declared}
	}
	u.Scheme, u.Host = moved.Scheme, moved.Host
	return oauth.Endpoint{URL: u.String(), Operator: true}
}

// tokenSource returns the source of a connection's tokens. There is one for as long as
// they are for the same.
func (h *Host) tokenSource(c *connection, b tokenfile.Binding) (*oauth.Source, error) {
	rows, err := h.secrets.tokens()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens == nil || !c.tokens.For(b) {
		c.tokens = oauth.NewSource(b, rows, h.options.Now)
	}
	return c.tokens, nil
}

// token returns an access token that can be used now and is not the refused one.
func (a *authorization) token(ctx context.Context, refused secret.Value) (oauth.Token, error) {
	return a.source.Token(ctx, oauth.Want{
		Client: a.client, Grant: a.scheme.OAuth2.Grant, Scopes: a.scopes,
		Seed: a.values[abi.FieldRefreshToken], Refused: refused,
	})
}

// person returns the authorization of a connection that a person logs in to.
func (h *Host) person(ctx context.Context, name string) (*connection, *authorization, error) {
	c, err := h.connection(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	if c.service != nil {
		return nil, nil, invalid("connection", "connection "+name+" is hosted: the Airbyte API holds the vendor's credential", "agenthost check "+name+" says whether it works")
	}
	if d, err := h.approved(ctx, c); err != nil {
		return nil, nil, err
	} else if !d.Allowed {
		return nil, nil, d.Refusal()
	}
	scheme, values, err := h.credentials(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	if scheme.OAuth2 == nil || scheme.OAuth2.Grant != abi.GrantRefreshToken {
		return nil, nil, invalid("connection", "connection "+name+" needs no login: its credentials are configured", "agenthost check "+name+" says whether they work")
	}
	a, err := h.authorization(c, scheme, values)
	return c, a, err
}

// Login says how a person logs in to a connection.
type Login struct {
	// Port of this machine gets the answer; 0 means a free one.
	Port int
	// Show is given the address that the person opens in a browser on this machine.
	Show func(address string)
}

// Login logs a person in to a connection whose vendor wants OAuth 2.0, and keeps what that
// brought. It waits up to five minutes for the person. Calls that follow use the login.
//
// # Errors
//
// Those of [oauth.Login] and [oauth.Source.Keep]; denied where the connector is not
// approved; invalid_params where the connection
// needs no login.
func (h *Host) Login(ctx context.Context, connection string, l Login) error {
	c, a, err := h.person(ctx, connection)
	if err != nil {
		return err
	}
	rows, err := h.secrets.tokens()
	if err != nil {
		return err
	}
	if err := rows.Ready(ctx); err != nil { // before the person is asked for anything
		return err
	}
	token, err := oauth.Login(ctx, oauth.LoginConfig{
		Client: a.client, Authorize: a.authorize, Params: a.scheme.OAuth2.AuthorizeParams,
		Scopes: a.scopes, Issuer: a.issuer, Port: l.Port, Show: l.Show,
	})
	if err != nil {
		return err
	}
	// What the vendor gave out is kept even if the caller has gone.
	if err := a.source.Keep(context.WithoutCancel(ctx), token, a.values[abi.FieldRefreshToken]); err != nil {
		return err
	}
	c.lease.Expire()
	return nil
}

// Logout ends a login: at the vendor, where the connector declares how, and here. Local
// forgets it here only. The result says what was done.
//
// # Errors
//
// Those of [oauth.Source.End], after which the login is still there.
func (h *Host) Logout(ctx context.Context, connection string, local bool) (oauth.Revoked, error) {
	c, a, err := h.person(ctx, connection)
	if err != nil {
		return oauth.Revoked{}, err
	}
	revoked, err := a.source.End(ctx, a.client, local)
	if err == nil {
		c.lease.Expire()
	}
	return revoked, err
}
