package server

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/adminapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/server/internal/api"
	"github.com/agenthost/agenthost/server/internal/rate"
	"github.com/agenthost/agenthost/server/internal/token"
)

// operatorRate is how often an operator asks.
var operatorRate = rate.Limit{Burst: 500, Every: 10 * time.Millisecond}

// The scopes of operators. A viewer changes nothing.
var (
	operatorScopes = []connections.Scope{connections.Read, connections.Manage}
	viewerScopes   = operatorScopes[:1]
)

// newAdmin returns the operators' API. It has a check of its own: no token of the other API is good
// here, and no token of an operator there.
func (s *Server) newAdmin() (*api.API, error) {
	return api.New(api.Options{
		Check: s.checkOperator, Local: localOperator, Admit: s.admitOperator, Ready: s.ready, Enter: enterOperator, Hold: s.host.HoldMessage, Peer: s.peer, NewID: newID,
		Timeout: requestTimeout, URL: s.options.URL, Version: host.Version(), Logger: s.log.Named("admin"),
		Description: "The API of the operators of agenthost serve.", Document: adminapi.DocumentPath, TokenHint: "agenthost token create",
		ScopeHint: "use an operator's token with that scope; agenthost token redeem NAME makes one of a bootstrap token",
	}, s.adminRoutes())
}

func (s *Server) adminRoutes() []api.Route {
	return slices.Concat(
		s.adminOrganizationRoutes(), s.adminWorkspaceRoutes(), s.adminWorkspaceTokenRoutes(), s.adminApplicationRoutes(), s.adminTokenRoutes(), s.adminPluginRoutes(), s.adminPlanRoutes(), s.adminConnectionRoutes(), s.adminJobRoutes(),
	)
}

func (s *Server) admitOperator(c *token.Claims) time.Duration {
	return s.operatorLimit.Take(c.Application, s.now())
}

// localKey is the key of the user of this machine who sent a request.
type localKey struct{}

// localOperator returns the claims of a request that came over the local socket: who can open it
// is the operator.
func localOperator(ctx context.Context) *token.Claims {
	name, ok := ctx.Value(localKey{}).(string)
	if !ok {
		return nil
	}
	return &token.Claims{Application: name, Scopes: operatorScopes}
}

// enterOperator says in the context of a request who makes the changes that it asks for.
func enterOperator(ctx context.Context, r *api.Request) context.Context {
	via := "operator"
	if ctx.Value(localKey{}) != nil {
		via = "command"
	}
	return store.WithActor(ctx, store.Actor{Via: via, Caller: r.Claims.Application, Request: r.ID})
}

// LocalHandler serves the operators' API, and the probes of Handler, to whoever can connect: it needs no
// token. It is for a listener that only the operator can reach, such as that of package localsocket.
// The address of a connection's other end is in the audit trail as the user. The server is ready until
// ctx ends.
func (s *Server) LocalHandler(ctx context.Context) http.Handler {
	mux := http.NewServeMux()
	httpserve.Probes(mux, func() httpserve.Readiness { return s.readiness(ctx) })
	mux.HandleFunc(adminapi.Prefix, func(w http.ResponseWriter, r *http.Request) {
		s.admin.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), localKey{}, r.RemoteAddr)))
	})
	return httpserve.Guard{Patience: s.options.patience}.Handler(mux)
}

// adminPage reads which part of a list is asked for. One more than it has shows whether there is
// another part.
func adminPage(r *api.Request, in *adminapi.Page) (store.Page, error) {
	if err := checkCursor(in.Cursor); err != nil {
		return store.Page{}, err
	}
	limit := in.Limit
	if limit == 0 && !r.URL.Query().Has("limit") {
		limit = defaultAdminPage
	}
	if limit < 1 || limit >= store.MaxPage {
		return store.Page{}, wrongLimit(limit, store.MaxPage-1)
	}
	return store.Page{After: in.Cursor, Limit: limit + 1}, nil
}

// defaultAdminPage is the length of a part of a list that does not say how long it is to be.
const defaultAdminPage = 100

// listed makes the answer of what was found for a page.
func listed[From, To any](found []From, p store.Page, id func(*From) string, to func(*From) To) *adminapi.List[To] {
	list := &adminapi.List[To]{Data: []To{}}
	n := min(len(found), p.Limit-1)
	for i := range found[:n] {
		list.Data = append(list.Data, to(&found[i]))
	}
	if len(found) > n {
		list.Next = id(&found[n-1])
	}
	return list
}
