package credential

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/internal/credential/logins"
	"github.com/agenthost/agenthost/internal/credential/oauth"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// authorization is what a connection needs to get tokens.
type authorization struct {
	scheme    *abi.AuthScheme
	values    map[string]secret.Value // of the scheme's fields
	client    *oauth.Client
	authorize oauth.Endpoint
	scopes    []string
	issuer    string
	binding   logins.Binding // of the tokens
}

// authorization returns what a connection needs to get tokens for a scheme with OAuth 2.0.
func (c *Credential) authorization(scheme *abi.AuthScheme, values map[string]secret.Value) (*authorization, error) {
	http, err := c.http()
	if err != nil {
		return nil, err
	}
	declared, own := scheme.OAuth2, config.OAuth{}
	if c.config.Settings.OAuth != nil {
		own = *c.config.Settings.OAuth
	}
	a := &authorization{
		scheme: scheme, values: values, scopes: declared.Scopes, issuer: cmp.Or(own.Issuer, declared.Issuer),
		authorize: c.endpoint(declared.AuthorizeURL, own.AuthorizeURL),
	}
	if own.Scopes != nil {
		a.scopes = own.Scopes
	}
	if held := c.lease.Held(); held != nil { // the server knows the token that it gave out before
		http.Hidden = []secret.Value{held.values[authfield.AccessToken]}
	}
	token := c.endpoint(declared.TokenURL, own.TokenURL)
	a.client = oauth.NewClient(oauth.Config{
		Connection: c.config.Connection, Token: token, Revoke: c.endpoint(declared.RevokeURL, own.RevokeURL),
		ClientAuth: declared.ClientAuth, BodyFormat: declared.BodyFormat, Server: c.tokenServer(scheme), ClientID: values[authfield.ClientID], ClientSecret: values[authfield.ClientSecret],
		ServiceAccount: values[authfield.CredentialsJSON], PrivateKey: values[authfield.PrivateKey],
		HTTP: http,
	})
	origins := slices.Sorted(slices.Values(scheme.Origins))
	if http.Override != "" { // the credential goes there in place of one of them
		origins = append(origins, "server "+http.Override)
	}
	if t := c.tokenServer(scheme); t != nil {
		origins = append(origins, "the server at "+t.Pointer+" under "+strings.Join(t.Suffixes, " "))
	}
	a.binding = logins.Binding{
		Connection: c.config.key(), Connector: c.config.Connector, Scheme: scheme.ID, TokenURL: token.URL,
		Client: logins.Mark(values[authfield.ClientID]), Origins: origins,
	}
	return a, nil
}

// endpoint is the operator's, or the declared one. If the operator replaced the connection's
// server with a URL, a declared endpoint on that server moves with it.
func (c *Credential) endpoint(declared, own string) oauth.Endpoint {
	if own != "" {
		return oauth.Endpoint{URL: own, Operator: true}
	}
	http := c.config.HTTP()
	i := slices.IndexFunc(http.Servers, func(s abi.Server) bool { return s.ID == http.Server })
	if declared == "" || http.Override == "" || i < 0 {
		return oauth.Endpoint{URL: declared}
	}
	u, err := url.Parse(declared)
	server, serverErr := url.Parse(http.Servers[i].URL)
	moved, movedErr := url.Parse(http.Override)
	if err != nil || serverErr != nil || movedErr != nil || u.Host != server.Host || u.Scheme != server.Scheme {
		return oauth.Endpoint{URL: declared}
	}
	u.Scheme, u.Host = moved.Scheme, moved.Host
	return oauth.Endpoint{URL: u.String(), Operator: true}
}

// source returns the source of the connection's tokens, a new one if their binding changed.
func (c *Credential) source(b logins.Binding) (*oauth.Source, error) {
	rows, err := c.tokenRows()
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tokens == nil || !c.tokens.For(b) {
		c.tokens = oauth.NewSource(b, rows, c.store.options.Now)
	}
	return c.tokens, nil
}

// tokenRows returns what keeps the connection's tokens.
func (c *Credential) tokenRows() (logins.Keeper, error) {
	if own := c.config.Settings.Tokens; own != nil {
		return own, nil
	}
	return c.store.tokens()
}

// token returns a usable access token other than the refused one.
func (c *Credential) token(ctx context.Context, scheme *abi.AuthScheme, values map[string]secret.Value, refused secret.Value) (oauth.Token, error) {
	a, err := c.authorization(scheme, values)
	if err != nil {
		return oauth.Token{}, err
	}
	source, err := c.source(a.binding)
	if err != nil {
		return oauth.Token{}, err
	}
	c.mu.Lock()
	stale := c.stale
	c.mu.Unlock()
	return source.Token(ctx, oauth.Want{
		Stale:  stale,
		Client: a.client, Grant: scheme.OAuth2.Grant, Scopes: a.scopes, Seed: values[authfield.RefreshToken], Refused: refused,
	})
}

