package adminapi

import "encoding/json"

// The paths of the connections of a workspace.
const (
	ConnectionsPath     = WorkspacePath + "/connections"
	ConnectionPath      = ConnectionsPath + "/{connection_id}"
	ConnectionCheckPath = ConnectionPath + "/check"
	ConnectionLinkPath  = ConnectionPath + "/link"
)

// Connection is a connection of a workspace, without its credentials.
type Connection struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Connector string `json:"connector"`
	State     string `json:"state"`
	Scheme    string `json:"scheme,omitempty"`
	// Config are the values that are not secret.
	Config map[string]string `json:"config"`
	// Allow is what the operators allow the connection beside what the configuration of the server allows
	// its connector; null if nothing is said.
	Allow     json.RawMessage `json:"allow"`
	CreatedAt string          `json:"created_at"`
	UpdatedAt string          `json:"updated_at"`
}

// NewConnection says what to make.
type NewConnection struct {
	Name      string            `json:"name"`
	Connector string            `json:"connector"`
	Server    string            `json:"server,omitempty"` // only what the configuration of the server says too
	Scheme    string            `json:"scheme,omitempty"` // what the credentials must be for, if it is given
	Config    map[string]string `json:"config,omitempty"`
	// Credentials are the secrets themselves. Without any, the connection waits for a login.
	Credentials map[string]Shown `json:"credentials,omitempty"`
	Allow       json.RawMessage  `json:"allow,omitempty"`
}

// NewConnections says what to make: all of them, or none.
type NewConnections struct {
	Connections []NewConnection `json:"connections" required:"true" doc:"what to make: all of them, or none of them after an error"`
	DryRun      bool            `json:"dry_run" doc:"check everything, and make nothing"`
}

// ConnectionsMade are the connections that were made, or would be.
type ConnectionsMade struct {
	Data []Connection `json:"data"`
}

// ConnectionChange says what to change of a connection.
type ConnectionChange struct {
	Allow json.RawMessage `json:"allow" doc:"effects, operations, ask, params, requests and downloads, as in agenthost.yaml; null takes away what the operators said"`
}

// ConnectionCheck is what the vendor says to the credential of a connection.
type ConnectionCheck struct {
	// Status is succeeded, failed or inconclusive, and Reason why it is not succeeded.
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
}

// ConnectionLink is a link with which a person connects an account.
type ConnectionLink struct {
	ID        string `json:"id"`
	URL       Shown  `json:"url"`
	ExpiresAt string `json:"expires_at"`
}
