package incidentio

import "time"

type alertSource struct {
	ID                        string            `json:"id"`
	Name                      string            `json:"name"`
	SourceType                string            `json:"source_type"`
	AlertEventsURL            string            `json:"alert_events_url,omitempty"`
	SecretToken               string            `json:"secret_token,omitempty"`
	AutoResolveIncidentAlerts bool              `json:"auto_resolve_incident_alerts"`
	AutoResolveTimeoutMinutes int               `json:"auto_resolve_timeout_minutes,omitempty"`
	EmailOptions              map[string]string `json:"email_options,omitempty"`
	HTTPCustomOptions         map[string]string `json:"http_custom_options,omitempty"`
	OwningTeamIDs             []string          `json:"owning_team_ids"`
	Template                  map[string]any    `json:"template"`
}

type alertRoute struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Enabled bool   `json:"enabled"`
}

type alertAttribute struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Type     string `json:"type"`
	Array    bool   `json:"array"`
	Required bool   `json:"required"`
}

type alertAttributeValue struct {
	Attribute  alertAttribute `json:"attribute"`
	Value      *literal       `json:"value,omitempty"`
	ArrayValue []literal      `json:"array_value,omitempty"`
}

// literal is a value of an attribute, of alerts as of catalog entries.
type literal struct {
	Literal      string      `json:"literal,omitempty"`
	Label        string      `json:"label,omitempty"`
	CatalogEntry *catalogRef `json:"catalog_entry,omitempty"`
}

type catalogRef struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	CatalogTypeID string `json:"catalog_type_id"`
}

type alert struct {
	ID               string                `json:"id"`
	Title            string                `json:"title"`
	Description      string                `json:"description,omitempty"`
	Status           string                `json:"status"`
	AlertSourceID    string                `json:"alert_source_id"`
	DeduplicationKey string                `json:"deduplication_key"`
	SourceURL        string                `json:"source_url,omitempty"`
	AlertGroupIDs    []string              `json:"alert_group_ids,omitempty"`
	Attributes       []alertAttributeValue `json:"attributes"`
	CreatedAt        time.Time             `json:"created_at"`
	UpdatedAt        time.Time             `json:"updated_at"`
	ResolvedAt       *time.Time            `json:"resolved_at,omitempty"`

	hasNotes, maintenance bool
}

type slimAlert struct {
	ID               string     `json:"id"`
	Title            string     `json:"title"`
	Description      string     `json:"description,omitempty"`
	Status           string     `json:"status"`
	AlertSourceID    string     `json:"alert_source_id"`
	DeduplicationKey string     `json:"deduplication_key"`
	SourceURL        string     `json:"source_url,omitempty"`
	CreatedAt        time.Time  `json:"created_at"`
	UpdatedAt        time.Time  `json:"updated_at"`
	ResolvedAt       *time.Time `json:"resolved_at,omitempty"`
}

// incidentAlert says that an alert belongs to an incident. Both are filled in when it is shown.
type incidentAlert struct {
	ID           string       `json:"id"`
	AlertRouteID string       `json:"alert_route_id"`
	Alert        slimAlert    `json:"alert"`
	Incident     slimIncident `json:"incident"`

	alertID, incidentID string
}

type priority struct {
	Name string `json:"name"`
}

type escalation struct {
	ID               string            `json:"id"`
	Title            string            `json:"title"`
	Description      string            `json:"description"`
	Status           string            `json:"status"`
	EscalationPathID string            `json:"escalation_path_id,omitempty"`
	Creator          actor             `json:"creator"`
	Priority         priority          `json:"priority"`
	Events           []escalationEvent `json:"events"`
	RelatedIncidents []slimIncident    `json:"related_incidents"`
	RelatedAlerts    []slimAlert       `json:"related_alerts"`
	CreatedAt        time.Time         `json:"created_at"`
	UpdatedAt        time.Time         `json:"updated_at"`

	idempotencyKey string
}

type escalationEvent struct {
	ID         string         `json:"id"`
	Event      string         `json:"event"`
	OccurredAt time.Time      `json:"occurred_at"`
	Urgency    string         `json:"urgency,omitempty"`
	Users      []userRef      `json:"users"`
	Channels   []eventChannel `json:"channels"`
}

type eventChannel struct {
	SlackChannelID string `json:"slack_channel_id,omitempty"`
	SlackTeamID    string `json:"slack_team_id,omitempty"`
}

type escalationPath struct {
	ID                string         `json:"id"`
	Name              string         `json:"name"`
	Path              []pathNode     `json:"path"`
	RepeatConfig      *repeatConfig  `json:"repeat_config,omitempty"`
	TeamIDs           []string       `json:"team_ids"`
	WorkingHours      []workingHours `json:"working_hours,omitempty"`
	CurrentResponders []userRef      `json:"current_responders"`
}

type pathNode struct {
	ID    string     `json:"id"`
	Type  string     `json:"type"`
	Level *pathLevel `json:"level,omitempty"`
}

type pathLevel struct {
	Targets          []pathTarget `json:"targets"`
	TimeToAckSeconds int          `json:"time_to_ack_seconds"`
}

type pathTarget struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Urgency string `json:"urgency"`
}

type repeatConfig struct {
	RepeatAfterSeconds int `json:"repeat_after_seconds"`
	TimesToRepeat      int `json:"times_to_repeat"`
}

type workingHours struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Timezone string `json:"timezone"`
}
