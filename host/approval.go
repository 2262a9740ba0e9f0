package host

import (
	"context"
	"fmt"
	"sync"

	"github.com/agenthost/agenthost/host/approval"
	"github.com/agenthost/agenthost/host/connector"
	"github.com/agenthost/agenthost/host/grant"
)

// Review is a connector, what it may reach, and whether it may be used.
type Review struct {
	ConnectorInfo
	Module grant.Module
	grant.Judgement
}

// Review reads a connector's file, wherever it is, and says whether it may be used, and
// how it differs from what was approved. Nothing that Host has can approve: that is for
// the program and the person before it, by [approval.Store.Approve].
func (h *Host) Review(ctx context.Context, path string) (*Review, error) {
	f := h.registry.other(path)
	declared, err := f.declared(ctx)
	if err != nil {
		return nil, err
	}
	return h.review(ctx, f, declared)
}

// ReviewConnection is [Host.Review] of the connector of a connection.
func (h *Host) ReviewConnection(ctx context.Context, connection string) (*Review, error) {
	c, err := h.connection(ctx, connection)
	if err != nil {
		return nil, err
	}
	return h.review(ctx, c.file, c.connector)
}

func (h *Host) review(ctx context.Context, f *pluginFile, declared *connector.Connector) (*Review, error) {
	m := moduleOf(declared)
	j, _, err := h.judge(m, f.path)
	if err != nil {
		return nil, err
	}
	return &Review{ConnectorInfo: f.info(ctx), Module: m, Judgement: j}, nil
}

func moduleOf(c *connector.Connector) grant.Module {
	return grant.Module{Name: c.Manifest.Name, Version: c.Manifest.Version, Digest: c.Digest, Reach: grant.ReachOf(c.Manifest, c.Auth)}
}

// judge decides on a module by what the lock file says now. The file that it returns is
// the same for as long as the answer is.
func (h *Host) judge(m grant.Module, path string) (grant.Judgement, *approval.File, error) {
	if h.approvals == nil {
		return grant.Judgement{Standing: grant.StandingVouched, Decision: vouched()}, nil, nil
	}
	f, err := h.approvals.Load()
	if err != nil {
		return grant.Judgement{}, nil, err
	}
	j := grant.Judge(m, f.Find(m.Name), h.options.Updates)
	if digest := h.options.FirstParty[m.Name]; digest != "" && digest == m.Digest {
		j.Standing = grant.StandingFirstParty
		j.Decision = grant.Decision{Allowed: true, Rule: "the connector was built together with this program"}
	}
	if !j.Decision.Allowed {
		j.Decision.Permit = fmt.Sprintf("agenthost plugin approve %s, if a person agrees", path)
	}
	return j, f, nil
}

func vouched() grant.Decision {
	return grant.Decision{Allowed: true, Rule: "this program keeps no approvals"}
}

// standing is what was decided on the module of a connection, for as long as the lock
// file stays as it is.
type standing struct {
	mu       sync.Mutex
	module   *grant.Module
	by       *approval.File
	decision grant.Decision
}

// approved decides whether the connection's connector may be used. It is asked for every
// call, before a secret is read and before the module runs with one, so that an approval
// that is taken back counts at once.
func (h *Host) approved(ctx context.Context, c *connection) (grant.Decision, error) {
	if h.approvals == nil {
		return vouched(), nil
	}
	c.standing.mu.Lock()
	defer c.standing.mu.Unlock()
	if c.standing.by != nil {
		if f, err := h.approvals.Load(); err == nil && f == c.standing.by {
			return c.standing.decision, nil
		}
	}
	if c.standing.module == nil {
		m := moduleOf(c.connector)
		c.standing.module = &m
	}
	j, f, err := h.judge(*c.standing.module, c.file.path)
	if err != nil {
		return grant.Decision{}, err
	}
	c.standing.by, c.standing.decision = f, j.Decision
	if j.Standing == grant.StandingUpdate && j.Decision.Allowed {
		h.log.Info("a new version of an approved connector is let through: it reaches no further", "connector", c.standing.module.Name, "version", c.standing.module.Version, "approved", j.Approval.Version)
		if err := h.approvals.Accept(ctx, *c.standing.module, h.options.Updates); err != nil {
			h.log.Warn("a new version of an approved connector cannot be recorded", "connector", c.standing.module.Name, "error", err)
		}
	}
	return j.Decision, nil
}
