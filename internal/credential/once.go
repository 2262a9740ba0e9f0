package credential

import (
	"context"
	"maps"
	"slices"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/internal/egress"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Once returns a client for one call with credentials of its own. They replace fields of the
// connection's scheme; a connection without credentials takes any scheme that they complete. In
// a scheme with OAuth 2.0 a call may have an access_token, and needs no authorization server.
//
// The client shares nothing with the connection: fields that own lacks are read from their
// sources, and the caller closes the client with its network connections.
//
// # Errors
//
// invalid_params for a field that the scheme does not have, with Field under "credentials";
// auth_failed if a field is missing; and those of [Credential.Client].
func (c *Credential) Once(ctx context.Context, own map[string]secret.Value) (*egress.Client, error) {
	scheme, err := c.schemeWith(own)
	if err != nil {
		return nil, err
	}
	values, err := c.valuesWith(scheme, own, func(field string) (secret.Value, error) { return c.field(ctx, field) })
	if err != nil {
		return nil, err
	}
	server := ""
	if scheme.OAuth2 != nil && values[authfield.AccessToken].IsZero() {
		a, err := c.authorization(scheme, values)
		if err != nil {
			return nil, err
		}
		token, err := a.client.ForItself(ctx, scheme.OAuth2.Grant, a.scopes)
		if err != nil {
			return nil, err
		}
		values[authfield.AccessToken], server = token.Access, token.Server
	}
	http, err := c.http()
	if err != nil {
		return nil, err
	}
	if http.Auth, err = c.place(&http, scheme, server); err != nil {
		return nil, err
	}
	http.Credentials, http.Idle = values, nil
	return egress.New(http)
}

// schemeWith returns the scheme of a call with fields of its own: the connection's, or if that
// has no credentials the first that own completes.
func (c *Credential) schemeWith(own map[string]secret.Value) (*abi.AuthScheme, error) {
	const at = "credentials"
	for _, field := range slices.Sorted(maps.Keys(own)) {
		if own[field].IsZero() {
			return nil, fault.Invalid(at+"."+field, "the call's credential "+field+" is empty", "give its value, or leave it out to use the connection's")
		}
	}
	configured, schemes := c.fields(), c.config.Schemes
	if len(configured) > 0 {
		scheme, err := c.scheme(configured)
		if err != nil {
			return nil, err
		}
		schemes = []abi.AuthScheme{*scheme}
	}
	candidates := make([]abi.AuthScheme, len(schemes))
	for i, scheme := range schemes {
		candidates[i] = withToken(scheme, own)
	}
	fields := slices.Sorted(maps.Keys(own))
	for _, field := range configured {
		if !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	found, problem := Scheme(candidates, fields)
	switch {
	case problem == nil:
	case problem.Unknown != "":
		return nil, fault.Invalid(at+"."+problem.Unknown, "connection "+c.config.Connection+" takes no credential "+problem.Unknown, fault.Hint(problem.Unknown, problem.Known))
	case problem.Missing == "":
		return nil, fault.Invalid(at, "the call has credentials of more than one scheme", "agenthost auth "+c.config.Connector+" lists the schemes")
	default:
		return nil, &abi.Error{
			Kind: abi.KindAuthFailed, Field: at + "." + problem.Missing,
			Message: "the call has no credential " + problem.Missing + ", and neither has connection " + c.config.Connection,
			Hint:    "give it with the call; agenthost auth " + c.config.Connector + " lists the fields",
		}
	}
	scheme := &schemes[slices.IndexFunc(schemes, func(s abi.AuthScheme) bool { return s.ID == found.ID })]
	if _, token := own[authfield.AccessToken]; scheme.OAuth2 != nil && scheme.OAuth2.Grant == abi.GrantRefreshToken && !token {
		return nil, fault.Invalid(at+"."+authfield.AccessToken, "a call to "+c.config.Connector+" can have only an access token as its credential: a refreshed token would be lost with the call", "get an access token, and set it as "+authfield.AccessToken)
	}
	return scheme, nil
}

// withToken returns a scheme as a call may complete it: in one with OAuth 2.0, access_token
// replaces the fields that get one.
func withToken(scheme abi.AuthScheme, own map[string]secret.Value) abi.AuthScheme {
	if scheme.OAuth2 == nil {
		return scheme
	}
	_, token := own[authfield.AccessToken]
	scheme.Fields = slices.Clone(scheme.Fields)
	if !slices.ContainsFunc(scheme.Fields, func(f abi.AuthField) bool { return f.Name == authfield.AccessToken }) {
		scheme.Fields = append(scheme.Fields, abi.AuthField{Name: authfield.AccessToken})
	}
	for i := range scheme.Fields {
		f := &scheme.Fields[i]
		f.Required = f.Required && !(token && getsToken(f.Name))
	}
	return scheme
}

// getsToken reports whether a field of a scheme with OAuth 2.0 is for getting access tokens.
func getsToken(field string) bool {
	return slices.Contains([]string{authfield.ClientID, authfield.ClientSecret, authfield.RefreshToken, authfield.CredentialsJSON, authfield.PrivateKey}, field)
}

// valuesWith returns the values of a scheme for a call with fields of its own, and reads the others.
func (c *Credential) valuesWith(scheme *abi.AuthScheme, own map[string]secret.Value, read func(field string) (secret.Value, error)) (map[string]secret.Value, error) {
	values := maps.Clone(own)
	_, token := own[authfield.AccessToken]
	for _, field := range c.fields() {
		_, replaced := own[field]
		// A client id may have a header of its own; a secret for getting tokens is not needed.
		if replaced || token && scheme.OAuth2 != nil && getsToken(field) && field != authfield.ClientID {
			continue
		}
		value, err := read(field)
		if err != nil {
			return nil, err
		}
		values[field] = value
	}
	return values, nil
}
