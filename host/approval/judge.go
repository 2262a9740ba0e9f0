package approval

import (
	"fmt"

	"github.com/agenthost/agenthost/host/grant"
)

// Judge decides whether a module may run, by what the file says now. The caller sets Permit of
// a denial, because it knows the module's file. The content is the same for as long as the
// answer is. The errors are those of [Store.Load].
func (s *Store) Judge(m grant.Module, policy grant.UpdatePolicy) (grant.Judgement, *File, error) {
	f, err := s.Load()
	if err != nil {
		return grant.Judgement{}, nil, err
	}
	return f.Judge(m, policy), f, nil
}

// Judge decides whether a module may run, by what the file says. The caller sets Permit of a denial,
// because it knows the module's file.
func (f *File) Judge(m grant.Module, policy grant.UpdatePolicy) grant.Judgement {
	return judge(m, f.Find(m.Name), policy)
}

// letsThrough reports whether the policy accepts a new version without further access. An
// unknown policy accepts nothing.
func letsThrough(p grant.UpdatePolicy) bool { return p == "" || p == grant.UpdatesSameReach }

// judge decides whether a module may run. approved is the approval of the connector of that
// name, or nil. The caller sets Permit of a denial, because it knows the file.
func judge(m grant.Module, approved *grant.Approval, policy grant.UpdatePolicy) grant.Judgement {
	j := grant.Judgement{Approval: approved}
	if approved == nil {
		j.Standing = grant.StandingNew
		j.Decision = grant.Decision{Rule: grant.RuleApproval, Why: fmt.Sprintf("connector %s %s is not approved", m.Name, m.Version)}
		return j
	}
	j.Wider, j.Narrower = m.Reach.Beyond(approved.Reach), approved.Reach.Beyond(m.Reach)
	known := m.Digest == approved.Digest
	for _, u := range approved.Updates {
		known = known || m.Digest == u.Digest
	}
	installed := approved.Source != nil
	if installed {
		// No file takes the place of one that came from a registry but by agenthost plugin: an older one
		// would also need no further access.
		current, _ := approved.Current()
		known, policy = m.Digest == current, ""
	}
	switch {
	// This also applies to a known digest: if the reach of its approval differs, somebody
	// changed the approval.
	case len(j.Wider) > 0:
		j.Standing = grant.StandingWider
		j.Decision = grant.Decision{Rule: grant.RuleApproval, Why: fmt.Sprintf("connector %s %s needs access beyond the approval of version %s: %s", m.Name, m.Version, approved.Version, first(j.Wider))}
	case known && (letsThrough(policy) || m.Digest == approved.Digest):
		j.Standing = grant.StandingApproved
		j.Decision = grant.Decision{Allowed: true, Rule: fmt.Sprintf("%s approved %s %s", approved.By, m.Name, approved.Version)}
	case installed:
		j.Standing = grant.StandingUpdate
		j.Decision = grant.Decision{Rule: grant.RuleApproval + ", from a registry", Why: fmt.Sprintf("connector %s %s is not the file that was installed from %s", m.Name, m.Version, approved.Source.Reference)}
	case !letsThrough(policy):
		j.Standing = grant.StandingUpdate
		j.Decision = grant.Decision{Rule: grant.RuleApproval + ", updates: never", Why: fmt.Sprintf("connector %s %s is not the approved file", m.Name, m.Version)}
	default:
		j.Standing = grant.StandingUpdate
		j.Decision = grant.Decision{Allowed: true, Rule: fmt.Sprintf("%s approved %s %s, and this version needs no further access", approved.By, m.Name, approved.Version)}
	}
	return j
}

func first(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	return fmt.Sprintf("%s, and %d more", list[0], len(list)-1)
}
