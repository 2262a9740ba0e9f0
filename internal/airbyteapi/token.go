package airbyteapi

// The routes of tokens for one workspace.
const (
	ScopedTokenPath     = Prefix + "/account/applications/scoped-token"
	ScopedTokenInfoPath = ScopedTokenPath + "/info"
	WidgetTokenPath     = Prefix + "/account/applications/widget-token"
)

// ScopedTokenRequest asks for a token for one workspace. It makes the workspace if the organization
// has no workspace of that name. Scopes are our own addition: nil means all that a workspace's own client needs.
type ScopedTokenRequest struct {
	WorkspaceName string   `json:"workspace_name" required:"true"`
	RegionID      string   `json:"region_id"`
	Scopes        []string `json:"scopes" values:"read write delete connect manage" doc:"what the token permits; the default is all but manage"`
}

// ScopedToken is the answer to a [ScopedTokenRequest].
type ScopedToken struct {
	Token     string   `json:"token"`
	ExpiresIn int      `json:"expires_in"` // seconds
	Scopes    []string `json:"scopes"`
}

// TokenInfo says what a token for one workspace permits.
type TokenInfo struct {
	OrganizationID string   `json:"organization_id"`
	WorkspaceID    string   `json:"workspace_id"`
	WorkspaceName  string   `json:"workspace_name"`
	Scopes         []string `json:"scopes"`
	ExpiresAt      string   `json:"expires_at"`
}
