package adminapi

// WorkspaceTokenRequest asks for a token of a workspace.
type WorkspaceTokenRequest struct {
	Name      string   `json:"name" required:"true" doc:"what the token is for, such as the name of a machine"`
	Scopes    []string `json:"scopes" doc:"what its bearer may do: read, write, delete, connect; all of them if it is not given"`
	ExpiresIn int64    `json:"expires_in" doc:"for how many seconds it is good; 90 days if it is not given, and at most 366"`
}

// WorkspaceToken is a token of a workspace, without its text.
type WorkspaceToken struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Scopes    []string `json:"scopes"`
	CreatedAt string   `json:"created_at"`
	ExpiresAt string   `json:"expires_at"`
	// RevokedAt is when it lost its access, and LastUsedAt about when it was used; empty for never.
	RevokedAt  string `json:"revoked_at,omitempty"`
	LastUsedAt string `json:"last_used_at,omitempty"`
}

// WorkspaceTokenMade is a token of a workspace. Its text is shown once.
type WorkspaceTokenMade struct {
	WorkspaceToken
	Token Shown `json:"token"`
}
