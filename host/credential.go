package host

import (
	"context"
	"fmt"
	"slices"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/nearest"
	"github.com/agenthost/agenthost/pdk/abi"
)

// credentials reads the connection's secrets and picks the scheme that they satisfy.
func (h *Host) credentials(ctx context.Context, c *connection) (*abi.AuthScheme, map[string]secret.Value, error) {
	given := make([]string, 0, len(c.config.Credentials)+len(c.config.Secrets))
	for field := range c.config.Credentials {
		given = append(given, field)
	}
	for field := range c.config.Secrets {
		given = append(given, field)
	}
	scheme, err := c.scheme(given)
	if err != nil {
		return nil, nil, err
	}
	values := make(map[string]secret.Value, len(given))
	for field, reference := range c.config.Credentials {
		ref, err := secret.ParseRef(reference)
		if err != nil {
			return nil, nil, err
		}
		if values[field], err = h.secrets.Resolve(ctx, ref); err != nil {
			return nil, nil, err
		}
	}
	for field, value := range c.config.Secrets {
		values[field] = value
	}
	return scheme, values, nil
}

// scheme returns the first scheme whose fields are given, and only them.
func (c *connection) scheme(given []string) (*abi.AuthScheme, error) {
	var missing, known []string
	for i := range c.connector.Auth.Schemes {
		scheme := &c.connector.Auth.Schemes[i]
		complete := true
		var names []string
		for _, field := range scheme.Fields {
			names = append(names, field.Name)
			if field.Required && !slices.Contains(given, field.Name) {
				complete = false
				missing = append(missing, field.Name)
			}
		}
		known = append(known, names...)
		if complete && !slices.ContainsFunc(given, func(g string) bool { return !slices.Contains(names, g) }) {
			return scheme, nil
		}
	}
	at := "connections." + c.name + ".credentials"
	for _, field := range given {
		if !slices.Contains(known, field) {
			return nil, invalid(at+"."+field, fmt.Sprintf("connection %s has the credential %q, which %s does not take", c.name, field, c.connector.Manifest.Name), nearest.Hint(field, known))
		}
	}
	if len(missing) == 0 {
		return nil, invalid(at, "connection "+c.name+" has credentials of more than one scheme", "agenthost auth "+c.connector.Manifest.Name+" lists the schemes")
	}
	return nil, &Error{
		Kind: abi.KindAuthFailed, Field: at + "." + missing[0],
		Message: fmt.Sprintf("connection %s has no credential %q", c.name, missing[0]),
		Hint:    fmt.Sprintf("add credentials: {%s: env:NAME} to it; agenthost auth %s says more", missing[0], c.connector.Manifest.Name),
	}
}
