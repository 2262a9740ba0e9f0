// Package wire checks what a connector asks for and builds the request that is sent. The
// host, the conformance tests and pdk/pdktest use it, so a request that passes an author's
// tests also passes the host.
//
// The package sends nothing. It knows where a credential goes, but not the credential.
package wire

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/egress/pathtemplate"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/policy"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Rules in errors of kind denied.
const (
	RuleRequest = policy.RuleRequest // the operation does not declare the request
	RuleHeader  = "egress.header"    // a header that the host keeps for itself
	RuleQuery   = "egress.query"     // a query parameter that carries the credential
)

// ErrConnector is the cause of a refusal that only the connector's author can mend: no other
// parameters and no other configuration would change it.
var ErrConnector = errors.New("the connector sends a request that no host accepts")

// connectors returns err with [ErrConnector] as its cause.
func connectors(err *abi.Error) *abi.Error { return err.WithCause(ErrConnector) }

// Blame returns the error of a call that failed because of a refusal with the cause
// [ErrConnector]: it blames the connector. A request that the operation does not declare
// stays denied, because an approval covers only what is declared.
func Blame(refusal *abi.Error) *abi.Error {
	blamed := *refusal
	if refusal.Rule == RuleRequest {
		return &blamed
	}
	blamed.Kind, blamed.Hint = abi.KindConnectorFault, "report it to the connector's author: "+refusal.Hint
	return &blamed
}

// Limits bound one request, in bytes.
type Limits struct {
	// URL is the longest path and query together.
	URL int
	// Headers is the most that a connector's header names and values may add up to.
	Headers int
	// Body is the largest body.
	Body int64
}

// DefaultLimits are those of a host that sets none.
func DefaultLimits() Limits { return Limits{URL: 16 << 10, Headers: 16 << 10, Body: 16 << 20} }

// Server is where a server of the manifest is.
type Server struct {
	Origin origin.Origin
	// Base is the path before every template: "" or "/api/v1".
	Base string
}

// Rules hold for every request of a connection. They are safe for concurrent use.
type Rules struct {
	// Servers are the manifest's, by id; Chosen is the id of the connection's own.
	Servers map[string]Server
	Chosen  string
	// Owned are the places of the credential.
	Owned  Owned
	Limits Limits
	// UserAgent is the value of the header of all requests.
	UserAgent []string
}

// NewRules returns the rules of a connection without settings of its own. It leaves out a
// server whose URL is wrong; the checks of the manifest report it.
func NewRules(servers []abi.Server, chosen string, scheme *abi.AuthScheme) *Rules {
	r := &Rules{Servers: make(map[string]Server, len(servers)), Chosen: chosen, Owned: OwnedBy(scheme), Limits: DefaultLimits(), UserAgent: []string{"agenthost"}}
	for _, s := range servers {
		if o, base, err := origin.ParseServer(s.URL); err == nil {
			r.Servers[s.ID] = Server{o, base}
		}
	}
	return r
}

// Scope says what the running operation may send.
type Scope struct {
	// Requests are those that the operation declares.
	Requests []abi.RequestTemplate
	// Grant narrows them further; nil permits them all.
	Grant *policy.Grant
	// Given are the parameters of the call; nil says that the caller gave every value.
	Given *Given
}

// Request is a request in its one normal form. It is built once: the rules decide on what is
// sent, and no later step reads the connector's words again. It holds no credential.
type Request struct {
	policy.Request
	RawQuery string              // escaped, without the question mark
	Header   map[string][]string // the connector's and the host's, by canonical name
	Body     []byte
}

// Values of headers that all requests share. Do not change them.
var asJSON, asGzip = []string{"application/json"}, []string{"gzip"}

