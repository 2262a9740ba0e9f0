package accesstoken

import (
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// maxToken is the length of the longest token, in bytes. What carries it is a header.
const maxToken = 16 << 10

// algorithms are those that a token may be signed with: all of them have a private key,
// which the issuer alone has. Those of RFC 9068 are RS256 and what others agree on; none and
// the HS family would make a signer of anybody who knows the public keys.
func algorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256, jose.EdDSA}
}

// token is a signed token of which nothing is known to be true yet.
type token struct {
	signed         *jwt.JSONWebToken
	key, algorithm string
}

// parse reads the form of a token. Where a token says that its key is, inside it or at a
// URL, does not count: only the issuer's metadata says that.
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

// validType says whether a token of that typ may be an access token. RFC 9068, section 4,
// wants at+jwt; issuers from before it say JWT, or leave it out, which is the same.
func validType(typ any) bool {
	name, ok := typ.(string)
	return ok && (strings.EqualFold(name, "at+jwt") || strings.EqualFold(name, "application/at+jwt") || strings.EqualFold(name, "JWT"))
}

// claimsIssuer looks at who the token says it is from, before that is known to be true.
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

// verify returns what a token says if one of the keys signed it.
func (t *token) verify(candidates []jose.JSONWebKey) (*claims, error) {
	var err error
	for _, key := range candidates {
		var c claims
		// The key itself, not the set or its header, so that nothing of the token chooses.
		if err = t.signed.Claims(key.Key, &c); err == nil {
			return &c, nil
		}
	}
	return nil, refused("the token's signature is wrong").WithCause(err)
}
