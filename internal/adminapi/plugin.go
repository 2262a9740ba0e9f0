package adminapi

import "encoding/json"

// ServedPlugin is a connector as the server sees it.
type ServedPlugin struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	File    string `json:"file"`
	Digest  string `json:"digest,omitempty"`
	// Installed says that an operator installed it on all nodes of the server, and InstalledBy and
	// InstalledAt who did and when. The others are in the plugins folder of the node that answers.
	Installed   bool   `json:"installed"`
	InstalledBy string `json:"installed_by,omitempty"`
	InstalledAt string `json:"installed_at,omitempty"`
	Standing    string `json:"standing"`
	// Usable says that workspaces can have connections to it, and Why why not.
	Usable bool   `json:"usable"`
	Why    string `json:"why,omitempty"`
	Permit string `json:"permit,omitempty"`
	// Reach is where it may send requests to.
	Reach []string `json:"reach"`
}

// MediaModule is the content type of a module.
const MediaModule = "application/wasm"

// MaxModule is the length of the longest module in bytes: no longer one is run.
const MaxModule = 16 << 20

// NewPlugin goes with a module.
type NewPlugin struct {
	Consent string `json:"consent" doc:"consent of an answer without it: the operator has seen what that says, and approves it"`
}

// VettedPlugin is what a module declares, and whether it is installed now.
type VettedPlugin struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Digest  string `json:"digest"`
	// Consent stands for this module with what it declares, in the place of what is installed now. Who
	// sends it with the module approves that.
	Consent   string `json:"consent"`
	Installed bool   `json:"installed"`
	// Approved is what was approved of the version that is installed already, in the form of
	// agenthost.lock; empty if there is none.
	Approved string `json:"approved,omitempty"`
	// Wider is access beyond that version, and Narrower access that is gone.
	Wider    []string `json:"wider"`
	Narrower []string `json:"narrower"`
	// Manifest and Auth are what the module declares.
	Manifest json.RawMessage `json:"manifest"`
	Auth     json.RawMessage `json:"auth"`
}