// person returns what a person logs in with, and where the tokens are kept.
func (c *Credential) person(ctx context.Context) (*authorization, *oauth.Source, error) {
	scheme, values, err := c.configured(ctx)
	if err != nil {
		return nil, nil, err
	}
	if scheme.OAuth2 == nil || scheme.OAuth2.Grant != abi.GrantRefreshToken {
		name := c.config.Connection
		return nil, nil, fault.Invalid("connection", "connection "+name+" needs no login: its credentials are configured", "agenthost check "+name+" says whether they work")
	}
	a, err := c.authorization(scheme, values)
	if err != nil {
		return nil, nil, err
	}
	source, err := c.source(a.binding)
	return a, source, err
}

// Revoked says what a logout did at the vendor.
type Revoked = oauth.Revoked

// Login configures a person's login to a connection.
type Login struct {
	// Port gets the answer, on this machine; 0 means a free one.
	Port int
	// Show gets the address that the person opens in a browser on this machine.
	Show func(address string)
}

// Login logs a person in to a connection whose vendor wants OAuth 2.0, and keeps the tokens for
// later clients. It waits up to five minutes for the person.
//
// # Errors
//
// Those of [oauth.Login] and [oauth.Source.Keep]; invalid_params if the connection needs no
// login.
func (c *Credential) Login(ctx context.Context, l Login) error {
	a, source, err := c.person(ctx)
	if err != nil {
		return err
	}
	rows, err := c.tokenRows()
	if err != nil {
		return err
	}
	if err := rows.Ready(ctx); err != nil { // before asking the person for anything
		return err
	}
	config := a.login()
	config.Port, config.Show = l.Port, l.Show
	token, err := oauth.Login(ctx, config)
	if err != nil {
		return err
	}
	return c.keep(ctx, a, source, token)
}

// login is what all logins of a connection have in common.
func (a *authorization) login() oauth.LoginConfig {
	return oauth.LoginConfig{Client: a.client, Authorize: a.authorize, Params: a.scheme.OAuth2.AuthorizeParams, Scopes: a.scopes, Issuer: a.issuer}
}

// keep keeps the token of a login. The vendor has issued it: keep it even if the caller is gone.
func (c *Credential) keep(ctx context.Context, a *authorization, source *oauth.Source, token oauth.Token) error {
	if t := c.tokenServer(a.scheme); t != nil && token.Server == "" {
		return c.noServer(t)
	}
	if err := source.Keep(context.WithoutCancel(ctx), token, a.values[authfield.RefreshToken]); err != nil {
		return err
	}
	c.lease.Expire()
	return nil
}

// LoginAddress returns where a person logs in whose answer comes to a redirect URI of a server. Its
// errors are those of [oauth.LoginConfig.Address].
func (c *Credential) LoginAddress(ctx context.Context, r oauth.Redirect) (string, error) {
	a, _, err := c.person(ctx)
	if err != nil {
		return "", err
	}
	return a.login().Address(r)
}

// FinishLogin takes the answer to a login that began with [Credential.LoginAddress], and keeps the
// tokens.
//
// # Errors
//
// Those of [oauth.LoginConfig.Redeem] and [oauth.Source.Keep].
func (c *Credential) FinishLogin(ctx context.Context, r oauth.Redirect, answer url.Values) error {
	a, source, err := c.person(ctx)
	if err != nil {
		return err
	}
	token, err := a.login().Redeem(ctx, r, answer)
	if err != nil {
		return err
	}
	return c.keep(ctx, a, source, token)
}

// RenewLogin gets a new access token for a login if the one that is kept has expired. Vendors end a login
// that nobody uses for long.
//
// # Errors
//
// Those of [oauth.Source.Token].
func (c *Credential) RenewLogin(ctx context.Context) error {
	a, _, err := c.person(ctx)
	if err == nil {
		_, err = c.token(ctx, a.scheme, a.values, secret.Value{})
	}
	return err
}

// Logout ends a login: at the vendor, if the connector declares how, and here. With local, it
// only forgets it here.
//
// # Errors
//
// Those of [oauth.Source.End]; the login then remains.
func (c *Credential) Logout(ctx context.Context, local bool) (oauth.Revoked, error) {
	a, source, err := c.person(ctx)
	if err != nil {
		return oauth.Revoked{}, err
	}
	revoked, err := source.End(ctx, a.client, local)
	if err == nil {
		c.lease.Expire()
	}
	return revoked, err
}
