package host

import (
	"context"
	"fmt"
	"sync"

	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/audit"
	"github.com/agenthost/agenthost/host/grant"
	"github.com/agenthost/agenthost/internal/catalog"
	"github.com/agenthost/agenthost/pdk/abi"
)

// Review is a connector, what it may reach, and whether it may be used.
type Review struct {
	ConnectorInfo
	Module grant.Module
	grant.Judgement
}

// Review reads a connector's file from anywhere. It says whether the connector may run, and how it
// differs from the approved one. Host cannot approve: the program asks a person and calls
// [approval.Store.Approve].
func (h *Host) Review(ctx context.Context, path string) (*Review, error) {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	f := h.catalog.At(path)
	declared, err := f.Declared(ctx)
	if err != nil {
		return nil, err
	}
	return h.review(ctx, f, declared.Module)
}

// RecordPlugin writes to the audit trail that the program put another version of a connector into its
// place, and by which rule: a person's, or the policy's. Action is install, update or rollback.
func (h *Host) RecordPlugin(ctx context.Context, action string, m grant.Module, rule string) error {
	ctx, leave, err := h.gate.pass(ctx)
	if err != nil {
		return err
	}
	defer leave()
	e := h.trail.begin(viaPlugin, "", Call{Entity: "plugin", Action: action})
	if e != nil {
		e.record.Connector, e.record.Version, e.record.Digest, e.record.Outcome = m.Name, m.Version, m.Digest, audit.Ok
	}
	e.decided(grant.Decision{Allowed: true, Rule: rule})
	return e.write(ctx)
}

// ReviewConnection is [Host.Review] of the connector of a connection.
func (h *Host) ReviewConnection(ctx context.Context, name string) (*Review, error) {
	return withConnection(ctx, h, name, func(ctx context.Context, c *connection) (*Review, error) {
		return h.review(ctx, c.file, c.Connector.Module)
	})
}

func (h *Host) review(ctx context.Context, f *catalog.File, module func() grant.Module) (*Review, error) {
	s := standingOf(f)
	s.mu.Lock()
	defer s.mu.Unlock()
	j, err := h.judged(s, f, module)
	if err != nil {
		return nil, err
	}
	return &Review{ConnectorInfo: f.Info(ctx), Module: *s.module, Judgement: j}, nil
}

// judge decides on a module by what the lock file says now. The file that it returns is
// the same for as long as the answer is.
func (h *Host) judge(m grant.Module, path string) (grant.Judgement, *approval.File, error) {
	if f, ours := h.options.Installed.Approval(path); ours {
		if f == nil {
			f = new(approval.File)
		}
		j := f.Judge(m, grant.UpdatesNever)
		if !j.Decision.Allowed {
			j.Decision.Permit = "agenthost plugin add, if an operator of the server agrees"
		}
		return j, f, nil
	}
	if h.approvals == nil {
		return grant.Judgement{Standing: grant.StandingVouched, Decision: vouched()}, nil, nil
	}
	j, f, err := h.approvals.Judge(m, h.options.Updates)
	if err != nil {
		return j, nil, err
	}
	if digest := h.options.FirstParty[m.Name]; digest != "" && digest == m.Digest {
		j.Standing = grant.StandingFirstParty
		j.Decision = grant.Decision{Allowed: true, Rule: "the connector was built together with this program"}
	}
	if !j.Decision.Allowed {
		j.Decision.Permit = fmt.Sprintf("agenthost plugin approve %s, if a person agrees; approvals are in %s", path, h.approvals.Path())
	}
	if why := h.revoked(j.Approval); why != "" {
		j.Decision = grant.Decision{Rule: "trust.revoked", Why: fmt.Sprintf("connector %s %s must not run: %s", m.Name, m.Version, why), Permit: "install another version, or remove the entry under trust.revoked if it is wrong"}
	}
	return j, f, nil
}

// revoked says why what was installed from a registry is refused by now, and is empty if it is not.
func (h *Host) revoked(a *grant.Approval) string {
	if h.options.Revoked == nil || a == nil || a.Source == nil {
		return ""
	}
	return h.options.Revoked(a)
}

