package incidentio

import "time"

// catalogTypeBase is what both versions of the API show of a catalog type.
type catalogTypeBase struct {
	ID                   string            `json:"id"`
	Name                 string            `json:"name"`
	Description          string            `json:"description"`
	TypeName             string            `json:"type_name"`
	Color                string            `json:"color"`
	Icon                 string            `json:"icon"`
	Ranked               bool              `json:"ranked"`
	IsEditable           bool              `json:"is_editable"`
	RegistryType         string            `json:"registry_type,omitempty"`
	Annotations          map[string]string `json:"annotations"`
	Categories           []string          `json:"categories"`
	RequiredIntegrations []string          `json:"required_integrations,omitempty"`
	Schema               catalogSchema     `json:"schema"`
	SourceRepoURL        string            `json:"source_repo_url,omitempty"`
	EstimatedCount       int               `json:"estimated_count"`
	CreatedAt            time.Time         `json:"created_at"`
	UpdatedAt            time.Time         `json:"updated_at"`
	LastSyncedAt         *time.Time        `json:"last_synced_at,omitempty"`
}

type catalogTypeV2 struct {
	catalogTypeBase
	SemanticType string `json:"semantic_type"`
}

type catalogTypeV3 struct {
	catalogTypeBase
	IsTeamType          bool     `json:"is_team_type"`
	OwningTeamIDs       []string `json:"owning_team_ids"`
	UseNameAsIdentifier bool     `json:"use_name_as_identifier"`
}

type catalogSchema struct {
	Version    int                `json:"version"`
	Attributes []catalogAttribute `json:"attributes"`
}

type catalogAttribute struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Type  string `json:"type"`
	Array bool   `json:"array"`
	Mode  string `json:"mode"`
}

type catalogEntry struct {
	ID              string                    `json:"id"`
	CatalogTypeID   string                    `json:"catalog_type_id"`
	Name            string                    `json:"name"`
	ExternalID      string                    `json:"external_id,omitempty"`
	Aliases         []string                  `json:"aliases"`
	Rank            int                       `json:"rank"`
	AttributeValues map[string]attributeValue `json:"attribute_values"`
	ArchivedAt      *time.Time                `json:"archived_at,omitempty"`
	CreatedAt       time.Time                 `json:"created_at"`
	UpdatedAt       time.Time                 `json:"updated_at"`
}

// attributeValue has one field set, as the attribute's array says.
type attributeValue struct {
	Value      *literal  `json:"value,omitempty"`
	ArrayValue []literal `json:"array_value,omitempty"`
}

type team struct {
	ID           string     `json:"id"`
	Name         string     `json:"name"`
	CatalogEntry catalogRef `json:"catalog_entry"`
	Members      []userRef  `json:"members"`
}