// Check makes a Request of what the connector asked for, if the operation declares it and
// the grant permits it.
//
// # Errors
//
// All have the cause [ErrConnector] where the connector's author is to blame:
//
//   - denied: the operation does not declare the request, the grant does not permit it, or
//     the connector may not set a header or query parameter
//   - invalid_params: a value cannot be sent
//   - limit_exceeded: the request is larger than a limit
func (r *Rules) Check(s Scope, req *abi.Request, body []byte) (Request, *abi.Error) {
	if req == nil {
		return Request{}, fault.Invalid("request", "there is no request", "")
	}
	w := Request{Body: body, Request: policy.Request{Server: r.serverID(req.Server), Method: req.Method, Template: req.Path}}
	// First, because the values of an undeclared request do not matter.
	declared := r.Declared(s)
	at := declared.Index(&w.Request)
	if at < 0 {
		_, decision := declared.Find(&w.Request)
		return Request{}, connectors(decision.Refusal())
	}
	server, ok := r.Servers[w.Server]
	if !ok {
		return Request{}, connectors(fault.Denied(RuleRequest, fmt.Sprintf("the operation declares a request to server %.60q, which is not in the manifest", req.Server),
			"the connector's author must add the server to the manifest"))
	}
	w.Origin, w.Base = server.Origin, server.Base
	var err *abi.Error
	if w.Path, err = expand(w.Template, req.PathParams, s.Given); err != nil {
		return Request{}, err
	}
	if w.RawQuery, err = r.encodeQuery(req.Query, s.Requests[at].RawQuery, s.Given); err != nil {
		return Request{}, err
	}
	w.Query = make([]string, 0, len(req.Query))
	for _, pair := range req.Query {
		w.Query = append(w.Query, pair[0])
	}
	if n := len(w.Base) + len(w.Path) + len(w.RawQuery); n > r.Limits.URL {
		return Request{}, s.Given.tooLarge(int64(r.Limits.URL), fault.LimitExceeded("url", fmt.Sprintf("path and query have %d bytes, but the limit is %d", n, r.Limits.URL), "send fewer or shorter values"))
	}
	if n := int64(len(body)); n > r.Limits.Body {
		return Request{}, s.Given.tooLarge(r.Limits.Body, fault.LimitExceeded("request_body", fmt.Sprintf("the body has %d bytes, but the limit is %d", n, r.Limits.Body), "send less in one request"))
	}
	if w.Header, err = r.header(req.Headers, s.Given); err != nil {
		return Request{}, err
	}
	if w.Header["Accept"] == nil {
		w.Header["Accept"] = asJSON
	}
	if len(body) > 0 && w.Header["Content-Type"] == nil {
		w.Header["Content-Type"] = asJSON
	}
	w.Header["Accept-Encoding"], w.Header["User-Agent"] = asGzip, r.UserAgent
	if decision := s.Grant.Request(declared, &w.Request); !decision.Allowed {
		refusal := decision.Refusal()
		if decision.Rule == RuleRequest {
			refusal = connectors(refusal)
		}
		return Request{}, refusal
	}
	return w, nil
}

// Declared are the requests that the running operation may send.
func (r *Rules) Declared(s Scope) policy.Declared {
	return policy.Declared{Requests: s.Requests, Chosen: r.Chosen}
}

func (r *Rules) serverID(id string) string {
	return cmp.Or(id, r.Chosen)
}

func expand(source string, params map[string]string, given *Given) (string, *abi.Error) {
	template, err := pathtemplate.ParseTemplate(source)
	if err != nil {
		return "", connectors(fault.Denied(RuleRequest, "the operation declares an invalid path: "+err.Error(), "the connector's author must correct the template"))
	}
	path, err := template.Expand(params)
	if err == nil {
		return path, nil
	}
	refusal := fault.Invalid("", err.Error()+" in "+source, "give every path parameter a plain, non-empty value")
	if param, ok := errors.AsType[*pathtemplate.ParamError](err); ok {
		refusal.Field = param.Param
	}
	value, filled := params[refusal.Field]
	others := template.Params()
	if !filled {
		others = slices.Sorted(maps.Keys(params))
	} else if slices.Contains(others, refusal.Field) {
		return "", given.wrong(value, refusal)
	}
	// A missing value, or one without a place, is not the caller's fault.
	refusal.Hint = "the template and path_params must have the same names"
	if near := fault.Nearest(refusal.Field, others); near != "" {
		refusal.Hint += "; did you mean " + near + "?"
	}
	return "", connectors(refusal)
}
