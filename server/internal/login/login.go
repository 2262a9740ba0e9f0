// Package login lets people log in with an issuer of OpenID Connect Core 1.0: the authorization code
// flow with PKCE (RFC 7636), state and nonce. It says who somebody is; what that person may do is
// decided with [Rules], and the session is the caller's.
package login

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Config is what the operator registered at the issuer.
type Config struct {
	// Issuer is its URL, letter for letter.
	Issuer string
	// ClientID is the id of the client that this server is, and ClientSecret reads its secret; nil if
	// it has none.
	ClientID     string
	ClientSecret func(context.Context) (secret.Value, error)
	// RedirectURL is where the issuer sends browsers back to.
	RedirectURL string
	// Scopes are asked for besides openid.
	Scopes []string
	// HTTP has the network.
	HTTP egress.Config
}

// Provider is an issuer. It is safe for concurrent use. Get one from [New].
type Provider struct {
	config Config
	origin *url.URL

	mu    sync.Mutex
	found *discovered
	since time.Time
}

// discovered is what the issuer says of itself.
type discovered struct {
	provider *oidc.Provider
	// answersIssuer says that its answers name it (RFC 9207).
	answersIssuer bool
	// methods are the algorithms that it signs with.
	methods []string
}

const (
	// rediscover is the age from which the issuer is asked again what it says of itself.
	rediscover = 24 * time.Hour
	// patience bounds one login's requests to the issuer.
	patience = 20 * time.Second
	// skew is how much later than ours an issuer's clock may be.
	skew = time.Minute
	// maxAnswer is the length of the longest answer of an issuer in bytes.
	maxAnswer = 512 << 10
	// maxParameter is the length of the longest parameter of a browser's request.
	maxParameter = 4096
)

// New returns a provider. It asks the issuer nothing yet.
func New(c Config) (*Provider, error) {
	u, err := url.Parse(c.Issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("the issuer is no URL")
	}
	c.HTTP.Limits.ResponseBody = maxAnswer
	c.HTTP.Seams = c.HTTP.Seams.WithDefaults()
	return &Provider{config: c, origin: u}, nil
}

// Issuer returns the URL of the issuer.
func (p *Provider) Issuer() string { return p.config.Issuer }

// discover returns what the issuer says of itself.
func (p *Provider) discover(ctx context.Context) (*discovered, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.config.HTTP.Now()
	if p.found != nil && now.Sub(p.since) < rediscover {
		return p.found, nil
	}
	// The library keeps the context for requests of later logins.
	provider, err := oidc.NewProvider(p.context(context.WithoutCancel(ctx)), p.config.Issuer)
	if err != nil {
		if p.found != nil {
			return p.found, nil
		}
		return nil, fmt.Errorf("read what the issuer says of itself: %w", err)
	}
	var says struct {
		AnswersIssuer bool     `json:"authorization_response_iss_parameter_supported"`
		Methods       []string `json:"id_token_signing_alg_values_supported"`
	}
	if err := provider.Claims(&says); err != nil {
		return nil, err
	}
	d := &discovered{provider: provider, answersIssuer: says.AnswersIssuer}
	for _, m := range says.Methods {
		if slices.Contains(methods, m) {
			d.methods = append(d.methods, m)
		}
	}
	if d.methods == nil {
		d.methods = methods[:1]
	}
	p.found, p.since = d, now
	return d, nil
}

// methods are the algorithms that an ID token may be signed with: with a key of the issuer, and never
// with a secret that we share with it.
var methods = []string{oidc.RS256, oidc.PS256, oidc.ES256, oidc.EdDSA, oidc.RS384, oidc.RS512, oidc.ES384, oidc.ES512, oidc.PS384, oidc.PS512}

// context is one in which the library sends through egress.
func (p *Provider) context(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, egress.HTTPClient(p.config.HTTP, p.origin))
}

func (p *Provider) oauth(d *discovered) *oauth2.Config {
	endpoint := d.provider.Endpoint()
	endpoint.AuthStyle = oauth2.AuthStyleInParams
	return &oauth2.Config{ClientID: p.config.ClientID, Endpoint: endpoint, RedirectURL: p.config.RedirectURL, Scopes: append([]string{oidc.ScopeOpenID}, p.config.Scopes...)}
}

