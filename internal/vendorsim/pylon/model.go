package pylon

import "time"

// Field order and names are the vendor's. Optional figures that the vendor leaves out when it has none are
// omitempty; links that it sends as null (an unassigned issue) are pointers without it.

type ref struct {
	ID string `json:"id"`
}

type personRef struct {
	Email string `json:"email"`
	ID    string `json:"id"`
}

type numberedRef struct {
	ID     string `json:"id"`
	Number int    `json:"number"`
}

type externalID struct {
	ExternalID string `json:"external_id"`
	Label      string `json:"label"`
}

type accountRef struct {
	ExternalIDs []externalID `json:"external_ids,omitempty"`
	ID          string       `json:"id"`
}

// customValue is one entry of a record's custom_fields.
type customValue struct {
	Slug   string   `json:"slug"`
	Value  string   `json:"value,omitempty"`
	Values []string `json:"values,omitempty"`
}

type customValues map[string]customValue

type externalIssue struct {
	ExternalID string `json:"external_id"`
	Link       string `json:"link"`
	Source     string `json:"source"`
}

type issue struct {
	ID                    string           `json:"id"`
	Number                int              `json:"number"`
	Title                 string           `json:"title"`
	Link                  string           `json:"link"`
	BodyHTML              string           `json:"body_html"`
	State                 string           `json:"state"`
	Type                  string           `json:"type"`
	Source                string           `json:"source"`
	Account               *ref             `json:"account"`
	Assignee              *personRef       `json:"assignee"`
	Requester             *personRef       `json:"requester"`
	Team                  *ref             `json:"team"`
	Tags                  []string         `json:"tags"`
	CustomFields          customValues     `json:"custom_fields"`
	CreatedAt             time.Time        `json:"created_at"`
	UpdatedAt             time.Time        `json:"updated_at"`
	LatestMessageTime     *time.Time       `json:"latest_message_time"`
	FirstResponseTime     *time.Time       `json:"first_response_time,omitempty"`
	FirstResponseSeconds  int              `json:"first_response_seconds,omitempty"`
	BusinessFirstResponse int              `json:"business_hours_first_response_seconds,omitempty"`
	FirstResponseBreach   *time.Time       `json:"first_response_breach_time,omitempty"`
	ResolutionTime        *time.Time       `json:"resolution_time"`
	ResolutionSeconds     int              `json:"resolution_seconds,omitempty"`
	BusinessResolution    int              `json:"business_hours_resolution_seconds,omitempty"`
	ResolutionBreach      *time.Time       `json:"resolution_breach_time,omitempty"`
	SnoozedUntil          *time.Time       `json:"snoozed_until_time,omitempty"`
	CustomerPortalVisible bool             `json:"customer_portal_visible,omitempty"`
	AuthorUnverified      bool             `json:"author_unverified,omitempty"`
	NumberOfTouches       int              `json:"number_of_touches"`
	AttachmentURLs        []string         `json:"attachment_urls,omitempty"`
	ExternalIssues        []externalIssue  `json:"external_issues,omitempty"`
	Slack                 *slackInfo       `json:"slack,omitempty"`
	ChatWidget            *chatWidgetInfo  `json:"chat_widget_info,omitempty"`
	CSAT                  []csatResponse   `json:"csat_responses,omitempty"`
	TimeInStatus          map[string]int   `json:"time_in_status_seconds,omitempty"`
	BusinessTimeInStatus  map[string]int   `json:"business_hours_time_in_status_seconds,omitempty"`
	ActiveTime            int              `json:"active_time_seconds,omitempty"`
	BusinessActiveTime    int              `json:"business_hours_active_time_seconds,omitempty"`
	ActiveTimeByUser      []userActiveTime `json:"active_time_by_user,omitempty"`
	ChildIssues           []numberedRef    `json:"child_issues,omitempty"`
	ParentIssueGroup      *numberedRef     `json:"parent_issue_group,omitempty"`
	TeamSLAs              []teamSLA        `json:"team_slas,omitempty"`

	// Not in the answer, but searched for.
	ticketFormID     string
	followerUsers    []string
	followerContacts []string
}

type slackInfo struct {
	ChannelID   string `json:"channel_id"`
	MessageTS   string `json:"message_ts"`
	WorkspaceID string `json:"workspace_id"`
}

type chatWidgetInfo struct {
	PageURL string `json:"page_url"`
}

type csatResponse struct {
	Comment string `json:"comment"`
	Score   int    `json:"score"`
}

type userActiveTime struct {
	ActiveTime         int    `json:"active_time_seconds"`
	BusinessActiveTime int    `json:"business_hours_active_time_seconds"`
	UserID             string `json:"user_id"`
}

type teamSLA struct {
	FirstResponse slaClock `json:"first_response"`
	Resolution    slaClock `json:"resolution"`
	TeamID        string   `json:"team_id"`
}

type slaClock struct {
	BreachTime      *time.Time `json:"breach_time"`
	BusinessSeconds int        `json:"business_hours_seconds"`
	Seconds         int        `json:"seconds"`
	Time            *time.Time `json:"time"`
}

type message struct {
	ID          string     `json:"id"`
	Author      *author    `json:"author"`
	EmailInfo   *emailInfo `json:"email_info"`
	FileURLs    []string   `json:"file_urls"`
	IsPrivate   bool       `json:"is_private"`
	MessageHTML string     `json:"message_html"`
	Source      string     `json:"source"`
	ThreadID    *string    `json:"thread_id"`
	Timestamp   time.Time  `json:"timestamp"`
}

type author struct {
	AvatarURL string     `json:"avatar_url"`
	Contact   *personRef `json:"contact,omitempty"`
	Name      string     `json:"name"`
	User      *personRef `json:"user,omitempty"`
}

type emailInfo struct {
	BCC       []string `json:"bcc_emails"`
	CC        []string `json:"cc_emails"`
	From      string   `json:"from_email"`
	MessageID string   `json:"message_id"`
	To        []string `json:"to_emails"`
}

type thread struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	IssueID   string `json:"issue_id"`
	ChannelID string `json:"channel_id"`
	Source    string `json:"source"`
	ThreadID  string `json:"thread_id"`
}

type follower struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

type issueStatus struct {
	Slug      string `json:"slug"`
	Label     string `json:"label"`
	Category  string `json:"category"`
	IsDefault bool   `json:"is_default_status"`
	Archived  bool   `json:"is_archived"`
}

type attachment struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	URL         string `json:"url"`
	Description string `json:"description"`
}

type auditLog struct {
	ID               string         `json:"id"`
	Action           string         `json:"action"`
	ActionHappenedAt time.Time      `json:"action_happened_at"`
	ActorUserID      string         `json:"actor_user_id"`
	ActorContactID   *string        `json:"actor_contact_id"`
	ObjectID         string         `json:"object_id"`
	ObjectType       string         `json:"object_type"`
	Source           string         `json:"source"`
	Link             string         `json:"link"`
	Attributes       map[string]any `json:"attributes"`
	Metadata         map[string]any `json:"metadata"`
	CreatedAt        time.Time      `json:"created_at"`
}
