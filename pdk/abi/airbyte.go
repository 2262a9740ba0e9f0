package abi

// Airbyte identifies a connector in the Airbyte API, which runs its own connector of
// the same vendor in hosted mode, and says where that one differs from this one.
type Airbyte struct {
	// ConnectorType is the display name, as in "Pylon"; DefinitionID is a UUID.
	// Both name the same connector, and each is what some requests take.
	ConnectorType string `json:"connector_type"`
	DefinitionID  string `json:"definition_id"`
	// Check is the operation that proves a credential in hosted mode. Nil means
	// the manifest's own check.
	Check *OperationRef `json:"check,omitempty"`
	// Envelope is how the Airbyte API leaves some answers wrapped. Nil means that it
	// never does.
	Envelope *Envelope `json:"envelope,omitempty"`
	// ListsSayMore says that every page of a list that came from the vendor says in
	// connector_metadata whether there is more. A page without records that has null
	// there is a failure of which the Airbyte API's connector made an empty list.
	ListsSayMore bool `json:"lists_say_more,omitempty"`
	// Operations are those that the Airbyte API's connector has as well, with its
	// parameters. It drops every other parameter without a word, so the host refuses
	// them. An operation that is not among them is handed on as it is: the Airbyte API
	// says whether it has it.
	Operations []AirbyteOperation `json:"operations,omitempty"`
	// ContextStore are the entities of which the Airbyte API keeps copies that can
	// be searched.
	ContextStore []SearchEntity `json:"context_store,omitempty"`
}

// Envelope is what a vendor wraps its records in. Where an object has the member
// Record and all of Marks, the host takes the record out of it, so that a hosted answer
// is the same as a direct one. Where it has all of Marks alone, it is a failure, or the
// answer to a deletion: the connector reads it as it would read the vendor's own answer,
// with status 200.
type Envelope struct {
	Record string   `json:"record"`
	Marks  []string `json:"marks"`
}

// AirbyteOperation is an operation of the Airbyte API's connector. Params are the names
// of its parameters.
type AirbyteOperation struct {
	Entity string   `json:"entity"`
	Action string   `json:"action"`
	Params []string `json:"params,omitempty"`
}

// SearchEntity is an entity whose records the Airbyte API copies. Fields are those that
// searches know, and Semantic those of them that are searched by meaning.
type SearchEntity struct {
	Entity   string   `json:"entity"`
	Fields   []string `json:"fields"`
	Semantic []string `json:"semantic,omitempty"`
}
