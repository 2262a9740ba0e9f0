package incidentio

import "time"

type incident struct {
	ID                      string             `json:"id"`
	Reference               string             `json:"reference"`
	Name                    string             `json:"name"`
	Summary                 string             `json:"summary,omitempty"`
	Mode                    string             `json:"mode"`
	Visibility              string             `json:"visibility"`
	Permalink               string             `json:"permalink"`
	CallURL                 string             `json:"call_url,omitempty"`
	SlackChannelID          string             `json:"slack_channel_id"`
	SlackChannelName        string             `json:"slack_channel_name,omitempty"`
	SlackTeamID             string             `json:"slack_team_id"`
	HasDebrief              bool               `json:"has_debrief"`
	Creator                 actor              `json:"creator"`
	IncidentStatus          incidentStatus     `json:"incident_status"`
	IncidentType            *incidentType      `json:"incident_type,omitempty"`
	Severity                *severity          `json:"severity,omitempty"`
	RoleAssignments         []roleAssignment   `json:"incident_role_assignments"`
	CustomFieldEntries      []customFieldEntry `json:"custom_field_entries"`
	TimestampValues         []timestampValue   `json:"incident_timestamp_values"`
	DurationMetrics         []durationMetric   `json:"duration_metrics"`
	ExternalIssueReference  *externalIssue     `json:"external_issue_reference,omitempty"`
	PostmortemDocumentIDs   []string           `json:"postmortem_document_ids"`
	PostmortemDocumentURL   string             `json:"postmortem_document_url,omitempty"`
	WorkloadMinutesLate     float64            `json:"workload_minutes_late"`
	WorkloadMinutesSleeping float64            `json:"workload_minutes_sleeping"`
	WorkloadMinutesTotal    float64            `json:"workload_minutes_total"`
	WorkloadMinutesWorking  float64            `json:"workload_minutes_working"`
	CreatedAt               time.Time          `json:"created_at"`
	UpdatedAt               time.Time          `json:"updated_at"`

	number int
}

type roleAssignment struct {
	Role     incidentRoleV1 `json:"role"`
	Assignee *userRef       `json:"assignee,omitempty"`
}

type customFieldEntry struct {
	CustomField customFieldInfo    `json:"custom_field"`
	Values      []customFieldValue `json:"values"`
}

type customFieldInfo struct {
	ID          string              `json:"id"`
	Name        string              `json:"name"`
	Description string              `json:"description"`
	FieldType   string              `json:"field_type"`
	Options     []customFieldOption `json:"options"`
}

type customFieldValue struct {
	ValueCatalogEntry *catalogRef        `json:"value_catalog_entry,omitempty"`
	ValueLink         string             `json:"value_link,omitempty"`
	ValueNumeric      string             `json:"value_numeric,omitempty"`
	ValueOption       *customFieldOption `json:"value_option,omitempty"`
	ValueText         string             `json:"value_text,omitempty"`
}

type timestampValue struct {
	IncidentTimestamp timestampDef `json:"incident_timestamp"`
	Value             *stampValue  `json:"value,omitempty"`
}

type stampValue struct {
	Value time.Time `json:"value"`
}

type durationMetric struct {
	DurationMetric namedRef `json:"duration_metric"`
	ValueSeconds   int      `json:"value_seconds,omitempty"`
}

type externalIssue struct {
	Provider       string `json:"provider"`
	IssueName      string `json:"issue_name"`
	IssuePermalink string `json:"issue_permalink"`
}

type incidentUpdate struct {
	ID                   string          `json:"id"`
	IncidentID           string          `json:"incident_id"`
	Message              string          `json:"message,omitempty"`
	NewIncidentStatus    *incidentStatus `json:"new_incident_status,omitempty"`
	NewSeverity          *severity       `json:"new_severity,omitempty"`
	MergedIntoIncidentID string          `json:"merged_into_incident_id,omitempty"`
	Updater              actor           `json:"updater"`
	CreatedAt            time.Time       `json:"created_at"`
}

// incidentRelation is a link from one incident to another; the list shows the other end.
type incidentRelation struct {
	ID       string       `json:"id"`
	Incident slimIncident `json:"incident"`

	from string
}

type slimIncident struct {
	ID             string `json:"id"`
	Name           string `json:"name"`
	Reference      string `json:"reference"`
	Summary        string `json:"summary,omitempty"`
	ExternalID     int    `json:"external_id"`
	StatusCategory string `json:"status_category"`
	Visibility     string `json:"visibility"`
}

type action struct {
	ID          string     `json:"id"`
	IncidentID  string     `json:"incident_id"`
	Description string     `json:"description"`
	Status      string     `json:"status"`
	Assignee    *userRef   `json:"assignee,omitempty"`
	Creator     actor      `json:"creator"`
	CompletedAt *time.Time `json:"completed_at,omitempty"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
}

type followUp struct {
	ID                     string            `json:"id"`
	IncidentID             string            `json:"incident_id"`
	Title                  string            `json:"title"`
	Description            string            `json:"description,omitempty"`
	Status                 string            `json:"status"`
	Assignee               *userRef          `json:"assignee,omitempty"`
	AssigneeTeam           *namedRef         `json:"assignee_team,omitempty"`
	Creator                actor             `json:"creator"`
	ExternalIssueReference *externalIssue    `json:"external_issue_reference,omitempty"`
	Labels                 []string          `json:"labels"`
	Priority               *followUpPriority `json:"priority,omitempty"`
	CompletedAt            *time.Time        `json:"completed_at,omitempty"`
	CreatedAt              time.Time         `json:"created_at"`
	UpdatedAt              time.Time         `json:"updated_at"`
}

type followUpPriority struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Rank        int    `json:"rank"`
}
