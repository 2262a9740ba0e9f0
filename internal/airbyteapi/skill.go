package airbyteapi

import "strings"

// The routes of skills, which are texts for agents.
const (
	SkillsPath      = Prefix + "/skills"
	SkillSearchPath = SkillsPath + "/search"
	SkillDocsPath   = SkillsPath + "/docs"
)

// skillPrefix begins the id of the skill of a connector.
const skillPrefix = "connector-source:"

// SkillID returns the id of the skill of a connector.
func SkillID(connector string) string { return skillPrefix + connector }

// SkillConnector returns the connector that a skill is of.
func SkillConnector(id string) (connector string, ok bool) { return strings.CutPrefix(id, skillPrefix) }

// SkillQuery asks for a page of skills.
type SkillQuery struct {
	Query          string `json:"query" doc:"words that the skill must have"`
	WorkspaceID    string `json:"workspace_id"`
	OrganizationID string `json:"organization_id"`
	Limit          int    `json:"limit" most:"100" doc:"the most skills of the page; the default is 20"`
	Cursor         string `json:"cursor" doc:"next_cursor of the page before"`
}

// Skill says what a skill is about.
type Skill struct {
	ID         string         `json:"id"`
	Kind       string         `json:"kind"`
	Title      string         `json:"title"`
	Summary    string         `json:"summary"`
	Tags       []string       `json:"tags"`
	Provenance string         `json:"provenance"`
	Version    string         `json:"version"`
	Freshness  SkillFreshness `json:"freshness"`
	Warnings   []string       `json:"warnings"`
}

// SkillFreshness says how old a skill is.
type SkillFreshness struct {
	State     string  `json:"state"`
	CheckedAt *string `json:"checked_at"`
}

// Skills is one page of skills.
type Skills struct {
	Data       []Skill `json:"data"`
	NextCursor *string `json:"next_cursor"`
}

// SkillDocsQuery asks for a section of a skill, or for its start.
type SkillDocsQuery struct {
	ID             string `json:"id" required:"true" doc:"docs_skill_id of a connector"`
	Section        string `json:"section" doc:"the id of a section of the outline"`
	WorkspaceID    string `json:"workspace_id"`
	OrganizationID string `json:"organization_id"`
}

// SkillDocs is a section of a skill, with the outline of all.
type SkillDocs struct {
	Metadata  Skill          `json:"metadata"`
	Outline   []SkillSection `json:"outline"`
	SectionID *string        `json:"section_id"`
	Content   []SkillBlock   `json:"content"`
}

// SkillSection is a line of an outline.
type SkillSection struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	Summary   string `json:"summary"`
	Available bool   `json:"available"`
}

// SkillBlock is a part of a text. Type says which of the other fields it has: heading, paragraph,
// list, code or table.
type SkillBlock struct {
	Type     string     `json:"type"`
	Level    int        `json:"level,omitempty"`
	Text     string     `json:"text,omitempty"`
	Items    []string   `json:"items,omitempty"`
	Language string     `json:"language,omitempty"`
	Code     string     `json:"code,omitempty"`
	Headers  []string   `json:"headers,omitempty"`
	Rows     [][]string `json:"rows,omitempty"`
}
