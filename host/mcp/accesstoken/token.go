package accesstoken

import (
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// maxToken is the length of the longest token, in bytes.
const maxToken = 16 << 10

// algorithms are the permitted signatures, all with a private key of the issuer. RFC 9068 requires
// RS256 and permits others; with none and the HS family, anyone with the public keys could sign.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}
}

// token is a signed token that is not verified yet.
type token struct {
	signed         *jwt.JSONWebToken
	key, algorithm string
}

// parse reads a token. It ignores keys and URLs of keys in the token: only the issuer's metadata
// counts.
func parse(text string) (*token, error) {
	if len(text) > maxToken {
		return nil, refused("the token is too long")
	}
	signed, err := jwt.ParseSigned(text, algorithms())
	if err != nil || len(signed.Headers) != 1 {
		return nil, refused("the token is not a JWT with an RS256, PS256, ES256 or EdDSA signature").WithCause(err)
	}
	header := signed.Headers[0]
	if typ, given := header.ExtraHeaders[jose.HeaderType]; given && !validType(typ) {
		return nil, refused("the token's type is not an access token")
	}
	return &token{signed, header.KeyID, header.Algorithm}, nil
}

// validType reports whether a token of that typ may be an access token. RFC 9068, section 4, wants
// at+jwt; older issuers send JWT or no typ.
func validType(typ any) bool {
	name, ok := typ.(string)
	return ok && (strings.EqualFold(name, "at+jwt") || strings.EqualFold(name, "application/at+jwt") || strings.EqualFold(name, "JWT"))
}

// claimsIssuer checks the unverified issuer of a token.
func (t *token) claimsIssuer(issuer string) error {
	var c struct {
		Issuer string `json:"iss"`
	}
	if err := t.signed.UnsafeClaimsWithoutVerification(&c); err != nil {
		return refused("the token's claims are not valid").WithCause(err)
	}
	if c.Issuer != issuer {
		return refused("the token is from another issuer")
	}
	return nil
}

// verify returns a token's claims if one of the keys signed it: those that are checked, and all.
func (t *token) verify(candidates []jose.JSONWebKey) (*claims, map[string]any, error) {
	var err error
	for _, key := range candidates {
		var c claims
		all := make(map[string]any)
		// The key itself, not the set, so that the token does not choose.
		if err = t.signed.Claims(key.Key, &c, &all); err == nil {
			return &c, all, nil
		}
	}
	return nil, nil, refused("the token's signature is wrong").WithCause(err)
}
