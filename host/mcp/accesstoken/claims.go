package accesstoken

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"
)

// claims are the used claims of a token.
type claims struct {
	jwt.Claims
	Scope scopes `json:"scope"` // RFC 9068, section 2.2.3
	Scp   scopes `json:"scp"`   // what Okta and Microsoft Entra call it
	// Confirmation binds a token to a key or a certificate of its holder (RFC 7800).
	Confirmation any `json:"cnf"`
	// AccessTokenHash and CodeHash are only in ID tokens: they say what came with one.
	AccessTokenHash any `json:"at_hash"`
	CodeHash        any `json:"c_hash"`
}

// scopes are a list, or a text with spaces between.
type scopes []string

// UnmarshalJSON implements json.Unmarshaler.
func (s *scopes) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err == nil {
		*s = strings.Fields(text)
		return nil
	}
	return json.Unmarshal(b, (*[]string)(s))
}

// check checks the claims of a token that the issuer signed.
func (c *claims) check(want Config) error {
	now := want.Now()
	switch {
	case c.Issuer != want.Issuer:
		return refused("the token is from another issuer")
	case !slices.Contains(c.Audience, want.Audience):
		return refused("the token is not for this server")
	case c.Expiry == nil:
		return refused("the token has no expiry")
	case !now.Before(c.Expiry.Time().Add(leeway)):
		return refused("the token has expired")
	case c.NotBefore != nil && now.Before(c.NotBefore.Time().Add(-leeway)):
		return refused("the token is not valid yet")
	case c.IssuedAt != nil && now.Before(c.IssuedAt.Time().Add(-leeway)):
		return refused("the token was issued in the future")
	case c.Confirmation != nil:
		// As a bearer token, a thief could use it: RFC 9449, section 7.2.
		return refused("the token is bound to a key or certificate, which this server does not support")
	case c.AccessTokenHash != nil || c.CodeHash != nil:
		// Some issuers give an ID token the audience of the access token, too.
		return refused("the token is an ID token, which grants no access; send the access token")
	case !validSubject(c.Subject):
		return refused("the token has no usable subject")
	}
	held := slices.Concat(c.Scope, c.Scp)
	for _, scope := range want.Scopes {
		if !slices.Contains(held, scope) {
			return &abi.Error{
				Kind: abi.KindPermissionDenied, Code: "insufficient_scope", Message: "the token lacks the scope " + scope,
				Hint: "get a token with the scopes " + strings.Join(want.Scopes, " "),
			}
		}
	}
	return nil
}

// maxSubject is the length of the longest subject, in bytes: that of OpenID Connect Core,
// section 2.
const maxSubject = 255

// validSubject reports whether a subject is short and has no invisible characters, for records and
// screens.
func validSubject(subject string) bool {
	return subject != "" && len(subject) <= maxSubject && utf8.ValidString(subject) &&
		strings.IndexFunc(subject, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
