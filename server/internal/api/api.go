package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/httpserve"
	"github.com/agenthost/agenthost/server/internal/token"
	"github.com/hashicorp/go-hclog"
)

// Options configure an [API].
type Options struct {
	// Ready returns an error that refuses every request; nil if it may go on.
	Ready func() error
	// Check returns what an access token says. Its error is for the client.
	Check func(ctx context.Context, text string) (*token.Claims, error)
	// Local returns the claims of a request that needs no token, because of where it came in; nil
	// for any other one. Nil if there are no such requests.
	Local func(ctx context.Context) *token.Claims
	// Admit says whether the bearer of a token may ask once more now, and else after how long.
	Admit func(c *token.Claims) time.Duration
	// Enter returns the context of a request whose token is good.
	Enter func(ctx context.Context, r *Request) context.Context
	// Hold reserves memory for a long body, see [httpserve.Exchange.ReadBody].
	Hold func(ctx context.Context, caller string, bytes int64) (release func(), err error)
	// Peer returns the address of the client of a request.
	Peer func(r *http.Request) string
	// NewID returns a fresh id for a request.
	NewID func() string
	// Timeout bounds a request from when its token is good.
	Timeout time.Duration
	// URL is the origin of the server for clients. The OpenAPI document has it.
	URL, Version string
	// Description says in the OpenAPI document what the API is for.
	Description string
	// Document is the path of the OpenAPI document; empty means [OpenAPIPath].
	Document string
	// TokenHint says where a client gets a token.
	TokenHint string
	// ScopeHint says what to do with a token that lacks a scope; empty means to use another one.
	ScopeHint string
	Logger    hclog.Logger
}

// API serves routes. It is an http.Handler behind an [httpserve.Guard].
type API struct {
	options  Options
	routes   []Route
	mux      *http.ServeMux
	allowed  map[string][]string // the methods of a path
	document []byte
	shares   shares
}

// OpenAPIPath is where the OpenAPI document is, unless the options say otherwise.
const OpenAPIPath = "/openapi.json"

// RequestIDHeader has the id of a request in its answer.
const RequestIDHeader = "X-Request-Id"

// New returns an API of some routes.
func New(o Options, routes []Route) (*API, error) {
	o.Document = cmp.Or(o.Document, OpenAPIPath)
	a := &API{options: o, routes: routes, mux: http.NewServeMux(), allowed: map[string][]string{o.Document: {http.MethodGet}}}
	var err error
	if a.document, err = document(o, routes); err != nil {
		return nil, err
	}
	for i := range routes {
		route := &routes[i]
		a.mux.HandleFunc(route.Method+" "+route.Path, func(w http.ResponseWriter, r *http.Request) { a.exchange(w, r, route) })
		a.allowed[route.Path] = append(a.allowed[route.Path], route.Method)
	}
	a.mux.HandleFunc("/", a.refuseUnknown)
	a.mux.HandleFunc("GET "+o.Document, func(w http.ResponseWriter, _ *http.Request) { send(w, http.StatusOK, a.document) })
	for path, methods := range a.allowed {
		a.refuseOthers(path, methods)
	}
	return a, nil
}

// refuseOthers answers the methods that a path does not have. Otherwise a path of another route,
// which has a parameter in the place of its last word, would get them.
func (a *API) refuseOthers(path string, methods []string) {
	slices.Sort(methods)
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		if !slices.Contains(methods, method) {
			a.mux.HandleFunc(method+" "+path, func(w http.ResponseWriter, r *http.Request) { a.notAllowed(w, r, methods) })
		}
	}
}

func (a *API) notAllowed(w http.ResponseWriter, r *http.Request, methods []string) {
	w.Header().Set("Allow", strings.Join(methods, ", "))
	a.refuse(w, r, &Refusal{Status: http.StatusMethodNotAllowed, Message: fmt.Sprintf("%.20q is not possible here", r.Method), Hint: "use " + strings.Join(methods, " or ")})
}

// refuse answers a request that is for no route.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, why *Refusal) {
	a.fail(r.Context(), w, &Request{Request: r, ID: a.options.NewID()}, why)
}

// ServeHTTP answers a request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

// refuseUnknown answers a request that no route takes.
func (a *API) refuseUnknown(w http.ResponseWriter, r *http.Request) {
	// Every path answers to GET, if only that it has another method.
	_, pattern := a.mux.Handler(&http.Request{Method: http.MethodGet, URL: r.URL, Host: r.Host})
	if _, path, known := strings.Cut(pattern, " "); known {
		a.notAllowed(w, r, a.allowed[path])
		return
	}
	a.refuse(w, r, &Refusal{Status: http.StatusNotFound, Message: "there is no such page", Hint: "see " + a.options.Document})
}