// approvalsOf returns what is approved now of a file, nil if the program keeps no approvals.
func (h *Host) approvalsOf(path string) (*approval.File, error) {
	if f, ours := h.options.Installed.Approval(path); ours {
		return f, nil
	}
	if h.approvals == nil {
		return nil, nil
	}
	return h.approvals.Load()
}

func vouched() grant.Decision {
	return grant.Decision{Allowed: true, Rule: "this program keeps no approvals"}
}

// standing is what was decided on a module, for as long as the lock file stays as it is. All
// connections to a connector share it: it is attached to the connector's file.
type standing struct {
	mu        sync.Mutex
	module    *grant.Module
	by        *approval.File
	judgement grant.Judgement
	used      bool // a call was decided by it
}

func standingOf(f *catalog.File) *standing {
	return f.Attached(func() any { return new(standing) }).(*standing) //nolint:forcetypeassert // the one thing that is attached
}

// judged returns what is decided on the connector of a file. The caller holds s.mu.
func (h *Host) judged(s *standing, f *catalog.File, module func() grant.Module) (grant.Judgement, error) {
	if s.by != nil {
		if now, err := h.approvalsOf(f.Path()); err == nil && now == s.by {
			return s.judgement, nil
		}
	}
	if s.module == nil {
		m := module()
		s.module = &m
	}
	j, by, err := h.judge(*s.module, f.Path())
	if err != nil {
		return j, err
	}
	s.by, s.judgement, s.used = by, j, false
	return j, nil
}

// approved decides whether the connection's connector may be used. It is asked for every
// call, before a secret is read and before the module runs with one, so that an approval
// that is taken back counts at once.
func (h *Host) approved(ctx context.Context, c *connection) (grant.Decision, error) {
	if h.approvals == nil {
		if h.options.Installed == nil {
			return vouched(), nil
		}
		if _, ours := h.options.Installed.Approval(c.file.Path()); !ours {
			return vouched(), nil
		}
	}
	s := standingOf(c.file)
	s.mu.Lock()
	defer s.mu.Unlock()
	j, err := h.judged(s, c.file, c.Connector.Module)
	if err != nil {
		return grant.Decision{}, err
	}
	if !s.used && j.Standing == grant.StandingUpdate && j.Decision.Allowed {
		h.log.Info("a new version of an approved connector may run: it needs no further access", "connector", s.module.Name, "version", s.module.Version, "approved", j.Approval.Version)
		if err := h.approvals.Accept(ctx, *s.module, h.options.Updates); err != nil {
			h.log.Warn("cannot record a new version of an approved connector", "connector", s.module.Name, "error", err)
		}
	}
	s.used = true
	return j.Decision, nil
}

// decide judges whether an operation may be run at all, before its parameters are looked at:
// the connector first, then the operation. The error says that it may not, or that the lock
// file cannot be read. A check may be run where the connector is approved.
func (h *Host) decide(ctx context.Context, p Principal, c *connection, op *abi.Operation, check bool, e *entry) error {
	d, err := h.approved(ctx, c)
	if err == nil && d.Allowed && !check {
		d = c.permits(p, op)
	}
	e.decided(d)
	if err == nil && !d.Allowed {
		err = d.Denied(c.Name, op)
	}
	return err
}

// permits decides whether a principal may run an operation of the connection: allow must have
// it, and the principal must have the scope of its effect.
func (c *connection) permits(p Principal, op *abi.Operation) grant.Decision {
	d := c.Grant.Operation(op)
	if scope := Scope(op.Effect); d.Allowed && !p.May(scope) {
		return grant.Decision{
			Rule: "scopes: without " + string(scope), Why: "the caller lacks the scope " + string(scope),
			Permit: "call with a principal that has the scope " + string(scope),
		}
	}
	return d
}

// usable reports whether a connector is approved.
func (h *Host) usable(i *ConnectorInfo) bool {
	j, _, err := h.judge(grant.Module{Name: i.Name, Version: i.Manifest.Version, Digest: i.Digest, Reach: grant.ReachOf(i.Manifest, i.Auth)}, i.File)
	return err == nil && j.Decision.Allowed
}
