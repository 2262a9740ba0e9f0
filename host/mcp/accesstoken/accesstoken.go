// Package accesstoken checks the access tokens of an OAuth 2.0 issuer, for a server that is a
// protected resource. Tokens are JWTs (RFC 7519), in the profile of RFC 9068 or similar. The
// issuer's metadata (RFC 8414, or OpenID Connect Discovery) says where its keys are.
//
//	v, err := accesstoken.New(accesstoken.Config{
//		Issuer:   "https://login.example.com",
//		Audience: "https://mcp.example.com",
//	})
//	if err != nil { ... }
//	options := mcp.HTTPOptions{Verify: v.Verify, Issuer: ..., Resource: ...}
//
// It is not for opaque tokens, which only the issuer can check (RFC 7662), nor for id tokens, which
// grant no access.
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

// Config says which tokens are valid. Issuer and Audience are required.
type Config struct {
	// Issuer is the URL in the issuer's metadata and tokens, compared exactly. It is https, or
	// http at a loopback address. It may be at a private address, since the operator wrote it;
	// URLs in its metadata may be so only at the same origin.
	Issuer string
	// Audience is the required audience of a token: the URL of the server, or the issuer's
	// name for it.
	Audience string
	// Scopes are the scopes that a token must have.
	Scopes []string
	// Logger gets a line if keys cannot be read; nil logs nothing.
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

// New returns a Verifier. It sends no request: see [Verifier.Ready].
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

// Ready reads the issuer's metadata and keys, so that a mistake shows before the first token.
//
// # Errors
//
// *[abi.Error] of the kinds of [egress.Client.Send], and vendor_error for an answer that is not
// metadata of this issuer or has no key.
func (v *Verifier) Ready(ctx context.Context) error { return v.keys.refresh(ctx) }

// Verify returns the caller of a token: the issuer and the token's subject, as
// https://login.example.com#ada, which together identify a person or a program.
//
// # Errors
//
// All are *[abi.Error]: auth_failed for an invalid token; permission_denied for one that lacks a
// scope; any other kind if the issuer's keys could not be read, so that the token cannot be checked.
// Messages have no part of a token.
func (v *Verifier) Verify(ctx context.Context, token string) (caller string, err error) {
	caller, _, err = v.Claims(ctx, token)
	return caller, err
}

// Claims is [Verifier.Verify], and also returns all claims of the token.
func (v *Verifier) Claims(ctx context.Context, token string) (caller string, all map[string]any, err error) {
	t, err := parse(token)
	if err != nil {
		return "", nil, err
	}
	// Another issuer's token is refused before keys are read.
	if err := t.claimsIssuer(v.config.Issuer); err != nil {
		return "", nil, err
	}
	candidates, err := v.keys.find(ctx, t)
	if err != nil {
		return "", nil, err
	}
	c, all, err := t.verify(candidates)
	if err != nil {
		return "", nil, err
	}
	if err := c.check(v.config); err != nil {
		return "", nil, err
	}
	return v.config.Issuer + "#" + c.Subject, all, nil
}

// parseIssuer reads the URL of an issuer (RFC 8414, section 2). Keys over plain http could be
// anyone's, so it permits that on this machine only.
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

// validScope reports whether a text is one scope: RFC 6749, section 3.3.
func validScope(scope string) bool {
	return scope != "" && strings.IndexFunc(scope, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == '"' || r == '\\' }) < 0
}

func refused(message string) *abi.Error {
	return &abi.Error{Kind: abi.KindAuthFailed, Message: message, Hint: "get a new token from the issuer, for this server"}
}
