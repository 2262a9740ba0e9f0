package adminapi

import "encoding/json"

// Plan is what a call of a workspace asks a person about.
type Plan struct {
	ID          string `json:"id"`
	WorkspaceID string `json:"workspace_id"`
	// Digest is the SHA-256 of the plan, in hexadecimal.
	Digest string `json:"digest"`
	// State is pending, approved, refused or used.
	State      string `json:"state"`
	Connection string `json:"connection"`
	Operation  string `json:"operation"`
	Caller     string `json:"caller"`
	Intent     string `json:"intent,omitempty"`
	CreatedAt  string `json:"created_at"`
	ExpiresAt  string `json:"expires_at"`
	AnsweredBy string `json:"answered_by,omitempty"`
	AnsweredAt string `json:"answered_at,omitempty"`
	// Text is the plan for a person, and Plan the same for a program.
	Text string          `json:"text"`
	Plan json.RawMessage `json:"plan"`
}

// PlanAnswer is what a person says who saw the plan with the digest.
type PlanAnswer struct {
	Digest string `json:"digest" required:"true" doc:"the digest of the plan that you saw"`
	Answer string `json:"answer" required:"true" values:"approve refuse" doc:"approve or refuse"`
}
