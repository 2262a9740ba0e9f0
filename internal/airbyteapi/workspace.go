package airbyteapi

// WorkspacePath is the route of one workspace.
const WorkspacePath = WorkspacesPath + "/{workspace_id}"

// The statuses of a workspace.
const (
	StatusActive   = "active"
	StatusInactive = "inactive"
)

// WorkspaceRecord is a workspace as the API answers it. Clients read ID and Name.
type WorkspaceRecord struct {
	ID             string  `json:"id"`
	Name           string  `json:"name"`
	OrganizationID string  `json:"organization_id"`
	Status         string  `json:"status"`
	CacheEnabled   *bool   `json:"cache_enabled"`
	Tombstone      bool    `json:"tombstone"`
	Visibility     string  `json:"visibility"`
	Color          *string `json:"color"`
	CreatedAt      string  `json:"created_at"`
	UpdatedAt      string  `json:"updated_at"`
}

// WorkspaceRecords is one page of workspaces. Next is the URL of the next page.
type WorkspaceRecords struct {
	Data []WorkspaceRecord `json:"data"`
	Next *string           `json:"next"`
}

// WorkspaceQuery asks for a page of workspaces.
type WorkspaceQuery struct {
	NameContains string `json:"name_contains" doc:"a part of the name, in any case of letters"`
	Status       string `json:"status" values:"active inactive" doc:"the default is both"`
	Limit        int    `json:"limit" most:"100" doc:"the most workspaces of the page; the default is 20"`
	Cursor       string `json:"cursor" doc:"where the page before ended"`
}

// WorkspaceUpdate changes a workspace. Only what is there changes.
type WorkspaceUpdate struct {
	Name         string `json:"name"`
	Status       string `json:"status" values:"active inactive"`
	CacheEnabled *bool  `json:"cache_enabled"`
}

// WorkspaceDeleted is the answer to a deletion.
type WorkspaceDeleted struct {
	ID        string `json:"id"`
	DeletedAt string `json:"deleted_at"`
}
