package abi

// Airbyte identifies a connector in the Airbyte API, which runs its own connector of the same
// vendor in hosted mode, and says how that one differs.
type Airbyte struct {
	// ConnectorType is the display name, as in "Pylon"; DefinitionID is a UUID. Some requests
	// need one, some the other.
	ConnectorType string `json:"connector_type"`
	DefinitionID  string `json:"definition_id"`
	// Check is the operation that proves a credential in hosted mode; nil means the
	// manifest's check.
	Check *OperationRef `json:"check,omitempty"`
	// Envelope says how some answers of the Airbyte API are wrapped; nil means none.
	Envelope *Envelope `json:"envelope,omitempty"`
	// ListsSayMore says that the vendor's pages always say in connector_metadata whether there
	// is more. An empty page with null there is a failure that the Airbyte API's connector
	// turned into an empty list.
	ListsSayMore bool `json:"lists_say_more,omitempty"`
	// Operations are those that the Airbyte API's connector also has, with its parameters. It
	// silently ignores other parameters, so the host refuses them. The host sends operations
	// that are not listed as they are; the Airbyte API refuses those that it lacks.
	Operations []AirbyteOperation `json:"operations,omitempty"`
	// ContextStore are the entities of which the Airbyte API keeps searchable copies.
	ContextStore []SearchEntity `json:"context_store,omitempty"`
}

// Envelope is what a vendor wraps its records in. From an object with the member Record and all
// of Marks, the host takes the record, so that a hosted answer equals a direct one. An object
// with all of Marks only is a failure, or the answer to a deletion: the connector reads it like
// the vendor's own answer with status 200.
type Envelope struct {
	Record string   `json:"record"`
	Marks  []string `json:"marks"`
}

// AirbyteOperation is an operation of the Airbyte API's connector, with the names of its
// parameters.
type AirbyteOperation struct {
	Entity string   `json:"entity"`
	Action string   `json:"action"`
	Params []string `json:"params,omitempty"`
}

// SearchEntity is an entity whose records the Airbyte API copies. Fields can be searched;
// Semantic are those that can be searched by meaning.
type SearchEntity struct {
	Entity   string   `json:"entity"`
	Fields   []string `json:"fields"`
	Semantic []string `json:"semantic,omitempty"`
}
