package grant

import (
	"fmt"
	"time"
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

// letsThrough reports whether the policy accepts a new version without further access. An
// unknown policy accepts nothing.
func (p UpdatePolicy) letsThrough() bool { return p == "" || p == UpdatesSameReach }

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

// Judge decides whether a module may run. approved is the approval of the connector of that
// name, or nil. The caller sets Permit of a denial, because it knows the file.
func Judge(m Module, approved *Approval, policy UpdatePolicy) Judgement {
	j := Judgement{Approval: approved}
	if approved == nil {
		j.Standing = StandingNew
		j.Decision = Decision{Rule: RuleApproval, Why: fmt.Sprintf("connector %s %s is not approved", m.Name, m.Version)}
		return j
	}
	j.Wider, j.Narrower = m.Reach.Beyond(approved.Reach), approved.Reach.Beyond(m.Reach)
	known := m.Digest == approved.Digest
	for _, u := range approved.Updates {
		known = known || m.Digest == u.Digest
	}
	switch {
	// This also applies to a known digest: if the reach of its approval differs, somebody
	// changed the approval.
	case len(j.Wider) > 0:
		j.Standing = StandingWider
		j.Decision = Decision{Rule: RuleApproval, Why: fmt.Sprintf("connector %s %s needs access beyond the approval of version %s: %s", m.Name, m.Version, approved.Version, first(j.Wider))}
	case known && (policy.letsThrough() || m.Digest == approved.Digest):
		j.Standing = StandingApproved
		j.Decision = Decision{Allowed: true, Rule: fmt.Sprintf("%s approved %s %s", approved.By, m.Name, approved.Version)}
	case !policy.letsThrough():
		j.Standing = StandingUpdate
		j.Decision = Decision{Rule: RuleApproval + ", updates: never", Why: fmt.Sprintf("connector %s %s is not the approved file", m.Name, m.Version)}
	default:
		j.Standing = StandingUpdate
		j.Decision = Decision{Allowed: true, Rule: fmt.Sprintf("%s approved %s %s, and this version needs no further access", approved.By, m.Name, approved.Version)}
	}
	return j
}

func first(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	return fmt.Sprintf("%s, and %d more", list[0], len(list)-1)
}
