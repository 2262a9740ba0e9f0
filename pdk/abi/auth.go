package abi

// AuthSchema says how a connector's vendor authenticates a caller. It is the
// output of [ExportAuthSchema]. It holds names and templates, never a value:
// the host injects credentials, and a guest never sees one.
type AuthSchema struct {
	// Schemes are the ways to authenticate; the first one that the configured
	// credentials satisfy is used.
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
)

// AuthScheme is one way to authenticate.
type AuthScheme struct {
	ID          string   `json:"id"`
	Type        AuthType `json:"type"`
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	// Fields are what a person configures.
	Fields []AuthField `json:"fields"`
	// Inject says where the values go. A basic scheme has none and uses Basic.
	Inject []Injection `json:"inject,omitempty"`
	// Basic holds the two halves of a basic scheme.
	Basic *Basic `json:"basic,omitempty"`
	// OAuth2 is set in an oauth2 scheme, whose Inject may use {access_token}.
	OAuth2 *OAuth2 `json:"oauth2,omitempty"`
	// DirectOnly says that the Airbyte API does not take the scheme's credentials, so
	// that only direct connections can use it.
	DirectOnly bool `json:"direct_only,omitempty"`
	// Origins are where the credential may be sent: scheme, host and optional
	// port. Each is the origin of a server in the manifest.
	Origins []string `json:"origins"`
}

// AuthField is one value that a person configures.
type AuthField struct {
	Name        string `json:"name"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
	Secret      bool   `json:"secret,omitempty"`
	Required    bool   `json:"required,omitempty"`
	// Pattern is an RE2 expression that the whole value matches.
	Pattern string `json:"pattern,omitempty"`
	// Format is a JSON Schema format, such as date-time.
	Format string `json:"format,omitempty"`
}

// Places where a credential goes.
const (
	InHeader = "header"
	InQuery  = "query"
)

// Injection puts credential values into a request. Value is a template in which
// {field} stands for the value of a field: "Bearer {api_token}".
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

// OAuth2 describes an OAuth 2.0 token endpoint (RFC 6749).
type OAuth2 struct {
	// Grant is refresh_token or client_credentials.
	Grant        string   `json:"grant"`
	TokenURL     string   `json:"token_url"`
	AuthorizeURL string   `json:"authorize_url,omitempty"`
	Scopes       []string `json:"scopes,omitempty"`
}
