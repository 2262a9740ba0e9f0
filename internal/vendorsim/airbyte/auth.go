package airbyte

import (
	"encoding/hex"
	"net/http"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
)

type token struct {
	expires time.Time
	revoked bool
}

// TokenPrefix starts every access token.
const TokenPrefix = "eyJsim_"

func (s *Service) issueToken(w http.ResponseWriter, r *http.Request) {
	var asked airbyteapi.TokenRequest
	if !readJSON(w, r, &asked) {
		return
	}
	switch {
	case asked.ClientID == "":
		detailAt(w, "Field required", "missing", "body", "client_id")
		return
	case asked.ClientSecret == "":
		detailAt(w, "Field required", "missing", "body", "client_secret")
		return
	}
	if !s.knows(asked.ClientID, asked.ClientSecret) {
		refuse(w, http.StatusUnauthorized, "Invalid client credentials", problem{Message: "client_id or client_secret is wrong", Code: "invalid_client"})
		return
	}
	organization, ok := s.organization(w, r)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	random := make([]byte, 24)
	for i := range random {
		random[i] = byte(s.rng.Uint32())
	}
	bearer := TokenPrefix + hex.EncodeToString(random)
	s.tokens[bearer] = &token{expires: s.now().Add(s.options.TokenLife)}
	s.issued++
	answer(w, http.StatusOK, airbyteapi.Token{
		AccessToken: bearer, TokenType: "bearer", ExpiresIn: float64(int(s.options.TokenLife.Seconds())), OrganizationID: organization,
	})
}

func (s *Service) accepts(bearer string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[bearer]
	return t != nil && !t.revoked && s.now().Before(t.expires)
}

func (s *Service) knows(clientID, clientSecret string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return clientID == s.options.ClientID && clientSecret == s.secret
}

// RotateSecret gives the application another client secret. The one before is refused from then on; tokens that were
// handed out for it stay good until they end.
func (s *Service) RotateSecret(clientSecret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secret = clientSecret
}

// RevokeTokens makes every token that was handed out worthless before its time.
func (s *Service) RevokeTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.tokens {
		t.revoked = true
	}
}

// TokensIssued says how many tokens were handed out.
func (s *Service) TokensIssued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issued
}
