package oauth

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/redact"
	"github.com/agenthost/agenthost/pdk/abi"
)

// The codes of a token endpoint's errors, from RFC 6749, section 5.2, and RFC 7009.
const (
	CodeInvalidRequest       = "invalid_request"
	CodeInvalidClient        = "invalid_client"
	CodeInvalidGrant         = "invalid_grant"
	CodeUnauthorizedClient   = "unauthorized_client"
	CodeUnsupportedGrantType = "unsupported_grant_type"
	CodeInvalidScope         = "invalid_scope"
	CodeUnsupportedTokenType = "unsupported_token_type"
)

func (c *Client) refused(resp *egress.Response, a answer, params []param) error {
	e := &abi.Error{Kind: abi.KindVendorError, Status: resp.Status}
	name := c.config.Connection
	what := fmt.Sprintf("the authorization server of connection %s answers with status %d", name, resp.Status)
	switch {
	case a.Error == CodeInvalidGrant && c.signs():
		e.Kind, what = abi.KindAuthFailed, "the vendor does not accept what the key of connection "+name+" signed"
		e.Hint = "check the key and its scopes in the vendor's settings, and the clock of this machine"
	case a.Error == CodeInvalidGrant:
		e.Kind, what = abi.KindAuthFailed, "the vendor no longer accepts the login of connection "+name
		e.Hint = "agenthost login " + name
	case a.Error == CodeInvalidClient, a.Error == "" && resp.Status == http.StatusUnauthorized:
		e.Kind, what = abi.KindAuthFailed, "the vendor does not know the client of connection "+name
		e.Hint = "check client_id and client_secret of the connection"
	case a.Error == CodeUnauthorizedClient, a.Error == CodeUnsupportedGrantType:
		e.Kind, what = abi.KindAuthFailed, "the client of connection "+name+" may not use this grant"
		e.Hint = "allow this grant for the client in the vendor's settings"
	case a.Error == CodeInvalidScope:
		e.Kind, what = abi.KindAuthFailed, "the vendor does not grant the scopes that connection "+name+" asks for"
		e.Hint = "set other scopes with oauth: {scopes: [...]}, or allow these for the client in the vendor's settings"
	case a.Error == CodeInvalidRequest:
		e.Hint = "check oauth.token_url, and tell the connector's author"
	case resp.Status == http.StatusTooManyRequests:
		e.Kind, e.Retryable = abi.KindRateLimited, true
		if wait, ok := egress.RetryAfter(resp.Header.Get("Retry-After"), c.config.HTTP.Now()); ok {
			e.RetryAfterMS = wait.Milliseconds()
		}
	case resp.Status >= 500:
		e.Retryable, e.Hint = true, "try again later"
	}
	if known(a.Error) {
		e.Code = a.Error
	}
	e.Message = what + c.words(a, params)
	return e
}

func known(code string) bool {
	return slices.Contains([]string{CodeInvalidRequest, CodeInvalidClient, CodeInvalidGrant, CodeUnauthorizedClient, CodeUnsupportedGrantType, CodeInvalidScope, CodeUnsupportedTokenType}, code)
}

// words is the server's description of its refusal, without the secrets of the request and
// without characters that it may not have (RFC 6749, section 5.2).
func (c *Client) words(a answer, params []param) string {
	if a.Description == "" || !known(a.Error) {
		return ""
	}
	text := redact.New(c.secrets(params)...).RedactString(a.Description)
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return -1
		}
		return r
	}, text)
	if len(text) > 200 {
		text = text[:200] + "..."
	}
	return ": it says: " + text
}

// unanswered names the server in an error of the network.
func (c *Client) unanswered(err error) error {
	var e *abi.Error
	if !errors.As(err, &e) {
		return err
	}
	named := e.WithCause(e.Unwrap())
	named.Message = "no token for connection " + c.config.Connection + ": " + e.Message
	named.RequestSent = false // callers ask about requests to the vendor's API
	return named
}
