package server

import (
	"context"
	"errors"

	"github.com/agenthost/agenthost/host/secret"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
)

// prepare makes what a fresh database lacks, and reads the keys of tokens.
func (s *Server) prepare(ctx context.Context) error {
	return s.store.Starting(ctx, func(ctx context.Context) error {
		if err := s.first(ctx); err != nil {
			return err
		}
		var err error
		if s.organization, err = s.issuerOrganization(ctx); err != nil {
			return err
		}
		return s.prepareSigning(ctx)
	})
}

// first makes the first organization, its workspace and its application, or what is missing of
// them because a start was interrupted.
func (s *Server) first(ctx context.Context) error {
	organizations, err := s.store.Organizations(ctx, "", store.Page{Limit: 1})
	if err != nil {
		return err
	}
	if len(organizations) == 0 {
		organization, err := s.store.CreateOrganization(ctx, "default")
		if err != nil {
			return err
		}
		organizations = append(organizations, organization)
	}
	id := organizations[0].ID
	applications, err := s.store.Applications(ctx, id, store.Page{Limit: 1})
	if err != nil || len(applications) > 0 {
		return err
	}
	if _, err := s.store.CreateWorkspace(ctx, id, "default"); err != nil && !errors.Is(err, store.ErrExists) {
		return err
	}
	if s.options.Bootstrap == nil {
		return fault.Invalid("bootstrap", "the server has no application yet, and nobody keeps the credential of its first one", "give the option Bootstrap")
	}
	_, _, err = s.store.CreateApplication(ctx, id, "default", func(a store.Application, password secret.Value) error {
		_, _, err := s.store.CreateOperatorToken(ctx, "bootstrap", store.RoleBootstrap, s.now().Add(bootstrapLife), func(operator secret.Value) error {
			return s.options.Bootstrap(&Bootstrap{Organization: id, ClientID: a.ID, ClientSecret: password, OperatorToken: operator})
		})
		return err
	})
	return err
}
