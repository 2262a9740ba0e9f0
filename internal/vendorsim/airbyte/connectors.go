package airbyte

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/vendorsim/contract"
)

// connector is a vendor's account whose credential the service keeps.
type connector struct {
	id, name     string
	definition   *Definition
	workspace    *workspace
	credentials  map[string]string
	replication  map[string]string
	created      time.Time
	contextStore contextStore
}

// workspaceOf returns a name of the workspace of a request to create a connector.
func workspaceOf(c *airbyteapi.CreateRequest, key string) string {
	return map[string]string{
		"workspace_id": c.WorkspaceID, airbyteapi.KeyWorkspaceName: c.WorkspaceName,
		airbyteapi.KeyCustomerName: c.CustomerName, airbyteapi.KeyExternalUserID: c.ExternalUserID,
	}[key]
}

func (s *Service) createConnector(w http.ResponseWriter, r *request) {
	var body airbyteapi.CreateRequest
	if !readJSON(w, r.Request, &body) {
		return
	}
	kinds := 0
	for _, given := range []string{body.DefinitionID, body.ConnectorType, body.SourceTemplateID} {
		if given != "" {
			kinds++
		}
	}
	if kinds != 1 {
		refuse(w, http.StatusUnprocessableEntity, "Exactly one of definition_id, connector_type or source_template_id is required")
		return
	}
	d := s.definition(body.DefinitionID, body.ConnectorType)
	if d == nil || body.SourceTemplateID != "" {
		refuse(w, http.StatusNotFound, "Connector definition not found", problem{Field: "connector_type", Message: "there is no such kind of connector", Code: "definition_not_found"})
		return
	}
	if body.Name == "" {
		detailAt(w, "Field required", "missing", "body", "name")
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	place, named := s.findWorkspace(r.organization, func(key string) string { return workspaceOf(&body, key) })
	switch {
	case !named:
		refuse(w, http.StatusUnprocessableEntity, "A workspace identifier is required", problem{Field: "workspace_name", Message: "name a workspace", Code: "missing"})
		return
	case place == nil:
		refuse(w, http.StatusNotFound, "Workspace not found", problem{Field: "workspace_name", Message: "there is no such workspace", Code: "workspace_not_found"})
		return
	}
	credentials, wrong := texts("credentials", body.Credentials, d.Credentials)
	replication := map[string]string{}
	if len(wrong) == 0 && d.StartDate != "" {
		replication, wrong = texts("replication_config", body.ReplicationConfig, []string{"start_date"})
		if len(wrong) == 0 {
			if what := d.checkStartDate(replication["start_date"]); what != "" {
				wrong = []problem{{Field: "replication_config.start_date", Message: what, Code: "invalid"}}
			}
		}
	} else if len(wrong) == 0 && len(body.ReplicationConfig) > 0 {
		wrong = []problem{{Field: "replication_config", Message: d.Type + " has no replication settings", Code: "unknown"}}
	}
	if len(wrong) > 0 {
		refuse(w, http.StatusUnprocessableEntity, "The connector's configuration is invalid", wrong...)
		return
	}
	c := &connector{
		id: contract.UUID(s.rng), name: body.Name, definition: d, workspace: place,
		credentials: credentials, replication: replication, created: s.now().UTC(),
	}
	s.connectors = append(s.connectors, c)
	answer(w, http.StatusOK, c.whole())
}

// texts reads an object that must have exactly the wanted texts.
func texts(at string, from map[string]any, want []string) (map[string]string, []problem) {
	found := make(map[string]string)
	var wrong []problem
	for _, name := range want {
		text, ok := from[name].(string)
		if !ok || text == "" {
			wrong = append(wrong, problem{Field: at + "." + name, Message: "is required", Code: "missing"})
			continue
		}
		found[name] = text
	}
	for _, name := range slices.Sorted(maps.Keys(from)) {
		if !slices.Contains(want, name) {
			wrong = append(wrong, problem{Field: at + "." + name, Message: "is not known", Code: "unknown"})
		}
	}
	return found, wrong
}

func (c *connector) template() *airbyteapi.Template {
	created := c.created.Format(time.RFC3339)
	return &airbyteapi.Template{
		ID: c.definition.ID, Name: c.definition.Type, ConnectorName: c.definition.Slug,
		OrganizationID: c.workspace.organization, DefinitionID: c.definition.ID, Tags: []string{},
		Mode: "MULTI", SupportsContextStore: true, CreatedAt: created, UpdatedAt: created,
	}
}

func (c *connector) row() airbyteapi.Record {
	created := c.created.Format(time.RFC3339)
	return airbyteapi.Record{ID: c.id, Name: c.name, Summary: c.template(), CreatedAt: created, UpdatedAt: created}
}

// whole is the answer of create and get, without the credentials.
func (c *connector) whole() airbyteapi.Record {
	created := c.created.Format(time.RFC3339)
	return airbyteapi.Record{
		ID: c.id, Name: c.name, Template: c.template(), Replication: c.replication,
		Entities: json.RawMessage("null"), CreatedAt: created, UpdatedAt: created,
	}
}

func (s *Service) listConnectors(w http.ResponseWriter, r *request) {
	query := r.URL.Query()
	s.mu.Lock()
	defer s.mu.Unlock()
	place, named := s.findWorkspace(r.organization, query.Get)
	if !named {
		refuse(w, http.StatusUnprocessableEntity, "A workspace identifier is required", problem{Field: "workspace_name", Message: "name a workspace", Code: "missing"})
		return
	}
	rows := []airbyteapi.Record{}
	for _, c := range s.connectors {
		if place != nil && c.workspace == place && (query.Get("definition_id") == "" || c.definition.ID == query.Get("definition_id")) {
			rows = append(rows, c.row())
		}
	}
	answer(w, http.StatusOK, airbyteapi.Records{Data: rows})
}

func (s *Service) withConnector(serve func(http.ResponseWriter, *request, *connector)) func(http.ResponseWriter, *request) {
	return func(w http.ResponseWriter, r *request) {
		id := r.PathValue("connector_id")
		if len(id) != 36 || strings.Trim(id, "0123456789abcdef-") != "" {
			detailAt(w, "Input should be a valid UUID", "uuid_parsing", "path", "connector_id")
			return
		}
		s.mu.Lock()
		i := slices.IndexFunc(s.connectors, func(c *connector) bool { return c.id == id && c.workspace.organization == r.organization })
		var found *connector
		if i >= 0 {
			found = s.connectors[i]
		}
		s.mu.Unlock()
		if found == nil {
			refuse(w, http.StatusNotFound, fmt.Sprintf("Connector %s not found", id), problem{Message: "there is no such connector", Code: "connector_not_found"})
			return
		}
		serve(w, r, found)
	}
}

func (s *Service) getConnector(w http.ResponseWriter, _ *request, c *connector) {
	answer(w, http.StatusOK, c.whole())
}

func (s *Service) deleteConnector(w http.ResponseWriter, _ *request, c *connector) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.connectors = slices.DeleteFunc(s.connectors, func(other *connector) bool { return other == c })
	answer(w, http.StatusAccepted, airbyteapi.DeleteAnswer{JobID: contract.UUID(s.rng)})
}

