package oauth

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/logins"
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Token is what a token endpoint issued.
type Token struct {
	Access secret.Value
	// Refresh is zero if none was issued; the used one then stays good.
	Refresh secret.Value
	// Until is when to replace Access, some time before it expires. It is zero if the
	// server did not say.
	Until time.Time
	// Server is the origin that Access is for, if the answer named one that [Config.Server]
	// permits.
	Server string
}

// Usable reports whether the token can be used at a time.
func (t Token) Usable(now time.Time) bool {
	return !t.Access.IsZero() && (t.Until.IsZero() || now.Before(t.Until))
}

// Refresh gets a token with the grant refresh_token (RFC 6749, section 6).
//
// # Errors
//
// An *[abi.Error]: auth_failed if the server refuses the client or the refresh token,
// with the server's code in Code ([CodeInvalidGrant] and others); rate_limited,
// vendor_error, network, timeout and denied as for any request. A failed request may have
// used the refresh token up. If the answer names a server that [Config.Server] does not permit,
// the error is denied, and the Token has only the new refresh token.
func (c *Client) Refresh(ctx context.Context, refresh secret.Value, scopes []string) (Token, error) {
	return c.token(ctx, []param{
		{name: "grant_type", plain: "refresh_token"},
		{name: "refresh_token", secret: refresh},
		{name: "scope", plain: strings.Join(scopes, " ")},
	})
}

// Credentials gets a token with the grant client_credentials (RFC 6749, section 4.4). Its
// errors are those of [Client.Refresh].
func (c *Client) Credentials(ctx context.Context, scopes []string) (Token, error) {
	return c.token(ctx, []param{
		{name: "grant_type", plain: "client_credentials"},
		{name: "scope", plain: strings.Join(scopes, " ")},
	})
}

// ForItself gets a token for the client, without a person: with the grant client_credentials or
// jwt_bearer. Its errors are those of [Client.Credentials] and [Client.Assertion].
func (c *Client) ForItself(ctx context.Context, grant string, scopes []string) (Token, error) {
	if grant == abi.GrantJWTBearer {
		return c.Assertion(ctx, scopes)
	}
	return c.Credentials(ctx, scopes)
}

// mark stands for what a token of [Client.ForItself] depends on besides the binding of its row:
// what proves the client, and the scopes.
func (c *Client) mark(scopes []string) string {
	proof := logins.Mark(c.config.ClientSecret) + logins.Mark(c.config.ServiceAccount) + logins.Mark(c.config.PrivateKey)
	return proof + " " + strings.Join(scopes, " ")
}

// code gets a token with a login's code (RFC 6749, section 4.1.3; RFC 7636).
func (c *Client) code(ctx context.Context, code, verifier secret.Value, redirect string) (Token, error) {
	return c.token(ctx, []param{
		{name: "grant_type", plain: "authorization_code"},
		{name: "code", secret: code},
		{name: "redirect_uri", plain: redirect},
		{name: "code_verifier", secret: verifier},
	})
}

// answer is that of a token endpoint: RFC 6749, sections 5.1 and 5.2.
type answer struct {
	AccessToken  string          `json:"access_token"`
	TokenType    string          `json:"token_type"`
	ExpiresIn    json.RawMessage `json:"expires_in"`
	RefreshToken string          `json:"refresh_token"`
	Error        string          `json:"error"`
	Description  string          `json:"error_description"`
}

func (c *Client) token(ctx context.Context, params []param) (Token, error) {
	asked := c.config.HTTP.Now()
	resp, err := c.post(ctx, c.config.Token, params)
	if err != nil {
		return Token{}, err
	}
	defer clear(resp.Body)
	var a answer
	readable := json.Unmarshal(resp.Body, &a) == nil
	switch {
	case resp.Status != http.StatusOK || a.Error != "": // some send it with status 200
		return Token{}, c.refused(resp, a, params)
	case !readable || a.AccessToken == "":
		return Token{}, c.fault("answered without an access token")
	case strings.EqualFold(a.TokenType, "mac"), strings.EqualFold(a.TokenType, "dpop"):
		return Token{}, c.fault("gave a token that is bound to a key, which agenthost does not support")
	case !sendable(a.AccessToken):
		return Token{}, c.fault("gave a token with invalid characters")
	}
	t := Token{Access: secret.New([]byte(a.AccessToken)), Refresh: secret.New([]byte(a.RefreshToken))}
	if lifetime, ok := seconds(a.ExpiresIn); ok {
		t.Until = asked.Add(lifetime - margin(lifetime))
	}
	if t.Server, err = c.server(resp.Body); err != nil {
		return Token{Refresh: t.Refresh}, err
	}
	return t, nil
}

// server returns the origin that an answer names, empty if it names none.
func (c *Client) server(body []byte) (string, error) {
	if c.config.Server == nil {
		return "", nil
	}
	value, found, err := rawjson.Pointer(body, c.config.Server.Pointer)
	if err != nil || !found || rawjson.KindOf(value) == rawjson.Null {
		return "", err
	}
	named, err := origin.Named(rawjson.Unquote(value), c.config.Server.Suffixes)
	if err != nil {
		return "", &abi.Error{
			Kind: abi.KindDenied, Rule: RuleTokenServer,
			Message: fmt.Sprintf("the authorization server of connection %s names a server at %s that %v", c.config.Connection, c.config.Server.Pointer, err),
			Hint:    "tell the vendor; or name your server yourself: server: https://...",
		}
	}
	return named.String(), nil
}

// RuleTokenServer is the rule of a server that an answer with a token names, and that the
// connector does not permit.
const RuleTokenServer = "oauth2.server" //nolint:gosec // the name of a rule

// margin is how long before its end a token is replaced: clocks differ, and requests take time.
func margin(lifetime time.Duration) time.Duration { return min(time.Minute, lifetime/10) }

// seconds reads expires_in, which some servers write as text.
func seconds(raw json.RawMessage) (time.Duration, bool) {
	n, err := strconv.ParseFloat(strings.Trim(string(raw), `"`), 64)
	if err != nil || !(n > 0) {
		return 0, false
	}
	const most = 10 * 365 * 24 * time.Hour
	return time.Duration(min(n, most.Seconds()) * float64(time.Second)), true
}

// sendable reports whether a token has only characters that RFC 6749, appendix A, permits.
func sendable(token string) bool {
	return !strings.ContainsFunc(token, func(r rune) bool { return r < ' ' || r > '~' })
}

// Revoke revokes a refresh token, and its access tokens (RFC 7009).
//
// # Errors
//
// Those of [Client.Refresh]; invalid_params if there is no revocation endpoint.
func (c *Client) Revoke(ctx context.Context, refresh secret.Value) error {
	if c.config.Revoke.URL == "" {
		return &abi.Error{Kind: abi.KindInvalidParams, Field: "revoke_url", Message: "the connector declares no address to revoke tokens", Hint: "revoke the access in the vendor's settings"}
	}
	params := []param{{name: "token", secret: refresh}, {name: "token_type_hint", plain: "refresh_token"}}
	resp, err := c.post(ctx, c.config.Revoke, params)
	if err != nil {
		return err
	}
	defer clear(resp.Body)
	if resp.Status/100 == 2 {
		return nil
	}
	var a answer
	_ = json.Unmarshal(resp.Body, &a) // an unreadable answer has no code
	return c.refused(resp, a, params)
}

func (c *Client) fault(what string) error {
	return &abi.Error{Kind: abi.KindVendorError, Message: fmt.Sprintf("the authorization server of connection %s %s", c.config.Connection, what), Hint: "check the token URL that the connector declares, or oauth.token_url"}
}
