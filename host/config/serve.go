package config

import (
	"strings"
	"time"

	"github.com/agenthost/agenthost/internal/inflight"
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
	// Limits are those of each workspace.
	Limits inflight.Limits
	// NoContextStore keeps no copies of records to search in.
	NoContextStore bool
	// Sessionless keeps no sessions for those clients.
	Sessionless bool
	// WorkspaceClaim is the claim of issuers' tokens that has the id or the name of a workspace;
	// empty means workspace.
	WorkspaceClaim string
	// DatabaseAway is for how long the server goes on without its PostgreSQL; 0 means a minute, and a
	// negative time not at all.
	DatabaseAway time.Duration
	// Organization is the id or the name of the organization that has those workspaces; empty means
	// the only one.
	Organization string
	// OAuth are the clients with which people log in at vendors, by the connector's name.
	OAuth map[string]OAuthClient
	// OIDC is the issuer with which people log in; nil if they do not.
	OIDC *OIDC
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

// OIDC is an issuer of OpenID Connect, and what people may do by what it says of them.
type OIDC struct {
	// Issuer is its URL, letter for letter as it writes it.
	Issuer string
	// ClientID is the id of the client that the operator registered there, with the redirect URI
	// /login/callback of the server, and ClientSecret a reference to its secret.
	ClientID, ClientSecret string
	// Scopes are asked for besides openid.
	Scopes []string
	// Operators and Viewers are who may operate the server, and who may look at it: subjects, or
	// CLAIM=VALUE.
	Operators, Viewers []string
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
		{"database_away", func(v ast.Node, p string) { r.durationOrOff(v, p, &into.DatabaseAway) }},
		{"limits", func(v ast.Node, p string) { r.workspaceLimits(v, p, &into.Limits) }},
		{"context_store", func(v ast.Node, p string) {
			keeps := true
			r.flag(v, p, &keeps)
			into.NoContextStore = !keeps
		}},
		{"workspace_claim", func(v ast.Node, p string) { into.WorkspaceClaim, _ = r.text(v, p) }},
		{"organization", func(v ast.Node, p string) { into.Organization, _ = r.text(v, p) }},
		{"oidc", func(v ast.Node, p string) { into.OIDC = r.oidc(v, p) }},
	})
}

// workspaceLimits reads the limits of workspaces.
func (r *reader) workspaceLimits(n ast.Node, path string, into *inflight.Limits) {
	r.mapping(n, path, []key{
		{"calls", func(v ast.Node, p string) { r.number(v, p, &into.Calls) }},
		{"bytes", func(v ast.Node, p string) {
			if r.size(v, p, &into.Bytes); into.Bytes > 0 && into.Bytes < inflight.Least {
				r.problem(v, p, "is too small for one call", "write 2MB or more; the default is half of limits.host_bytes")
			}
		}},
		{"queue", func(v ast.Node, p string) { r.number(v, p, &into.Queue) }},
		{"wait", func(v ast.Node, p string) { r.duration(v, p, &into.Wait) }},
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

// oidc reads with which issuer people log in.
func (r *reader) oidc(n ast.Node, path string) *OIDC {
	o := new(OIDC)
	text := func(into *string) func(ast.Node, string) {
		return func(v ast.Node, p string) {
			if given, ok := r.text(v, p); ok {
				*into = given
			}
		}
	}
	texts := func(into *[]string) func(ast.Node, string) {
		return func(v ast.Node, p string) {
			r.texts(v, p, func(given string, _ ast.Node) { *into = append(*into, given) })
		}
	}
	before := len(r.problems)
	r.mapping(n, path, []key{
		{"issuer", func(v ast.Node, p string) { r.url(v, p, "https://login.example.com", &o.Issuer) }},
		{"client_id", text(&o.ClientID)},
		{"client_secret", func(v ast.Node, p string) { r.reference(v, p, func(ref string) { o.ClientSecret = ref }) }},
		{"scopes", func(v ast.Node, p string) { r.scopes(v, p, &o.Scopes) }},
		{"operators", texts(&o.Operators)},
		{"viewers", texts(&o.Viewers)},
	})
	if len(r.problems) == before && (o.Issuer == "" || o.ClientID == "") {
		r.problem(n, path, "lacks issuer or client_id", "add both, as the issuer knows this server")
	}
	return o
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