// exchange serves one request of a route.
func (a *API) exchange(w http.ResponseWriter, raw *http.Request, route *Route) {
	whole := raw.Context()
	r := &Request{Request: raw, ID: a.options.NewID(), Peer: a.options.Peer(raw), header: w.Header()}
	defer func() {
		if p := recover(); p != nil {
			a.options.Logger.Error("BUG: panic", "request", r.ID, "route", route.ID, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			a.fail(whole, w, r, fmt.Errorf("panic in %s", route.ID))
		}
	}()
	if err := a.options.Ready(); err != nil {
		a.fail(whole, w, r, err)
		return
	}
	e := httpserve.Of(whole)
	if err := a.identify(whole, r, e, route); err != nil {
		a.fail(whole, w, r, err)
		return
	}
	if !route.Public {
		left, err := a.shares.enter(r.Claims, e.Connections())
		if err != nil {
			a.fail(whole, w, r, err)
			return
		}
		defer left()
		e.Known(caller(r.Claims))
	}
	ctx, cancel := context.WithTimeout(whole, a.options.Timeout)
	defer cancel()
	if !route.Public {
		ctx = a.options.Enter(ctx, r)
	}
	r.Request = raw.WithContext(ctx)
	input, err := a.read(ctx, r, e, route)
	if err != nil {
		a.fail(ctx, w, r, err)
		return
	}
	if !route.Public {
		// Only from now on does the client not keep the server waiting.
		done := e.Served(caller(r.Claims))
		defer done()
	}
	answer, err := route.serve(ctx, r, input)
	if err != nil {
		a.fail(ctx, w, r, err)
		return
	}
	encoded, made := answer.(*Raw)
	if !made {
		encoded = new(Raw)
		if encoded.Body, err = json.Marshal(answer); err != nil {
			a.fail(ctx, w, r, fmt.Errorf("encode the answer of %s: %w", route.ID, err))
			return
		}
	}
	w.Header().Set(RequestIDHeader, r.ID)
	send(w, cmp.Or(encoded.Status, route.status()), encoded.Body)
}

func (r *Route) status() int {
	return cmp.Or(r.Status, http.StatusOK)
}

// caller is whose share of memory and of streams a request counts for.
func caller(c *token.Claims) string { return c.Application + "/" + c.Workspace }

// identify checks the token of a request, and what it permits.
func (a *API) identify(ctx context.Context, r *Request, e *httpserve.Exchange, route *Route) error {
	if route.Public {
		return nil
	}
	claims, err := a.claims(ctx, r, e)
	if err != nil {
		return err
	}
	r.Claims = claims
	if organizations := r.Request.Header.Values(airbyteapi.OrganizationHeader); len(organizations) > 1 || len(organizations) == 1 && organizations[0] != "" && !strings.EqualFold(organizations[0], claims.Organization) {
		return AnotherOrganization("the access token", "the header "+airbyteapi.OrganizationHeader)
	}
	if after := a.options.Admit(claims); after > 0 {
		return Limited("requests with this access token", after)
	}
	switch {
	case route.Wide && claims.Workspace != "":
		return &Refusal{Status: http.StatusForbidden, Code: "insufficient_scope", Message: "the access token is for one workspace only", Hint: "use a token of the application itself"}
	case route.Scope != "" && !claims.May(route.Scope):
		return NeedsScope(string(route.Scope), a.options.ScopeHint)
	}
	return nil
}

// claims returns what the token of a request says.
func (a *API) claims(ctx context.Context, r *Request, e *httpserve.Exchange) (*token.Claims, error) {
	if a.options.Local != nil {
		if claims := a.options.Local(ctx); claims != nil {
			return claims, nil
		}
	}
	text := bearer(r.Request.Header)
	if text == "" {
		return nil, &Refusal{Status: http.StatusUnauthorized, Message: "the request has no access token", Hint: "get one with " + a.options.TokenHint + ", and send it as Authorization: Bearer"}
	}
	identified := e.Identify()
	claims, err := a.options.Check(ctx, text)
	identified()
	if _, refused := errors.AsType[*Refusal](err); refused {
		return nil, err
	}
	if err != nil {
		return nil, &Refusal{Status: http.StatusUnauthorized, Message: err.Error(), Hint: "get a new one with " + a.options.TokenHint}
	}
	return claims, nil
}

// bearer returns the token of a request (RFC 6750, section 2.1). It rejects two headers.
func bearer(h http.Header) string {
	values := h.Values("Authorization")
	if len(values) != 1 {
		return ""
	}
	fields := strings.Fields(values[0])
	if len(fields) != 2 || !strings.EqualFold(fields[0], "bearer") {
		return ""
	}
	return fields[1]
}

// fail answers an error.
func (a *API) fail(ctx context.Context, w http.ResponseWriter, r *Request, err error) {
	if ctx.Err() != nil && r.Claims != nil {
		err = fault.Cancelled(ctx, err)
	}
	status, body, after, hidden := ErrorBody(err, r.ID)
	if hidden {
		a.options.Logger.Error("a request failed", "request", r.ID, "method", r.Method, "error", err, "cause", errors.Unwrap(err))
	}
	retryHeader(w.Header(), after)
	if status == http.StatusUnauthorized && body.Errors[0].Code == codes[status] {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	text, err := json.Marshal(body)
	if err != nil {
		a.options.Logger.Error("cannot encode an error", "request", r.ID, "error", err)
	}
	w.Header().Set(RequestIDHeader, r.ID)
	send(w, status, text)
}

func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may be gone
}

// Routes returns the routes, for tests.
func (a *API) Routes() []Route { return slices.Clone(a.routes) }
