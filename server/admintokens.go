package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/internal/store/envelope"
	"github.com/agenthost/agenthost/server/internal/api"
	"github.com/agenthost/agenthost/server/internal/token"
)

// bootstrapScope is that of the first token: it does one thing.
const bootstrapScope connections.Scope = "bootstrap"

const (
	// tokenLife is how long an operator's token is good that does not say for how long.
	tokenLife = 90 * 24 * time.Hour
	// maxTokenLife is the longest that it may be.
	maxTokenLife = 366 * 24 * time.Hour
	// bootstrapLife is how long there is to redeem the first token.
	bootstrapLife = 7 * 24 * time.Hour
)

func (s *Server) adminTokenRoutes() []api.Route {
	return []api.Route{
		api.Do(api.Route{Method: http.MethodGet, Path: adminapi.TokensPath, ID: "listTokens", Summary: "List the tokens of operators.", Scope: connections.Read}, s.listTokens),
		api.Do(api.Route{Method: http.MethodPost, Path: adminapi.TokensPath, ID: "createToken", Summary: "Make a token of an operator, and show it once.", Scope: connections.Manage, Status: http.StatusCreated}, s.createToken),
		api.Do(api.Route{Method: http.MethodDelete, Path: adminapi.TokenPath, ID: "revokeToken", Summary: "Take the access from a token.", Scope: connections.Manage}, s.revokeToken),
		api.Do(api.Route{Method: http.MethodPost, Path: adminapi.RedeemBootstrapPath, ID: "redeemBootstrap", Summary: "Make an operator's token of the bootstrap token, which dies.", Scope: bootstrapScope, Status: http.StatusCreated}, s.redeemBootstrap),
	}
}

// errOperatorToken does not say more: its reader may be guessing tokens.
var errOperatorToken = errors.New("the operator's token is not valid, or it has expired")

// checkOperator returns the claims of an operator's token.
func (s *Server) checkOperator(ctx context.Context, text string) (*token.Claims, error) {
	if !envelope.IsToken(store.OperatorTokenPrefix, text) {
		return nil, errOperatorToken
	}
	o, err := s.store.OperatorTokenOf(ctx, secret.New([]byte(text)))
	if errors.Is(err, store.ErrNone) {
		return nil, errOperatorToken
	}
	if err != nil {
		return nil, &api.Refusal{Status: http.StatusServiceUnavailable, Message: "the server cannot look up the token now", Hint: "ask again later", RetryAfter: time.Second}
	}
	return &token.Claims{Application: o.ID, Scopes: scopesOfRole(o.Role)}, nil
}

// scopesOfRole are what an operator of a role may do; nil for no role.
func scopesOfRole(r store.Role) []connections.Scope {
	switch r {
	case store.RoleOperator:
		return operatorScopes
	case store.RoleViewer:
		return viewerScopes
	case store.RoleBootstrap:
		return []connections.Scope{bootstrapScope}
	}
	return nil
}

func (s *Server) listTokens(ctx context.Context, r *api.Request, in *adminapi.Page) (*adminapi.List[adminapi.Token], error) {
	p, err := adminPage(r, in)
	if err != nil {
		return nil, err
	}
	found, err := s.store.OperatorTokens(ctx, p)
	if err != nil {
		return nil, err
	}
	return listed(found, p, func(o *store.OperatorToken) string { return o.ID }, func(o *store.OperatorToken) adminapi.Token {
		return adminapi.Token{
			ID: o.ID, Name: o.Name, Role: string(o.Role), CreatedAt: timeText(o.Created), ExpiresAt: timeText(o.Expires), UsedAt: orNever(o.Used), RevokedAt: orNever(o.Revoked),
		}
	}), nil
}

// expiry returns when a token ends that is to be good for some seconds.
func (s *Server) expiry(seconds int64) (time.Time, error) {
	if seconds < 0 || seconds > int64(maxTokenLife/time.Second) {
		return time.Time{}, fault.Invalid("expires_in", fmt.Sprintf("expires_in is %d", seconds), fmt.Sprintf("use 1 to %d seconds", int64(maxTokenLife/time.Second)))
	}
	return s.now().Add(cmp.Or(time.Duration(seconds)*time.Second, tokenLife)), nil
}

func madeToken(o *store.OperatorToken, text secret.Value) *adminapi.MadeToken {
	return &adminapi.MadeToken{ID: o.ID, Name: o.Name, Role: string(o.Role), ExpiresAt: timeText(o.Expires), Token: adminapi.Show(text)}
}

func (s *Server) createToken(ctx context.Context, _ *api.Request, in *adminapi.NewToken) (*adminapi.MadeToken, error) {
	role := cmp.Or(store.Role(in.Role), store.RoleOperator)
	if role == store.RoleBootstrap {
		return nil, fault.Invalid("role", "a server has one bootstrap token, which its first start makes", "use operator or viewer")
	}
	expires, err := s.expiry(in.ExpiresIn)
	if err != nil {
		return nil, err
	}
	o, text, err := s.store.CreateOperatorToken(ctx, in.Name, role, expires, nil)
	if err != nil {
		return nil, err
	}
	return madeToken(&o, text), nil
}

func (s *Server) revokeToken(ctx context.Context, r *api.Request, _ *api.Nothing) (*api.Nothing, error) {
	if _, err := s.store.RevokeOperatorToken(ctx, r.PathValue("token_id")); err != nil {
		return nil, notThere(err, "token_id", "there is no such token, or it was revoked before", "list the tokens: agenthost token list, or GET "+adminapi.TokensPath)
	}
	return new(api.Nothing), nil
}

func (s *Server) redeemBootstrap(ctx context.Context, r *api.Request, in *adminapi.NewToken) (*adminapi.MadeToken, error) {
	if in.Role != "" && in.Role != string(store.RoleOperator) {
		return nil, fault.Invalid("role", "the bootstrap token makes an operator's token", "leave role out")
	}
	expires, err := s.expiry(in.ExpiresIn)
	if err != nil {
		return nil, err
	}
	o, text, err := s.store.RedeemBootstrap(ctx, r.Claims.Application, in.Name, expires)
	if errors.Is(err, store.ErrNone) { // another request was faster
		return nil, &api.Refusal{Status: http.StatusUnauthorized, Message: errOperatorToken.Error(), Hint: "use the token that was made of it"}
	}
	if err != nil {
		return nil, err
	}
	return madeToken(&o, text), nil
}
