package credential

import (
	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Plan returns a client for one call that sends nothing, for a call that brings the fields of own
// like that of [Credential.Once]. It reads no secret and gets no token: where a field is used,
// requests show its name.
//
// # Errors
//
// Those of a scheme that lacks a field, and auth_failed for a server that only the answer with a
// token names, before there was one.
func (c *Credential) Plan(own map[string]secret.Value) (*egress.Client, error) {
	var scheme *abi.AuthScheme
	var err error
	if len(own) > 0 {
		scheme, err = c.schemeWith(own)
	} else {
		scheme, err = c.scheme(c.fields())
	}
	if err != nil {
		return nil, err
	}
	planned := make(map[string]secret.Value, len(own)+1)
	for field := range own {
		planned[field] = egress.Placeholder(field)
	}
	values, err := c.valuesWith(scheme, planned, func(field string) (secret.Value, error) { return egress.Placeholder(field), nil })
	if err != nil {
		return nil, err
	}
	if scheme.OAuth2 != nil {
		values[authfield.AccessToken] = egress.Placeholder(authfield.AccessToken)
	}
	server := ""
	if held := c.lease.Held(); held != nil && len(own) == 0 {
		server = held.server
	}
	http, err := c.http()
	if err != nil {
		return nil, err
	}
	if http.Auth, err = c.place(&http, scheme, server); err != nil {
		return nil, err
	}
	http.Credentials, http.Idle, http.Planning = values, nil, true
	return egress.New(http)
}
