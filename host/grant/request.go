package grant

import (
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/egress/origin"
	"github.com/agenthost/agenthost/host/egress/pathtemplate"
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// RuleRequest is the rule of what an operation declares: it sends nothing else.
const RuleRequest = "egress.request"

// Request is an HTTP request in its one normal form. What sends it sends these very
// values.
type Request struct {
	// Server is the id of the server that it goes to, Origin is where that is, and
	// Base is the path there before every template, escaped: "" or "/api/v1".
	Server string
	Origin origin.Origin
	Base   string
	Method string
	// Template is what the guest named of the operation's requests. It is empty where
	// a path alone is known, as in a redirect.
	Template string
	// Path is escaped, and without Base.
	Path string
	// Query holds the names of the query parameters.
	Query []string
}

// Declared are the requests that an operation declares.
type Declared struct {
	Requests []abi.RequestTemplate
	// Chosen is the id of the server that the connection chose, for declarations that
	// name none.
	Chosen string
}

// Has reports whether r is a declared request: one that Find finds, and allows.
func (d Declared) Has(r *Request) bool {
	at := d.index(r)
	return at >= 0 && methods[r.Method]
}

// Find returns the declared request that r is: of the same server and method, and of the
// same template, byte for byte. A request without a template is the first one whose
// template its path matches.
func (d Declared) Find(r *Request) (abi.RequestTemplate, Decision) {
	at := d.index(r)
	switch {
	case at < 0:
		return abi.RequestTemplate{}, d.undeclared(r)
	case !methods[r.Method]:
		return abi.RequestTemplate{}, Decision{Rule: RuleRequest, Why: fmt.Sprintf("method %.20q is never sent", r.Method), Permit: "use GET, HEAD, POST, PUT, PATCH or DELETE"}
	}
	return d.Requests[at], Decision{Allowed: true, Rule: "the operation declares " + d.name(d.Requests[at])}
}

// index is where in Requests r is, -1 where it is not.
func (d Declared) index(r *Request) int {
	return slices.IndexFunc(d.Requests, func(declared abi.RequestTemplate) bool {
		if declared.Method != r.Method || d.server(declared.Server) != r.Server {
			return false
		}
		if r.Template == "" {
			return matches(declared.Path, r.Path)
		}
		return declared.Path == r.Template
	})
}

// Request decides whether a request may be sent: the operation declares it, and the
// grant's requests have it.
func (g *Grant) Request(d Declared, r *Request) Decision {
	declared, decision := d.Find(r)
	if !decision.Allowed {
		return decision
	}
	tmpl, err := pathtemplate.ParseTemplate(declared.Path)
	if err != nil {
		return Decision{Rule: RuleRequest, Why: "the operation declares a path that cannot be sent: " + err.Error(), Permit: "the connector's author must correct the template"}
	}
	if !tmpl.Holds(r.Path) {
		return Decision{Rule: RuleRequest, Why: "the path is not one of the template " + declared.Path, Permit: "give every parameter of the path a plain, non-empty value"}
	}
	for _, name := range r.Query {
		if slices.ContainsFunc(methodOverrides, func(o string) bool { return strings.EqualFold(o, name) }) {
			return Decision{Rule: RuleRequest, Why: fmt.Sprintf("query parameter %q changes the method that was checked", name), Permit: "the connector must leave it out, and declare the request with that method"}
		}
	}
	if g == nil || len(g.allow.Requests) == 0 {
		return decision
	}
	for _, rule := range g.requests {
		if rule.match(d.Chosen, r) {
			return Decision{Allowed: true, Rule: "allow.requests has " + rule.text}
		}
	}
	place := ""
	if r.Server != d.Chosen {
		place = r.Origin.String() + r.Base
	}
	permit := change(fmt.Sprintf("add %.200q to allow.requests", r.Method+" "+place+r.Path))
	switch {
	case !pathtemplate.Plain(r.Path):
		permit = "no rule allows a path with an escaped slash, backslash, dot or percent sign: give plain values, or " + change("remove allow.requests")
	case strings.Contains(r.Path, "%"):
		permit = change(fmt.Sprintf("add %.200q to allow.requests", r.Method+" "+place+declared.Path))
	}
	return Decision{
		Rule:   "allow.requests: [" + strings.Join(g.allow.Requests, ", ") + "]",
		Why:    fmt.Sprintf("the connection may not send %.200q", r.Method+" "+place+r.Path),
		Permit: permit,
	}
}

// RequestRules are the rules that requests must fit besides what operations declare; none
// means that there are no such rules.
func (g *Grant) RequestRules() []string {
	if g == nil {
		return nil
	}
	return slices.Clone(g.allow.Requests)
}

// methods are those that a request may have. TRACE would echo the credential, CONNECT
// would open a tunnel.
var methods = map[string]bool{
	"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true,
}

// methodOverrides are query parameters by which frameworks (Rails, Laravel, Express's
// method-override) take another method than the request line's.
var methodOverrides = []string{"_method", "x-http-method-override"}

func matches(source, path string) bool {
	t, err := pathtemplate.ParseTemplate(source)
	return err == nil && t.Match(path)
}

func (d Declared) server(id string) string {
	if id == "" {
		return d.Chosen
	}
	return id
}

// name writes a request the way a person reads it.
func (d Declared) name(r abi.RequestTemplate) string {
	if id := d.server(r.Server); id != d.Chosen {
		return r.Method + " " + r.Path + " on server " + id
	}
	return r.Method + " " + r.Path
}

func (d Declared) undeclared(r *Request) Decision {
	declared := make([]string, len(d.Requests))
	for i, one := range d.Requests {
		declared[i] = d.name(one)
	}
	path := r.Template
	if path == "" {
		path = r.Path
	}
	asked := d.name(abi.RequestTemplate{Server: r.Server, Method: r.Method, Path: path})
	hint := "the connector's author must declare the request in the operation's requests"
	if is, found := d.byPath(r, path); found {
		hint = "name the template " + is + " and put the values into path_params"
	} else if near := nearest.Hint(asked, declared); near != "" {
		hint += "; " + near
	}
	return Decision{Rule: RuleRequest, Why: fmt.Sprintf("the operation does not declare the request %.200q", asked), Permit: hint}
}

// byPath finds the template of a path that was given in the place of one.
func (d Declared) byPath(r *Request, path string) (string, bool) {
	for _, declared := range d.Requests {
		if declared.Method == r.Method && d.server(declared.Server) == r.Server && matches(declared.Path, path) {
			return declared.Path, true
		}
	}
	return "", false
}
