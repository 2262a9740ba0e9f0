package abi

import "strings"

// AuthSchema says how a connector's vendor authenticates a caller. It is the output of
// the connector's auth_schema function. It holds names and templates, but no values: the host injects
// credentials, and a guest never sees one.
type AuthSchema struct {
	// Schemes are the ways to authenticate. The host uses the first one that the configured
	// credentials satisfy.
	Schemes []AuthScheme `json:"schemes"`
	// Replication are the fields of replication_config, which hosted mode needs
	// when it creates a connector.
	Replication []AuthField `json:"replication,omitempty"`
}

// AuthType is a kind of authentication.
type AuthType string

// The kinds of authentication.
const (
	AuthBearer AuthType = "bearer"
	AuthBasic  AuthType = "basic"
	AuthAPIKey AuthType = "api_key"
	AuthOAuth2 AuthType = "oauth2"
	AuthNone   AuthType = "none" // requests have no credential
)

// AuthScheme is one way to authenticate.
type AuthScheme struct {
	ID          string   `json:"id"`
	Type        AuthType `json:"type"`
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	// Fields are the values that a person configures.
	Fields []AuthField `json:"fields"`
	// Inject says where the values go. A basic scheme has none and uses Basic.
	Inject []Injection `json:"inject,omitempty"`
	// Basic holds the two halves of a basic scheme.
	Basic *Basic `json:"basic,omitempty"`
	// OAuth2 is set in an oauth2 scheme. Its Inject may use {access_token}.
	OAuth2 *OAuth2 `json:"oauth2,omitempty"`
	// DirectOnly says that only direct connections can use the scheme, because the Airbyte API
	// does not accept its credentials.
	DirectOnly bool `json:"direct_only,omitempty"`
	// Origins are where the host may send the credential: scheme, host and optional port. Each
	// is the origin of a server in the manifest.
	Origins []string `json:"origins"`
}

// AuthField is one value that a person configures: of a credential, or of [Manifest.Config].
type AuthField struct {
	Name        string `json:"name"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Secret      bool   `json:"secret,omitempty"`
	Required    bool   `json:"required,omitempty"`
	// Pattern is an RE2 expression that the whole value must match.
	Pattern string `json:"pattern,omitempty"`
	// Format is a JSON Schema format, such as date-time.
	Format string `json:"format,omitempty"`

	// The others are for [Manifest.Config] only.

	// Type is string, which is the default, integer or boolean. Default and Enum hold values of
	// all types as text.
	Type    string   `json:"type,omitempty"`
	Default string   `json:"default,omitempty"`
	Enum    []string `json:"enum,omitempty"`
	// Dots permits dots in the value where it is part of a host.
	Dots bool `json:"dots,omitempty"`
}

// Places where a credential goes.
const (
	InHeader = "header"
	InQuery  = "query"
	InCookie = "cookie"
)

// Injection puts credential values into a request. Value is a template in which
// {field} stands for the value of a field: "Bearer {api_token}". A Value without a field is sent as
// it is, beside one that has a field.
type Injection struct {
	In    string `json:"in"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Basic is HTTP basic authentication (RFC 7617); both are templates like
// [Injection.Value], and either may be empty.
type Basic struct {
	Username string `json:"username"`
	Password string `json:"password"`
}

// OAuth2 describes the authorization server of a vendor (RFC 6749), which defines the scheme's
// fields client_id, client_secret and refresh_token. A field access_token is a token that a person
// has already: the host uses it until the vendor refuses it. With [GrantJWTBearer] the fields are
// credentials_json, or client_id and private_key.
type OAuth2 struct {
	// Grant is [GrantRefreshToken], [GrantClientCredentials] or [GrantJWTBearer].
	Grant string `json:"grant"`
	// TokenURL and RevokeURL (RFC 7009) receive the client's credential. Their origins must be
	// origins of servers in the manifest.
	TokenURL  string `json:"token_url"`
	RevokeURL string `json:"revoke_url,omitempty"`
	// AuthorizeURL is where a person logs in, with a browser.
	AuthorizeURL string `json:"authorize_url,omitempty"`
	// AuthorizeParams are the vendor's own parameters of that URL, as name and value:
	// {"access_type", "offline"}.
	AuthorizeParams [][2]string `json:"authorize_params,omitempty"`
	Scopes          []string    `json:"scopes,omitempty"`
	// BodyFormat is the form of requests to TokenURL: form, which is the default, or json.
	BodyFormat string `json:"body_format,omitempty"`
	// ClientAuth says how the client authenticates: [ClientAuthBasic], which is the default,
	// [ClientAuthPost] or [ClientAuthNone].
	ClientAuth string `json:"client_auth,omitempty"`
	// Issuer is the value that the iss parameter of a login's answer must have (RFC 9207), for
	// servers that send one.
	Issuer string `json:"issuer,omitempty"`
	// Server says that each token has a server of its own, which the answer of TokenURL names.
	Server *TokenServer `json:"server,omitempty"`
}

// TokenServer is a server that is where the answer with a token says. The host uses it with that
// token only.
type TokenServer struct {
	// ID is the id of a server in the manifest, whose URL has the base path. The origin is the
	// answer's.
	ID string `json:"id"`
	// Pointer is a JSON Pointer to the origin in the answer: /instance_url.
	Pointer string `json:"pointer"`
	// Suffixes are the vendor's domains. The origin is https and a name under one of them.
	Suffixes []string `json:"suffixes"`
}

// String says where the server is.
func (t *TokenServer) String() string {
	return "the server that the token names, under *." + strings.Join(t.Suffixes, " or *.")
}

// The grants of an [OAuth2] scheme.
const (
	GrantRefreshToken      = "refresh_token"      // a person logs in once, and tokens are refreshed
	GrantClientCredentials = "client_credentials" // the client acts for itself
	GrantJWTBearer         = "jwt_bearer"         // the same, and it signs what it asks for (RFC 7523)
)

// How a client authenticates at the token endpoint (RFC 6749, section 2.3).
const (
	ClientAuthBasic = "basic" // client_id and client_secret as HTTP basic authentication
	ClientAuthPost  = "post"  // both in the body
	ClientAuthNone  = "none"  // client_id in the body, for a client without a secret
)
