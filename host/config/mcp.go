package config

import (
	"net"
	"net/url"
	"strings"

	"github.com/agenthost/agenthost/host/tool"
	"github.com/goccy/go-yaml/ast"
)

// MCP configures agenthost mcp. Zero fields mean the defaults. Flags of the command override
// it.
type MCP struct {
	// Connections are the names of the connections to offer; empty means all.
	Connections []string
	// Options are the form of the tools, the threshold between forms, and the longest
	// result.
	tool.Options
	// TextOnly is the field of mcp.Options.
	TextOnly bool
	HTTP     MCPHTTP
}

// MCPHTTP configures agenthost mcp over HTTP.
type MCPHTTP struct {
	// Address is the listen address, such as 127.0.0.1:8080; empty means standard input and
	// output.
	Address string
	// Token is the reference to the bearer token of the operator. Tokens are those of other
	// callers, by name. The audit records have these names.
	Token  string
	Tokens map[string]string
	// Hosts and Origins are the fields of mcp.HTTPOptions.
	Hosts, Origins []string
	// Sessions keeps a session for each client.
	Sessions bool
	// MaxConnections is the field of mcp.HTTPOptions.
	MaxConnections int
	// Issuer issues access tokens for the server. Resource is the server's URL for clients.
	// Set both or neither.
	Issuer, Resource string
	// IssuerCAFile has the certificates of authorities in PEM form. The server trusts them
	// for the issuer; empty means the system's.
	IssuerCAFile string
	// Audience is the required audience of access tokens; empty means Resource.
	Audience string
	// Scopes are the required scopes of access tokens.
	Scopes []string
}

func (r *reader) mcp(n ast.Node, path string, into *MCP) {
	r.mapping(n, path, append(r.mcpTools(into), []key{
		{"connections", func(v ast.Node, p string) {
			r.texts(v, p, func(text string, at ast.Node) {
				if !connectionName.MatchString(text) {
					r.problem(at, p, clip(text)+" is not a valid name for a connection", "use the names under connections:")
					return
				}
				into.Connections = append(into.Connections, text)
			})
		}},
		{"http", func(v ast.Node, p string) { r.mcpHTTP(v, p, &into.HTTP) }},
	}...))
}

// mcpTools are the keys for the form of the tools.
func (r *reader) mcpTools(into *MCP) []key {
	forms := make([]string, 0, len(tool.Forms()))
	for _, form := range tool.Forms() {
		forms = append(forms, string(form))
	}
	return []key{
		{"form", func(v ast.Node, p string) { r.choice(v, p, forms, (*string)(&into.Form)) }},
		{"threshold", func(v ast.Node, p string) { r.number(v, p, &into.Threshold) }},
		{"budget", func(v ast.Node, p string) { r.number(v, p, &into.Budget) }},
		{"text_only", func(v ast.Node, p string) { r.flag(v, p, &into.TextOnly) }},
		{"max_name", func(v ast.Node, p string) { r.number(v, p, &into.MaxName) }},
	}
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
					r.problem(at, p, clip(text)+" is not a Host header", "write a host name, with a port if it is not the default: mcp.example.com, localhost:8080")
					return
				}
				into.Hosts = append(into.Hosts, text)
			})
		}},
		{"origins", func(v ast.Node, p string) {
			r.texts(v, p, func(text string, at ast.Node) {
				if u, err := url.Parse(text); err != nil || u.Host == "" || text != u.Scheme+"://"+u.Host {
					r.problem(at, p, clip(text)+" is not an origin", "write an origin as browsers send it, such as https://app.example.com")
					return
				}
				into.Origins = append(into.Origins, text)
			})
		}},
		{"sessions", func(v ast.Node, p string) { r.flag(v, p, &into.Sessions) }},
		{"max_connections", func(v ast.Node, p string) { r.number(v, p, &into.MaxConnections) }},
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
		r.problem(n, path, "issuer needs resource", "add resource: with the URL of this server for clients")
	case into.Issuer == "" && (into.Resource != "" || into.Audience != "" || into.IssuerCAFile != "" || len(into.Scopes) > 0):
		r.problem(n, path, "resource, audience, issuer_ca_file and scopes need issuer", "add issuer: with its URL")
	}
}

// tokens reads the references to bearer tokens of several callers.
func (r *reader) tokens(n ast.Node, path string) map[string]string {
	references := make(map[string]string)
	r.pairs(n, path, func(name string, at, value ast.Node) {
		// {TOKEN} is a secret instead of a name.
		if v := r.value(value, path); v == nil || v.Type() == ast.NullType || !connectionName.MatchString(name) {
			r.problem(at, path, "the entry is not of the form name: reference", "write it as ada: env:ADA_TOKEN; names have up to 64 letters, digits, dashes and underscores")
			return
		}
		r.reference(value, join(path, name), func(reference string) { references[name] = reference })
	})
	return references
}

// address reads a listen address.
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
