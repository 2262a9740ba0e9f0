package incidentio

import "time"

// The records below have the vendor's response fields. Unexported fields are known to the vendor but not shown.

type userRef struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Email       string `json:"email,omitempty"`
	Role        string `json:"role"`
	SlackUserID string `json:"slack_user_id,omitempty"`
}

type namedRef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

type titledRef struct {
	ID    string `json:"id"`
	Title string `json:"title"`
}

// actor is who did something; exactly one field is set.
type actor struct {
	Alert    *titledRef `json:"alert,omitempty"`
	APIKey   *namedRef  `json:"api_key,omitempty"`
	User     *userRef   `json:"user,omitempty"`
	Workflow *namedRef  `json:"workflow,omitempty"`
}

type baseRole struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Slug        string `json:"slug"`
	Description string `json:"description"`
}

type seats struct {
	OnCall   string `json:"on_call"`
	Response string `json:"response"`
}

type user struct {
	userRef
	BaseRole    baseRole   `json:"base_role"`
	CustomRoles []baseRole `json:"custom_roles"`
	IsActive    bool       `json:"is_active"`
	Seats       seats      `json:"seats"`
}

type severity struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Rank        int       `json:"rank"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

type incidentStatus struct {
	ID          string    `json:"id"`
	Name        string    `json:"name"`
	Description string    `json:"description"`
	Category    string    `json:"category"`
	Rank        int       `json:"rank"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

type incidentType struct {
	ID                   string    `json:"id"`
	Name                 string    `json:"name"`
	Description          string    `json:"description"`
	CreateInTriage       string    `json:"create_in_triage"`
	IsDefault            bool      `json:"is_default"`
	PrivateIncidentsOnly bool      `json:"private_incidents_only"`
	OwningTeamIDs        []string  `json:"owning_team_ids,omitempty"`
	CreatedAt            time.Time `json:"created_at"`
	UpdatedAt            time.Time `json:"updated_at"`
}

// incidentRole is a role as /v2 shows it; incidentRoleV1 adds the fields of /v1.
type incidentRole struct {
	ID           string    `json:"id"`
	Name         string    `json:"name"`
	Description  string    `json:"description"`
	Instructions string    `json:"instructions"`
	Shortform    string    `json:"shortform"`
	RoleType     string    `json:"role_type"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`

	required bool
}

type incidentRoleV1 struct {
	incidentRole
	Required bool `json:"required"`
}

type timestampDef struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Rank int    `json:"rank"`
}

type filterBy struct {
	CatalogAttributeID string `json:"catalog_attribute_id"`
	CustomFieldID      string `json:"custom_field_id"`
}

type fixedFilter struct {
	CatalogAttributeID string   `json:"catalog_attribute_id"`
	Values             []string `json:"values"`
}

type customField struct {
	ID                  string       `json:"id"`
	Name                string       `json:"name"`
	Description         string       `json:"description"`
	FieldType           string       `json:"field_type"`
	CatalogTypeID       string       `json:"catalog_type_id,omitempty"`
	FilterBy            *filterBy    `json:"filter_by,omitempty"`
	FixedFilter         *fixedFilter `json:"fixed_filter,omitempty"`
	GroupByAttributeID  string       `json:"group_by_catalog_attribute_id,omitempty"`
	HelptextAttributeID string       `json:"helptext_catalog_attribute_id,omitempty"`
	CreatedAt           time.Time    `json:"created_at"`
	UpdatedAt           time.Time    `json:"updated_at"`
}

type customFieldOption struct {
	ID            string `json:"id"`
	CustomFieldID string `json:"custom_field_id"`
	Value         string `json:"value"`
	SortKey       int    `json:"sort_key"`
}

type attachedResource struct {
	ExternalID   string `json:"external_id"`
	Permalink    string `json:"permalink"`
	ResourceType string `json:"resource_type"`
	Title        string `json:"title"`
}

type incidentAttachment struct {
	ID         string           `json:"id"`
	IncidentID string           `json:"incident_id"`
	Resource   attachedResource `json:"resource"`
}

type postmortemDocument struct {
	ID           string    `json:"id"`
	IncidentID   string    `json:"incident_id"`
	Title        string    `json:"title"`
	Type         string    `json:"type"`
	Status       string    `json:"status"`
	DocumentURL  string    `json:"document_url"`
	Editors      []userRef `json:"editors"`
	ExportedURLs []string  `json:"exported_urls"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
}

type workflow struct {
	ID                        string           `json:"id"`
	Name                      string           `json:"name"`
	Folder                    string           `json:"folder,omitempty"`
	Shortform                 string           `json:"shortform,omitempty"`
	State                     string           `json:"state"`
	Trigger                   namedTrigger     `json:"trigger"`
	ConditionGroups           []map[string]any `json:"condition_groups"`
	Expressions               []map[string]any `json:"expressions"`
	Steps                     []workflowStep   `json:"steps"`
	OnceFor                   []map[string]any `json:"once_for"`
	ContinueOnStepError       bool             `json:"continue_on_step_error"`
	IncludePrivateEscalations bool             `json:"include_private_escalations"`
	IncludePrivateIncidents   bool             `json:"include_private_incidents"`
	RunsOnIncidents           string           `json:"runs_on_incidents"`
	RunsOnIncidentModes       []string         `json:"runs_on_incident_modes"`
	RunsFrom                  time.Time        `json:"runs_from"`
	OwningTeamIDs             []string         `json:"owning_team_ids"`
	Version                   int              `json:"version"`
}

type namedTrigger struct {
	Name  string `json:"name"`
	Label string `json:"label"`
}

type workflowStep struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Label string `json:"label"`
}

type maintenanceWindow struct {
	ID                       string              `json:"id"`
	Name                     string              `json:"name"`
	Lead                     userRef             `json:"lead"`
	StartAt                  time.Time           `json:"start_at"`
	EndAt                    time.Time           `json:"end_at"`
	IncidentID               string              `json:"incident_id,omitempty"`
	AlertConditionGroups     []map[string]any    `json:"alert_condition_groups"`
	EscalationTargets        []map[string]string `json:"escalation_targets"`
	NotifyChannels           []map[string]string `json:"notify_channels"`
	NotificationMessage      string              `json:"notification_message,omitempty"`
	NotifyStartMinutesBefore int                 `json:"notify_start_minutes_before,omitempty"`
	NotifyEndMinutesBefore   int                 `json:"notify_end_minutes_before,omitempty"`
	RerouteOnEnd             bool                `json:"reroute_on_end"`
	ResolveOnEnd             bool                `json:"resolve_on_end"`
	ShowInSidebar            bool                `json:"show_in_sidebar"`
	CreatedAt                time.Time           `json:"created_at"`
	UpdatedAt                time.Time           `json:"updated_at"`
}
