package adminapi

// The paths of what lets programs and operators in.
const (
	ApplicationsPath    = OrganizationPath + "/applications"
	ApplicationPath     = ApplicationsPath + "/{application_id}"
	TokensPath          = Prefix + "v1/tokens"
	TokenPath           = TokensPath + "/{token_id}"
	RedeemBootstrapPath = Prefix + "v1/bootstrap"
	ServedPluginsPath   = Prefix + "v1/connectors"
	ServedPluginPath    = ServedPluginsPath + "/{connector_name}"
)

// Application is a program that may use an organization.
type Application struct {
	ID         string   `json:"client_id"`
	Name       string   `json:"name"`
	ReturnURLs []string `json:"return_urls"`
	CreatedAt  string   `json:"created_at"`
	// RevokedAt is when it lost its access; empty if it has it.
	RevokedAt string `json:"revoked_at,omitempty"`
}

// NewApplication says what to make.
type NewApplication struct {
	Name       string   `json:"name" required:"true"`
	ReturnURLs []string `json:"return_urls" doc:"where it may have a browser sent after a person connected an account"`
}

// ApplicationChange says what to change of an application.
type ApplicationChange struct {
	ReturnURLs []string `json:"return_urls" required:"true"`
}

// MadeApplication is an application with its secret, which nobody can read again.
type MadeApplication struct {
	ID           string   `json:"client_id"`
	Name         string   `json:"name"`
	Organization string   `json:"organization_id"`
	ReturnURLs   []string `json:"return_urls"`
	CreatedAt    string   `json:"created_at"`
	ClientSecret Shown    `json:"client_secret"`
}

// Token is a token of an operator.
type Token struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Role      string `json:"role"`
	CreatedAt string `json:"created_at"`
	ExpiresAt string `json:"expires_at"`
	UsedAt    string `json:"last_used_at,omitempty"`
	RevokedAt string `json:"revoked_at,omitempty"`
}

// NewToken says what token to make.
type NewToken struct {
	Name string `json:"name" required:"true" doc:"whose it is, for people"`
	Role string `json:"role" values:"operator viewer" doc:"operator if it is not given; a viewer changes nothing"`
	// ExpiresIn is in seconds.
	ExpiresIn int64 `json:"expires_in" doc:"for how many seconds it is good; 90 days if it is not given, and at most 366"`
}

// MadeToken is a token with its text, which nobody can read again.
type MadeToken struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Role      string `json:"role"`
	ExpiresAt string `json:"expires_at"`
	Token     Shown  `json:"token"`
}
