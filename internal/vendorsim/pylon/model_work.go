package pylon

import "time"

type task struct {
	ID                    string       `json:"id"`
	Title                 string       `json:"title"`
	BodyHTML              string       `json:"body_html"`
	Status                string       `json:"status"`
	Account               *accountRef  `json:"account"`
	Assignee              *assignee    `json:"assignee"`
	Project               *ref         `json:"project"`
	Milestone             *ref         `json:"milestone"`
	ParentTaskID          *string      `json:"parent_task_id"`
	SubtaskIDs            []string     `json:"subtask_ids"`
	DueDate               *time.Time   `json:"due_date"`
	CustomFields          customValues `json:"custom_fields"`
	CustomerPortalVisible bool         `json:"customer_portal_visible"`
	CreatedAt             time.Time    `json:"created_at"`
	UpdatedAt             time.Time    `json:"updated_at"`
}

type assignee struct {
	Contact *personRef `json:"contact,omitempty"`
	User    *personRef `json:"user,omitempty"`
}

type project struct {
	ID                    string       `json:"id"`
	Name                  string       `json:"name"`
	DescriptionHTML       string       `json:"description_html"`
	Account               *accountRef  `json:"account"`
	OwnerID               *string      `json:"owner_id"`
	StartDate             *time.Time   `json:"start_date"`
	EndDate               *time.Time   `json:"end_date"`
	IsArchived            bool         `json:"is_archived"`
	ArchivedAt            *time.Time   `json:"archived_at"`
	CustomFields          customValues `json:"custom_fields"`
	CustomerPortalVisible bool         `json:"customer_portal_visible"`
	ProjectTemplate       *ref         `json:"project_template"`
	CreatedAt             time.Time    `json:"created_at"`
	UpdatedAt             time.Time    `json:"updated_at"`

	// The vendor filters by it but does not return it.
	status string
}

type milestone struct {
	ID        string      `json:"id"`
	Name      string      `json:"name"`
	Account   *accountRef `json:"account"`
	Project   *ref        `json:"project"`
	DueDate   *time.Time  `json:"due_date"`
	CreatedAt time.Time   `json:"created_at"`
	UpdatedAt time.Time   `json:"updated_at"`
}

type knowledgeBase struct {
	ID                 string   `json:"id"`
	Title              string   `json:"title"`
	Slug               string   `json:"slug"`
	DefaultLanguage    string   `json:"default_language"`
	SupportedLanguages []string `json:"supported_languages"`
}

type article struct {
	ID               string         `json:"id"`
	Identifier       string         `json:"identifier"`
	Title            string         `json:"title"`
	Slug             string         `json:"slug"`
	URL              string         `json:"url"`
	CollectionID     *string        `json:"collection_id"`
	AuthorUserID     string         `json:"author_user_id"`
	DraftHTML        string         `json:"current_draft_content_html"`
	PublishedHTML    string         `json:"current_published_content_html"`
	IsPublished      bool           `json:"is_published"`
	IsUnlisted       bool           `json:"is_unlisted"`
	Tags             []tag          `json:"tags"`
	ApprovalInfo     *approvalInfo  `json:"approval_info"`
	VisibilityConfig map[string]any `json:"visibility_config"`
	CreatedAt        time.Time      `json:"created_at"`
	LastEditedAt     *time.Time     `json:"last_edited_at"`
	LastPublishedAt  *time.Time     `json:"last_published_at"`

	translations map[string]translation
}

type approvalInfo struct {
	RequestedAt      *time.Time `json:"requested_at"`
	ReviewedAt       *time.Time `json:"reviewed_at"`
	ReviewedByUserID *string    `json:"reviewed_by_user_id"`
	Status           string     `json:"status"`
}

// translation is an article in a language other than its knowledge base's default.
type translation struct{ title, bodyHTML string }

type collection struct {
	ID                 string         `json:"id"`
	Title              string         `json:"title"`
	Description        string         `json:"description"`
	Slug               string         `json:"slug"`
	Icon               string         `json:"icon"`
	ParentCollectionID *string        `json:"parent_collection_id"`
	VisibilityConfig   map[string]any `json:"visibility_config"`
	CreatedAt          time.Time      `json:"created_at"`
}

type taskComment struct {
	ID           string     `json:"id"`
	TaskID       string     `json:"task_id"`
	Author       assignee   `json:"author"`
	BodyHTML     string     `json:"body_html"`
	IsInternal   bool       `json:"is_internal"`
	CreatedAt    time.Time  `json:"created_at"`
	UpdatedAt    time.Time  `json:"updated_at"`
	LastEditedAt *time.Time `json:"last_edited_at"`
}

type macroGroup struct {
	ID        string    `json:"id"`
	Title     string    `json:"title"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

type macro struct {
	ID           string         `json:"id"`
	Name         string         `json:"name"`
	MacroGroupID string         `json:"macro_group_id"`
	TextHTML     string         `json:"text_html"`
	TextType     string         `json:"text_type"`
	Visibility   map[string]any `json:"visibility"`
	Actions      []any          `json:"actions"`
	HasActions   bool           `json:"has_actions"`
	CreatedAt    time.Time      `json:"created_at"`
	UpdatedAt    time.Time      `json:"updated_at"`
}
