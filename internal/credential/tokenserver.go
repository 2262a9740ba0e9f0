package credential

import (
	"cmp"
	"slices"

	"github.com/agenthost/agenthost/host/config"
	"github.com/agenthost/agenthost/internal/credential/oauth"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// tokenServer says where the answer with a token names its server. It is nil if the scheme does not
// declare that, or if the operator named the server.
func (c *Credential) tokenServer(scheme *abi.AuthScheme) *abi.TokenServer {
	if scheme.OAuth2 == nil || scheme.OAuth2.Server == nil {
		return nil
	}
	http := c.config.HTTP()
	if http.Override != "" && cmp.Or(http.Server, http.Servers[0].ID) == scheme.OAuth2.Server.ID {
		return nil
	}
	return scheme.OAuth2.Server
}

// NamedByToken returns the URL of a server that a connection's tokens name, as text for people. It
// is empty if the server is where the connector says. It reads no secret.
func NamedByToken(settings *config.Connection, schemes []abi.AuthScheme, server abi.Server) string {
	scheme, _ := Scheme(schemes, fieldsOf(settings))
	if scheme == nil || scheme.OAuth2 == nil || scheme.OAuth2.Server == nil || scheme.OAuth2.Server.ID != server.ID {
		return ""
	}
	_, base, err := origin.ParseServer(server.URL)
	if err != nil {
		return ""
	}
	return "{" + scheme.OAuth2.Server.String() + "}" + base
}

// place puts the server that came with a token in the place of the declared one, and returns the
// scheme whose credential may go there. The name is checked again: the connector may permit less
// than when the token came.
func (c *Credential) place(http *egress.Config, scheme *abi.AuthScheme, named string) (*abi.AuthScheme, error) {
	t := c.tokenServer(scheme)
	if t == nil {
		return scheme, nil
	}
	if named == "" {
		return nil, c.noServer(t)
	}
	to, err := origin.Named(named, t.Suffixes)
	if err != nil {
		name := c.config.Connection
		return nil, &abi.Error{
			Kind: abi.KindDenied, Rule: oauth.RuleTokenServer, Field: "connections." + name,
			Message: "the token of connection " + name + " is for a server that " + err.Error(), Hint: "agenthost login " + name + ", or a new refresh token, gets another one",
		}
	}
	http.Servers = slices.Clone(http.Servers)
	for i := range http.Servers {
		if http.Servers[i].ID != t.ID {
			continue
		}
		_, base, err := origin.ParseServer(http.Servers[i].URL)
		if err != nil {
			return nil, fault.Invalid("servers", err.Error(), "the connector's author must correct it")
		}
		http.Servers[i].URL = to.String() + base
	}
	own := *scheme
	own.Origins = append(slices.Clone(scheme.Origins), to.String())
	return &own, nil
}

// noServer is the error of a token whose server nobody named.
func (c *Credential) noServer(t *abi.TokenServer) error {
	name := c.config.Connection
	return &abi.Error{
		Kind: abi.KindAuthFailed, Field: "connections." + name + ".server",
		Message: "connection " + name + " does not know its server: the answer with the token names it at " + t.Pointer + ", and no answer did",
		Hint:    "configure a refresh_token or agenthost login " + name + ", or name the server: server: https://...",
	}
}
