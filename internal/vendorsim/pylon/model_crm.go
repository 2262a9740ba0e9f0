package pylon

import "time"

type account struct {
	ID                     string       `json:"id"`
	Name                   string       `json:"name"`
	Domain                 string       `json:"domain"`
	Domains                []string     `json:"domains"`
	PrimaryDomain          string       `json:"primary_domain"`
	Type                   string       `json:"type"`
	Owner                  *personRef   `json:"owner"`
	Tags                   []string     `json:"tags"`
	Channels               []channel    `json:"channels"`
	CustomFields           customValues `json:"custom_fields"`
	ExternalIDs            []externalID `json:"external_ids"`
	CRMSettings            *crmSettings `json:"crm_settings"`
	IsDisabled             bool         `json:"is_disabled"`
	CreatedAt              time.Time    `json:"created_at"`
	UpdatedAt              time.Time    `json:"updated_at"`
	LatestCustomerActivity *time.Time   `json:"latest_customer_activity_time"`

	logoURL     string
	subaccounts []string
}

type channel struct {
	ChannelID string `json:"channel_id"`
	Source    string `json:"source"`
	IsPrimary bool   `json:"is_primary"`
}

type crmSettings struct {
	Details []crmDetail `json:"details"`
}

type crmDetail struct {
	ID     string `json:"id"`
	Source string `json:"source"`
}

type contact struct {
	ID                 string            `json:"id"`
	Name               string            `json:"name"`
	Email              string            `json:"email"`
	Emails             []string          `json:"emails"`
	Account            *ref              `json:"account"`
	AvatarURL          string            `json:"avatar_url"`
	CustomFields       customValues      `json:"custom_fields"`
	ExternalIDs        []externalID      `json:"external_ids"`
	IntegrationUserIDs []integrationUser `json:"integration_user_ids"`
	PhoneNumbers       []string          `json:"phone_numbers"`
	PrimaryPhoneNumber *string           `json:"primary_phone_number"`
	PortalRole         string            `json:"portal_role"`
	PortalRoleID       *string           `json:"portal_role_id"`
}

type integrationUser struct {
	ID     string `json:"id"`
	Source string `json:"source"`
}

type highlight struct {
	ID          string     `json:"id"`
	AccountID   string     `json:"account_id"`
	ContentHTML string     `json:"content_html"`
	CreatedAt   time.Time  `json:"created_at"`
	UpdatedAt   time.Time  `json:"updated_at"`
	ExpiresAt   *time.Time `json:"expires_at"`
}

type activityType struct {
	ID      string `json:"id"`
	Label   string `json:"label"`
	Slug    string `json:"slug"`
	IconURL string `json:"icon_url"`
}

type user struct {
	ID        string   `json:"id"`
	Name      string   `json:"name"`
	Email     string   `json:"email"`
	Emails    []string `json:"emails"`
	AvatarURL string   `json:"avatar_url"`
	Role      *role    `json:"role"`
	RoleID    string   `json:"role_id"`
	Status    string   `json:"status"`
}

type role struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Slug string `json:"slug"`
}

type team struct {
	ID    string      `json:"id"`
	Name  string      `json:"name"`
	Users []personRef `json:"users"`
}

type tag struct {
	ID         string `json:"id"`
	Value      string `json:"value"`
	ObjectType string `json:"object_type"`
	HexColor   string `json:"hex_color"`
}

type customField struct {
	ID             string          `json:"id"`
	Slug           string          `json:"slug"`
	Label          string          `json:"label"`
	Description    string          `json:"description"`
	ObjectType     string          `json:"object_type"`
	Type           string          `json:"type"`
	Source         string          `json:"source"`
	IsReadOnly     bool            `json:"is_read_only"`
	DefaultValue   *string         `json:"default_value"`
	DefaultValues  []string        `json:"default_values"`
	NumberMetadata *numberMetadata `json:"number_metadata,omitempty"`
	SelectMetadata *selectMetadata `json:"select_metadata,omitempty"`
	CreatedAt      time.Time       `json:"created_at"`
	UpdatedAt      time.Time       `json:"updated_at"`
}

type numberMetadata struct {
	Currency      string `json:"currency"`
	DecimalPlaces int    `json:"decimal_places"`
	Format        string `json:"format"`
}

type selectMetadata struct {
	Options []selectOption `json:"options"`
}

type selectOption struct {
	Label string `json:"label"`
	Slug  string `json:"slug"`
}

type ticketForm struct {
	ID              string      `json:"id"`
	Name            string      `json:"name"`
	Slug            string      `json:"slug"`
	URL             string      `json:"url"`
	DescriptionHTML string      `json:"description_html"`
	IsPublic        bool        `json:"is_public"`
	Fields          []formField `json:"fields"`
}

type formField struct {
	DescriptionHTML string `json:"description_html"`
	Name            string `json:"name"`
	Slug            string `json:"slug"`
	Type            string `json:"type"`
}

type organization struct {
	ID   string    `json:"id"`
	Name string    `json:"name"`
	User personRef `json:"user"`
}
