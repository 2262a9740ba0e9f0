// Package airbyteapi is the wire format of the Airbyte API: its routes, its requests and
// answers, its identifiers and its errors. The client and every server of the API use the
// same types.
//
// The format is what the vendor's own clients were observed to send in 2026, and the
// documents "Airbyte Agent API" 0.9.0 and the connectors' authentication pages.
package airbyteapi

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// DefaultBaseURL is where the vendor's own service is.
const DefaultBaseURL = "https://api.airbyte.ai"

// Prefix begins the path of every route.
const Prefix = "/api/v1"

// The routes. A client's request template and a server's pattern are the same text.
const (
	TokenPath      = Prefix + "/account/applications/token"
	WorkspacesPath = Prefix + "/workspaces"
	ConnectorsPath = Prefix + "/integrations/connectors"
	ConnectorPath  = ConnectorsPath + "/{connector_id}"
	CheckPath      = ConnectorPath + "/check"
	InspectPath    = ConnectorPath + "/inspect"
	ExecutePath    = ConnectorPath + "/execute"
	PreparePath    = ExecutePath + "/prepare"
	CheckNewPath   = ConnectorsPath + "/check"
	// FirstConnectorsPath is where the first two generations of clients created connectors.
	FirstConnectorsPath = "/v1/integrations/connectors"
)

// The actions on the copies of a vendor's records that the service keeps.
const (
	ActionSearch   = "context_store_search"
	ActionSQLQuery = "context_store_sql_query"
)

// OrganizationHeader names the organization that a request is about.
const OrganizationHeader = "X-Organization-Id"

// MaxIntent is the length of the longest intent, in characters.
const MaxIntent = 512

// TokenRequest asks for an access token.
type TokenRequest struct {
	ClientID     string `json:"client_id" required:"true"`
	ClientSecret string `json:"client_secret" required:"true"`
}

// Token is the answer to a [TokenRequest].
type Token struct {
	AccessToken    string  `json:"access_token"`
	TokenType      any     `json:"token_type"`
	ExpiresIn      float64 `json:"expires_in"` // seconds
	OrganizationID any     `json:"organization_id"`
}

// Workspace is a part of an organization, with connectors of its own.
type Workspace struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Workspaces is one page of workspaces. Next is a cursor, or a URL that has one; the last
// page has none.
type Workspaces struct {
	Data []Workspace `json:"data"`
	Next *string     `json:"next"`
}

// Template is the kind of a connector. What no client reads may have any type.
type Template struct {
	ID                   any    `json:"id"`
	Name                 string `json:"name"` // for people, such as "Pylon"
	Icon                 any    `json:"icon"`
	ConnectorName        any    `json:"connector_name"`
	OrganizationID       any    `json:"organization_id"`
	DefinitionID         string `json:"actor_definition_id"`
	Tags                 any    `json:"tags"`
	Mode                 any    `json:"mode"`
	SupportsContextStore any    `json:"supports_context_store"`
	CreatedAt            any    `json:"created_at"`
	UpdatedAt            any    `json:"updated_at"`
}

// Record is a connector as the API answers it: with Summary in a list, and with Template,
// Replication and Entities by itself. It never holds credentials.
type Record struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Summary     *Template       `json:"summarized_source_template,omitempty"`
	Template    *Template       `json:"source_template,omitempty"`
	Replication any             `json:"replication_config,omitempty"`
	Entities    json.RawMessage `json:"entities,omitempty"`
	// State says whether the connector can be used. It is an addition of our server's.
	State     string `json:"state,omitempty" doc:"ready, or needs_login: give it new credentials"`
	CreatedAt string `json:"created_at"`
	UpdatedAt string `json:"updated_at"`
}

// Records is the answer to a request for the connectors of a workspace.
type Records struct {
	Data []Record `json:"data"`
}

// Connector is what a client makes of a [Record].
type Connector struct {
	ID   ID     `json:"id"`
	Name string `json:"name"`
	// Type is the display name of its kind, such as "Pylon", and DefinitionID the
	// kind's UUID; either may be empty.
	Type         string `json:"connector_type,omitempty"`
	DefinitionID string `json:"definition_id,omitempty"`
	// CreatedAt and UpdatedAt are times in the service's words.
	CreatedAt string `json:"created_at,omitempty"`
	UpdatedAt string `json:"updated_at,omitempty"`
}

