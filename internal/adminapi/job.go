package adminapi

// JobPage asks for a part of the list of jobs.
type JobPage struct {
	State  string `json:"state" values:"running succeeded failed" doc:"only jobs in this state"`
	Cursor string `json:"cursor" doc:"next of the part before"`
	Limit  int    `json:"limit" most:"1000" doc:"how many at most; 100 if it is not given"`
}

// Job is something that the server did, or is doing, for a request.
type Job struct {
	ID          string `json:"id"`
	WorkspaceID string `json:"workspace_id,omitempty"`
	Kind        string `json:"kind"`
	State       string `json:"state"`
	// Actor is who asked for it.
	Actor string `json:"actor,omitempty"`
	// Error says why it failed.
	Error      string `json:"error,omitempty"`
	CreatedAt  string `json:"created_at"`
	FinishedAt string `json:"finished_at,omitempty"` // empty while it runs
}