// Begin returns where to send a browser that is to log in. Browser is a secret of that browser, in a
// cookie: nonce and verifier come from it, so that the server keeps neither.
func (p *Provider) Begin(ctx context.Context, state, browser secret.Value) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	d, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	var to string
	err = state.Reveal(func(text []byte) error {
		to = p.oauth(d).AuthCodeURL(string(text), oidc.Nonce(derived(browser, "nonce")), oauth2.S256ChallengeOption(derived(browser, "verifier")))
		return nil
	})
	if err != nil {
		return "", err
	}
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "https" && (u.Scheme != p.origin.Scheme || u.Host != p.origin.Host) {
		return "", errors.New("the issuer's address for logins is not an https URL")
	}
	return to, nil
}

// derived is a value that only who has the secret of a browser can know.
func derived(browser secret.Value, what string) (text string) {
	_ = browser.Reveal(func(b []byte) error { // which returns nil
		mac := hmac.New(sha256.New, b)
		_, _ = mac.Write([]byte("agenthost login " + what)) // never fails
		text = base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		return nil
	})
	return text
}

// Identity is who somebody is.
type Identity struct {
	Issuer, Subject string
	// Claims are those of the ID token.
	Claims map[string]any
}

// Answer is what a browser brings back from the issuer.
type Answer struct{ Code, Issuer string }

// Finish returns who logged in. State was taken from the caller's store before, so that no answer
// counts twice.
//
// # Errors
//
// An error that says what is wrong, for the log: a person who only sees it can do nothing about it.
func (p *Provider) Finish(ctx context.Context, a Answer, browser secret.Value) (*Identity, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if a.Code == "" || len(a.Code) > maxParameter {
		return nil, errors.New("the answer has no code")
	}
	d, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	if a.Issuer != "" && a.Issuer != p.config.Issuer || a.Issuer == "" && d.answersIssuer {
		return nil, errors.New("the answer is another issuer's")
	}
	raw, err := p.exchange(ctx, d, a.Code, derived(browser, "verifier"))
	if err != nil {
		return nil, err
	}
	verifier := d.provider.VerifierContext(p.context(ctx), &oidc.Config{ClientID: p.config.ClientID, SupportedSigningAlgs: d.methods, Now: p.config.HTTP.Now})
	token, err := verifier.Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("the ID token is not good: %w", err)
	}
	if !hmac.Equal([]byte(token.Nonce), []byte(derived(browser, "nonce"))) {
		return nil, errors.New("the ID token is for another login: it has another nonce")
	}
	claims := make(map[string]any)
	if err := token.Claims(&claims); err != nil {
		return nil, err
	}
	party, named := claims["azp"]
	if named && party != p.config.ClientID || !named && len(token.Audience) > 1 {
		return nil, errors.New("the ID token is for another client")
	}
	if token.Subject == "" || len(token.Subject) > 255 {
		return nil, errors.New("the ID token has no subject")
	}
	if token.IssuedAt.After(p.config.HTTP.Now().Add(skew)) {
		return nil, errors.New("the ID token is from the future")
	}
	return &Identity{Issuer: token.Issuer, Subject: token.Subject, Claims: claims}, nil
}

// exchange gets the ID token for a code.
func (p *Provider) exchange(ctx context.Context, d *discovered, code, verifier string) (string, error) {
	c := p.oauth(d)
	exchange := func(password []byte) (raw string, err error) {
		c.ClientSecret = string(password)
		token, err := c.Exchange(p.context(ctx), code, oauth2.VerifierOption(verifier))
		if err != nil {
			if refused, is := errors.AsType[*oauth2.RetrieveError](err); is { // its text has the whole answer
				return "", fmt.Errorf("the issuer refused the code: %.60q", refused.ErrorCode)
			}
			return "", fmt.Errorf("the code cannot be exchanged: %w", err)
		}
		raw, ok := token.Extra("id_token").(string)
		if !ok {
			return "", errors.New("the issuer answered without an ID token")
		}
		return raw, nil
	}
	if p.config.ClientSecret == nil {
		return exchange(nil)
	}
	password, err := p.config.ClientSecret(ctx)
	if err != nil {
		return "", err
	}
	var raw string
	err = password.Reveal(func(b []byte) (err error) {
		raw, err = exchange(b)
		return err
	})
	return raw, err
}
