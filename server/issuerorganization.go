package server

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/store"
)

// maxListed is how many organizations an error lists.
const maxListed = 20

// hasIssuer says whether an issuer says whose workspace somebody may use.
func (s *Server) hasIssuer() bool { return s.options.MCP.Issuer != "" || s.options.Login != nil }

// issuerOrganization returns the id of the organization whose workspaces issuers name. It is decided
// once: an organization that is made later changes it for nobody.
func (s *Server) issuerOrganization(ctx context.Context) (string, error) {
	named := s.options.Organization
	if named == "" && !s.hasIssuer() {
		return "", nil
	}
	if named != "" {
		o, err := s.store.Organization(ctx, named)
		if !errors.Is(err, store.ErrNone) {
			return o.ID, err
		}
	}
	// An empty name is that of every organization.
	found, err := s.store.Organizations(ctx, named, store.Page{Limit: 2})
	if err != nil {
		return "", err
	}
	if len(found) == 1 {
		return found[0].ID, nil
	}
	listed := named
	if len(found) == 0 {
		listed = ""
	}
	list, err := s.organizationList(ctx, listed)
	if err != nil {
		return "", err
	}
	const field = "serve.organization"
	switch {
	case named == "":
		return "", fault.Invalid(field, "there are several organizations, and nothing says whose workspaces the issuer's people may use: "+list, "set "+field+" to the id or the name of one")
	case len(found) == 0:
		return "", fault.Invalid(field, fmt.Sprintf("there is no organization %.100q; there are: %s", named, list), "set "+field+" to the id or the name of one")
	default:
		return "", fault.Invalid(field, fmt.Sprintf("several organizations have the name %.100q: %s", named, list), "set "+field+" to the id of one")
	}
}

// organizationList is names and ids of the organizations of a name, or of all if it is empty, for an error.
func (s *Server) organizationList(ctx context.Context, name string) (string, error) {
	found, err := s.store.Organizations(ctx, name, store.Page{Limit: maxListed + 1})
	if err != nil {
		return "", err
	}
	var list []string
	for i, o := range found {
		if i == maxListed {
			list = append(list, "and more")
			break
		}
		list = append(list, fmt.Sprintf("%s (%s)", o.Name, o.ID))
	}
	return strings.Join(list, ", "), nil
}

// noteOrganization says in the log, when an organization was made, what the next start wants.
func (s *Server) noteOrganization() {
	if s.options.Organization == "" && s.hasIssuer() {
		s.log.Warn("there are several organizations now: set serve.organization, or the next start fails. Until then the issuer's people reach the same one as before", "organization", s.organization)
	}
}
