package oauthtest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/token/jwt"
)

// NewIssuer returns a Server whose access tokens are JWTs of an issuer, signed with RS256. It
// also serves its metadata (RFC 8414) and its keys.
func NewIssuer(ctx context.Context, issuer string, clients ...Client) (*Server, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	const kid = "fosite"
	config := newConfig()
	config.AccessTokenIssuer = issuer
	session := func() fosite.Session {
		return &oauth2.JWTSession{
			Subject:   "ada",
			JWTClaims: &jwt.JWTClaims{Subject: "ada"},
			JWTHeader: &jwt.Headers{Extra: map[string]any{"kid": kid}},
		}
	}
	tokens := compose.NewOAuth2JWTStrategy(func(context.Context) (any, error) { return key, nil }, compose.NewOAuth2HMACStrategy(config), config)
	s, err := newServer(ctx, config, tokens, session, clients...)
	if err != nil {
		return nil, err
	}
	text := base64.RawURLEncoding.EncodeToString
	s.document("GET /.well-known/oauth-authorization-server", map[string]any{
		"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token", "jwks_uri": issuer + "/keys",
		"response_types_supported": []string{"code"}, "code_challenge_methods_supported": []string{"S256"}, "token_endpoint_auth_methods_supported": []string{"none"},
	})
	s.document("GET /keys", map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": text(key.N.Bytes()), "e": text(big.NewInt(int64(key.E)).Bytes()),
	}}})
	return s, nil
}

func (s *Server) document(pattern string, value any) {
	s.routes.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(value)
	})
}
