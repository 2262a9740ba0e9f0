package server

import (
	"context"
	"errors"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/api"
)

// checkConnector runs the operation that proves the credential of a connection.
func (s *Server) checkConnector(ctx context.Context, r *api.Request, in *airbyteapi.UpdateRequest) (*airbyteapi.CheckAnswer, error) {
	e, err := s.connector(ctx, r)
	if err != nil {
		return nil, err
	}
	if err := active(!e.Inactive); err != nil {
		return nil, err
	}
	if len(in.Credentials) > 0 || len(in.ReplicationConfig) > 0 {
		return nil, fault.Invalid("credentials", "a check tries the connector as it is", "send {}; to try another credential, use POST "+airbyteapi.CheckNewPath)
	}
	return s.try(ctx, r, &e.Connection, e.ID)
}

// checkNewConnector tries a credential without keeping it.
func (s *Server) checkNewConnector(ctx context.Context, r *api.Request, in *airbyteapi.CreateRequest) (*airbyteapi.CheckAnswer, error) {
	c, err := s.candidate(ctx, in)
	if err != nil {
		return nil, err
	}
	w, err := s.workspaceNamed(ctx, r, in.WorkspaceID, in.WorkspaceName, in.CustomerName, in.ExternalUserID)
	if err != nil {
		return nil, err
	}
	if err := active(w.Status == store.Active); err != nil {
		return nil, err
	}
	if after := s.checkLimit.Take(w.ID, s.now()); after > 0 {
		return nil, api.Limited("credentials that this workspace tries", after)
	}
	c.Workspace, c.Name = w.ID, "check "+r.ID
	made := s.options.Connectors[c.Connector]
	made.Connector, made.Config, made.Secrets, made.Tokens = c.Connector, c.settings.config, c.settings.credentials, tried{c.settings.grant}
	end := s.directory.trial(c.Connection, made)
	defer end()
	return s.try(ctx, r, &c.Connection, c.Definition)
}

// try runs the check of a connection's connector. The answer is about id.
func (s *Server) try(ctx context.Context, r *api.Request, c *store.Connection, id string) (*airbyteapi.CheckAnswer, error) {
	status := airbyteapi.CheckSucceeded
	answer := &airbyteapi.CheckAnswer{ID: id, Status: &status}
	e, err := s.prove(ctx, c, store.Scope{Organization: r.Claims.Organization, Workspace: c.Workspace}, r.Claims.Application)
	switch {
	case errors.Is(err, errNoCheck):
		status = airbyteapi.CheckInconclusive
		why := "the connector has no operation that proves a credential"
		answer.FailureReason = &why
	case err != nil:
		return nil, err
	case e != nil:
		status = airbyteapi.CheckInconclusive
		if e.Kind == abi.KindAuthFailed || e.Kind == abi.KindPermissionDenied {
			status = airbyteapi.CheckFailed
		}
		reason := string(e.Kind)
		if now, err := s.directory.find(ctx, scopeOf(r), c.ID); err == nil && now != nil && now.state() == store.NeedsLogin {
			reason = string(store.NeedsLogin)
		}
		answer.ErrorMessage, answer.FailureReason = &e.Message, &reason
	}
	return answer, nil
}

// errNoCheck says that a connector has no operation that proves a credential.
var errNoCheck = errors.New("no check")

// prove runs the operation that proves the credential of a connection. It returns what the vendor
// has against it, or nil. The error is [errNoCheck] if there is no such operation, and another one
// if it could not run.
func (s *Server) prove(ctx context.Context, c *store.Connection, p store.Scope, subject string) (*abi.Error, error) {
	info, err := s.host.Connector(ctx, c.Connector)
	if err != nil {
		return nil, err
	}
	ref := info.Manifest.Check
	if ref == nil {
		return nil, errNoCheck
	}
	// Who may see a connection may try it: nobody sees the answer.
	principal := host.Principal{Workspace: c.Workspace, Subject: subject, Scopes: []host.Scope{connections.Read}}
	w := &write{Write: store.Write{Scope: p, Connection: c.ID}} // for the trail
	_, err = s.host.Execute(w.in(ctx), c.Name, host.Call{Entity: ref.Entity, Action: ref.Action, Principal: principal, Caller: subject})
	e, failed := errors.AsType[*abi.Error](err)
	if err != nil && (!failed || ctx.Err() != nil) {
		return nil, err
	}
	return e, nil
}
