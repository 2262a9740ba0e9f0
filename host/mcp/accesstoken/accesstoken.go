// Package accesstoken checks the access tokens of an OAuth 2.0 issuer, for a server that
// is a protected resource. Tokens are JWTs (RFC 7519), in the profile of RFC 9068 or close
// to it. The issuer is found by its metadata (RFC 8414, or OpenID Connect Discovery), and
// its keys by what that says.
//
//	v, err := accesstoken.New(accesstoken.Config{
//		Issuer:   "https://login.example.com",
//		Audience: "https://mcp.example.com",
//	})
//	if err != nil { ... }
//	options := mcp.HTTPOptions{Verify: v.Verify, Issuer: ..., Resource: ...}
//
// It is not for opaque tokens, which only the issuer can tell (RFC 7662), nor for id tokens,
// which say who logged in and open nothing.
package accesstoken

import (
	"context"
	"github.com/agenthost/agenthost/internal/fault"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/seams"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/hashicorp/go-hclog"
)

// Proxy configures a proxy.
type Proxy = egress.ProxyConfig

// Config says whose tokens are good, and for what. Issuer and Audience are required.
type Config struct {
	// Issuer is the URL that the issuer's metadata and its tokens have, letter for
	// letter. It is https, or http at a loopback address. It may be at a private
	// address, since the operator wrote it; what its metadata leads to may be there at
	// the same origin alone.
	Issuer string
	// Audience is what a token has to be for: the URL of the server, or what the issuer
	// calls it.
	Audience string
	// Scopes a token has to have, all of them; none asks for none.
	Scopes []string
	// Logger says when keys cannot be read; nil says nothing.
	Logger hclog.Logger
	// Timeout is how long each request for metadata and keys may take; 0 means two minutes.
	Timeout time.Duration
	// Proxy is the way to the issuer; nil connects directly.
	Proxy *Proxy
	// Seams replace the network and the clock, as in host.Options.
	seams.Seams
}

// leeway is how far the issuer's clock may be from ours.
const leeway = 30 * time.Second

// Verifier checks tokens of one issuer. It is safe for concurrent use.
type Verifier struct {
	config Config
	keys   *keys
}

// New returns a Verifier. It asks nobody for anything: see [Verifier.Ready].
//
// # Errors
//
// *[abi.Error] of kind invalid_params, which names the field.
func New(c Config) (*Verifier, error) {
	c.Seams = c.Seams.WithDefaults()
	if c.Logger == nil {
		c.Logger = hclog.NewNullLogger()
	}
	issuer, err := parseIssuer(c.Issuer)
	if err != nil {
		return nil, err
	}
	if c.Audience == "" {
		return nil, fault.Invalid("audience", "the audience is missing, so the server would accept tokens for other servers", "set it to the URL of this server")
	}
	for _, scope := range c.Scopes {
		if !validScope(scope) {
			return nil, fault.Invalid("scopes", "a scope is empty, or has a space or another invalid character", "list each scope separately")
		}
	}
	c.Scopes = slices.Clone(c.Scopes)
	var proxy *egress.Proxy
	if c.Proxy != nil {
		if proxy, err = egress.NewProxy(*c.Proxy); err != nil {
			return nil, err
		}
	}
	source := &source{issuer: issuer, text: c.Issuer, http: egress.Config{
		Logger: c.Logger, Proxy: proxy, Limits: egress.Limits{Timeout: c.Timeout}, Seams: c.Seams,
	}}
	return &Verifier{c, newKeys(source.fetch, c.Now, c.Logger)}, nil
}

// Ready reads the issuer's metadata and keys, so that a mistake shows before the first
// token comes.
//
// # Errors
//
// *[abi.Error] of the kinds of [egress.Client.Send], and vendor_error for an answer that is
// no metadata of this issuer or has no key.
func (v *Verifier) Ready(ctx context.Context) error { return v.keys.refresh(ctx) }

// Verify says who a token is for: the issuer and the token's subject, as
// https://login.example.com#ada. The two together are one person or one program.
//
// # Errors
//
// All are *[abi.Error]: auth_failed for a token that is not good; permission_denied for one
// that lacks a scope; any other kind where the issuer's keys could not be read, so that
// nothing can be said of the token. No message has any part of a token in it.
func (v *Verifier) Verify(ctx context.Context, token string) (caller string, err error) {
	t, err := parse(token)
	if err != nil {
		return "", err
	}
	// Who signs for somebody else is refused before anybody is asked for keys.
	if err := t.claimsIssuer(v.config.Issuer); err != nil {
		return "", err
	}
	candidates, err := v.keys.find(ctx, t)
	if err != nil {
		return "", err
	}
	c, err := t.verify(candidates)
	if err != nil {
		return "", err
	}
	if err := c.check(v.config); err != nil {
		return "", err
	}
	return v.config.Issuer + "#" + c.Subject, nil
}

// parseIssuer reads the URL of an issuer (RFC 8414, section 2). Keys that came over plain
// http could be anybody's, so that is for this machine alone.
func parseIssuer(text string) (*url.URL, error) {
	const hint = "write it as in the issuer's metadata, such as https://login.example.com"
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, fault.Invalid("issuer", "the issuer is missing", hint)
	case err != nil || u.Host == "":
		return nil, fault.Invalid("issuer", "the issuer is not a URL", hint)
	case strings.ContainsAny(u.EscapedPath(), "%{}"):
		return nil, fault.Invalid("issuer", "the issuer's URL has a path with a brace or an escaped character", hint)
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(text, "#"):
		return nil, fault.Invalid("issuer", "the issuer's URL has a user, a query or a fragment", hint)
	case u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
		return nil, fault.Invalid("issuer", "the issuer's URL does not start with https://", "plain http works only for an issuer on this machine, such as http://127.0.0.1:9000")
	}
	return u, nil
}

// validScope says whether a text is one scope: RFC 6749, section 3.3.
func validScope(scope string) bool {
	return scope != "" && strings.IndexFunc(scope, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' }) < 0
}

func refused(message string) *abi.Error {
	return &abi.Error{Kind: abi.KindAuthFailed, Message: message, Hint: "get a new token from the issuer, for this server"}
}
