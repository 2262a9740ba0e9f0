// Package adminapi is the wire format of the operators' API of agenthost serve: its paths, its
// requests and its answers. The server and the command share it.
//
// To add an operation:
//
//  1. its path and its types, here
//  2. its route in package server, in a file admin….go, and a line in adminRoutes. A route that
//     changes something has the scope [connections.Manage], and a viewer may not call it. The store
//     writes the change into the audit trail, with the operator as the actor
//  3. its command in cmd/agenthost, which sends it with operate and call (operate.go), so that it
//     works over the local socket, with --server, and where no server runs
//  4. a line in a script in cmd/agenthost/testdata/script, and in docs/operating.md
//
// Paths name an organization and a workspace by their ids. The command finds the id of a name with
// the filter name of a list.
package adminapi

import "github.com/agenthost/agenthost/host/secret"

// The paths.
const (
	Prefix       = "/admin/"
	DocumentPath = Prefix + "openapi.json"

	OrganizationsPath   = Prefix + "v1/organizations"
	OrganizationPath    = OrganizationsPath + "/{organization_id}"
	WorkspacesPath      = OrganizationPath + "/workspaces"
	WorkspacePath       = WorkspacesPath + "/{workspace_id}"
	WorkspaceStatusPath = WorkspacePath + "/status"
	WorkspaceTokensPath = WorkspacePath + "/tokens"
	WorkspaceTokenPath  = WorkspaceTokensPath + "/{token_id}"
	PlansPath           = WorkspacePath + "/plans"
	PlanPath            = PlansPath + "/{plan_id}"
	PlanAnswerPath      = PlanPath + "/answer"
	JobsPath            = OrganizationPath + "/jobs"
	JobPath             = JobsPath + "/{job_id}"
)

// Nothing is the body of a request, or of an answer, that says nothing.
type Nothing struct{}

// Page asks for a part of a list. An answer to it has the cursor of the next part in next.
type Page struct {
	Name   string `json:"name" doc:"only what has this name"`
	Cursor string `json:"cursor" doc:"next of the part before"`
	Limit  int    `json:"limit" most:"1000" doc:"how many at most; 100 if it is not given"`
}

// List is a part of a list.
type List[T any] struct {
	Data []T `json:"data"`
	// Next is the cursor of the next part; empty if this is the last one.
	Next string `json:"next,omitempty"`
}

// Named is what has only a name.
type Named struct {
	Name string `json:"name" required:"true" doc:"1 to 255 bytes of text that people can read"`
}

// Organization has workspaces and applications.
type Organization struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	CreatedAt string `json:"created_at"`
}

// Workspace has connections.
type Workspace struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Status    string `json:"status"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
}

// WorkspaceChange says what to change of a workspace: what is not empty.
type WorkspaceChange struct {
	Name   string `json:"name"`
	Status string `json:"status" values:"active inactive"`
}

// WorkspaceStatus says how a workspace is.
type WorkspaceStatus struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Status    string `json:"status"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
	// Connections is how many it has, and States how many of them are in each state.
	Connections int            `json:"connections"`
	States      map[string]int `json:"states"`
}

// Shown is a secret that the API shows once, or takes. It travels as text.
type Shown struct{ value secret.Value }

// Show returns a secret that is to be shown.
func Show(v secret.Value) Shown { return Shown{v} }

// Secret returns it.
func (s Shown) Secret() secret.Value { return s.value }

// String does not show it.
func (s Shown) String() string { return s.value.String() }

// MarshalText writes the secret itself. It implements [encoding.TextMarshaler].
func (s Shown) MarshalText() (text []byte, err error) {
	err = s.value.Reveal(func(b []byte) error {
		text = append(text, b...)
		return nil
	})
	return text, err
}

// UnmarshalText reads the secret. It implements [encoding.TextUnmarshaler].
func (s *Shown) UnmarshalText(text []byte) error {
	s.value = secret.New(text)
	return nil
}
