package adminapi

// JobPage asks for a part of the list of jobs.
type JobPage struct {
	State  string `json:"state" values:"waiting running succeeded parked cancelled" doc:"only jobs in this state"`
	Cursor string `json:"cursor" doc:"next of the part before"`
	Limit  int    `json:"limit" most:"1000" doc:"how many at most; 100 if it is not given"`
}

// JobAction is what to do with a job that waits or is parked.
type JobAction struct {
	Action string `json:"action" required:"true" values:"retry cancel" doc:"retry tries it now; cancel ends it without doing it"`
}

// Job is something that the server did, or is to do, for a request.
type Job struct {
	ID          string `json:"id"`
	WorkspaceID string `json:"workspace_id,omitempty"`
	Kind        string `json:"kind"`
	// Object is the id of what it is about, such as a connector that was deleted.
	Object string `json:"object,omitempty"`
	State  string `json:"state"`
	// Actor is who asked for it.
	Actor string `json:"actor,omitempty"`
	// Attempts is how often it was tried, and Error says why the last attempt failed.
	Attempts  int    `json:"attempts,omitempty"`
	Error     string `json:"error,omitempty"`
	CreatedAt string `json:"created_at"`
	// NextAt is when one that waits is tried.
	NextAt     string `json:"next_at,omitempty"`
	FinishedAt string `json:"finished_at,omitempty"` // empty while it waits or runs
}
