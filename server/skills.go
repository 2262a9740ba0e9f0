package server

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/agenthost/agenthost/internal/airbyteapi"
	"github.com/agenthost/agenthost/internal/connections"
	"github.com/agenthost/agenthost/internal/fault"
	"github.com/agenthost/agenthost/internal/rawjson"
	"github.com/agenthost/agenthost/internal/store"
	"github.com/agenthost/agenthost/pdk/abi"
	"github.com/agenthost/agenthost/server/internal/api"
)

// skill says what the text for agents on a connection is about.
func (k *kind) skill(connector, name string) airbyteapi.Skill {
	return airbyteapi.Skill{
		ID: airbyteapi.SkillID(connector), Kind: "connector_source", Title: fmt.Sprintf("%s (%s)", k.title(), name),
		Summary: k.Manifest.Description, Tags: []string{k.Name}, Provenance: "agenthost", Version: k.Manifest.Version,
		Freshness: airbyteapi.SkillFreshness{State: "static"}, Warnings: []string{},
	}
}

// overview is the section that a reader starts with. The others are entities.
const overview = "overview"

// outline are the sections of a skill.
func (k *kind) outline(visible []*abi.Operation) []airbyteapi.SkillSection {
	sections := []airbyteapi.SkillSection{{ID: overview, Title: "Overview", Summary: "What the connector does, and how to call it.", Available: true}}
	for _, entity := range entities(visible) {
		sections = append(sections, airbyteapi.SkillSection{ID: entity, Title: entity, Summary: "Actions: " + strings.Join(actions(visible, entity), ", "), Available: true})
	}
	return sections
}

