package config

import (
	"net"
	"net/url"
	"strings"

	"github.com/agenthost/agenthost/host/tool"
	"github.com/goccy/go-yaml/ast"
)

// MCP says what agenthost mcp offers, and to whom. Zero fields mean the defaults; flags
// of the command win.
type MCP struct {
	// Connections are the names of those to offer; none means all.
	Connections []string
	// Options are the form of the tools, the threshold between forms, and the budget of
	// an answer.
	tool.Options
	HTTP MCPHTTP
}

// MCPHTTP says where and to whom agenthost mcp serves over HTTP.
type MCPHTTP struct {
	// Address is where it listens, such as 127.0.0.1:8080; empty means standard input
	// and output.
	Address string
	// Token is the reference to a bearer token of whoever runs the server, Tokens those
	// of others, by the names that the audit trail has.
	Token  string
	Tokens map[string]string
	// Hosts and Origins are those of mcp.HTTPOptions.
	Hosts, Origins []string
	// Sessions keeps a session for each client.
	Sessions bool
	// Issuer gives out the access tokens that open the server, Resource is the URL by
	// which clients know it. They are set together.
	Issuer, Resource string
	// IssuerCAFile holds certificates of authorities in PEM form, which are trusted for the
	// issuer instead of this machine's; empty trusts this machine's.
	IssuerCAFile string
	// Audience is what access tokens are for; empty means Resource.
	Audience string
	// Scopes are what access tokens have to have.
	Scopes []string
}

func (r *reader) mcp(n ast.Node, path string, into *MCP) {
	forms := make([]string, 0, len(tool.Forms()))
	for _, form := range tool.Forms() {
		forms = append(forms, string(form))
	}
	r.mapping(n, path, []key{
		{"form", func(v ast.Node, p string) { r.choice(v, p, forms, (*string)(&into.Form)) }},
		{"threshold", func(v ast.Node, p string) { r.number(v, p, &into.Threshold) }},
		{"budget", func(v ast.Node, p string) { r.number(v, p, &into.Budget) }},
		{"connections", func(v ast.Node, p string) {
			r.texts(v, p, func(text string, at ast.Node) {
				if !connectionName.MatchString(text) {
					r.problem(at, p, clip(text)+" is not a name for a connection", "name connections as connections: does")
					return
				}
				into.Connections = append(into.Connections, text)
			})
		}},
		{"http", func(v ast.Node, p string) { r.mcpHTTP(v, p, &into.HTTP) }},
	})
}

func (r *reader) mcpHTTP(n ast.Node, path string, into *MCPHTTP) {
	before := len(r.problems)
	r.mapping(n, path, []key{
		{"address", func(v ast.Node, p string) { r.address(v, p, &into.Address) }},
		{"token", func(v ast.Node, p string) { r.reference(v, p, func(s string) { into.Token = s }) }},
		{"tokens", func(v ast.Node, p string) { into.Tokens = r.tokens(v, p) }},
		{"hosts", func(v ast.Node, p string) {
			r.texts(v, p, func(text string, at ast.Node) {
				if strings.ContainsAny(text, "/@ ") {
					r.problem(at, p, clip(text)+" is not a Host header", "write a name, and a port if it is not the usual one: mcp.example.com, localhost:8080")
					return
				}
				into.Hosts = append(into.Hosts, text)
			})
		}},
		{"origins", func(v ast.Node, p string) {
			r.texts(v, p, func(text string, at ast.Node) {
				if u, err := url.Parse(text); err != nil || u.Host == "" || text != u.Scheme+"://"+u.Host {
					r.problem(at, p, clip(text)+" is not an origin", "write what browsers send: https://app.example.com")
					return
				}
				into.Origins = append(into.Origins, text)
			})
		}},
		{"sessions", func(v ast.Node, p string) { r.flag(v, p, &into.Sessions) }},
		{"issuer", func(v ast.Node, p string) { r.url(v, p, "https://login.example.com", &into.Issuer) }},
		{"issuer_ca_file", func(v ast.Node, p string) { r.path(v, p, &into.IssuerCAFile) }},
		{"resource", func(v ast.Node, p string) { r.url(v, p, "https://mcp.example.com", &into.Resource) }},
		{"audience", func(v ast.Node, p string) { into.Audience, _ = r.text(v, p) }},
		{"scopes", func(v ast.Node, p string) { r.scopes(v, p, &into.Scopes) }},
	})
	if len(r.problems) > before {
		return
	}
	switch {
	case into.Issuer != "" && into.Resource == "":
		r.problem(n, path, "has an issuer and no resource", "add resource: and the URL by which clients know this server")
	case into.Issuer == "" && (into.Resource != "" || into.Audience != "" || into.IssuerCAFile != "" || len(into.Scopes) > 0):
		r.problem(n, path, "resource, audience, issuer_ca_file and scopes are about the tokens of an issuer, and there is none", "add issuer: and its URL")
	}
}

// tokens reads the references to bearer tokens of several callers.
func (r *reader) tokens(n ast.Node, path string) map[string]string {
	references := make(map[string]string)
	r.pairs(n, path, func(name string, at, value ast.Node) {
		// A token in braces is a secret in the place of a name.
		if v := r.value(value, path); v == nil || v.Type() == ast.NullType || !connectionName.MatchString(name) {
			r.problem(at, path, "an entry that is not name: reference", "write it as ada: env:ADA_TOKEN; names have up to 64 letters, digits, dashes and underscores")
			return
		}
		r.reference(value, join(path, name), func(reference string) { references[name] = reference })
	})
	return references
}

// address reads where to listen.
func (r *reader) address(n ast.Node, path string, into *string) {
	text, ok := r.text(n, path)
	if !ok {
		return
	}
	if _, port, err := net.SplitHostPort(text); err != nil || port == "" {
		r.problem(n, path, clip(text)+" is not an address with a port", "write it like 127.0.0.1:8080")
		return
	}
	*into = text
}
