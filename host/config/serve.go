package config

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Serve configures agenthost serve; a host does not read it.
type Serve struct {
	// Connectors are what the operator decides for all connections to a connector, by the
	// connector's name: Server, TLS, OAuth, Allow, Limits and RateLimit. A workspace decides on the
	// other fields.
	Connectors map[string]Connection
	// MCP is what clients of the Model Context Protocol get at /mcp. Of its HTTP, it has Issuer,
	// IssuerCAFile, Audience and Scopes.
	MCP MCP
	// Sessionless keeps no sessions for those clients.
	Sessionless bool
	// WorkspaceClaim is the claim of an issuer's tokens that has the id or the name of a workspace;
	// empty means workspace.
	WorkspaceClaim string
	// OAuth are the clients with which people log in at vendors, by the connector's name.
	OAuth map[string]OAuthClient
}

// OAuthClient is a client of a vendor's authorization server (RFC 6749).
type OAuthClient struct {
	ClientID string
	// ClientSecret is a reference to its secret; empty for a client without one.
	ClientSecret string
	// Organizations are the clients of organizations that have one of their own, by id or by name.
	// These have none.
	Organizations map[string]OAuthClient
}

func (r *reader) serve(n ast.Node, path string, into *Serve) {
	r.mapping(n, path, []key{
		{"connectors", func(v ast.Node, p string) {
			into.Connectors = make(map[string]Connection)
			r.pairs(v, p, func(name string, at, value ast.Node) {
				if !connectionName.MatchString(name) {
					r.problem(at, join(p, clip(name)), "is not the name of a connector", "use the names that agenthost connectors lists")
					return
				}
				into.Connectors[name] = r.served(value, join(p, name))
			})
		}},
		{"oauth", func(v ast.Node, p string) {
			into.OAuth = make(map[string]OAuthClient)
			r.pairs(v, p, func(name string, at, value ast.Node) {
				if !connectionName.MatchString(name) {
					r.problem(at, join(p, clip(name)), "is not the name of a connector", "use the names that agenthost connectors lists")
					return
				}
				into.OAuth[name] = r.oauthClients(value, join(p, name))
			})
		}},
		{"mcp", func(v ast.Node, p string) { r.servedMCP(v, p, into) }},
		{"workspace_claim", func(v ast.Node, p string) { into.WorkspaceClaim, _ = r.text(v, p) }},
	})
}

// servedMCP reads what clients of MCP get from a server.
func (r *reader) servedMCP(n ast.Node, path string, into *Serve) {
	sessions, of := true, &into.MCP.HTTP
	r.mapping(n, path, append(r.mcpTools(&into.MCP), []key{
		{"sessions", func(v ast.Node, p string) { r.flag(v, p, &sessions) }},
		{"issuer", func(v ast.Node, p string) { r.url(v, p, "https://login.example.com", &of.Issuer) }},
		{"issuer_ca_file", func(v ast.Node, p string) { r.path(v, p, &of.IssuerCAFile) }},
		{"audience", func(v ast.Node, p string) { of.Audience, _ = r.text(v, p) }},
		{"scopes", func(v ast.Node, p string) { r.scopes(v, p, &of.Scopes) }},
	}...))
	into.Sessionless = !sessions
}

// oauthClients reads the clients of one connector.
func (r *reader) oauthClients(n ast.Node, path string) (all OAuthClient) {
	r.mapping(n, path, append(r.oauthClient(&all), key{"organizations", func(v ast.Node, p string) {
		all.Organizations = make(map[string]OAuthClient)
		r.pairs(v, p, func(name string, _, value ast.Node) {
			var one OAuthClient
			r.mapping(value, join(p, name), r.oauthClient(&one))
			r.known(value, join(p, name), one)
			all.Organizations[name] = one
		})
	}}))
	if len(all.Organizations) == 0 || all.ClientSecret != "" {
		r.known(n, path, all)
	}
	return all
}

// known refuses a client without an id.
func (r *reader) known(n ast.Node, path string, c OAuthClient) {
	if c.ClientID == "" && len(r.problems) == 0 {
		r.problem(n, path, "has no client_id", "add the id that the vendor gave to your client")
	}
}

// oauthClient are the keys of a client.
func (r *reader) oauthClient(into *OAuthClient) []key {
	return []key{
		{"client_id", func(v ast.Node, p string) { into.ClientID, _ = r.text(v, p) }},
		{"client_secret", func(v ast.Node, p string) {
			r.reference(v, p, func(s string) { into.ClientSecret = s })
		}},
	}
}

// served reads what an operator decides for the connections to a connector.
func (r *reader) served(n ast.Node, path string) Connection {
	c := Connection{Mode: Direct}
	before := len(r.problems)
	r.mapping(n, path, []key{
		{"server", func(v ast.Node, p string) { r.server(v, p, &c.Server) }},
		{"tls", func(v ast.Node, p string) { c.TLS = r.tls(v, p) }},
		{"oauth", func(v ast.Node, p string) { c.OAuth = r.oauth(v, p) }},
		{"allow", func(v ast.Node, p string) { c.Allow = r.allow(v, p) }},
		{"limits", func(v ast.Node, p string) { r.limits(v, p, &c.Limits) }},
		{"rate_limit", func(v ast.Node, p string) { r.rateLimit(v, p, &c.RateLimit) }},
	})
	if len(r.problems) == before && c.TLS != nil && strings.HasPrefix(c.Server, "http:") {
		r.problem(n, path, "tls needs https, but server is an http URL", "write https, or remove tls")
	}
	return c
}
