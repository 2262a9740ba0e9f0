package grant

import (
	"fmt"
	"time"
)

// RuleApproval is the rule that a person approves a connector before it is used.
const RuleApproval = "approval"

// Module is a connector as its file declares itself.
type Module struct {
	Name    string
	Version string
	// Digest is the SHA-256 of the file, in hexadecimal.
	Digest string
	Reach  Reach
}

// Approval is what a person approved.
type Approval struct {
	Module
	// At is when, By who.
	At time.Time
	By string
	// Updates are later versions that the policy let through, because their reach is
	// not beyond the approved one.
	Updates []Update
}

// Update is a version that the policy let through.
type Update struct {
	Digest  string
	Version string
	At      time.Time
}

// UpdatePolicy says what becomes of a new version of an approved connector.
type UpdatePolicy string

// The policies. The zero value means [UpdatesSameReach].
const (
	// UpdatesSameReach lets a version through whose reach is not beyond the approved one.
	UpdatesSameReach UpdatePolicy = "same-reach"
	// UpdatesNever lets through only what a person approved, byte for byte.
	UpdatesNever UpdatePolicy = "never"
)

// Standing is what a module is to those who decide.
type Standing string

// The standings.
const (
	// StandingFirstParty: it was built together with the program.
	StandingFirstParty Standing = "first-party"
	// StandingVouched: the program keeps no approvals, and answers for its folder.
	StandingVouched Standing = "vouched"
	// StandingApproved: a person approved it, or the policy let it through before.
	StandingApproved Standing = "approved"
	// StandingUpdate: it is another version of an approved one, and not beyond its reach.
	StandingUpdate Standing = "update"
	// StandingWider: it is another version, and beyond the reach of the approved one.
	StandingWider Standing = "wider"
	// StandingNew: nobody has approved a connector of that name.
	StandingNew Standing = "new"
)

// Judgement is the decision on a module, and what it rests on.
type Judgement struct {
	Standing Standing
	Decision Decision
	// Approval is what was approved of the connector before, if anything was.
	Approval *Approval
	// Wider is what of the module is beyond the approved reach, and Narrower what of the
	// approved reach the module no longer has.
	Wider, Narrower []string
}

// Judge decides whether a module may be used, by what was approved of the connector of
// its name: nil if nothing was. Permit, of a denial, is for the caller to write, who knows
// the file.
func Judge(m Module, approved *Approval, policy UpdatePolicy) Judgement {
	j := Judgement{Approval: approved}
	if approved == nil {
		j.Standing = StandingNew
		j.Decision = Decision{Rule: RuleApproval, Why: fmt.Sprintf("nobody has approved the connector %s %s", m.Name, m.Version)}
		return j
	}
	j.Wider, j.Narrower = m.Reach.Beyond(approved.Reach), approved.Reach.Beyond(m.Reach)
	known := m.Digest == approved.Digest
	for _, u := range approved.Updates {
		known = known || m.Digest == u.Digest
	}
	switch {
	// Of a known digest too: an approval whose reach is not that of its module was
	// changed by somebody.
	case len(j.Wider) > 0:
		j.Standing = StandingWider
		j.Decision = Decision{Rule: RuleApproval, Why: fmt.Sprintf("the connector %s %s reaches beyond what was approved of version %s: %s", m.Name, m.Version, approved.Version, first(j.Wider))}
	case known && (policy != UpdatesNever || m.Digest == approved.Digest):
		j.Standing = StandingApproved
		j.Decision = Decision{Allowed: true, Rule: fmt.Sprintf("%s approved %s %s", approved.By, m.Name, approved.Version)}
	case policy == UpdatesNever:
		j.Standing = StandingUpdate
		j.Decision = Decision{Rule: RuleApproval + ", updates: never", Why: fmt.Sprintf("the connector %s %s is not the file that was approved", m.Name, m.Version)}
	default:
		j.Standing = StandingUpdate
		j.Decision = Decision{Allowed: true, Rule: fmt.Sprintf("%s approved %s %s, and this version reaches no further", approved.By, m.Name, approved.Version)}
	}
	return j
}

func first(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	return fmt.Sprintf("%s, and %d more", list[0], len(list)-1)
}
