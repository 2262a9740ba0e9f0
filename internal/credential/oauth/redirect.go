package oauth

import (
	"context"
	"net/url"
	"strings"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/credential/callback"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Redirect is the part of a login that its request and its answer share, for a server whose redirect
// URI gets the answer.
type Redirect struct {
	// URI is the redirect URI, as the vendor has it.
	URI string
	// State is in the request and in its answer. Nobody can guess it, and it counts once.
	State string
	// Verifier is the secret of PKCE (RFC 7636): 43 to 128 letters, digits, "-" and "_".
	Verifier secret.Value
}

// Address returns where the person logs in. The errors are those of [Login] about an address.
func (c LoginConfig) Address(r Redirect) (string, error) {
	address, err := c.address()
	if err != nil {
		return "", err
	}
	err = r.Verifier.Reveal(func(verifier []byte) error { return c.ask(address, r.URI, r.State, string(verifier)) })
	return address.String(), err
}

// Redeem takes the query of an answer, and returns the tokens. Where no issuer is known, an answer
// that names one must name the host at which the person logged in: another server may have sent it
// (RFC 9700, section 4.4).
//
// # Errors
//
// auth_failed if the answer is not one to this request, or if it says no; those of [Client.Refresh].
func (c LoginConfig) Redeem(ctx context.Context, r Redirect, query url.Values) (Token, error) {
	answer, wrong := callback.Read(query, r.State, c.Issuer)
	if wrong == "" && c.Issuer == "" && answer.Issuer != "" && !c.from(answer.Issuer) {
		wrong = "This response comes from the wrong server."
	}
	if wrong != "" {
		return Token{}, &abi.Error{Kind: abi.KindAuthFailed, Field: "oauth", Message: "the answer to the login of connection " + c.Client.config.Connection + " is not good: " + strings.TrimSuffix(wrong, "."), Hint: "log in again; if it happens again, the operator checks oauth.issuer"}
	}
	if answer.Error != "" {
		return Token{}, c.declined(answer.Error)
	}
	return c.Client.code(ctx, answer.Code, r.Verifier, r.URI)
}

// from reports whether an issuer is at the host where the person logs in.
func (c LoginConfig) from(issuer string) bool {
	i, err := url.Parse(issuer)
	at, atErr := url.Parse(c.Authorize.URL)
	return err == nil && atErr == nil && i.Host != "" && i.Host == at.Host && i.Scheme == at.Scheme
}
