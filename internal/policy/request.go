package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/egress/pathtemplate"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// RuleRequest names the rule that an operation sends only declared requests.
const RuleRequest = "egress.request"

// Request is an HTTP request in normal form. The sender sends exactly these values.
type Request struct {
	// Server is the id of the server that it goes to, Origin is where that is, and
	// Base is the path there before every template, escaped: "" or "/api/v1".
	Server string
	Origin origin.Origin
	Base   string
	Method string
	// Template is the operation's request that the guest named. It is empty if only the
	// path is known, as in a redirect.
	Template string
	// Path is escaped, and without Base.
	Path string
	// Query has the names of the query parameters.
	Query []string
}

// Declared are the requests that an operation declares.
type Declared struct {
	Requests []abi.RequestTemplate
	// Chosen is the id of the connection's server, for declarations without a server.
	Chosen string
}

// Index returns which of Requests Find finds and allows, -1 for none.
func (d Declared) Index(r *Request) int {
	if !methods[r.Method] {
		return -1
	}
	return d.index(r)
}

// Find returns the declaration of r: the one with the same server, method and template. For
// a request without a template, it is the first one with a template that matches the path.
func (d Declared) Find(r *Request) (abi.RequestTemplate, grant.Decision) {
	at := d.index(r)
	switch {
	case at < 0:
		return abi.RequestTemplate{}, d.undeclared(r)
	case !methods[r.Method]:
		return abi.RequestTemplate{}, grant.Decision{Rule: RuleRequest, Why: fmt.Sprintf("method %.20q is not supported", r.Method), Permit: "use GET, HEAD, POST, PUT, PATCH or DELETE"}
	}
	return d.Requests[at], grant.Decision{Allowed: true, Rule: "the operation declares " + d.name(d.Requests[at])}
}

// index returns the index of r in Requests, or -1.
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

// Request decides whether the host may send a request: the operation must declare it, and
// Allow.Requests must permit it.
func (g *Grant) Request(d Declared, r *Request) grant.Decision {
	declared, decision := d.Find(r)
	if !decision.Allowed {
		return decision
	}
	tmpl, err := pathtemplate.ParseTemplate(declared.Path)
	if err != nil {
		return grant.Decision{Rule: RuleRequest, Why: "the operation declares an invalid path: " + err.Error(), Permit: "the connector's author must correct the template"}
	}
	if !tmpl.Holds(r.Path) {
		return grant.Decision{Rule: RuleRequest, Why: "the path does not match the template " + declared.Path, Permit: "give every path parameter a plain, non-empty value"}
	}
	for _, name := range r.Query {
		if slices.ContainsFunc(methodOverrides, func(o string) bool { return strings.EqualFold(o, name) }) {
			return grant.Decision{Rule: RuleRequest, Why: fmt.Sprintf("query parameter %q overrides the method", name), Permit: "the connector must remove it, and declare a request with that method"}
		}
	}
	if g == nil || len(g.requests) == 0 {
		return decision
	}
	for _, rule := range g.requests {
		if rule.match(d.Chosen, r) {
			return grant.Decision{Allowed: true, Rule: "allow.requests has " + rule.text}
		}
	}
	place := ""
	if r.Server != d.Chosen {
		place = r.Origin.String() + r.Base
	}
	permit := change(fmt.Sprintf("add %.200q to allow.requests", r.Method+" "+place+r.Path))
	switch {
	case !pathtemplate.Plain(r.Path):
		permit = "no rule allows a path with an escaped slash, backslash, dot or percent sign: use plain values, or " + change("remove allow.requests")
	case strings.Contains(r.Path, "%"):
		permit = change(fmt.Sprintf("add %.200q to allow.requests", r.Method+" "+place+declared.Path))
	}
	return grant.Decision{
		Rule:   "allow.requests: [" + strings.Join(g.RequestRules(), ", ") + "]",
		Why:    fmt.Sprintf("the connection may not send %.200q", r.Method+" "+place+r.Path),
		Permit: permit,
	}
}

// RequestRules returns the rules of Allow.Requests, which apply in addition to the
// operations' declarations. It returns nil if there are no such rules.
func (g *Grant) RequestRules() []string {
	if g == nil {
		return nil
	}
	var rules []string
	for _, rule := range g.requests {
		rules = append(rules, rule.text)
	}
	return rules
}

// methods are the permitted methods. TRACE would echo the credential, and CONNECT would open
// a tunnel.
var methods = map[string]bool{
	"GET": true, "HEAD": true, "POST": true, "PUT": true, "PATCH": true, "DELETE": true,
}

// methodOverrides are query parameters that override the method in some frameworks (Rails,
// Laravel, Express's method-override).
var methodOverrides = []string{"_method", "x-http-method-override"}

func matches(source, path string) bool {
	t, err := pathtemplate.ParseTemplate(source)
	return err == nil && t.Match(path)
}

func (d Declared) server(id string) string {
	return cmp.Or(id, d.Chosen)
}

// name formats a request for a message.
func (d Declared) name(r abi.RequestTemplate) string {
	if id := d.server(r.Server); id != d.Chosen {
		return r.Method + " " + r.Path + " on server " + id
	}
	return r.Method + " " + r.Path
}

func (d Declared) undeclared(r *Request) grant.Decision {
	declared := make([]string, len(d.Requests))
	for i, one := range d.Requests {
		declared[i] = d.name(one)
	}
	path := cmp.Or(r.Template, r.Path)
	asked := d.name(abi.RequestTemplate{Server: r.Server, Method: r.Method, Path: path})
	hint := "the connector's author must add the request to the operation's requests"
	if is, found := d.byPath(r, path); found {
		hint = "use the template " + is + " and put the values into path_params"
	} else if near := fault.Hint(asked, declared); near != "" {
		hint += "; " + near
	}
	return grant.Decision{Rule: RuleRequest, Why: fmt.Sprintf("the operation does not declare the request %.200q", asked), Permit: hint}
}

// byPath finds the template for a path, if a connector sent a path instead of a template.
func (d Declared) byPath(r *Request, path string) (string, bool) {
	for _, declared := range d.Requests {
		if declared.Method == r.Method && d.server(declared.Server) == r.Server && matches(declared.Path, path) {
			return declared.Path, true
		}
	}
	return "", false
}