// Connector returns what a record says of a connector. The error is [ParseID]'s.
func (r *Record) Connector() (*Connector, error) {
	id, err := ParseID(r.ID)
	if err != nil {
		return nil, err
	}
	c := &Connector{ID: id, Name: r.Name, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt}
	for _, t := range []*Template{r.Template, r.Summary} {
		if t != nil && t.Name != "" {
			c.Type = t.Name
		}
		if t != nil && t.DefinitionID != "" {
			c.DefinitionID = t.DefinitionID
		}
	}
	return c, nil
}

// CreateRequest creates a connector. Exactly one of DefinitionID, ConnectorType and
// SourceTemplateID says of which kind, and one name of the workspace says where.
type CreateRequest struct {
	WorkspaceID             string           `json:"workspace_id"`
	WorkspaceName           string           `json:"workspace_name"`
	CustomerName            string           `json:"customer_name"`
	ExternalUserID          string           `json:"external_user_id"`
	ConnectorType           string           `json:"connector_type"`
	DefinitionID            string           `json:"definition_id"`
	SourceTemplateID        string           `json:"source_template_id"`
	Name                    string           `json:"name"`
	Credentials             map[string]any   `json:"credentials"`
	ReplicationConfig       map[string]any   `json:"replication_config"`
	Environment             map[string]any   `json:"environment"`
	Entities                *json.RawMessage `json:"entities"`
	ServerSideOAuthSecretID string           `json:"server_side_oauth_secret_id"`
}

// ConnectorQuery asks for the connectors of a workspace, which one of the first four fields names.
type ConnectorQuery struct {
	WorkspaceName  string `json:"workspace_name"`
	WorkspaceID    string `json:"workspace_id"`
	CustomerName   string `json:"customer_name" doc:"an older name of workspace_name"`
	ExternalUserID string `json:"external_user_id" doc:"an older name of workspace_name"`
	DefinitionID   string `json:"definition_id" doc:"only connectors of this kind"`
}

// UpdateRequest changes a connector. Only what is there changes.
type UpdateRequest struct {
	Name              string           `json:"name"`
	Credentials       map[string]any   `json:"credentials"`
	ReplicationConfig map[string]any   `json:"replication_config"`
	Environment       map[string]any   `json:"environment"`
	Entities          *json.RawMessage `json:"entities"`
}

// ExecuteAnswer is the answer to an [ExecuteRequest]. Result is there even if it is null.
type ExecuteAnswer struct {
	Status    string          `json:"status"`
	Result    json.RawMessage `json:"result"`
	Metadata  json.RawMessage `json:"connector_metadata"`
	Execution Execution       `json:"execution_metadata"`
}

// Execution says where and how long an operation ran.
type Execution struct {
	Instance     string `json:"connector_instance_id"`
	Milliseconds int64  `json:"execution_time_ms"`
}

// DeleteAnswer is the answer to a deletion, which the service does in a job of its own.
type DeleteAnswer struct {
	JobID string `json:"job_id"`
}

// CheckStatus is what the service says of a credential: pending, running, cancelled,
// failed, succeeded, inconclusive or skipped.
type CheckStatus string

// The statuses that decide the matter, and the one that leaves it open.
const (
	CheckSucceeded    CheckStatus = "succeeded"
	CheckFailed       CheckStatus = "failed"
	CheckInconclusive CheckStatus = "inconclusive"
)

// CheckRequest asks for a check of a connector as it is, which is {}. A check without a body
// is refused.
type CheckRequest struct{}

// CheckAnswer is the answer to a [CheckRequest]. A Status that is null leaves the matter open.
// ErrorMessage and FailureReason say why a check failed.
type CheckAnswer struct {
	ID            string       `json:"id"`
	Status        *CheckStatus `json:"status"`
	ErrorMessage  *string      `json:"error_message"`
	FailureReason *string      `json:"failure_reason"`
}

