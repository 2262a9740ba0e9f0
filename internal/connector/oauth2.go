package connector

import (
	"net/url"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/authfield"
	"github.com/agenthost/agenthost/internal/egress/origin"
	"github.com/agenthost/agenthost/internal/egress/pathtemplate"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/pdk/abi"
)

// checkOAuth2 checks an oauth2 scheme. The client's credential is sent to the token and
// revocation endpoints, so these must be on the manifest's servers; only a browser opens the
// authorization endpoint.
func checkOAuth2(at string, s *abi.AuthScheme, servers places) error {
	o := s.OAuth2
	grants := []string{abi.GrantRefreshToken, abi.GrantClientCredentials, abi.GrantJWTBearer}
	kinds := []string{abi.ClientAuthBasic, abi.ClientAuthPost, abi.ClientAuthNone}
	field := func(name string) bool {
		return slices.ContainsFunc(s.Fields, func(f abi.AuthField) bool { return f.Name == name })
	}
	switch {
	case !slices.Contains(grants, o.Grant):
		return malformed(at+".oauth2.grant", "is %q; %s", o.Grant, fault.Hint(o.Grant, grants))
	case o.ClientAuth != "" && !slices.Contains(kinds, o.ClientAuth):
		return malformed(at+".oauth2.client_auth", "is %q; %s", o.ClientAuth, fault.Hint(o.ClientAuth, kinds))
	case o.BodyFormat != "" && o.BodyFormat != "form" && o.BodyFormat != "json":
		return malformed(at+".oauth2.body_format", "is %q; choose one of form, json", o.BodyFormat)
	case o.Grant == abi.GrantJWTBearer && o.ClientAuth != abi.ClientAuthNone:
		return malformed(at+".oauth2.client_auth", "is %q, want none: the grant jwt_bearer proves the client with a signature", o.ClientAuth)
	case o.Grant == abi.GrantJWTBearer && field(authfield.CredentialsJSON) == (field(authfield.PrivateKey) && field(authfield.ClientID)):
		return malformed(at+".fields", "want either credentials_json, or client_id and private_key, for the grant jwt_bearer")
	case !field(authfield.ClientID) && o.Grant != abi.GrantJWTBearer && (o.Grant != abi.GrantRefreshToken || o.ClientAuth != abi.ClientAuthNone || o.AuthorizeURL != ""):
		return malformed(at+".fields", "has no client_id; only a refresh with client_auth: none and without authorize_url can do without")
	case o.ClientAuth == abi.ClientAuthNone && o.Grant == abi.GrantClientCredentials:
		return malformed(at+".oauth2.client_auth", "is none, but the grant client_credentials needs a secret")
	case o.ClientAuth == abi.ClientAuthNone && field(authfield.ClientSecret):
		return malformed(at+".fields", "has client_secret, but client_auth is none")
	case o.ClientAuth != abi.ClientAuthNone && !field(authfield.ClientSecret):
		return malformed(at+".fields", "has no client_secret; add it, or set client_auth to none")
	case field(authfield.AccessToken) && o.Grant != abi.GrantRefreshToken:
		return malformed(at+".fields", "has access_token, but the grant is %s, which gets one", o.Grant)
	case !slices.ContainsFunc(s.Inject, func(in abi.Injection) bool { return strings.Contains(in.Value, "{"+authfield.AccessToken+"}") }):
		return malformed(at+".inject", "does not use {access_token}, so no request would have the token")
	case field(authfield.RefreshToken) && o.Grant != abi.GrantRefreshToken:
		return malformed(at+".fields", "has refresh_token, but the grant is %s", o.Grant)
	case o.AuthorizeURL != "" && o.Grant != abi.GrantRefreshToken:
		return malformed(at+".oauth2.authorize_url", "needs the grant refresh_token")
	case o.AuthorizeURL == "" && (len(o.AuthorizeParams) > 0 || o.Issuer != ""):
		return malformed(at+".oauth2.authorize_url", "is missing, but fields that need it are present")
	}
	secrets := []string{authfield.ClientSecret, authfield.RefreshToken, authfield.AccessToken}
	if o.Grant == abi.GrantJWTBearer {
		secrets = append(secrets, authfield.CredentialsJSON, authfield.PrivateKey)
	}
	for _, name := range secrets {
		for i, f := range s.Fields {
			if f.Name == name && !f.Secret {
				return malformed(at+".fields", "has %s, which must be secret (field %d)", name, i)
			}
		}
	}
	if err := checkOAuth2URLs(at+".oauth2", o, servers); err != nil {
		return err
	}
	return checkTokenServer(at+".oauth2.server", s, servers)
}

// ownParams are the parameters of an authorization request that the host sets.
var ownParams = []string{"response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method", "response_mode", "request", "request_uri"}

func checkOAuth2URLs(at string, o *abi.OAuth2, servers places) error {
	for field, endpoint := range map[string]string{".token_url": o.TokenURL, ".revoke_url": o.RevokeURL} {
		if endpoint == "" && field == ".revoke_url" {
			continue
		}
		u, err := url.Parse(sample(endpoint))
		if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsAny(endpoint, "?#") {
			return malformed(at+field, "is %q, want an https URL without user, query and fragment", endpoint)
		}
		if t, err := pathtemplate.ParseTemplate(u.EscapedPath()); err != nil || len(t.Params()) > 0 {
			return malformed(at+field, "is %q, which does not have a plain path", endpoint)
		}
		if o, err := origin.Of(u); err != nil || !servers.have(endpoint, o) {
			return malformed(at+field, "is %q, which is not on the origin of a server; %s", endpoint, fault.Choices(servers.names))
		}
	}
	for field, text := range map[string]string{".authorize_url": o.AuthorizeURL, ".issuer": o.Issuer} {
		u, err := url.Parse(text)
		if field == ".authorize_url" && strings.Contains(hostPart(text), "{") {
			// The variable's values then stay in the domain of that server.
			if u, err = url.Parse(sample(text)); err == nil {
				if o, wrong := origin.Of(u); wrong != nil || !servers.have(text, o) {
					return malformed(at+field, "is %q, which has a variable and is not on the origin of a server; %s", text, fault.Choices(servers.names))
				}
			}
		}
		if text != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "") {
			return malformed(at+field, "is %q, want an https URL without user and fragment", text)
		}
	}
	for _, pair := range o.AuthorizeParams {
		if slices.Contains(ownParams, pair[0]) || pair[0] == "" {
			return malformed(at+".authorize_params", "has %q, which the host sets itself", pair[0])
		}
	}
	for _, scope := range o.Scopes {
		if scope == "" || strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			return malformed(at+".scopes", "has %q, which is not a scope (RFC 6749, section 3.3)", scope)
		}
	}
	return nil
}
