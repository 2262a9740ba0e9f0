package egress

import (
	"fmt"
	"github.com/agenthost/agenthost/internal/fault"
	"slices"

	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/pdk/abi"
)

// server is a server of the manifest, or the operator's in its place.
type server struct {
	id     string
	origin origin.Origin
	base   string // path before every template, "" or "/api/v1"
	// private says that the operator named this origin, so that it may have a
	// private or loopback address.
	private bool
	// credential says that the credential may be sent here.
	credential bool
}

func (c *Client) addServers(config Config) error {
	if len(config.Servers) == 0 {
		return fault.Invalid("servers", "there is no server", "add at least one server to the manifest")
	}
	c.servers = make(map[string]*server, len(config.Servers))
	ids := make([]string, 0, len(config.Servers))
	for i, s := range config.Servers {
		field := fmt.Sprintf("servers[%d]", i)
		o, base, err := origin.ParseServer(s.URL)
		switch {
		case err != nil:
			return fault.Invalid(field+".url", err.Error(), "write it like https://api.example.com/v1")
		case o.Scheme != "https":
			return fault.Invalid(field+".url", "server "+o.String()+" does not use https", "only server of the connection can be an http URL")
		case isMetadataName(o.Host):
			return metadataDenied(o.Host)
		case c.servers[s.ID] != nil:
			return fault.Invalid(field+".id", fmt.Sprintf("duplicate server id %.60q", s.ID), "give every server a unique id")
		}
		ids = append(ids, s.ID)
		c.servers[s.ID] = &server{id: s.ID, origin: o, base: base, credential: audience(config.Auth, o)}
	}
	chosen := config.Server
	if chosen == "" {
		chosen = config.Servers[0].ID
	}
	if c.chosen = c.servers[chosen]; c.chosen == nil {
		return fault.Invalid("server", fmt.Sprintf("there is no server %.60q", chosen), fault.Hint(chosen, ids))
	}
	if config.Override == "" {
		return nil
	}
	return c.override(config.Override)
}

// override replaces the chosen server's URL with the operator's. The credential follows it
// if it was meant for the chosen server.
func (c *Client) override(raw string) error {
	o, base, err := origin.ParseServer(raw)
	if err != nil {
		return fault.Invalid("server", err.Error(), "write it like http://127.0.0.1:9003")
	}
	if isMetadataName(o.Host) {
		return metadataDenied(o.Host)
	}
	c.chosen.origin, c.chosen.base = o, base
	for _, s := range c.servers {
		s.private = s.origin == o
	}
	return nil
}

// audience reports whether the scheme's credential may be sent to an origin. An invalid
// audience in the scheme permits nothing.
func audience(scheme *abi.AuthScheme, to origin.Origin) bool {
	return scheme != nil && slices.ContainsFunc(scheme.Origins, func(s string) bool {
		o, err := origin.Parse(s)
		return err == nil && o == to
	})
}
