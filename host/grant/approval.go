package grant

import (
	"time"

	"github.com/agenthost/agenthost/internal/provenance"
)

// RuleApproval names the rule that a person must approve a connector before it runs.
const RuleApproval = "approval"

// Module is a connector as its file declares itself.
type Module struct {
	Name    string
	Version string
	// Digest is the SHA-256 of the file, in hexadecimal.
	Digest string
	Reach  Reach
}

// Approval records what a person approved.
type Approval struct {
	Module
	// At is when the person approved, By who it was.
	At time.Time
	By string
	// Updates are later versions that the policy accepted, because they need no further
	// access.
	Updates []Update
	// Source says where the file came from, for a connector that was installed from a registry; nil for
	// any other.
	Source *provenance.Source
}

// Current returns the digest and the version of the file that is in use: the last that the policy
// accepted, or else the one that the person approved.
func (a *Approval) Current() (digest, version string) {
	if n := len(a.Updates); n > 0 {
		return a.Updates[n-1].Digest, a.Updates[n-1].Version
	}
	return a.Digest, a.Version
}

// Update is a version that the policy accepted.
type Update struct {
	Digest  string
	Version string
	At      time.Time
}

// UpdatePolicy decides on a new version of an approved connector.
type UpdatePolicy string

// The policies. The zero value means [UpdatesSameReach].
const (
	// UpdatesSameReach accepts a version that needs no access beyond the approved one.
	UpdatesSameReach UpdatePolicy = "same-reach"
	// UpdatesNever accepts only the exact files that a person approved.
	UpdatesNever UpdatePolicy = "never"
)

// Standing is the approval status of a module.
type Standing string

// The standings.
const (
	// StandingFirstParty: the module was built with the program.
	StandingFirstParty Standing = "first-party"
	// StandingVouched: the program keeps no approvals and trusts its folder.
	StandingVouched Standing = "vouched"
	// StandingApproved: a person approved it, or the policy accepted it before.
	StandingApproved Standing = "approved"
	// StandingUpdate: another version is approved, and this one needs no further access.
	StandingUpdate Standing = "update"
	// StandingWider: another version is approved, and this one needs further access.
	StandingWider Standing = "wider"
	// StandingNew: no version of the connector is approved.
	StandingNew Standing = "new"
)

// Judgement is the decision on a module, with its reasons.
type Judgement struct {
	Standing Standing
	Decision Decision
	// Approval is the approval of the connector, or nil.
	Approval *Approval
	// Wider is access of the module beyond the approval. Narrower is approved access that
	// the module no longer needs.
	Wider, Narrower []string
}