// checks are the entities whose lists prove a credential in Airbyte's connectors.
var checks = map[string]string{"pylon": "accounts", "ashby": "users", "incident-io": "users"}

func (s *Service) checkConnector(w http.ResponseWriter, r *request, c *connector) {
	var body map[string]any
	if !readJSON(w, r.Request, &body) {
		return
	}
	status := airbyteapi.CheckSucceeded
	checked := airbyteapi.CheckAnswer{ID: contract.UUID(s.rng), Status: &status}
	if _, _, err := s.run(r.Context(), c, checks[c.definition.Slug], "list", nil); err != nil {
		status = airbyteapi.CheckFailed
		checked.ErrorMessage = &err.Message
	}
	answer(w, http.StatusOK, checked)
}

// inspectConnector reports the service's copies. It copies every entity that it can.
func (s *Service) inspectConnector(w http.ResponseWriter, _ *request, c *connector) {
	readiness := &airbyteapi.Readiness{ConnectorID: c.id, DefinitionID: c.definition.ID}
	for _, entity := range slices.Sorted(maps.Keys(c.definition.Searchable)) {
		readiness.Supported = append(readiness.Supported, airbyteapi.SupportedEntity{Entity: entity, Suggested: true})
		status := s.options.Copies[c.definition.Slug+"."+entity]
		if status == NotCopied {
			continue
		}
		copied := airbyteapi.CopiedEntity{Entity: entity, Status: cmp.Or(status, "ACTIVE"), Ready: status == "", Supported: true, Semantic: []airbyteapi.SemanticField{}}
		for _, field := range c.definition.Semantic[entity] {
			indexed := s.options.Copies[c.definition.Slug+"."+entity+"."+field]
			copied.Semantic = append(copied.Semantic, airbyteapi.SemanticField{Field: field, Status: cmp.Or(indexed, airbyteapi.SemanticReady)})
		}
		readiness.Configured = append(readiness.Configured, copied)
	}
	answer(w, http.StatusOK, airbyteapi.Inspection{
		ID: c.id, Name: c.name, WorkspaceID: c.workspace.ID, OrganizationID: c.workspace.organization, DefinitionID: c.definition.ID,
		ConfigTemplateID: c.definition.ID, DocumentationSkill: airbyteapi.SkillID(c.id), Readiness: readiness,
	})
}

// Connectors returns the ids of all connectors, oldest first.
func (s *Service) Connectors() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := make([]string, len(s.connectors))
	for i, c := range s.connectors {
		ids[i] = c.id
	}
	return ids
}

// contextStore has the copied records, by entity. They are copied at their first use.
type contextStore struct {
	mu      sync.Mutex
	records map[string][]json.RawMessage
}