// Inspection is what the service says of a connector, of which clients read Readiness. It is
// null where the connector has no context store.
type Inspection struct {
	ID                 string     `json:"connector_id"`
	Name               string     `json:"name"`
	WorkspaceID        string     `json:"workspace_id"`
	OrganizationID     string     `json:"organization_id"`
	DefinitionID       string     `json:"source_definition_id"`
	ConfigTemplateID   string     `json:"source_config_template_id"`
	DocumentationSkill string     `json:"docs_skill_id"`
	Readiness          *Readiness `json:"context_store_readiness"`
}

// Readiness says of which entities the service can keep copies, and of which it does.
type Readiness struct {
	ConnectorID  string            `json:"connector_id"`
	DefinitionID string            `json:"source_definition_id"`
	Supported    []SupportedEntity `json:"supported_context_store_entities"`
	Configured   []CopiedEntity    `json:"configured_cache_entities"`
}

// SupportedEntity is an entity of which the service can keep copies.
type SupportedEntity struct {
	Entity    string `json:"entity"`
	Suggested bool   `json:"suggested"`
}

// CopiedEntity is an entity of which the service keeps copies. Status is a word of the
// service, for people.
type CopiedEntity struct {
	Entity    string          `json:"entity"`
	Status    string          `json:"status"`
	Ready     bool            `json:"ready_for_search"`
	Supported bool            `json:"supported"`
	Count     *int            `json:"entity_count,omitempty"`
	UpdatedAt string          `json:"updated_at,omitempty"`
	Semantic  []SemanticField `json:"semantic_search_status"`
}

// SemanticField is a field that is searched by meaning once its Status is [SemanticReady].
type SemanticField struct {
	Field  string `json:"field"`
	Status string `json:"status"`
}

// SemanticReady is the status of a field that can be searched by meaning.
const SemanticReady = "READY"

// ExecuteRequest runs an operation. Entity and Action are required.
type ExecuteRequest struct {
	Entity string `json:"entity" required:"true"`
	Action string `json:"action" required:"true"`
	// Params is a JSON object; nil means {}.
	Params json.RawMessage `json:"params"`
	// SelectFields are the only fields to answer, ExcludeFields those to leave out, as
	// paths with dots. Nil leaves the matter to the service.
	SelectFields  []string `json:"select_fields"`
	ExcludeFields []string `json:"exclude_fields"`
	// SkipTruncation false lets the service shorten long texts in lists. Nil leaves it
	// to the service, which in 2026 shortens nothing.
	SkipTruncation *bool `json:"skip_truncation"`
	// Intent is why, for the service's records: up to MaxIntent characters.
	Intent string `json:"intent"`
}

// Encode writes a request, with its members in the order of the documentation and Params as
// they are.
func (r *ExecuteRequest) Encode() []byte {
	b := make([]byte, 0, len(r.Params)+len(r.Intent)+128)
	b = AppendText(append(b, `{"entity":`...), r.Entity)
	b = AppendText(append(b, `,"action":`...), r.Action)
	b = append(b, `,"params":`...)
	if r.Params == nil {
		b = append(b, "{}"...)
	}
	b = append(b, r.Params...)
	if r.SelectFields != nil {
		b = appendTexts(append(b, `,"select_fields":`...), r.SelectFields)
	}
	if r.ExcludeFields != nil {
		b = appendTexts(append(b, `,"exclude_fields":`...), r.ExcludeFields)
	}
	if r.SkipTruncation != nil {
		b = strconv.AppendBool(append(b, `,"skip_truncation":`...), *r.SkipTruncation)
	}
	if r.Intent != "" {
		b = AppendText(append(b, `,"intent":`...), r.Intent)
	}
	return append(b, '}')
}

func appendTexts(b []byte, texts []string) []byte {
	b = append(b, '[')
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = AppendText(b, text)
	}
	return append(b, ']')
}

// AppendText appends a JSON string, without the escapes that only HTML needs.
func AppendText(b []byte, s string) []byte {
	buffer := bytes.NewBuffer(b)
	e := json.NewEncoder(buffer)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string always marshals
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n"))
}

// The members of the answer to an [ExecuteRequest], and the status of one that went well.
const (
	StatusSuccess    = "success"
	MemberStatus     = "status"
	MemberResult     = "result"
	MemberMetadata   = "connector_metadata"
	MemberExecution  = "execution_metadata"
	MemberWarning    = "warning"
	ConnectorIDStart = "source_id:" // before a connector's id in some answers
)
