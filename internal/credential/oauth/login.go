package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/callback"
	"github.com/agenthost/agenthost/pdk/abi"
)

// loginTime is how long a person has to log in.
const loginTime = 5 * time.Minute

// LoginConfig configures a login.
type LoginConfig struct {
	// Client gets the tokens.
	Client *Client
	// AuthorizeURL is where the person logs in. Only the operator may choose plain http, on
	// this machine only.
	Authorize Endpoint
	Params    [][2]string // further parameters of that URL
	Scopes    []string
	Issuer    string // the iss that the answer must have; empty permits any
	// Port is that of the redirect URI, for vendors that want it registered; 0 takes a free
	// one.
	Port int
	// Show gets the address that the person opens.
	Show func(address string)
}

// Login logs a person in and returns the tokens: the grant authorization_code, with PKCE and a
// redirect to this machine.
//
// # Errors
//
// An *[abi.Error]: auth_failed if the person or the server refuses; invalid_params for
// an address or a port that cannot be; timeout if nobody logs in; and those of
// [Client.Refresh].
func Login(ctx context.Context, c LoginConfig) (t Token, err error) {
	address, err := c.address()
	if err != nil {
		return Token{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, loginTime)
	defer cancel()
	// 256 random bits each, in the alphabet of RFC 7636, section 4.1.
	state, verifier := random(), random()
	listener, err := callback.Listen(ctx, c.Port, state, c.Issuer)
	if err != nil {
		return Token{}, err
	}
	defer func() {
		if closeErr := listener.Close(context.WithoutCancel(ctx)); err == nil {
			err = closeErr
		}
	}()
	if err := c.ask(address, listener.URL(), state, verifier); err != nil {
		return Token{}, err
	}
	c.Show(address.String())
	answer, err := listener.Wait(ctx)
	if err != nil {
		return Token{}, err
	}
	if answer.Error != "" {
		return Token{}, c.declined(answer.Error)
	}
	return c.Client.code(ctx, answer.Code, secret.New([]byte(verifier)), listener.URL())
}

// address checks the authorization URL, which a browser will open: it must not be a script, a
// file or plain http to another machine.
func (c LoginConfig) address() (*url.URL, error) {
	field := "connections." + c.Client.config.Connection + ".oauth.authorize_url"
	wrong := func(message, hint string) error {
		return &abi.Error{Kind: abi.KindInvalidParams, Field: field, Message: message, Hint: hint}
	}
	if c.Authorize.URL == "" {
		return nil, wrong("the connector declares no login address", "configure a refresh_token, or set the address: oauth: {authorize_url: https://...}")
	}
	u, err := url.Parse(c.Authorize.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" {
		return nil, wrong("the login address is not a URL", "write it like https://login.example.com/authorize")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	local := err == nil && ip.IsLoopback() && c.Authorize.Operator
	if u.Scheme != "https" && (u.Scheme != "http" || !local) {
		return nil, wrong("the login address does not start with https://", "plain http works only for 127.0.0.1, and only in oauth.authorize_url")
	}
	return u, nil
}

// ask adds the request to the address: RFC 6749, section 4.1.1, and RFC 7636, section 4.3.
func (c LoginConfig) ask(address *url.URL, redirect, state, verifier string) error {
	challenge := sha256.Sum256([]byte(verifier))
	query := address.Query()
	for _, pair := range c.Params {
		query.Set(pair[0], pair[1])
	}
	query.Set("response_type", "code")
	query.Set("redirect_uri", redirect)
	query.Set("state", state)
	query.Set("code_challenge", base64.RawURLEncoding.EncodeToString(challenge[:]))
	query.Set("code_challenge_method", "S256")
	if len(c.Scopes) > 0 {
		query.Set("scope", strings.Join(c.Scopes, " "))
	}
	// The id of a client is not secret, even if it comes from a source of secrets.
	err := c.Client.config.ClientID.Reveal(func(b []byte) error {
		query.Set("client_id", string(b))
		return nil
	})
	address.RawQuery = query.Encode()
	return err
}

// declined is the error for an answer without a code: RFC 6749, section 4.1.2.1.
func (c LoginConfig) declined(code string) error {
	e := &abi.Error{Kind: abi.KindAuthFailed, Message: "the login of connection " + c.Client.config.Connection + " was refused", Hint: "log in again, and allow the access"}
	codes := []string{"access_denied", "invalid_request", "invalid_scope", "server_error", "temporarily_unavailable", "unauthorized_client", "unsupported_response_type", "login_required", "consent_required"}
	if slices.Contains(codes, code) {
		e.Code = code
		e.Message += ": " + code
	}
	return e
}

func random() string {
	b := make([]byte, 32)
	// Since Go 1.24 this does not fail: without randomness the program ends.
	_, _ = rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}
