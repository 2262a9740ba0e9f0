package incidentio

import "time"

// schedule is stored without its shifts, which depend on the time of the request.
type schedule struct {
	ID                   string            `json:"id"`
	Name                 string            `json:"name"`
	Timezone             string            `json:"timezone"`
	Permalink            string            `json:"permalink"`
	Annotations          map[string]string `json:"annotations"`
	Config               scheduleConfig    `json:"config"`
	TeamIDs              []string          `json:"team_ids"`
	HolidaysPublicConfig *holidays         `json:"holidays_public_config,omitempty"`
	CreatedAt            time.Time         `json:"created_at"`
	UpdatedAt            time.Time         `json:"updated_at"`
}

// shownSchedule is a schedule in an answer. NextShifts is nil if the vendor leaves it out.
type shownSchedule struct {
	schedule
	CurrentShifts []shift `json:"current_shifts"`
	NextShifts    []shift `json:"next_shifts,omitempty"`
}

type holidays struct {
	CountryCodes []string `json:"country_codes"`
}

type scheduleConfig struct {
	Rotations []rotation `json:"rotations"`
}

type rotation struct {
	ID              string     `json:"id"`
	Name            string     `json:"name"`
	HandoverStartAt time.Time  `json:"handover_start_at"`
	Handovers       []handover `json:"handovers"`
	Layers          []namedRef `json:"layers"`

	users []userRef
}

type handover struct {
	Interval     int    `json:"interval"`
	IntervalType string `json:"interval_type"`
}

// shift is one person's turn. Without a user nobody is on call.
type shift struct {
	EntryID     string    `json:"entry_id"`
	Fingerprint string    `json:"fingerprint"`
	RotationID  string    `json:"rotation_id"`
	LayerID     string    `json:"layer_id"`
	StartAt     time.Time `json:"start_at"`
	EndAt       time.Time `json:"end_at"`
	User        *userRef  `json:"user,omitempty"`
}

type scheduleEntries struct {
	Final     []shift `json:"final"`
	Overrides []shift `json:"overrides"`
	Scheduled []shift `json:"scheduled"`
}

type override struct {
	ID         string    `json:"id"`
	ScheduleID string    `json:"schedule_id"`
	RotationID string    `json:"rotation_id"`
	LayerID    string    `json:"layer_id"`
	StartAt    time.Time `json:"start_at"`
	EndAt      time.Time `json:"end_at"`
	User       userRef   `json:"user"`
	CreatedAt  time.Time `json:"created_at"`
	UpdatedAt  time.Time `json:"updated_at"`
}

type statusPage struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	PublicURL   string `json:"public_url"`

	components []namedRef
}

type statusPageIncident struct {
	ID               string             `json:"id"`
	StatusPageID     string             `json:"status_page_id"`
	Name             string             `json:"name"`
	IncidentStatus   string             `json:"incident_status"`
	ComponentImpacts []componentImpact  `json:"component_impacts"`
	Updates          []statusPageUpdate `json:"updates"`
	PublishedAt      time.Time          `json:"published_at"`

	idempotencyKey string
}

type componentImpact struct {
	ComponentID string     `json:"component_id"`
	Status      string     `json:"status"`
	StartAt     time.Time  `json:"start_at"`
	EndAt       *time.Time `json:"end_at,omitempty"`
}

type statusPageUpdate struct {
	ID                string            `json:"id"`
	Message           string            `json:"message"`
	ToStatus          string            `json:"to_status"`
	ComponentStatuses []componentStatus `json:"component_statuses"`
	PublishedAt       time.Time         `json:"published_at"`
}

type componentStatus struct {
	ComponentID     string `json:"component_id"`
	ComponentStatus string `json:"component_status"`
}
