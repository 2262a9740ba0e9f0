package server

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"

	"github.com/agenthost/agenthost/host"
	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/server/internal/api"
)

// kind is a connector that workspaces can use: "connector" means a connection in this API.
type kind struct {
	host.ConnectorInfo
	definition string
}

// title is the kind's name for people.
func (k *kind) title() string {
	if a := k.Manifest.Airbyte; a != nil && a.ConnectorType != "" {
		return a.ConnectorType
	}
	return k.Manifest.Title
}

// definitionOf returns the id of a kind: Airbyte's, or one that comes from its name only, so that
// it stays the same.
func definitionOf(info *host.ConnectorInfo) string {
	if a := info.Manifest.Airbyte; a != nil && a.DefinitionID != "" {
		return a.DefinitionID
	}
	sum := sha256.Sum256([]byte("agenthost connector " + info.Name))
	sum[6], sum[8] = sum[6]&0x0f|0x80, sum[8]&0x3f|0x80 // a UUID of version 8 (RFC 9562)
	x := hex.EncodeToString(sum[:16])
	return strings.Join([]string{x[:8], x[8:12], x[12:16], x[16:20], x[20:]}, "-")
}

// kinds returns the connectors that a person approved.
func (s *Server) kinds(ctx context.Context) ([]kind, error) {
	approved, _, err := s.allKinds(ctx)
	return approved, err
}

// allKinds returns the connectors that a person approved, and the reviews of the others.
func (s *Server) allKinds(ctx context.Context) (approved []kind, others []*host.Review, err error) {
	infos, err := s.host.Connectors(ctx)
	if err != nil {
		return nil, nil, err
	}
	for i := range infos {
		if infos[i].Err != nil {
			continue
		}
		review, err := s.host.Review(ctx, infos[i].File)
		if err != nil {
			return nil, nil, err
		}
		if review.Decision.Allowed {
			approved = append(approved, kind{infos[i], definitionOf(&infos[i])})
		} else {
			others = append(others, review)
		}
	}
	return approved, others, nil
}

// kindOf returns the kind of a connection, or nil if it is not there any more.
func kindOf(kinds []kind, connector string) *kind {
	for i := range kinds {
		if kinds[i].Name == connector {
			return &kinds[i]
		}
	}
	return nil
}

// kindFor finds the kind that a request to create a connector asks for.
func (s *Server) kindFor(ctx context.Context, in *airbyteapi.CreateRequest) (*kind, error) {
	given := 0
	for _, text := range []string{in.DefinitionID, in.ConnectorType, in.SourceTemplateID} {
		if text != "" {
			given++
		}
	}
	if given != 1 {
		return nil, fault.Invalid("connector_type", "the request says in no way, or in several, of which kind the connector is", "give one of connector_type, definition_id and source_template_id")
	}
	approved, others, err := s.allKinds(ctx)
	if err != nil {
		return nil, err
	}
	var names, same []string
	var found *kind
	for i := range approved {
		k := &approved[i]
		if strings.EqualFold(k.Name, in.ConnectorType) {
			return k, nil
		}
		if k.is(in) {
			found, same = k, append(same, k.Name)
		}
		names = append(names, k.title())
	}
	if len(same) > 1 { // credentials would go to the vendor of one of them
		return nil, &api.Refusal{Status: http.StatusConflict, Field: "connector_type", Message: "several connectors of this server have that title or id: " + strings.Join(same, " and "), Hint: "give connector_type the name of one"}
	}
	if found != nil {
		return found, nil
	}
	asked := cmp.Or(in.ConnectorType, in.DefinitionID, in.SourceTemplateID)
	refusal := &api.Refusal{Status: http.StatusNotFound, Code: "definition_not_found", Field: "connector_type", Message: fmt.Sprintf("this server has no connector %q", clip(asked)), Hint: fault.Hint(in.ConnectorType, names)}
	for _, r := range others {
		if k := (&kind{r.ConnectorInfo, definitionOf(&r.ConnectorInfo)}); k.is(in) {
			refusal.Message = k.Name + " is on this server, but it may not be used: " + r.Decision.Why
			refusal.Hint = "the operator approves it with agenthost plugin approve " + filepath.Base(r.File)
			if s.installed.has(r.File) {
				refusal.Hint = "the operator adds it again with agenthost plugin add"
			}
		}
	}
	refusal.Hint = cmp.Or(refusal.Hint, "the operator adds connectors with agenthost plugin add, or puts them into the plugins folder and approves them with agenthost plugin approve")
	return nil, refusal
}

// mistakable refuses a connector that a client could get that asks for another one.
func (s *Server) mistakable(ctx context.Context, info *host.ConnectorInfo) error {
	approved, err := s.kinds(ctx)
	if err != nil {
		return err
	}
	k := &kind{*info, definitionOf(info)}
	for i := range approved {
		other := &approved[i]
		if other.Name != k.Name && k.meets(other) {
			return &api.Refusal{Status: http.StatusConflict, Field: "module", Message: fmt.Sprintf("the connector %s has a name, a title or a definition id of the connector %s", k.Name, other.Name), Hint: "give it others, or remove " + other.Name}
		}
	}
	return nil
}

// meets reports whether a request can ask for both kinds.
func (k *kind) meets(other *kind) bool {
	for _, word := range []string{k.Name, k.title()} {
		if strings.EqualFold(word, other.Name) || strings.EqualFold(word, other.title()) {
			return true
		}
	}
	return strings.EqualFold(k.definition, other.definition)
}

// is reports whether a request to create a connector asks for a kind.
func (k *kind) is(in *airbyteapi.CreateRequest) bool {
	return strings.EqualFold(k.definition, in.DefinitionID) || strings.EqualFold(k.definition, in.SourceTemplateID) ||
		in.ConnectorType != "" && (strings.EqualFold(k.title(), in.ConnectorType) || strings.EqualFold(k.Name, in.ConnectorType))
}

// template says of which kind a connector is.
func (k *kind) template(organization, at string, copies bool) *airbyteapi.Template {
	return &airbyteapi.Template{
		ID: k.definition, Name: k.title(), ConnectorName: k.Name, OrganizationID: organization, DefinitionID: k.definition,
		Tags: []string{}, Mode: "DIRECT", SupportsContextStore: copies, CreatedAt: at, UpdatedAt: at,
	}
}