func entities(ops []*abi.Operation) []string {
	var names []string
	for _, op := range ops {
		names = append(names, op.Entity)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func actions(ops []*abi.Operation, entity string) []string {
	var names []string
	for _, op := range ops {
		if op.Entity == entity {
			names = append(names, op.Action)
		}
	}
	return names
}

// section is the text of one section, or nil if there is none.
func (k *kind) section(id, connector string, visible []*abi.Operation) []airbyteapi.SkillBlock {
	if id == overview {
		return k.overview(connector, visible)
	}
	var blocks []airbyteapi.SkillBlock
	for _, op := range visible {
		if op.Entity == id {
			blocks = append(blocks, operationText(op)...)
		}
	}
	return blocks
}

func (k *kind) overview(connector string, visible []*abi.Operation) []airbyteapi.SkillBlock {
	rows := [][]string{}
	for _, entity := range entities(visible) {
		rows = append(rows, []string{entity, strings.Join(actions(visible, entity), ", ")})
	}
	call := `{"entity": "ENTITY", "action": "ACTION", "params": {}}`
	return []airbyteapi.SkillBlock{
		{Type: "heading", Level: 1, Text: k.title()},
		{Type: "paragraph", Text: k.Manifest.Description},
		{Type: "paragraph", Text: "Run an operation with POST " + strings.ReplaceAll(airbyteapi.ExecutePath, "{connector_id}", connector) + ":"},
		{Type: "code", Language: "json", Code: call},
		{Type: "paragraph", Text: "A list answers one page. While connector_metadata.has_next_page is true, call again with params.cursor set to connector_metadata.next_cursor."},
		{Type: "table", Headers: []string{"entity", "actions"}, Rows: rows},
	}
}

func operationText(op *abi.Operation) []airbyteapi.SkillBlock {
	text := op.Description
	switch op.Effect {
	case abi.EffectWrite:
		text += " This changes data."
	case abi.EffectDelete:
		text += " This removes data."
	case abi.EffectRead:
	}
	blocks := []airbyteapi.SkillBlock{
		{Type: "heading", Level: 2, Text: op.Entity + "." + op.Action},
		{Type: "paragraph", Text: text},
	}
	if rows := parameterRows(op.Params); len(rows) > 0 {
		blocks = append(blocks, airbyteapi.SkillBlock{Type: "table", Headers: []string{"parameter", "type", "required", "description"}, Rows: rows})
	}
	if len(op.Examples) > 0 {
		blocks = append(blocks, airbyteapi.SkillBlock{Type: "code", Language: "json", Code: string(op.Examples[0])})
	}
	return blocks
}

// parameterRows are the parameters of a JSON Schema, one level deep.
func parameterRows(params json.RawMessage) [][]string {
	var top struct {
		Properties json.RawMessage `json:"properties"`
		Required   []string        `json:"required"`
	}
	if json.Unmarshal(params, &top) != nil || rawjson.KindOf(top.Properties) != rawjson.Object {
		return nil // which the checks of the manifest prevent
	}
	var rows [][]string
	for raw, value := range rawjson.Members(top.Properties) {
		var p struct {
			Type        any    `json:"type"`
			Description string `json:"description"`
		}
		_ = json.Unmarshal(value, &p) // a schema may also be true
		kind, _ := p.Type.(string)
		name, required := rawjson.Unquote(raw), "no"
		if slices.Contains(top.Required, name) {
			required = "yes"
		}
		rows = append(rows, []string{name, cmp.Or(kind, "any"), required, p.Description})
	}
	return rows
}

func (s *Server) skillRoutes() []api.Route {
	return []api.Route{
		api.Do(api.Route{Method: http.MethodGet, Path: airbyteapi.SkillsPath, ID: "listSkills", Summary: "List the texts for agents.", Scope: connections.Read}, s.listSkills),
		api.Do(api.Route{Method: http.MethodGet, Path: airbyteapi.SkillSearchPath, ID: "searchSkills", Summary: "Search the texts for agents.", Scope: connections.Read}, s.listSkills),
		api.Do(api.Route{Method: http.MethodGet, Path: airbyteapi.SkillDocsPath, ID: "getSkillDocs", Summary: "Read a text for agents.", Scope: connections.Read}, s.skillDocs),
	}
}

func (s *Server) listSkills(ctx context.Context, r *api.Request, in *airbyteapi.SkillQuery) (*airbyteapi.Skills, error) {
	limit, err := pageLimit(in.Limit, r.URL.Query().Has("limit"))
	if err != nil {
		return nil, err
	}
	if err := checkCursor(in.Cursor); err != nil {
		return nil, err
	}
	p, err := s.skillScope(ctx, r, in.OrganizationID, in.WorkspaceID)
	if err != nil {
		return nil, err
	}
	kinds, err := s.kinds(ctx)
	if err != nil {
		return nil, err
	}
	page := &airbyteapi.Skills{Data: []airbyteapi.Skill{}}
	words := strings.Fields(strings.ToLower(in.Query))
	last := ""
	entries, err := s.directory.within(ctx, p, in.Cursor)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		k := kindOf(kinds, e.Connector)
		if k == nil || !hasWords(k, e.Name, words) {
			continue
		}
		if len(page.Data) == limit {
			page.NextCursor = &last
			break
		}
		page.Data = append(page.Data, k.skill(e.ID, e.Name))
		last = e.ID
	}
	return page, nil
}

// skillScope is whose skills a request asks for, which names an organization and a workspace or not.
func (s *Server) skillScope(ctx context.Context, r *api.Request, organization, workspace string) (store.Scope, error) {
	p := scopeOf(r)
	if organization != "" && !strings.EqualFold(organization, p.Organization) {
		return p, api.AnotherOrganization("the access token", "organization_id")
	}
	if workspace == "" {
		return p, nil
	}
	w, err := s.workspaceByID(ctx, r, workspace)
	if err != nil {
		return p, err
	}
	p.Workspace = w.ID
	return p, nil
}

// hasWords reports whether a skill has all words that somebody looks for.
func hasWords(k *kind, name string, words []string) bool {
	text := strings.ToLower(k.title() + " " + k.Name + " " + name + " " + k.Manifest.Description)
	for _, word := range words {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}

func (s *Server) skillDocs(ctx context.Context, r *api.Request, in *airbyteapi.SkillDocsQuery) (*airbyteapi.SkillDocs, error) {
	p, err := s.skillScope(ctx, r, in.OrganizationID, in.WorkspaceID)
	if err != nil {
		return nil, err
	}
	id, ok := airbyteapi.SkillConnector(in.ID)
	e, err := s.directory.find(ctx, p, id)
	if err != nil {
		return nil, err
	}
	if !ok || e == nil {
		return nil, api.NotFound("id", "there is no such skill", "list them with GET "+airbyteapi.SkillsPath)
	}
	info, err := s.host.Connector(ctx, e.Connector)
	if err != nil {
		return nil, err
	}
	k := &kind{*info, e.Definition}
	allow, err := allowed(&e.Connection, s.options.Connectors[k.Name].Allow, k.Manifest.Operations)
	if err != nil {
		return nil, err
	}
	var visible []*abi.Operation
	for i := range k.Manifest.Operations {
		if op := &k.Manifest.Operations[i]; permits(allow, op) {
			visible = append(visible, op)
		}
	}
	if s.copies(k.Manifest) && !e.Inactive && e.state() == store.Ready {
		searches, err := s.copying.copies.Searches(ctx, e.Workspace, e.Name)
		if err != nil {
			return nil, err
		}
		visible = append(visible, searches...)
	}
	section := cmp.Or(in.Section, overview)
	docs := &airbyteapi.SkillDocs{Metadata: k.skill(e.ID, e.Name), Outline: k.outline(visible), SectionID: &section, Content: k.section(section, e.ID, visible)}
	if docs.Content == nil {
		var names []string
		for _, one := range docs.Outline {
			names = append(names, one.ID)
		}
		return nil, api.NotFound("section", "the skill has no such section", fault.Hint(section, names))
	}
	return docs, nil
}
