package oauthtest

import (
	"context"
	"net/http"
	"time"

	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/storage"
)

// Server is an authorization server. It wants PKCE with S256 from everyone, replaces a
// refresh token with each use, and withdraws a login whose refresh token comes twice. It
// may be used by several goroutines.
type Server struct {
	provider fosite.OAuth2Provider
	routes   *http.ServeMux
	// session is what the server keeps of a login.
	session func() fosite.Session
}

// Client is a client that the server knows. One without a secret is public.
type Client struct{ ID, Secret string }

// NewServer returns a Server with clients that may use every grant, the scopes read and
// offline, and a redirect to any port of 127.0.0.1 (RFC 8252, section 7.3).
func NewServer(ctx context.Context, clients ...Client) (*Server, error) {
	config := newConfig()
	session := func() fosite.Session { return &fosite.DefaultSession{Subject: "ada"} }
	return newServer(ctx, config, compose.NewOAuth2HMACStrategy(config), session, clients...)
}

func newConfig() *fosite.Config {
	return &fosite.Config{
		AccessTokenLifespan: time.Hour,
		EnforcePKCE:         true,
		GlobalSecret:        []byte("what fosite signs its tokens with"),
		HashCost:            4, // the least that bcrypt has
	}
}

func newServer(ctx context.Context, config *fosite.Config, tokens any, session func() fosite.Session, clients ...Client) (*Server, error) {
	store := storage.NewMemoryStore()
	for _, c := range clients {
		known := &fosite.DefaultClient{
			ID: c.ID, Public: c.Secret == "",
			RedirectURIs:  []string{"http://127.0.0.1/callback"},
			ResponseTypes: []string{"code"},
			GrantTypes:    []string{"authorization_code", "refresh_token", "client_credentials"},
			Scopes:        []string{"read", "offline"},
		}
		if !known.Public {
			hash, err := (&fosite.BCrypt{Config: config}).Hash(ctx, []byte(c.Secret))
			if err != nil {
				return nil, err
			}
			known.Secret = hash
		}
		store.Clients[c.ID] = known
	}
	s := &Server{routes: http.NewServeMux(), session: session, provider: compose.Compose(config, store, tokens,
		compose.OAuth2AuthorizeExplicitFactory, compose.OAuth2ClientCredentialsGrantFactory, compose.OAuth2RefreshTokenGrantFactory,
		compose.OAuth2TokenIntrospectionFactory, compose.OAuth2TokenRevocationFactory, compose.OAuth2PKCEFactory)}
	s.routes.HandleFunc("GET /authorize", s.authorize)
	s.routes.HandleFunc("POST /token", s.token)
	s.routes.HandleFunc("POST /revoke", s.revoke)
	return s, nil
}

var _ http.Handler = (*Server)(nil)

// ServeHTTP serves /authorize, /token and /revoke.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.routes.ServeHTTP(w, r) }

// Knows reports whether an access token is one that the server gave out for the scope,
// and has not withdrawn.
func (s *Server) Knows(ctx context.Context, token, scope string) bool {
	_, _, err := s.provider.IntrospectToken(ctx, token, fosite.AccessToken, new(fosite.DefaultSession), scope)
	return err == nil
}

// authorize lets everyone in, with all that they ask for.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	request, err := s.provider.NewAuthorizeRequest(ctx, r)
	if err != nil {
		s.provider.WriteAuthorizeError(ctx, w, request, err)
		return
	}
	for _, scope := range request.GetRequestedScopes() {
		request.GrantScope(scope)
	}
	if resource := r.FormValue("resource"); resource != "" { // RFC 8707, which fosite leaves to its user
		request.GrantAudience(resource)
	}
	response, err := s.provider.NewAuthorizeResponse(ctx, request, s.session())
	if err != nil {
		s.provider.WriteAuthorizeError(ctx, w, request, err)
		return
	}
	s.provider.WriteAuthorizeResponse(ctx, w, request, response)
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	request, err := s.provider.NewAccessRequest(ctx, r, s.session())
	if err != nil {
		s.provider.WriteAccessError(ctx, w, request, err)
		return
	}
	if request.GetGrantTypes().ExactOne("client_credentials") {
		for _, scope := range request.GetRequestedScopes() {
			request.GrantScope(scope)
		}
	}
	response, err := s.provider.NewAccessResponse(ctx, request)
	if err != nil {
		s.provider.WriteAccessError(ctx, w, request, err)
		return
	}
	s.provider.WriteAccessResponse(ctx, w, request, response)
}

func (s *Server) revoke(w http.ResponseWriter, r *http.Request) {
	s.provider.WriteRevocationResponse(r.Context(), w, s.provider.NewRevocationRequest(r.Context(), r))
}
